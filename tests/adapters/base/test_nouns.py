"""The small nouns: order ids, words, clock offset, what is known of an account, and the registry of venues."""

import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import adapters
from adapters.base.client import SignedRequest
from adapters.base.endpoints import Endpoint
from adapters.base.far import far
from adapters.base.known import Known
from adapters.base.numbers import text
from adapters.base.offset import ClockOffset
from adapters.base.orderid import MAX_SEQ, OrderID
from adapters.base.recorded import asked_at
from adapters.base.types import Words
from adapters.bybit.exchange import Decoder, Exchange
from adapters.bybit.types import Types
from state.errors import UnknownWord, WrongUse
from state.events import Accepted, BalanceUpdate, Fill, OrderUpdate, PositionUpdate

D = Decimal


@given(st.text(max_size=40), st.integers(1, MAX_SEQ))
def test_an_order_id_reads_back_and_fits_every_venue(session: str, seq: int) -> None:
    made = OrderID(session).make(seq)
    assert OrderID(session).parse(made) == seq
    assert len(made) == 17
    assert made.isascii()
    assert made.isalnum()
    assert made[0].isalpha()
    assert OrderID(session + "x").parse(made) is None


@pytest.mark.parametrize(
    "said", ["", "x", "t", "t" * 17, "mm-1", "tdeadbeef0000000g", "tdeadbeef 0000001", "Ünicode" * 3]
)
def test_an_id_of_somebody_else_is_none_of_ours(said: str) -> None:
    assert OrderID("s").parse(said) is None


def test_ids_do_not_depend_on_the_process() -> None:
    script = "from adapters.base.orderid import OrderID; print(OrderID('s').make(7))"
    root = Path(adapters.__file__).parents[1]
    for seed in ("0", "1"):
        out = subprocess.run(
            [sys.executable, "-c", script], cwd=root, env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        )
        assert out.stdout.decode().strip() == OrderID("s").make(7)


def test_an_id_past_its_range_is_refused() -> None:
    for seq in (0, -1, MAX_SEQ + 1):
        with pytest.raises(WrongUse):
            OrderID("s").make(seq)


@pytest.mark.parametrize("words", [Types.side, Types.kind, Types.tif, Types.status, Types.execution])
def test_every_word_of_the_tables_reads_and_an_unknown_one_raises(words: Words[Any]) -> None:
    for word in words.known:
        assert words.parse(word)
    with pytest.raises(UnknownWord, match="unknown word 'Sideways'"):
        words.parse("Sideways")
    with pytest.raises(UnknownWord):
        words.encode("sideways")


def test_words_go_out_and_come_back_the_same() -> None:
    for ours in ("gtc", "ioc", "fok", "post_only"):
        assert Types.tif.parse(Types.tif.encode(ours)) == ours  # type: ignore[arg-type]
    for side in ("buy", "sell"):
        assert Types.side.parse(Types.side.encode(side)) == side  # type: ignore[arg-type]


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_money_goes_out_as_plain_text_that_reads_back(number: Decimal) -> None:
    said = text(number)
    assert "E" not in said
    assert said == format(number, "f")
    assert Decimal(said) == number


def test_a_signed_request_shows_its_method_and_nothing_else() -> None:
    request = SignedRequest("POST", "https://x/KEY", {"X": "KEY"}, b"KEY", "KEY")
    assert "KEY" not in f"{request} {request!r}"
    assert "POST" in repr(request)


def test_the_offset_believes_the_shortest_round_trip() -> None:
    offset = ClockOffset()
    assert offset.ns == 0
    assert offset.is_stale(0)
    offset.sample(0, 100, 1_050)
    assert offset.ns == 1_000
    offset.sample(1_000, 9_000, 9_500)  # delayed on the way back: its midpoint is far off
    assert offset.ns == 1_000
    offset.sample(10_000, 10_010, 11_105)
    assert offset.ns == 1_100
    assert not offset.is_stale(20_000)
    assert offset.is_stale(10_010 + 181 * 10**9)


# --- what is known of an account ---------------------------------------------------------------------------------

OPEN = OrderUpdate("v", "X", 1, "a", "1", "open", "buy", size=D(2), price=D(10), filled=D(0))
FILL = Fill("v", "X", 5, "f1", "1", "a", "buy", D(10), D(1), D("-0.1"), "USDT")


def known(*events: Any) -> Known:
    account = Known("v")
    account.observe(events)
    return account


def test_the_same_account_differs_in_nothing() -> None:
    events = (OPEN, PositionUpdate("v", "X", 1, D(3)), BalanceUpdate("v", "", 1, "USDT", D(7)))
    assert known(*events).differences(events) == []


