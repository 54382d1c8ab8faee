"""The ledger: exact identities over random fills, tables of stories, one real account's trades."""

import json
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from state import ledger as ledger_module
from state.events import BalanceUpdate, Fill, FundingPayment, PositionUpdate, Reconciled
from state.instruments import Instrument
from state.ledger import Ledger, LedgerSnapshot, Position
from state.session_events import TAKEN
from state.words import InstrumentKind, Side

D = Decimal
V, S = "venue", "BTCUSDT"


def instrument(kind: InstrumentKind = "perpetual", *, inverse: bool = False, contract_size: str = "1") -> Instrument:
    settle = "BTC" if inverse else "USDT"
    return Instrument(
        V, S, "BTC", "USDT", settle, kind, D("0.1"), D("0.001"), D("0.001"), D(5), None, D(contract_size), inverse
    )


LINEAR = instrument()
SPOT = instrument("spot")
INVERSE = instrument(inverse=True, contract_size="100")


def fill(
    side: Side, size: str | Decimal, price: str | Decimal, fee: str | Decimal = "0", fee_asset: str = "USDT"
) -> Fill:
    return Fill(V, S, None, "f", None, None, side, D(price), D(size), D(fee), fee_asset)


def booked(fills: Sequence[Fill], rules: Instrument | None = LINEAR) -> Position:
    ledger = Ledger(V)
    for event in fills:
        ledger.filled(event, rules)
    return ledger.position(S)


STORIES: dict[str, tuple[list[tuple[Side, str, str]], tuple[str, str | None, str]]] = {
    # name: side, size, price of the fills; size, average price and realized PnL after them
    "nothing happened": ([], ("0", None, "0")),
    "a buy opens a long": ([("buy", "2", "100")], ("2", "100", "0")),
    "a sell opens a short": ([("sell", "2", "100")], ("-2", "100", "0")),
    "adding averages the price": ([("buy", "1", "100"), ("buy", "3", "200")], ("4", "175", "0")),
    "a partial close realizes at the average and keeps it": (
        [("buy", "4", "100"), ("sell", "1", "110")],
        ("3", "100", "10"),
    ),
    "a full close leaves nothing but PnL": ([("sell", "2", "100"), ("buy", "2", "90")], ("0", None, "20")),
    "through zero closes at the average, then opens at the fill": (
        [("buy", "1", "100"), ("sell", "3", "110")],
        ("-2", "110", "10"),
    ),
    "and back through zero": (
        [("buy", "1", "100"), ("sell", "3", "110"), ("buy", "4", "100")],
        ("2", "100", "30"),
    ),
    "thirds are no loss": (
        [("buy", "3", "100"), ("buy", "3", "101"), ("sell", "1", "100.5"), ("sell", "5", "100.5")],
        ("0", None, "0"),
    ),
}


@pytest.mark.parametrize("name", STORIES)
def test_a_position_is_what_its_fills_made_it(name: str) -> None:
    fills, (size, avg_price, realized) = STORIES[name]
    position = booked([fill(*one) for one in fills])
    assert position.size == D(size)
    assert position.avg_price == (None if avg_price is None else D(avg_price))
    assert position.realized_pnl == D(realized)
    assert position.fills == len(fills)


SIDES: st.SearchStrategy[Side] = st.sampled_from(["buy", "sell"])
FILLS = st.lists(
    st.builds(
        fill,
        SIDES,
        st.decimals("0.001", "1000", places=3),
        st.decimals("0.00001", "99999.9", places=5),
        st.decimals("-9", "9", places=8),
    ),
    max_size=40,
)


@given(FILLS, st.decimals("-99", "99", places=3), st.decimals("1", "99999.9", places=1))
@pytest.mark.parametrize("rules", [LINEAR, INVERSE], ids=["linear", "inverse"])
def test_a_position_that_is_taken_from_the_venue_has_earned_nothing_at_the_price_of_then(
    rules: Instrument, fills: list[Fill], size: Decimal, price: Decimal
) -> None:
    ledger = Ledger(V)
    for event in fills:
        ledger.filled(event, rules)
    position, balance = ledger.position(S), ledger.balance(rules.settle)
    worth, wallet, realized = position.realized_pnl + position.unrealized(price), balance.total, position.realized_pnl
    ledger.position_taken(Reconciled(V, S, TAKEN, S, str(position.size), str(size)), price, rules)
    assert position.size == size
    near = D("1e-15")  # an inverse contract's value is rounded
    assert abs(position.realized_pnl + position.unrealized(price) - worth) <= near
    assert balance.total - wallet == position.realized_pnl - realized, "what was closed is in the wallet"


