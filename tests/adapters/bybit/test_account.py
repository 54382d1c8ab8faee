# ruff: noqa: E501 - tables of wire fields are not wrapped
"""Private frames, REST answers and their codes: what they mean, with every sign and every empty string."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base.query import Query
from adapters.bybit.client import CODES, Client
from adapters.bybit.exchange import Decoder, market_of
from adapters.bybit.formats import Formats
from adapters.bybit.websocket import PrivateWebsocket
from state.errors import UnknownWord
from state.events import (
    BalanceUpdate,
    BookSnapshot,
    Candle,
    FeedStatus,
    Fill,
    FundingPayment,
    InstrumentDefined,
    OrderUpdate,
    PositionUpdate,
    Trade,
)
from state.record import Record, canonical, parse
from state.secrets import Credentials, Secret

D = Decimal
# The samples of the fact sheet, section 6.
ORDER: dict[str, Any] = {"category": "linear", "symbol": "BTCUSDT", "orderId": "fd43", "orderLinkId": "mm-1", "side": "Buy", "positionIdx": 0, "orderType": "Limit", "timeInForce": "PostOnly", "price": "65000.00", "qty": "0.010", "orderStatus": "PartiallyFilled", "createType": "CreateByUser", "cancelType": "UNKNOWN", "rejectReason": "EC_NoError", "avgPrice": "65000.00", "leavesQty": "0.006", "cumExecQty": "0.004", "reduceOnly": False, "updatedTime": "1754000000998", "createdTime": "1754000000900"}  # fmt: skip
EXECUTION: dict[str, Any] = {"category": "linear", "symbol": "BTCUSDT", "execId": "0ab1", "orderId": "fd43", "orderLinkId": "mm-1", "side": "Buy", "orderPrice": "65000.00", "orderQty": "0.010", "orderType": "Limit", "leavesQty": "0.006", "execType": "Trade", "execPrice": "65000.00", "execQty": "0.004", "execValue": "260", "execFee": "0.052", "feeRate": "0.0002", "feeCurrency": "USDT", "execPnl": "0", "isMaker": True, "closedSize": "0", "execTime": "1754000000997", "markPrice": "65000.90", "seq": 140612148849382}  # fmt: skip
POSITION: dict[str, Any] = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "size": "0.004", "positionIdx": 0, "entryPrice": "65000", "markPrice": "65000.90", "leverage": "10", "liqPrice": "", "unrealisedPnl": "0.0036", "curRealisedPnl": "-0.052", "cumRealisedPnl": "-25.06", "updatedTime": "1754000000998", "seq": 140612148849382}  # fmt: skip
UPDATE = OrderUpdate("bybit", "BTCUSDT", 1754000000998_000_000, "mm-1", "fd43", "partially_filled", "buy", "limit", "post_only", D("65000.00"), D("0.010"), D("0.004"), D("65000.00"), version=1754000000998)  # fmt: skip


def frame(topic: str, *rows: dict[str, Any]) -> bytes:
    return json.dumps({"id": "1", "topic": topic, "creationTime": 1754000001000, "data": rows}).encode()


def private() -> PrivateWebsocket:
    return PrivateWebsocket("", Formats("bybit", "linear").account, Credentials(Secret("k"), Secret("s")))


def read_one(topic: str, row: dict[str, Any]) -> Any:
    (event,) = private().receive(frame(topic, row), 0)
    return event


def changed(**fields: object) -> OrderUpdate:
    return msgspec.structs.replace(UPDATE, **fields)


@pytest.mark.parametrize("topic", ["order", "order.linear"])
def test_an_order_as_the_sheet_shows_it(topic: str) -> None:
    assert read_one(topic, ORDER) == UPDATE


@pytest.mark.parametrize(
    ("wire", "fields"),
    [
        pytest.param({"orderStatus": "New", "cumExecQty": "0", "avgPrice": ""}, {"status": "open", "filled": D(0), "avg_price": None}, id="new is open, an empty average is not said"),
        pytest.param({"orderStatus": "Cancelled", "cancelType": "CancelByUser"}, {"status": "cancelled", "reason": "CancelByUser"}, id="cancelled by its owner"),
        pytest.param({"orderStatus": "Cancelled", "cumExecQty": "0", "avgPrice": "0", "rejectReason": "EC_PostOnlyWillTakeLiquidity"},
            {"status": "rejected", "filled": D(0), "avg_price": None, "refusal": "post_only", "reason": "EC_PostOnlyWillTakeLiquidity"}, id="a post-only that would take is rejected, though the wire says cancelled"),
        pytest.param({"orderStatus": "Cancelled", "rejectReason": "EC_PostOnlyWillTakeLiquidity"},
            {"status": "cancelled", "refusal": "post_only", "reason": "EC_PostOnlyWillTakeLiquidity"}, id="one that was filled in part before is cancelled"),
        pytest.param({"orderStatus": "Cancelled", "timeInForce": "IOC", "rejectReason": "EC_NoImmediateQtyToFill"},
            {"status": "cancelled", "tif": "ioc", "refusal": "would_not_fill", "reason": "EC_NoImmediateQtyToFill"}, id="the rest of an IOC"),
        pytest.param({"orderStatus": "Rejected", "rejectReason": "EC_ReachRiskPriceLimit"}, {"status": "rejected", "refusal": "price_band", "reason": "EC_ReachRiskPriceLimit"}, id="rejected with a class"),
        pytest.param({"orderStatus": "Rejected", "rejectReason": "EC_NewAndStrange"}, {"status": "rejected", "reason": "EC_NewAndStrange"}, id="a reason that no table has is kept as words"),
        pytest.param({"orderStatus": "Filled", "cancelType": "CancelByUser", "rejectReason": "EC_OrigClOrdIDDoesNotExist"}, {"status": "filled", "reason": "EC_OrigClOrdIDDoesNotExist CancelByUser"}, id="a second Filled after a cancel that lost the race"),
        pytest.param({"cancelType": "CancelBySmp", "orderStatus": "Cancelled"}, {"status": "cancelled", "origin": "stp", "reason": "CancelBySmp"}, id="self match prevention"),
        pytest.param({"cancelType": "CancelByDCP", "orderStatus": "Cancelled"}, {"status": "cancelled", "origin": "dead_man", "reason": "CancelByDCP"}, id="the dead-man's switch"),
        pytest.param({"createType": "CreateByLiq", "orderLinkId": ""}, {"client_id": None, "origin": "liquidation"}, id="a liquidation has no client id"),
        pytest.param({"createType": "CreateBySettle"}, {"origin": "settlement"}, id="a contract that is delisted"),
        pytest.param({"orderStatus": "Cancelled", "rejectReason": "EC_ReachMarketPriceLimit"}, {"status": "cancelled", "refusal": "price_band", "reason": "EC_ReachMarketPriceLimit"}, id="the market order's price limit"),
        pytest.param({"orderStatus": "Untriggered"}, {"status": "pending"}, id="untriggered is pending"),
        pytest.param({"orderType": "Market", "price": "0", "timeInForce": "IOC", "side": "Sell", "reduceOnly": True}, {"kind": "market", "price": None, "tif": "ioc", "side": "sell", "reduce_only": True}, id="a market order has no price"),
    ],
)  # fmt: skip
def test_what_an_order_push_means(wire: dict[str, Any], fields: dict[str, Any]) -> None:
    assert read_one("order", ORDER | wire) == changed(**fields)


@pytest.mark.parametrize("field", ["side", "orderType", "timeInForce", "orderStatus"])
def test_an_order_word_that_no_table_has_raises(field: str) -> None:
    with pytest.raises(UnknownWord, match="Sideways"):
        private().receive(frame("order", ORDER | {field: "Sideways"}), 0)


@pytest.mark.parametrize(
    ("wire", "fee", "kind", "maker"),
    [
        pytest.param({}, "-0.052", "trade", True, id="a fee paid is negative"),
        pytest.param({"execFee": "-0.01", "isMaker": False}, "0.01", "trade", False, id="a rebate is positive"),
        pytest.param({"execType": "BustTrade", "orderLinkId": ""}, "-0.052", "liquidation", True, id="a liquidation"),
        pytest.param({"execType": "AdlTrade"}, "-0.052", "adl", True, id="an auto-deleveraging"),
        pytest.param({"execType": "Delivery"}, "-0.052", "delivery", True, id="a delivery"),
        pytest.param({"execType": "ReverseSplitSettle"}, "-0.052", "settlement", True, id="the fraction of a split"),
    ],
)
def test_what_an_execution_means(wire: dict[str, Any], fee: str, kind: str, maker: bool) -> None:
    row = EXECUTION | wire
    assert read_one("execution", row) == Fill(
        "bybit", "BTCUSDT", 1754000000997_000_000, "0ab1", "fd43", row["orderLinkId"] or None, "buy", D("65000.00"),
        D("0.004"), D(fee), "USDT", maker, kind, D(0),  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.mark.parametrize("word", ["Funding", "Dividend"])
def test_funding_is_no_fill_and_what_is_paid_is_negative(word: str) -> None:
    row = EXECUTION | {"execType": word, "execFee": "1.5", "orderType": "UNKNOWN", "feeRate": "0.0001", "side": ""}
    assert read_one("execution", row) == FundingPayment(
        "bybit", "BTCUSDT", 1754000000997_000_000, "0ab1", D("-1.5"), "USDT", D("0.0001"), D("0.004"), D("65000.90")
    )


def test_an_execution_without_fee_currency_settles_in_what_the_instrument_says() -> None:
    row = {key: word for key, word in EXECUTION.items() if key != "feeCurrency"}
    assert read_one("execution", row).fee_asset == "USDT"
    assert read_one("execution", row | {"symbol": "BTCPERP"}).fee_asset == "USDC"


@pytest.mark.parametrize(
    ("wire", "size"),
    [
        pytest.param({}, "0.004", id="a long is positive"),
        pytest.param({"side": "Sell"}, "-0.004", id="a short is negative"),
        pytest.param({"side": "", "size": "0", "entryPrice": "0", "updatedTime": ""}, "0", id="flat has no side"),
        pytest.param({"seq": "-1"}, "0.004", id="a seq that is text does no harm"),
    ],
)
def test_what_a_position_means(wire: dict[str, Any], size: str) -> None:
    row = POSITION | wire
    version = int(row["updatedTime"]) if row["updatedTime"] else None
    assert read_one("position", row) == PositionUpdate(
        "bybit", "BTCUSDT", None if version is None else version * 1_000_000, D(size),
        D(65000) if row["entryPrice"] != "0" else None, D("65000.90"), None, D("0.0036"), D("-25.06"), D(10), version,
    )  # fmt: skip


def test_a_position_of_hedge_mode_puts_the_account_in_doubt() -> None:
    status = read_one("position", POSITION | {"positionIdx": 1})
    assert isinstance(status, FeedStatus)
    assert (status.channel, status.status) == ("account", "down")


def test_rows_of_other_markets_are_passed_over() -> None:
    assert list(private().receive(frame("order", ORDER | {"category": "spot"}), 0)) == []


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"nonsense", id="no JSON"),
        pytest.param(frame("order", {"symbol": "X"}), id="an order with fields missing"),
        pytest.param(frame("order", ORDER | {"qty": "many"}), id="a size that is no number"),
        pytest.param(frame("order", ORDER | {"qty": "NaN"}), id="a size of NaN"),
        pytest.param(frame("order", ORDER | {"qty": ""}), id="a size left out"),
        pytest.param(frame("order", ORDER | {"updatedTime": "soon"}), id="a time that is no number"),
        pytest.param(frame("weather", ORDER), id="an unknown topic"),
        pytest.param(b'{"op":"sing"}', id="an answer to nothing"),
    ],
)
def test_a_private_frame_that_does_not_fit_is_told_and_kept(body: bytes) -> None:
    socket = private()
    (status,) = socket.receive(body, 0)
    assert isinstance(status, FeedStatus)
    assert (status.channel, status.status) == ("account", "gap")
    assert socket.suspect


def test_nautilus_frames_read_through_the_decoder(recordings: Path) -> None:
    decoder, folder = Decoder(), recordings / "bybit/nautilus"
    events = {
        path.stem: list(decoder.receive(path.read_bytes(), 0)) for path in sorted(folder.glob("ws_account_*.json"))
    }
    (order,) = events["ws_account_order"]
    assert isinstance(order, OrderUpdate)
    assert (order.status, order.client_id, order.price) == ("cancelled", "client-1", D(30000))
    (fill,) = events["ws_account_execution"]
    assert isinstance(fill, Fill)
    assert (fill.fee, fill.side, fill.fee_asset) == (D("-26.3725275"), "sell", "USDT")
    (position,) = events["ws_account_position"]
    assert isinstance(position, PositionUpdate)
    assert (position.size, position.entry_price) == (D("-0.01"), D("3641.075"))
    assert [(b.asset, b.total, b.available) for b in events["ws_account_wallet"]] == [  # type: ignore[union-attr]
        ("BTC", D("0.00102964"), D("0.00092964")),
        ("USDT", D("9647.75537647"), D("9519.89806037")),
    ]
    assert decoder.receive((folder / "ws_auth_success.json").read_bytes(), 0) == ()
    (unknown,) = decoder.receive((folder / "ws_public_trade.json").read_bytes(), 0)
    assert isinstance(unknown, FeedStatus), "that topic does not exist at the venue"


# --- REST --------------------------------------------------------------------------------------------------------


def answer(recordings: Path, name: str, action: str, market: str = "linear") -> list[Any]:
    body = (recordings / f"bybit/nautilus/{name}.json").read_bytes()
    return list(Formats("bybit", market).answer(action, body, Query())[0])


def test_rest_answers_of_nautilus_read_with_their_values(recordings: Path) -> None:
    first, second = answer(recordings, "http_get_orders_realtime", "open_orders")
    assert (first.client_id, first.status, first.price, first.filled) == ("client-open-1", "open", D("3930.41"), D(0))
    assert second.side == "sell"
    (ended,) = answer(recordings, "http_get_orders_history", "order_history")
    assert (ended.status, ended.avg_price) == ("cancelled", None)
    later, earlier = reversed(answer(recordings, "http_get_executions", "executions"))
    assert [earlier.fill_id[:8], later.fill_id[:8]] == ["f1dce92e", "e0cbe81d"], "oldest first"
    assert later.backfilled
    assert later.fee == D("-0.0150")
    sizes = [p.size for p in answer(recordings, "http_get_positions", "positions")]
    assert sizes == [D("0.5"), D("-5.0"), D(0)]
    wallet = answer(recordings, "http_get_wallet_balance", "wallet")
    assert [(b.asset, b.total) for b in wallet] == [("BTC", D(0)), ("USDT", D("1000.50")), ("ETH", D(0))]
    assert all(isinstance(b, BalanceUpdate) for b in wallet)
    (book,) = answer(recordings, "http_get_orderbook", "book")
    assert isinstance(book, BookSnapshot)
    assert (book.bids[0], book.asks[0], book.update_id) == ((27450.5, 1.5), (27451.0, 1.2), 1234567)
    (trade,) = answer(recordings, "http_get_trades_recent", "trades")
    assert isinstance(trade, Trade)
    assert (trade.price, trade.size, trade.side, trade.backfilled) == (27450.5, 0.005, "buy", True)
    (candle,) = answer(recordings, "http_get_klines_linear", "klines")
    assert isinstance(candle, Candle)
    assert (candle.open, candle.close, candle.volume, candle.closed) == (27450.0, 27455.0, 123.45, False)


def test_instruments_of_the_capture_read_whole(recordings: Path, read_zst: Any) -> None:
    lines = map(json.loads, read_zst(recordings / "bybit/cryptofeed/BYBIT.v5.2026-08-09.jsonl.zst"))
    seen: dict[str, dict[str, InstrumentDefined]] = {}
    for line in lines:
        if line["t"] == "http":
            market = market_of(line["url"])
            assert market is not None
            events = Decoder(market).http(line["url"], line["data"].encode(), 0)
            assert all(isinstance(event, InstrumentDefined) for event in events)
            seen[market] = {event.symbol: event for event in events}  # type: ignore[misc]
    btc = seen["linear"]["BTCUSDT"]
    assert (btc.venue, btc.kind, btc.tick, btc.lot, btc.min_notional) == (
        "bybit",
        "perpetual",
        D("0.10"),
        D("0.001"),
        D(5),
    )
    assert (btc.settle, btc.funding_interval_s, btc.status, btc.inverse) == ("USDT", 28_800, "trading", False)
    spot = seen["spot"]["BTCUSDT"]
    assert (spot.venue, spot.kind, spot.tick, spot.lot) == ("bybit.spot", "spot", D("0.1"), D("0.000001"))
    assert len(seen["linear"]) > 500
    assert {event.kind for event in seen["linear"].values()} == {"perpetual", "future"}


def test_an_answer_that_does_not_fit_is_a_status() -> None:
    decoder = Decoder()
    url = "https://api.bybit.com/v5/market/instruments-info?category=linear"
    for body in (b"<html>", b'{"retCode":10006,"retMsg":"slow"}', b'{"retCode":0,"result":{"list":[{}]}}'):
        (status,) = decoder.http(url, body, 0)
        assert isinstance(status, FeedStatus)
    assert decoder.http("https://api.bybit.com/v5/else", b"{}", 0) == ()


# --- codes -------------------------------------------------------------------------------------------------------

CLIENT = Client("", None)


@pytest.mark.parametrize(
    ("code", "meaning", "refusal"),
    [
        (0, "ok", None), (110043, "ok", None), (110001, "gone", "gone"), (110008, "gone", "gone"),
        (10006, "retry", "rate"), (10002, "retry", "clock"), (10429, "retry", "busy"), (110079, "retry", "busy"),
        (10000, "unknown", None), (10016, "unknown", None), (110072, "rejected", "duplicate"),
        (110003, "rejected", "price_band"), (110094, "rejected", "rule"), (110017, "rejected", "reduce_only"),
        (110007, "rejected", "funds"), (110090, "rejected", "risk"), (10003, "fatal", "fatal"),
        (10004, "fatal", "fatal"), (33004, "fatal", "fatal"),
    ],
)  # fmt: skip
def test_what_a_code_means(code: int, meaning: str, refusal: str | None) -> None:
    verdict = CLIENT.classify(200, json.dumps({"retCode": code, "retMsg": "why"}).encode())
    assert (verdict.meaning, verdict.refusal, verdict.code, verdict.text) == (meaning, refusal, str(code), "why")
    assert verdict.known


def test_a_code_that_no_table_has_is_unknown_and_loud() -> None:
    verdict = CLIENT.classify(200, b'{"retCode":999999,"retMsg":"new"}')
    assert (verdict.meaning, verdict.known) == ("unknown", False)
    assert 999999 not in CODES


@pytest.mark.parametrize(
    ("status", "body", "meaning", "refusal", "banned"),
    [
        (403, b"access too frequent", "retry", "rate", True),
        (429, b"", "retry", "busy", False),
        (401, b"", "fatal", "fatal", False),
        (404, b"", "rejected", "rule", False),
        (400, b"bad", "rejected", "rule", False),
        (500, b"oops", "unknown", None, False),
        (504, b"", "unknown", None, False),
        (200, b"<html>", "unknown", None, False),
        (502, b'{"retCode":0}', "unknown", None, False),
        (429, b'{"retCode":10006,"retMsg":"x"}', "retry", "rate", False),
    ],
)
def test_what_a_status_means(status: int, body: bytes, meaning: str, refusal: str | None, banned: bool) -> None:
    verdict = CLIENT.classify(status, body)
    assert (verdict.meaning, verdict.refusal, verdict.banned) == (meaning, refusal, banned)


def test_a_batch_is_judged_item_by_item_and_what_is_not_named_is_unknown() -> None:
    body = json.dumps({
        "retCode": 0, "retMsg": "OK", "time": 1754000000906,
        "result": {"list": [{"orderId": "a"}, {"orderId": ""}]},
        "retExtInfo": {"list": [{"code": 0, "msg": "OK"}, {"code": 110094, "msg": "small"}]},
    }).encode()  # fmt: skip
    first, second, third = CLIENT.items(200, body, 3)
    assert (first.verdict.meaning, first.order_id, first.ts) == ("ok", "a", 1754000000906_000_000)
    assert (second.verdict.meaning, second.verdict.refusal, second.order_id) == ("rejected", "rule", None)
    assert third.verdict.meaning == "unknown"


def test_an_outer_refusal_is_every_items() -> None:
    verdicts = CLIENT.items(200, b'{"retCode":10003,"retMsg":"key"}', 2)
    assert [item.verdict.meaning for item in verdicts] == ["fatal", "fatal"]


def test_rate_headers_are_read_where_they_are_whole() -> None:
    budget = CLIENT.budget({"x-bapi-limit": "10", "x-bapi-limit-status": "9", "x-bapi-limit-reset-timestamp": "1700"})
    assert budget is not None
    assert (budget.limit, budget.remaining, budget.reset_ns) == (10, 9, 1_700_000_000)
    assert CLIENT.budget({}) is None
    assert CLIENT.budget({"x-bapi-limit": "ten", "x-bapi-limit-status": "9"}) is None


@pytest.mark.parametrize(
    ("url", "market"),
    [
        ("wss://stream.bybit.com/v5/public/linear", "linear"),
        ("wss://stream.bybit.com/v5/public/spot", "spot"),
        ("https://api.bybit.com/v5/market/instruments-info?&category=spot&limit=1000", "spot"),
        ("wss://stream.bybit.com/v5/private", None),
    ],
)
def test_the_market_of_a_url(url: str, market: str | None) -> None:
    assert market_of(url) == market


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
    frame("order", ORDER),
    frame("execution", EXECUTION),
    frame("position", POSITION),
    b'{"topic":"orderbook.50.X","type":"snapshot","ts":1,"data":{"s":"X","b":[["1","2"]],"a":[["2","1"]],"u":1,"seq":1},"cts":1}',
    b'{"topic":"tickers.X","type":"delta","data":{"symbol":"X","markPrice":"1","nextFundingTime":"5"},"cs":1,"ts":3}',
    b'{"topic":"publicTrade.X","type":"snapshot","ts":1,"data":[{"T":1,"s":"X","S":"Buy","v":"1","p":"2","i":"x","BT":false}]}',
]


@given(st.sampled_from(GOOD), CUTS)
def test_no_frame_makes_a_stream_raise_and_every_event_can_be_stored(good: bytes, cuts: list[Any]) -> None:
    frame_ = shaken(good, cuts)
    for socket in (Decoder(), private()):
        try:
            events = socket.receive(frame_, 0)
        except UnknownWord:
            continue
        for n, event in enumerate(events):
            assert parse(canonical(Record(n, 0, 0, event))).event == event


@given(st.binary(max_size=60))
def test_no_bytes_make_a_stream_raise(body: bytes) -> None:
    for socket in (Decoder(), private()):
        assert all(isinstance(event, FeedStatus) for event in socket.receive(body, 0))