def test_each_difference_names_both_sides() -> None:
    account = known(OPEN, FILL, BalanceUpdate("v", "", 1, "USDT", D(7)))
    later = msgspec.structs.replace(OPEN, status="partially_filled", filled=D(1))
    theirs = (later, PositionUpdate("v", "X", 1, D(2)), BalanceUpdate("v", "", 1, "USDT", D(8)))
    found = account.differences(theirs)
    assert [(r.subject, r.what, r.ours, r.theirs) for r in found] == [
        ("order", "a", "open buy 2 at 10, filled 0", "partially_filled buy 2 at 10, filled 1"),
        ("position", "X", "1", "2"),
        ("balance", "USDT", "7", "8"),
    ]


def test_an_order_of_somebody_else_is_a_difference_and_one_that_ended_is_none() -> None:
    assert [(r.what, r.ours) for r in known().differences([OPEN])] == [("a", "unknown")]
    assert known().differences([msgspec.structs.replace(OPEN, status="filled")]) == []


def test_a_fill_moves_the_position_once() -> None:
    account = known(FILL, FILL, msgspec.structs.replace(FILL, fill_id="f2", side="sell", size=D(3)))
    assert account.positions == {"X": D(-2)}
    assert account.has(FILL)
    assert not account.has(msgspec.structs.replace(FILL, side="sell")), "our two sides of one trade"


def test_an_order_that_is_not_listed_any_more_is_to_be_asked_for() -> None:
    other = msgspec.structs.replace(OPEN, client_id="b", order_id="2")
    account = known(OPEN, other)
    assert account.unlisted([other]) == [("X", "a")]
    account.observe([msgspec.structs.replace(OPEN, status="cancelled")])
    assert account.unlisted([other]) == []


def test_an_order_that_was_accepted_and_never_told_may_exist() -> None:
    accepted = Accepted("v", "X", 1, "place", "c", "3")
    account = known(accepted)
    assert account.unlisted([]) == [("X", "c")]
    assert account.unlisted([msgspec.structs.replace(OPEN, client_id="c")]) == []
    account.observe([msgspec.structs.replace(OPEN, client_id="c", status="cancelled")])
    assert account.unlisted([]) == []
    account.observe([accepted])
    assert account.unlisted([]) == [], "an answer that comes after the end"


def test_what_a_stream_told_lately_is_newer_than_an_answer_but_not_for_ever() -> None:
    account, second = Known("v"), 1_000_000_000
    account.observe([msgspec.structs.replace(OPEN, version=9), PositionUpdate("v", "X", 9, D(3))], 10 * second)
    answers = [msgspec.structs.replace(OPEN, version=8), PositionUpdate("v", "X", 8, D(2))]
    assert [account.is_stale(answer, 14 * second) for answer in answers] == [True, True]
    assert [account.is_stale(answer, 16 * second) for answer in answers] == [False, False], "a clock may be set back"


def test_an_order_that_ended_while_an_answer_was_under_way_does_not_live_again() -> None:
    account, second = Known("v"), 1_000_000_000
    told = msgspec.structs.replace(OPEN, order_id="7", version=8)
    account.observe([told], 9 * second)
    account.observe([msgspec.structs.replace(told, status="cancelled", version=9)], 10 * second)
    assert account.is_stale(told, 9 * second)
    account.observe([told], 11 * second)
    assert account.orders == {}
    anew = msgspec.structs.replace(told, order_id="8", version=9)
    assert not account.is_stale(anew, 9 * second), "it was replaced by another in that moment"
    assert not account.is_stale(told, 16 * second), "a clock may be set back"


def test_an_end_that_is_not_firm_is_none_and_what_a_list_leaves_out_is_flat() -> None:
    account = known(OPEN, PositionUpdate("v", "X", 1, D(2)), PositionUpdate("v", "Y", 1, D(3)))
    account.observe([msgspec.structs.replace(OPEN, status="cancelled", firm=False)])
    assert list(account.orders) == ["a"], "it can still fill"
    assert account.flats([PositionUpdate("v", "Y", 2, D(3))], 2) == [PositionUpdate("v", "X", 2, D(0))]


def test_what_a_fill_closed_whose_report_was_lost_is_told_as_flat_once() -> None:
    account = known(PositionUpdate("v", "X", 1, D(2)))
    account.observe([Fill("v", "X", 2, "f9", "9", None, "sell", D(10), D(2), D(0), "USDT")])
    (flat,) = account.flats([], 3)
    assert flat == PositionUpdate("v", "X", 3, D(0))
    assert account.differences([flat]) == [], "we knew it"
    account.observe([flat])
    assert account.flats([], 4) == []