def test_a_position_that_is_taken_while_nobody_knows_a_price_is_taken_at_the_average() -> None:
    ledger = Ledger(V)
    ledger.filled(fill("buy", "2", "100"), LINEAR)
    taken = Reconciled(V, S, TAKEN, S, "2", "3")
    assert ledger.position_taken(taken, None, LINEAR).avg_price == D(100)
    assert Ledger(V).position_taken(taken, None).size == D(3)


@given(FILLS, st.decimals("0.00001", "99999.9", places=5))
def test_realized_and_unrealized_are_cash_and_value_to_the_last_digit(fills: list[Fill], price: Decimal) -> None:
    position = booked(fills)
    signed = [(Fraction(one.size) * (1 if one.side == "buy" else -1), Fraction(one.price)) for one in fills]
    size = sum((size for size, _ in signed), Fraction(0))
    cash = -sum((size * paid for size, paid in signed), Fraction(0))
    assert Fraction(position.size) == size
    assert Fraction(position.realized_pnl) + Fraction(position.unrealized(price)) == cash + size * Fraction(price)
    assert Fraction(position.fees.get("USDT", D(0))) == sum((Fraction(one.fee) for one in fills), Fraction(0))


@given(FILLS)
def test_average_cost_agrees_with_an_exact_naive_ledger(fills: list[Fill]) -> None:
    """Only the share of a partial close is rounded, at 1e-18 a fill."""
    position = booked(fills)
    size, average, realized = Fraction(0), Fraction(0), Fraction(0)
    for one in fills:
        moved, price = Fraction(one.size) * (1 if one.side == "buy" else -1), Fraction(one.price)
        if size * moved >= 0:
            average = (size * average + moved * price) / (size + moved)
        else:
            closed = min(abs(size), abs(moved)) * (1 if size > 0 else -1)
            realized += closed * (price - average)
            if abs(moved) > abs(size):
                average = price
        size += moved
    assert abs(Fraction(position.realized_pnl) - realized) <= Fraction(len(fills) + 1, 10**18)
    assert (position.avg_price is None) == (size == 0)
    if position.avg_price is not None:
        assert abs(Fraction(position.avg_price) - average) < Fraction(1, 10**12)


@given(FILLS, st.decimals("1", "99999.9", places=1))
def test_an_inverse_position_keeps_the_identity_in_base(fills: list[Fill], price: Decimal) -> None:
    position = booked(fills, INVERSE)
    cash = sum(
        (Fraction(one.size) * 100 / Fraction(one.price) * (1 if one.side == "buy" else -1) for one in fills),
        Fraction(0),
    )
    value = -Fraction(position.size) * 100 / Fraction(price)
    difference = Fraction(position.realized_pnl) + Fraction(position.unrealized(price)) - cash - value
    assert abs(difference) <= Fraction(len(fills) + 1, 10**18)


def test_an_inverse_long_gains_base_when_the_price_rises() -> None:
    position = booked([fill("buy", "10", "50000")], INVERSE)
    assert position.avg_price == D("50000")
    assert position.turnover == D("1000")
    assert position.unrealized(D("62500")) == D("0.004")  # 1000 USD: 0.02 BTC became 0.016
    closed = booked([fill("buy", "10", "50000"), fill("sell", "10", "62500")], INVERSE)
    assert (closed.size, closed.realized_pnl, closed.avg_price) == (D(0), D("0.004"), None)


def test_fees_are_kept_by_asset_and_rebates_come_in() -> None:
    position = booked(
        [fill("buy", "1", "100", "-0.1"), fill("buy", "1", "100", "0.02"), fill("buy", "1", "1", "-1", "BNB")]
    )
    assert position.fees == {"USDT": D("-0.08"), "BNB": D("-1")}


