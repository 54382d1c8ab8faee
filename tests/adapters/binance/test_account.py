# ruff: noqa: E501 - tables of frames are not wrapped
"""What the account's events mean, whole and changed, and the life of the key behind which they come."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base.client import Request
from adapters.base.query import Query
from adapters.binance.account import Account
from adapters.binance.endpoints import Endpoints
from adapters.binance.exchange import Decoder
from adapters.binance.formats import Formats
from adapters.binance.private import PrivateWebsocket
from state.errors import ConnectionFailed, UnknownWord, VenueError
from state.events import (
    BalanceUpdate,
    FeedStatus,
    Fill,
    FundingPayment,
    OrderUpdate,
    PositionUpdate,
)
from state.record import Record, canonical, parse

D = Decimal
# https://developers.binance.com/docs/derivatives/usds-margined-futures/user-data-streams/Event-Order-Update
ORDER = {
    "s": "BTCUSDT", "c": "mm-1", "S": "BUY", "o": "LIMIT", "f": "GTX", "q": "0.010", "p": "65000", "ap": "65000", "sp": "0",
    "x": "TRADE", "X": "PARTIALLY_FILLED", "i": 8886774, "l": "0.004", "z": "0.004", "L": "65000", "N": "USDT",
    "n": "0.05200000", "T": 1754000000998, "t": 12345678, "b": "390", "a": "0", "m": True, "R": False, "wt": "CONTRACT_PRICE",
    "ot": "LIMIT", "ps": "BOTH", "cp": False, "rp": "0", "pP": False, "si": 0, "ss": 0, "V": "EXPIRE_MAKER", "pm": "NONE",
    "gtd": 0, "er": "0",
}  # fmt: skip
ACCOUNT = {
    "m": "ORDER",
    "B": [{"a": "USDT", "wb": "10262.90", "cw": "10262.90", "bc": "0"}],
    "P": [{"s": "BTCUSDT", "pa": "-0.004", "ep": "65000", "bep": "65013", "cr": "1.5", "up": "0.0036", "mt": "cross", "iw": "0", "ps": "BOTH"}],
}  # fmt: skip
TS = 1754000000998_000_000
LISTEN = Request(Endpoints.ALL["listen_key"])
EXTEND = Request(Endpoints.ALL["extend_listen_key"])


def private() -> PrivateWebsocket:
    return PrivateWebsocket("wss://x/private/ws", Account("binance"), LISTEN, EXTEND)


def frame(event: str, **fields: Any) -> bytes:
    return json.dumps({"e": event, "E": 1754000001000, "T": 1754000000998} | fields).encode()


def order(**fields: Any) -> list[Any]:
    return list(private().receive(frame("ORDER_TRADE_UPDATE", o=ORDER | fields), 0))


def test_a_trade_is_a_fill_and_then_the_order_as_it_is_after_it() -> None:
    fill, update = order()
    assert fill == Fill(
        "binance", "BTCUSDT", TS, "12345678", "8886774", "mm-1", "buy", D(65000), D("0.004"), D("-0.05200000"), "USDT",
        True, "trade", D(0),
    )  # fmt: skip
    assert update == OrderUpdate(
        "binance", "BTCUSDT", TS, "mm-1", "8886774", "partially_filled", "buy", "limit", "post_only", D(65000), D("0.010"),
        D("0.004"), D(65000), version=1754000000998,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("wire", "status", "refusal", "origin"),
    [
        pytest.param({"x": "NEW", "X": "NEW", "l": "0", "z": "0"}, "open", None, "user", id="a new order"),
        pytest.param({"x": "AMENDMENT", "X": "NEW", "l": "0"}, "open", None, "user", id="an amendment"),
        pytest.param({"x": "CANCELED", "X": "CANCELED", "l": "0"}, "cancelled", None, "user", id="a cancel keeps what is filled"),
        pytest.param({"x": "EXPIRED", "X": "EXPIRED", "f": "GTD", "l": "0"}, "expired", None, "user", id="its time is over"),
        pytest.param({"x": "EXPIRED", "X": "EXPIRED", "f": "IOC", "er": "2", "l": "0"}, "cancelled", None, "user", id="the rest of an IOC"),
        pytest.param({"x": "EXPIRED", "X": "EXPIRED", "f": "IOC", "er": "2", "l": "0", "z": "0"}, "cancelled", "would_not_fill", "user", id="an IOC that found nothing"),
        pytest.param({"x": "EXPIRED", "X": "EXPIRED", "f": "FOK", "er": 10, "l": "0", "z": "0"}, "cancelled", "would_not_fill", "user", id="a FOK that found too little"),
        pytest.param({"x": "EXPIRED", "X": "EXPIRED", "er": "11", "l": "0", "z": "0"}, "rejected", "post_only", "user", id="a post-only that would take"),
        pytest.param({"x": "EXPIRED", "X": "EXPIRED_IN_MATCH", "f": "GTC", "er": "1", "l": "0"}, "cancelled", None, "stp", id="a self-trade"),
        pytest.param({"x": "EXPIRED", "X": "EXPIRED", "f": "GTC", "er": "4", "l": "0"}, "cancelled", None, "venue", id="a reduce-only knocked out"),
        pytest.param({"x": "EXPIRED", "X": "EXPIRED", "f": "GTC", "er": "5", "l": "0"}, "cancelled", None, "liquidation", id="cancelled before a liquidation"),
    ],
)  # fmt: skip
def test_what_the_end_of_an_order_means(wire: dict[str, Any], status: str, refusal: str | None, origin: str) -> None:
    (update,) = order(**wire)
    assert (update.status, update.refusal, update.origin) == (status, refusal, origin)


@pytest.mark.parametrize(
    ("wire", "fee", "kind", "asset"),
    [
        pytest.param({"n": "-0.01"}, "0.01", "trade", "USDT", id="a rebate is positive"),
        pytest.param({"N": None, "n": None}, "0", "trade", "USDT", id="no commission is told"),
        pytest.param({"N": "BNB", "n": "0.0001"}, "-0.0001", "trade", "BNB", id="a fee in another asset"),
        pytest.param({"c": "autoclose-17", "o": "LIQUIDATION", "f": "IOC"}, "-0.052", "liquidation", "USDT", id="a liquidation"),
        pytest.param({"c": "adl_autoclose", "x": "CALCULATED"}, "-0.052", "adl", "USDT", id="an auto-deleveraging"),
        pytest.param({"c": "settlement_autoclose-1"}, "-0.052", "settlement", "USDT", id="a settlement"),
        pytest.param({"x": "CALCULATED"}, "-0.052", "liquidation", "USDT", id="calculated by the venue"),
    ],
)  # fmt: skip
def test_what_a_fill_means(wire: dict[str, Any], fee: str, kind: str, asset: str) -> None:
    fill, _ = order(**wire)
    assert (fill.fee, fill.kind, fill.fee_asset) == (D(fee), kind, asset)


@pytest.mark.parametrize("field", ["S", "o", "f", "X"])
def test_an_order_word_that_no_table_has_raises(field: str) -> None:
    with pytest.raises(UnknownWord, match="Sideways"):
        order(**{field: "Sideways"})


def test_an_account_update_is_position_and_balance_with_their_reason() -> None:
    position, balance = private().receive(frame("ACCOUNT_UPDATE", a=ACCOUNT), 0)
    assert position == PositionUpdate(
        "binance", "BTCUSDT", TS, D("-0.004"), D(65000), None, None, D("0.0036"), D("1.5"), version=1754000000998
    )
    assert balance == BalanceUpdate("binance", "", TS, "USDT", D("10262.90"), reason="order")


@pytest.mark.parametrize(
    "account",
    [
        pytest.param({"S": "BTCUSDT", "P": []}, id="a cross position names the symbol"),
        pytest.param({"P": ACCOUNT["P"]}, id="an isolated one has its position"),
    ],
)
def test_funding_is_told_with_what_was_paid_and_once_by_stream_and_rest(account: dict[str, Any]) -> None:
    told = ACCOUNT | {"m": "FUNDING_FEE", "B": [{"a": "USDT", "wb": "10", "bc": "-0.5"}]} | account
    events = private().receive(frame("ACCOUNT_UPDATE", a=told), 0)
    payment = events[0]
    assert isinstance(payment, FundingPayment)
    assert (payment.symbol, payment.amount, payment.asset) == ("BTCUSDT", D("-0.5"), "USDT")
    rows = [{"symbol": "BTCUSDT", "incomeType": "FUNDING_FEE", "income": "-0.50000000", "asset": "USDT", "time": 1753999200007, "tranId": 7}]  # fmt: skip
    (late,) = Formats("binance", "linear").answer("funding", json.dumps(rows).encode())[0]
    assert isinstance(late, FundingPayment)
    assert late.payment_id == payment.payment_id, "of the same hour"


def test_funding_of_no_symbol_is_left_to_the_next_look_at_the_account() -> None:
    told = {"m": "FUNDING_FEE", "B": [{"a": "USDT", "wb": "10", "bc": "-0.5"}], "P": []}
    (balance,) = private().receive(frame("ACCOUNT_UPDATE", a=told), 0)
    assert isinstance(balance, BalanceUpdate)
    assert (balance.change, balance.reason) == (D("-0.5"), "funding")


def test_positions_of_hedge_mode_put_the_account_in_doubt(recordings: Path) -> None:
    body = (recordings / "binance/nautilus/futures/user_data_json/account_update.json").read_bytes()
    flat, long, short, balance = Decoder().receive(body, 0)
    assert flat == PositionUpdate(
        "binance",
        "BTCUSDT",
        1564745798939_000_000,
        D(0),
        unrealized_pnl=D(0),
        realized_pnl=D(200),
        version=1564745798939,
    )
    assert [(s.channel, s.status) for s in (long, short)] == [("account", "down")] * 2  # type: ignore[union-attr]
    assert isinstance(balance, BalanceUpdate)
    assert (balance.total, balance.change) == (D("122624.12345678"), D("50.12345678"))


def test_a_margin_call_is_the_position_with_its_mark() -> None:
    row = {
        "s": "ETHUSDT",
        "ps": "BOTH",
        "pa": "1.327",
        "mt": "CROSSED",
        "iw": "0",
        "mp": "187.17",
        "up": "-1.16",
        "mm": "1.6",
    }
    (position,) = private().receive(frame("MARGIN_CALL", cw="3.16", p=[row]), 0)
    assert isinstance(position, PositionUpdate)
    assert (position.size, position.mark, position.unrealized_pnl) == (D("1.327"), D("187.17"), D("-1.16"))


@pytest.mark.parametrize(
    "event", ["ALGO_UPDATE", "ACCOUNT_CONFIG_UPDATE", "TRADE_LITE", "CONDITIONAL_ORDER_TRIGGER_REJECT"]
)
def test_what_tells_nothing_here_is_passed_over(event: str) -> None:
    assert private().receive(frame(event, o={}), 0) == ()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"nonsense", id="no JSON"),
        pytest.param(frame("ORDER_TRADE_UPDATE", o={"s": "X"}), id="an order with fields missing"),
        pytest.param(frame("ORDER_TRADE_UPDATE", o=ORDER | {"q": "many"}), id="a size that is no number"),
        pytest.param(frame("ORDER_TRADE_UPDATE", o=ORDER | {"q": "NaN"}), id="a size of NaN"),
        pytest.param(frame("ORDER_TRADE_UPDATE", o=ORDER | {"q": ""}), id="a size left out"),
        pytest.param(frame("ORDER_TRADE_UPDATE", o=ORDER | {"T": -1}), id="a time before time"),
        pytest.param(frame("weather"), id="an unknown event"),
        pytest.param(b'{"result":null,"id":1}', id="an answer to nothing"),
    ],
)
def test_a_private_frame_that_does_not_fit_is_told_and_kept(body: bytes) -> None:
    socket = private()
    (status,) = socket.receive(body, 0)
    assert isinstance(status, FeedStatus)
    assert (status.channel, status.status) == ("account", "gap")
    assert socket.suspect


# --- the listen key ----------------------------------------------------------------------------------------------

MINUTE = 60 * 10**9
KEY = b'{"listenKey":"SECRETKEY"}'


def listening() -> PrivateWebsocket:
    """Connected behind its key at the time 0."""
    socket = private()
    socket.on_disconnect("first connection", "connecting")
    (create,) = socket.wants()
    assert create is LISTEN
    socket.answered(create, KEY, 0)
    socket.on_connect(0)
    assert not socket.is_ready
    socket.opened()
    assert socket.is_ready
    return socket


def test_a_key_is_made_before_connecting_and_never_kept() -> None:
    socket = listening()
    assert socket.url.startswith("wss://x/private/ws?listenKey=SECRETKEY&events=ORDER_TRADE_UPDATE/ACCOUNT_UPDATE/")
    assert "listenKeyExpired" in socket.url
    assert "SECRETKEY" not in socket.address
    assert socket.strike(KEY) == b'{"listenKey":"***"}'
    with pytest.raises(VenueError, match="no listen key"):
        private().answered(LISTEN, b"{}", 0)


def test_a_key_is_extended_each_half_hour_and_asked_for_again_where_that_failed() -> None:
    socket = listening()
    socket.heartbeat(29 * MINUTE)
    assert socket.wants() == []
    socket.heartbeat(30 * MINUTE)
    assert socket.wants() == [EXTEND]
    socket.unanswered(EXTEND, ConnectionFailed("nobody there"))
    socket.heartbeat(30 * MINUTE + 10**9)
    assert socket.wants() == []
    socket.heartbeat(31 * MINUTE)
    assert socket.wants() == [EXTEND]
    socket.answered(EXTEND, b"{}", 31 * MINUTE)
    socket.heartbeat(60 * MINUTE)
    assert socket.wants() == []
    assert socket.over == ""


def test_a_key_that_is_refused_or_out_of_time_or_expired_ends_the_connection_and_another_is_made() -> None:
    socket = listening()
    socket.unanswered(EXTEND, VenueError("binance", "-1125", "This listenKey does not exist.", "rejected"))
    assert "-1125" in socket.over
    late = listening()
    late.heartbeat(58 * MINUTE)
    late.unanswered(EXTEND, ConnectionFailed("nobody there"))
    assert late.over
    expired = listening()
    assert expired.receive(frame("listenKeyExpired", listenKey="SECRETKEY"), 0) == ()
    assert expired.over == "the listen key expired"
    (down,) = expired.on_disconnect(expired.over)
    assert (down.channel, down.status) == ("account", "down")  # type: ignore[union-attr]
    assert expired.wants() == [LISTEN]
    assert not expired.is_ready


# --- pages -------------------------------------------------------------------------------------------------------


def test_a_full_page_of_fills_names_the_next_and_what_is_past_the_end_is_left_out() -> None:
    row = {
        "symbol": "BTCUSDT",
        "orderId": 1,
        "side": "BUY",
        "price": "1",
        "qty": "1",
        "commission": "0.1",
        "commissionAsset": "USDT",
    }
    rows = [row | {"id": n, "time": n * 10} for n in range(1, 4)]
    formats, body = Formats("binance", "linear"), json.dumps(rows).encode()
    assert formats.answer("executions", body, Query(limit=3))[1] == "4"
    assert formats.answer("executions", body, Query(limit=4))[1] == ""
    fills, following = formats.answer("executions", body, Query(limit=3, end_ms=20))
    assert ([fill.fill_id for fill in fills], following) == (["1", "2"], "")  # type: ignore[union-attr]


# --- whatever a venue sends --------------------------------------------------------------------------------------


def shaken(frame: bytes, cuts: list[tuple[int, int, bytes]]) -> bytes:
    """A frame with pieces replaced: what a bug, a proxy or an enemy could make of it."""
    for start, length, piece in cuts:
        at = start % (len(frame) + 1)
        frame = frame[:at] + piece + frame[at + length :]
    return frame


PIECES = st.sampled_from(
    [b"", b'"', b"{", b"null", b"-1", b'"NaN"', b"1e999", b"\xff", b"[]", b"99999999999999999999", b"true"]
)
CUTS = st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 12), PIECES), min_size=1, max_size=4)
GOOD = [
    frame("ORDER_TRADE_UPDATE", o=ORDER),
    frame("ACCOUNT_UPDATE", a=ACCOUNT),
    b'{"stream":"x@depth@100ms","data":{"e":"depthUpdate","E":2,"T":1,"s":"X","U":1,"u":2,"pu":0,"b":[["1","2"]],"a":[["2","1"]]}}',
    b'{"stream":"x@markPrice@1s","data":{"e":"markPriceUpdate","E":1,"s":"X","p":"1","i":"1","P":"1","r":"0.1","T":1}}',
    b'{"stream":"x@aggTrade","data":{"e":"aggTrade","E":1,"s":"X","a":5,"p":"1","q":"2","f":1,"l":2,"T":1,"m":false}}',
    b'{"e":"kline","E":1,"s":"X","k":{"t":1,"T":2,"s":"X","i":"1m","o":"1","c":"1","h":"1","l":"1","v":"1","n":1,"x":true,"q":"1"}}',
    b'{"lastUpdateId":5,"bids":[["1","2"]],"asks":[["2","1"]]}',
]


@given(st.sampled_from(GOOD), CUTS)
def test_no_frame_makes_a_stream_raise_and_every_event_can_be_stored(good: bytes, cuts: list[Any]) -> None:
    body = shaken(good, cuts)
    for socket in (Decoder(), private()):
        try:
            events = socket.receive(body, 0)
        except UnknownWord:
            continue
        for n, event in enumerate(events):
            assert parse(canonical(Record(n, 0, 0, event))).event == event


@given(st.binary(max_size=60))
def test_no_bytes_make_a_stream_raise(body: bytes) -> None:
    for socket in (Decoder(), Decoder("spot"), private()):
        assert all(isinstance(event, FeedStatus) for event in socket.receive(body, 0))
