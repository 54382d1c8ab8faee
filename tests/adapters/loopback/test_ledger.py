"""The ledger: what fills and funding do to wallet, position and statement."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.loopback.floor import Floor, Ticket
from adapters.loopback.ledger import Account, Book, Position, order_margin
from adapters.loopback.orders import Kind, Refusal, RefusedError, Side, Tif
from adapters.loopback.symbols import BTCUSDT

D = Decimal
ACCOUNT = Account("k", "s", D(1000), maker_rate=D("0.0002"), taker_rate=D("0.0005"))

FILLS = [
    ("opens long at its price", [("buy", "100", "1")], "1", "100", "0"),
    ("adds at the average of both", [("buy", "100", "1"), ("buy", "110", "3")], "4", "107.5", "0"),
    ("closes a part at a profit, the average stays", [("buy", "100", "2"), ("sell", "110", "1")], "1", "100", "10"),
    ("closes whole and is flat", [("buy", "100", "2"), ("sell", "90", "2")], "0", "0", "-20"),
    ("passes through zero and opens at the new price", [("buy", "100", "1"), ("sell", "110", "3")], "-2", "110", "10"),
    ("a short earns when the price falls", [("sell", "100", "2"), ("buy", "90", "1")], "-1", "100", "10"),
]


@pytest.mark.parametrize(("fills", "size", "average", "pnl"), [r[1:] for r in FILLS], ids=[r[0] for r in FILLS])
def test_a_position(fills, size, average, pnl) -> None:
    book, fees = Book(ACCOUNT), D(0)
    for number, (side, price, amount) in enumerate(fills):
        booking = book.fill("BTCUSDT", Side(side), D(price), D(amount), bool(number % 2), number, number, f"x{number}")
        rate = ACCOUNT.maker_rate if number % 2 else ACCOUNT.taker_rate
        assert booking.fee == D(price) * D(amount) * rate
        fees += booking.fee
    position = book.position("BTCUSDT")
    assert (position.size, position.average, book.realized) == (D(size), D(average), D(pnl))
    assert book.wallet == ACCOUNT.balance + D(pnl) - fees
    assert sum(entry.change for entry in book.statement) == book.wallet - ACCOUNT.balance
    assert book.statement[-1].balance == book.wallet


@given(st.lists(st.tuples(st.sampled_from(Side), st.integers(90, 110), st.integers(1, 5)), max_size=30))
def test_wallet_and_unrealized_together_are_what_was_traded(fills) -> None:
    book, cash, held = Book(ACCOUNT), D(0), D(0)
    for number, (side, price, size) in enumerate(fills):
        book.fill("BTCUSDT", side, D(price), D(size), False, number, number, "")
        cash -= side.sign * D(price) * D(size)
        held += side.sign * D(size)
    position, mark = book.position("BTCUSDT"), D(100)
    assert position.size == held
    equity = book.wallet + position.unrealized(mark)
    assert abs(equity - (ACCOUNT.balance + cash + held * mark - book.fees)) < D("1E-15")


def test_a_position_tells_fees_and_funding_apart_until_it_is_opened_anew() -> None:
    book = Book(ACCOUNT)
    book.fill("BTCUSDT", Side.BUY, D(100), D(2), True, 1, 1, "open")
    book.settle_funding("BTCUSDT", D("0.001"), D(100), 2, "funding")
    book.fill("BTCUSDT", Side.SELL, D(110), D(2), False, 3, 3, "close")
    flat = book.position("BTCUSDT")
    assert (flat.fees, flat.funding, flat.realized) == (D("0.15"), D("0.2"), D("19.65"))
    book.fill("BTCUSDT", Side.BUY, D(100), D(1), True, 4, 4, "again")
    assert (flat.fees, flat.funding, flat.realized) == (D("0.02"), D(0), D("-0.02"))


@pytest.mark.parametrize(("side", "sign"), [(Side.BUY, 1), (Side.SELL, -1)], ids=["a long pays", "a short receives"])
def test_funding_at_a_positive_rate(side, sign) -> None:
    book = Book(ACCOUNT)
    book.fill("BTCUSDT", side, D(100), D(2), True, 1, 1, "open")
    before = book.wallet
    paid = book.settle_funding("BTCUSDT", D("0.0001"), D(110), 2, "f")
    assert paid == sign * D(220) * D("0.0001")
    assert book.wallet == before - paid
    assert (book.statement[-1].kind, book.statement[-1].funding) == ("SETTLEMENT", -paid)


MARGINS = [
    ("the worse side counts", D(0), D(300), D(100), D(30)),
    ("sells against a long are free up to its value", D(2), D(0), D(200), D(0)),
    ("and cost what is beyond it", D(2), D(0), D(300), D(10)),
    ("buys against a short are free up to its value", D(-2), D(150), D(0), D(0)),
]


@pytest.mark.parametrize(("size", "buys", "sells", "margin"), [r[1:] for r in MARGINS], ids=[r[0] for r in MARGINS])
def test_margin_of_resting_orders(size, buys, sells, margin) -> None:
    assert order_margin(Position("BTCUSDT", size, D(100)), buys, sells) == margin


def test_an_order_beyond_the_free_balance_is_refused_and_a_closing_one_is_not() -> None:
    floor = Floor([BTCUSDT], [Account("k", "s", D(1000))], seed=1)
    floor.street("BTCUSDT", Side.SELL, Kind.LIMIT, Tif.GTC, D("65000.00"), D("1.000"), 1)
    floor.street("BTCUSDT", Side.BUY, Kind.LIMIT, Tif.GTC, D("64990.00"), D("1.000"), 1)
    buy = Ticket("BTCUSDT", Side.BUY, Kind.LIMIT, Tif.IOC, D("65000.00"), D("0.150"))
    floor.place("k", buy, 2)
    with pytest.raises(RefusedError) as refusal:
        floor.place("k", buy, 3)
    assert refusal.value.refusal is Refusal.INSUFFICIENT_FUNDS
    floor.place("k", Ticket("BTCUSDT", Side.SELL, Kind.MARKET, Tif.IOC, D(0), D("0.150")), 4)
    assert floor.desks["k"].book.position("BTCUSDT").size == 0


@pytest.mark.usefixtures("due_funding")
def test_funding_settles_on_the_clock_and_schedules_the_next() -> None:
    floor = Floor([BTCUSDT], [Account("k", "s", D(100_000))], seed=1)
    floor.tick(1_000)
    floor.street("BTCUSDT", Side.SELL, Kind.LIMIT, Tif.GTC, D("65000.00"), D("2.000"), 1_000)
    floor.street("BTCUSDT", Side.BUY, Kind.LIMIT, Tif.GTC, D("64999.90"), D("2.000"), 1_000)
    floor.place("k", Ticket("BTCUSDT", Side.BUY, Kind.MARKET, Tif.IOC, D(0), D("1.000")), 2_000)
    eight_hours = 8 * 3_600_000
    floor.tick(eight_hours - 1)
    assert floor.desks["k"].book.funding == 0
    floor.tick(eight_hours)
    paid = floor.desks["k"].fills[-1]
    assert (paid.kind, paid.fee) == ("funding", D("0.0001") * floor.markets["BTCUSDT"].mark_price)
    assert floor.desks["k"].book.funding == -paid.fee
    assert floor.markets["BTCUSDT"].next_funding_ms == 2 * eight_hours


def test_where_money_has_a_step_fees_and_funding_are_rounded_against_the_customer() -> None:
    book = Book(Account("k", "s", D(1000), taker_rate=D("0.0005"), money_step=D("0.01")))
    assert book.fill("BTCUSDT", Side.SELL, D("101"), D("1"), False, 1, 1, "x").fee == D("0.06")
    assert book.settle_funding("BTCUSDT", D("0.0001"), D("101"), 2, "f") == D("-0.01")
    book.transfer(D(-40))
    assert (book.wallet, book.fees, book.funding) == (D("959.95"), D("0.06"), D("0.01"))