def test_what_a_clock_set_back_told_is_told_again_where_it_counts() -> None:
    """A ledger keeps the report of the highest number: the end of a position, told with a lower one, it had not heard."""
    closed = msgspec.structs.replace(FILL, side="sell", size=D(2))
    account = known(PositionUpdate("v", "X", 9, D(2), version=9), closed, PositionUpdate("v", "X", 7, D(0), version=7))
    assert account.positions == {"X": D(0)}
    assert account.is_set_back(PositionUpdate("v", "X", 8, D(0), version=8))
    (flat,) = account.flats([], 8)
    assert flat == PositionUpdate("v", "X", 8, D(0))
    account.observe([flat])
    assert account.flats([], 9) == []
    assert not account.is_set_back(PositionUpdate("v", "X", 8, D(1), version=8))


# --- the registry ------------------------------------------------------------------------------------------------


def test_a_venue_is_found_by_name_and_its_decoder_has_its_identity() -> None:
    linear, spot = adapters.venue("bybit"), adapters.venue("bybit.spot")
    assert (linear.exchange, linear.market, spot.market) == (Exchange, "linear", "spot")
    assert (linear.decoder().venue, spot.decoder().venue) == ("bybit", "bybit.spot")
    assert isinstance(linear.decoder(), Decoder)
    assert linear.decoder() is not linear.decoder(), "sequence is kept a recording"
    assert "place_batch" in linear.capabilities.actions


def test_an_unknown_venue_is_told_with_those_that_are_known() -> None:
    with pytest.raises(WrongUse, match=r"'nyse'; known: .*bybit, bybit\.spot"):
        adapters.venue("nyse")


def test_every_folder_of_a_venue_is_registered() -> None:
    root = Path(adapters.__file__).parent
    folders = {f"adapters.{path.parent.name}" for path in root.glob("*/endpoints.py")} - {
        "adapters.base",
        "adapters.blank",
    }
    assert folders == {package for package, _ in adapters.VENUES.values()}


def test_order_ids_are_made_a_venue() -> None:
    make = adapters.order_ids("s")
    assert make("bybit", 7) == OrderID("s").make(7)
    assert make("elsewhere", 7) == OrderID("s").make(7)


def test_asking_for_names_imports_no_venue() -> None:
    script = (
        "import sys, adapters; adapters.venues(); print([m for m in sys.modules if 'bybit' in m or m == 'aiohttp'])"
    )
    root = Path(adapters.__file__).parents[1]
    out = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, check=True)
    assert out.stdout.decode().strip() == "[]"


@pytest.mark.parametrize("name", ["bybit", "binance", "okx", "hyperliquid", "dydx"])
def test_a_venue_loads_no_network_before_something_connects(name: str) -> None:
    script = (
        "import sys, adapters; venue = adapters.venue(sys.argv[1]); loaded = 'aiohttp' in sys.modules;"
        "from adapters.base.transport import network; network(); print(loaded, 'aiohttp' in sys.modules)"
    )
    root = Path(adapters.__file__).parents[1]
    out = subprocess.run([sys.executable, "-c", script, name], cwd=root, capture_output=True, check=True)
    assert out.stdout.decode().strip() == "False True"


def test_a_clock_that_was_set_makes_samples_of_before_worthless() -> None:
    offset = ClockOffset()
    offset.sample(0, 100, 1_050)
    offset.doubt()
    assert offset.ns == 1_000, "nothing better is known yet"
    offset.sample(10_000, 12_000, 50_000)
    assert offset.ns == 39_000
    offset.sample(20_000, 23_000, 60_000)
    assert offset.ns == 39_000


@pytest.mark.parametrize(
    ("path", "action", "words"),
    [
        ("/orders", "orders", {}),
        ("/orders/9", "order", {"order_id": "9"}),
        ("/of/me/3", "held", {"address": "me", "number": "3"}),
        ("/orders/9/fills", "", {}),
        ("/x/orders", "", {}),
    ],
)
def test_a_recorded_path_says_what_was_asked(path: str, action: str, words: dict[str, str]) -> None:
    paths = {"orders": "/orders", "again": "/orders", "order": "/orders/{order_id}", "held": "/of/{address}/{number}"}
    known = {name: Endpoint("GET", each, "pool", False, "") for name, each in paths.items()}
    assert asked_at(path, known) == (action, words)


def test_a_far_limit_is_beyond_the_market_and_exact() -> None:
    assert (far("buy", 0.1), far("sell", 0.1)) == (D("0.105"), D("0.095"))