def test_a_spot_fee_in_base_is_size_that_never_came() -> None:
    position = booked([fill("buy", "1", "100", "-0.001", "BTC")], SPOT)
    assert position.size == D("0.999")
    assert position.unrealized(D("100")) == D("-0.1")
    same_fee_on_a_derivative = booked([fill("buy", "1", "100", "-0.001", "BTC")], LINEAR)
    assert same_fee_on_a_derivative.size == D("1")


def test_funding_of_one_hour_is_booked_in_every_market() -> None:
    """Hyperliquid, Binance and dYdX have one id for a moment: all markets but the first once lost theirs in the ledger."""
    ledger = Ledger(V)
    for symbol, amount in (("BTC", "0.01625"), ("ETH", "-0.1623"), ("BTC", "0.01625")):
        ledger.funded(FundingPayment(V, symbol, None, "1774742400000", D(amount), "USDC"))
    assert [ledger.position(symbol).funding for symbol in ("BTC", "ETH")] == [D("0.01625"), D("-0.1623")]
    assert ledger.balances["USDC"].total == D("-0.14605")
    ledger = Ledger.load(ledger.dump())
    ledger.funded(FundingPayment(V, "ETH", None, "1774742400000", D("-0.1623"), "USDC"))
    assert ledger.position("ETH").funding == D("-0.1623")


def test_funding_is_booked_once_an_id() -> None:
    ledger = Ledger(V)
    payment = FundingPayment(V, S, None, "p1", D("-0.5"), "USDT")
    for event in (payment, payment, msgspec.structs.replace(payment, payment_id="p2", amount=D("0.2"))):
        ledger.funded(event)
    assert ledger.position(S).funding == D("-0.3") == ledger.balances["USDT"].total


# --- beside it, what the venue says ------------------------------------------------------------------------------


def position_update(size: str, entry: str | None = None, version: int | None = None) -> PositionUpdate:
    return PositionUpdate(V, S, None, D(size), None if entry is None else D(entry), version=version)


def test_a_report_stands_beside_the_folded_position() -> None:
    ledger = Ledger(V)
    ledger.filled(fill("buy", "1", "100"), LINEAR)
    position = ledger.position_reported(position_update("1.5", "101"))
    assert (position.size, position.avg_price) == (D("1"), D("100"))
    assert position.reported is not None
    assert position.reported.size == D("1.5")


def test_an_older_report_is_dropped() -> None:
    ledger = Ledger(V)
    for update in (position_update("2", version=5), position_update("1", version=4), position_update("3", version=5)):
        ledger.position_reported(update)
    reported = ledger.position(S).reported
    assert reported is not None
    assert reported.size == D("3")


@pytest.mark.parametrize(("rules", "realized"), [(LINEAR, "-20"), (INVERSE, "-0.005")], ids=["linear", "inverse"])
def test_folding_starts_where_the_venue_says_the_account_stood(rules: Instrument, realized: str) -> None:
    ledger = Ledger(V)
    position = ledger.position_reported(position_update("-2", "20000"), rules, opening=True)
    assert (position.size, position.avg_price, position.realized_pnl) == (D("-2"), D("20000"), D("0"))
    ledger.filled(fill("buy", "2", "20010" if rules is LINEAR else "40000"), rules)
    assert (position.size, position.realized_pnl) == (D("0"), D(realized))


def test_only_the_first_word_opens() -> None:
    ledger = Ledger(V)
    ledger.filled(fill("buy", "1", "100"), LINEAR)
    assert ledger.position_reported(position_update("5", "100"), LINEAR, opening=True).size == D("1")
    other = Ledger(V)
    other.position_reported(position_update("0"), LINEAR, opening=True)
    assert other.position_reported(position_update("5", "100"), LINEAR, opening=True).size == D("0")


def test_a_balance_starts_at_its_first_report_and_moves_with_what_is_folded() -> None:
    ledger = Ledger(V)
    balance = ledger.balance_reported(BalanceUpdate(V, "", None, "USDT", D("1000"), D("900")))
    ledger.filled(fill("buy", "1", "100", "-0.1"), LINEAR)
    ledger.filled(fill("sell", "1", "110", "-0.1"), LINEAR)
    ledger.funded(FundingPayment(V, S, None, "p1", D("-0.3"), "USDT"))
    assert (balance.total, balance.available) == (D("1009.5"), D("900"))
    ledger.balance_reported(BalanceUpdate(V, "", None, "USDT", D("1009.5")))
    assert (balance.difference, balance.available) == (D("0"), D("900"))
    ledger.balance_reported(BalanceUpdate(V, "", None, "USDT", D("1509.5"), change=D("500"), reason="transfer"))
    assert (balance.total, balance.difference) == (D("1509.5"), D("0"))
    ledger.balance_reported(BalanceUpdate(V, "", None, "USDT", D("1500")))
    assert balance.difference == D("-9.5")


def test_a_spot_trade_moves_both_assets() -> None:
    ledger = Ledger(V)
    ledger.filled(fill("buy", "1", "100", "-0.001", "BTC"), SPOT)
    assert {asset: balance.total for asset, balance in ledger.balances.items()} == {
        "BTC": D("0.999"),
        "USDT": D("-100"),
    }


# --- snapshots, bounds, real trades ------------------------------------------------------------------------------


@given(FILLS, FILLS, st.sampled_from([LINEAR, SPOT, INVERSE, None]))
def test_a_snapshot_answers_as_the_original_did(
    before: list[Fill], later: list[Fill], rules: Instrument | None
) -> None:
    original = Ledger(V)
    for event in before:
        original.filled(event, rules)
    original.funded(FundingPayment(V, S, None, "p1", D("1"), "USDT"))
    original.position_reported(position_update("1", "2", 3))
    original.balance_reported(BalanceUpdate(V, "", None, "USDT", D("5"), D("4")))
    taken = original.dump()
    text = msgspec.msgpack.encode(taken)
    restored = Ledger.load(msgspec.msgpack.decode(text, type=LedgerSnapshot))
    for ledger in (original, restored):
        for event in later:
            ledger.filled(event, rules)
        ledger.funded(FundingPayment(V, S, None, "p1", D("1"), "USDT"))
    assert msgspec.msgpack.encode(restored.dump()) == msgspec.msgpack.encode(original.dump())
    assert msgspec.msgpack.encode(taken) == text


def test_a_snapshot_does_not_tell_who_asked_first() -> None:
    """Whoever asks may ask for a market that nothing was heard of, live and not in a replay: the bytes must be the same."""
    asked, told = Ledger(V), Ledger(V)
    asked.position("ETHUSDT")
    asked.balance("USDT")
    for ledger in (asked, told):
        for symbol in ("BTCUSDT", "ETHUSDT"):
            ledger.position_reported(PositionUpdate(V, symbol, None, D("1"), D("100")))
        for asset in ("BTC", "USDT"):
            ledger.balance_reported(BalanceUpdate(V, "", None, asset, D("5")))
    assert list(asked.positions) != list(told.positions)
    assert asked.dump() == told.dump()


def test_payment_ids_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "PAYMENT_IDS_KEPT", 10)
    ledger = Ledger(V)
    for number in range(30):
        ledger.funded(FundingPayment(V, S, None, f"p{number}", D("1"), "USDT"))
    assert len(ledger.dump().payment_ids) == 10


def test_a_real_account_of_3432_trades_ends_at_its_known_position(recordings: Path) -> None:
    """Nine months of one Binance spot account (bbgo); its fees in BTC are not in the size that was bought."""
    packed = (recordings / "binance" / "bbgo" / "BTCUSDT-myTrades.json.zst").read_bytes()
    with zstandard.ZstdDecompressor().stream_reader(packed) as reader:
        trades = json.loads(reader.read(), parse_float=Decimal)
    fills = [
        fill(
            "buy" if trade["isBuyer"] else "sell",
            trade["quantity"],
            trade["price"],
            -D(trade["fee"]),
            trade["feeCurrency"],
        )
        for trade in trades
    ]
    position = booked(fills, SPOT)
    assert position.fills == 3432
    assert position.size == D("0.72970242")
    assert position.fees["BTC"] == D("-0.09215858")
    assert booked(fills, None).size == D("0.821861")
    cash = -sum(one.size * one.price * (1 if one.side == "buy" else -1) for one in fills)
    last = D(trades[-1]["price"])
    assert position.realized_pnl + position.unrealized(last) == cash + position.size * last
