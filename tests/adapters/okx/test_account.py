"""The account's frames and answers: samples of others, what each word means, and what repeats or does not fit."""

import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters.base.query import Query
from adapters.okx.account import PRIVATE_CHANNELS, Account
from adapters.okx.contracts import Contracts
from adapters.okx.exchange import Decoder
from adapters.okx.formats import Formats
from adapters.okx.private import PrivateWebsocket, TradeWebsocket
from adapters.okx.types import ENDED
from state.errors import UnknownWord, VenueError
from state.events import AnyEvent, BalanceUpdate, FeedStatus, Fill, FundingPayment, OrderUpdate, PositionUpdate
from tests.adapters.okx.test_requests import BTC, KEYS

D = Decimal
MS = 1_000_000

# The sheet's own samples.
ORDER: dict[str, Any] = {
    "instType": "SWAP", "instId": BTC, "ordId": "452197707845865472", "clOrdId": "mm1", "side": "buy", "posSide": "net",
    "tdMode": "cross", "ordType": "post_only", "px": "65000", "sz": "10", "state": "partially_filled", "accFillSz": "4",
    "avgPx": "65000", "fillPx": "65000", "fillSz": "4", "fillTime": "1754000000997", "tradeId": "242589207", "fillFee": "-0.052",
    "fillFeeCcy": "USDT", "fillPnl": "0", "execType": "M", "fee": "-0.052", "feeCcy": "USDT", "reduceOnly": "false",
    "category": "normal", "cancelSource": "", "amendSource": "", "amendResult": "", "reqId": "", "code": "0", "msg": "",
    "cTime": "1754000000900", "uTime": "1754000000998",
}  # fmt: skip
POSITION: dict[str, Any] = {
    "instType": "SWAP", "instId": BTC, "posId": "287999792370819074", "posSide": "net", "mgnMode": "cross", "pos": "-4",
    "availPos": "", "avgPx": "65000", "markPx": "65000.9", "lever": "10", "liqPx": "", "upl": "0.0036", "realizedPnl": "-0.052",
    "uTime": "1754000000998", "pTime": "1754000001001",
}  # fmt: skip


def push(channel: str, *rows: dict[str, Any]) -> bytes:
    arg = {"channel": channel, "instType": "SWAP", "uid": "614488474791936"}
    return json.dumps({"arg": arg, "data": rows}).encode()


def read(channel: str, *rows: dict[str, Any], account: Account | None = None) -> Sequence[AnyEvent]:
    told = (account or Account("okx", Contracts())).private(channel, push(channel, *rows))
    assert told is not None
    return told


def order(**more: Any) -> OrderUpdate:
    (update,) = read("orders", ORDER | {"tradeId": "", "fillSz": "0"} | more)
    assert isinstance(update, OrderUpdate)
    return update


def test_a_fill_comes_before_its_order_in_base_units_and_is_told_once() -> None:
    account = Account("okx", Contracts())
    fill, update = read("orders", ORDER, account=account)
    assert fill == Fill(
        "okx", BTC, 1754000000997 * MS, "242589207", "452197707845865472", "mm1", "buy", D("65000"), D("0.04"), D("-0.052"),
        "USDT", True, "trade", D(0),
    )  # fmt: skip
    assert update == OrderUpdate(
        "okx", BTC, 1754000000998 * MS, "mm1", "452197707845865472", "partially_filled", "buy", "limit", "post_only",
        D("65000"), D("0.10"), D("0.04"), D("65000"), version=1754000000998,
    )  # fmt: skip
    assert read("orders", ORDER, account=account) == [update], "pushes repeat"
    other = ORDER | {"side": "sell", "clOrdId": "mm2", "ordId": "9"}
    assert [type(e) for e in read("orders", other, account=account)] == [Fill, OrderUpdate], (
        "a trade with ourselves has two sides"
    )


@pytest.mark.parametrize(
    ("source", "filled", "status", "refusal", "origin"),
    [
        ("31", "0", "rejected", "post_only", "user"),
        ("31", "4", "cancelled", "post_only", "user"),
        ("14", "0", "cancelled", "would_not_fill", "user"),
        ("14", "4", "cancelled", None, "user"),
        ("13", "0", "cancelled", "would_not_fill", "user"),
        ("32", "0", "cancelled", None, "stp"),
        ("20", "0", "cancelled", None, "dead_man"),
        ("3", "0", "cancelled", None, "liquidation"),
        ("6", "0", "cancelled", None, "adl"),
        ("15", "0", "cancelled", "price_band", "venue"),
        ("1", "0", "cancelled", None, "user"),
        ("", "0", "cancelled", None, "user"),
        ("99", "0", "cancelled", None, "user"),
    ],
)
def test_why_an_order_ended(source: str, filled: str, status: str, refusal: str | None, origin: str) -> None:
    update = order(state="canceled", cancelSource=source, accFillSz=filled)
    assert (update.status, update.refusal, update.origin) == (status, refusal, origin)
    assert update.reason == (ENDED[source][2] or None if source in ENDED else "cancelSource 99")


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"kind": "limit", "tif": "gtc"}, {"ordType": "limit"}),
        ({"kind": "limit", "tif": "fok"}, {"ordType": "fok"}),
        ({"kind": "limit", "tif": "ioc"}, {"ordType": "ioc"}),
        ({"kind": "limit", "tif": "post_only"}, {"ordType": "rpi"}),
        ({"kind": "market", "tif": "ioc", "price": None}, {"ordType": "market", "px": ""}),
        ({"kind": "market", "tif": "ioc"}, {"ordType": "optimal_limit_ioc"}),
        ({"status": "open"}, {"state": "live"}),
        ({"status": "filled"}, {"state": "filled"}),
        ({"status": "cancelled"}, {"state": "mmp_canceled"}),
        ({"reduce_only": True}, {"reduceOnly": "true"}),
        ({"origin": "liquidation"}, {"category": "full_liquidation", "clOrdId": ""}),
        ({"reason": "the amend failed: 51511 would take"}, {"amendResult": "-1", "code": "51511", "msg": "would take"}),
        ({"refusal": "post_only"}, {"amendResult": "-1", "code": "51511"}),
        ({"refusal": "rule"}, {"amendResult": "-1", "code": "99999"}),
        ({"refusal": None}, {"amendResult": "0"}),
        ({"client_id": None}, {"clOrdId": ""}),
    ],
)
def test_what_the_words_of_an_order_mean(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    update = order(**theirs)
    assert {name: getattr(update, name) for name in ours} == ours


@pytest.mark.parametrize("word", [{"side": "sideways"}, {"ordType": "iceberg"}, {"state": "asleep"}])
def test_an_unknown_order_word_is_loud(word: dict[str, str]) -> None:
    with pytest.raises(UnknownWord):
        order(**word)


def test_positions_are_signed_and_in_base_units_and_those_of_other_modes_refused() -> None:
    (update,) = read("positions", POSITION)
    assert update == PositionUpdate(
        "okx", BTC, 1754000000998 * MS, D("-0.04"), D("65000"), D("65000.9"), None, D("0.0036"), D("-0.052"), D("10"),
        1754000000998,
    )  # fmt: skip
    for odd, word in (({"posSide": "long"}, "long/short"), ({"mgnMode": "isolated"}, "cross")):
        (status,) = read("positions", POSITION | odd)
        assert isinstance(status, FeedStatus)
        assert (status.status, word in status.reason) == ("down", True)
        assert isinstance(read("positions", POSITION | odd | {"pos": "0"})[0], PositionUpdate), "nothing is held there"


def test_money_of_a_contract_that_nobody_knows_is_not_guessed() -> None:
    with pytest.raises(ValueError, match="contract size"):
        order(instId="XYZ-USDT-SWAP")


# --- the sockets -------------------------------------------------------------------------------------------------


def socket() -> PrivateWebsocket:
    formats = Formats("okx", "swap")
    opened = PrivateWebsocket("wss://x", formats.account, KEYS, "SWAP", formats.request("funding", Query()))
    opened.on_connect(0)
    return opened


def said(**words: Any) -> bytes:
    return json.dumps(words).encode()


def test_a_private_socket_is_ready_once_all_four_topics_stand() -> None:
    opened = socket()
    assert opened.receive(said(event="login", code="0", msg="", connId="a"), 0) == ()
    (frame,) = map(json.loads, opened.replies())
    assert frame["op"] == "subscribe"
    assert [arg["channel"] for arg in frame["args"]] == list(PRIVATE_CHANNELS)
    assert [arg.get("instType") for arg in frame["args"]] == ["SWAP", "SWAP", None, None]
    for arg in frame["args"]:
        assert not opened.is_ready
        opened.receive(said(event="subscribe", arg=arg, connId="a", id="1"), 0)
    assert opened.is_ready
    assert opened.heartbeat(0) == [b"ping"]
    assert opened.receive(b"pong", 0) == ()
    (down,) = opened.on_disconnect("gone")
    assert (down.status, opened.is_ready) == ("down", False)  # type: ignore[union-attr]


def test_a_refused_login_a_notice_and_a_refused_topic_are_told_and_the_connection_made_anew() -> None:
    opened = socket()
    (status,) = opened.receive(said(event="error", code="60009", msg="Login failed."), 0)
    assert isinstance(status, FeedStatus)
    assert (status.status, opened.over) == ("down", "login refused: 60009 Login failed.")
    opened = socket()
    opened.receive(said(event="login", code="0"), 0)
    opened.receive(said(event="notice", code="64008", msg="upgrade"), 0)
    assert opened.over == "64008 upgrade"
    (status,) = opened.receive(said(event="error", code="60018", msg="no such channel"), 0)
    assert isinstance(status, FeedStatus)
    assert status.status == "down"
    assert opened.suspect


def test_funding_is_announced_by_the_stream_and_its_amount_asked_for_and_told_once() -> None:
    opened = socket()
    opened.receive(said(event="login", code="0"), 0)
    change = {"eventType": "funding_fee", "balData": [{"ccy": "USDT", "cashBal": "1", "uTime": "1"}], "posData": []}
    assert opened.receive(push("balance_and_position", change), 0) == ()
    (request,) = opened.wants()
    assert request.endpoint.path == "/api/v5/account/bills"
    assert request.query == "instType=SWAP&type=8"
    bills = [
        {"billId": str(n), "instId": BTC, "balChg": amount, "ccy": "USDT", "ts": f"{1754000000000 + n}", "type": "8"}
        for n, amount in ((3, "-1.5"), (2, "0.25"))
    ]
    told = opened.answered(request, said(code="0", msg="", data=bills), 0)
    assert told == [
        FundingPayment("okx", BTC, 1754000000002 * MS, "2", D("0.25"), "USDT"),
        FundingPayment("okx", BTC, 1754000000003 * MS, "3", D("-1.5"), "USDT"),
    ]
    assert opened.answered(request, said(code="0", msg="", data=bills), 0) == []
    (gap,) = opened.unanswered(request, VenueError("okx", "1", "no", "unknown"))
    assert isinstance(gap, FeedStatus)
    assert gap.status == "gap", "so that the account is read anew"
    decoder = Decoder()
    again = decoder.http("https://www.okx.com/api/v5/account/bills?instType=SWAP&type=8", said(code="0", data=bills), 0)
    assert again == told, "a recording says the same"


def test_what_does_not_fit_is_told_and_kept_and_never_raises() -> None:
    for opened in (socket(), TradeWebsocket("okx", "", KEYS, {})):
        opened.receive(said(event="login", code="0"), 0)
        for frame in (
            b"",
            b"[]",
            b"{",
            b"\xff",
            said(arg={"channel": "dreams"}, data=[]),
            push("orders", {"instId": 5}),
        ):
            opened.suspect = False
            (status,) = opened.receive(frame, 0)
            assert isinstance(status, FeedStatus)
            assert (status.status, opened.suspect) == ("gap", True)


def test_an_order_sockets_answers_go_to_who_asked() -> None:
    opened = TradeWebsocket("okx", "", KEYS, {})
    (ok,) = opened.receive(said(event="login", code="0"), 0)
    assert ok == FeedStatus("okx", "", "trade", "ok")
    answer = said(id="o1n0", op="order", code="0", msg="", data=[{"ordId": "1", "sCode": "0"}])
    assert opened.receive(answer, 0) == ()
    assert opened.answers == [("o1n0", answer)]


# --- samples of others -------------------------------------------------------------------------------------------


def nautilus(recordings: Path, name: str) -> bytes:
    return (recordings / f"okx/nautilus/{name}.json").read_bytes()


def test_samples_of_a_live_account_read_as_they_are(recordings: Path) -> None:
    decoder = Decoder()
    told = decoder.receive(nautilus(recordings, "ws_account"), 0)
    assert [(e.asset, e.total) for e in told if isinstance(e, BalanceUpdate)] == [
        ("USDT", D("100.52768569797846")), ("BTC", D("0.0000000051")), ("ETH", D("0.000000185")),
    ]  # fmt: skip
    fill, update = decoder.receive(nautilus(recordings, "ws_orders"), 0)
    assert isinstance(fill, Fill)
    assert isinstance(update, OrderUpdate)
    assert (fill.size, fill.fill_id, fill.maker) == (D("0.0003"), "1518905529", True)
    assert (update.kind, update.status, update.filled) == ("market", "filled", D("0.0003"))
    assert not decoder.suspect


@pytest.mark.parametrize(
    ("action", "name", "first"),
    [
        ("wallet", "http_get_account_balance", {"asset": "USDT", "total": D("94.42612990333333")}),
        (
            "order_history",
            "http_get_orders_history",
            {"status": "filled", "size": D("0.0003"), "avg_price": D("103698.9")},
        ),
        ("open_orders", "http_get_orders_pending", {"client_id": "client-order-1", "status": "open", "filled": D(0)}),
        ("positions", "http_get_positions", {"status": "down"}),
        ("instruments", "http_get_instruments_spot", {"symbol": "BTC-USD", "kind": "spot", "lot": D("0.00000001")}),
        ("book", "http_get_order_book", {"depth": 3}),
        ("trades", "http_get_trades", {"trade_id": "734864332", "size": 0.0000125, "side": "buy"}),
        ("klines", "http_get_candlesticks_full", {"closed": True, "volume": 71.6404, "turnover": 7364701.57952}),
        ("mark_prices", "http_get_mark_price", {"mark": 84660.1}),
        ("index_tickers", "http_get_index_price", {"index": 103895.0, "symbol": BTC}),
    ],
)
def test_answers_that_others_kept_read_as_they_are(
    action: str, name: str, first: dict[str, Any], recordings: Path
) -> None:
    told, _ = Formats("okx", "swap").answer(action, nautilus(recordings, name), Query(symbol=BTC, limit=3))
    assert {word: getattr(told[0], word) for word in first} == first


def test_fees_turn_their_sign(recordings: Path) -> None:
    formats = Formats("okx", "swap")
    told, _ = formats.answer("instruments", nautilus(recordings, "http_get_instruments_swap"))
    rates: dict[str, Any] = {
        "code": "0",
        "data": [{"maker": "-0.001", "taker": "-0.002", "makerU": "-0.0002", "takerU": "-0.0005"}],
    }
    inverse, linear = (formats.with_fees(each, said(**rates)) for each in told[:2])  # type: ignore[arg-type]
    assert (inverse.maker_fee, inverse.taker_fee) == (D("0.001"), D("0.002"))
    assert (linear.maker_fee, linear.taker_fee) == (D("0.0002"), D("0.0005"))
    assert (linear.lot, linear.min_size, linear.contract_size, linear.settle) == (
        D("0.001"),
        D("0.001"),
        D("0.1"),
        "USDT",
    )
    assert (inverse.inverse, inverse.lot, inverse.contract_size, inverse.settle) == (True, D(1), D(100), "BTC")
    spot = formats.with_fees(formats.answer("instruments", nautilus(recordings, "http_get_instruments_spot"))[0][0],  # type: ignore[arg-type]
                             nautilus(recordings, "http_get_trade_fee_response"))  # fmt: skip
    assert (spot.maker_fee, spot.taker_fee) == (D("0.0008"), D("0.001"))


GROUPS = [
    {"groupId": "1", "maker": "-0.0002", "taker": "-0.0005"},
    {"groupId": "2", "maker": "0.00005", "taker": "-0.0004"},
]
FLAT = {"maker": "-0.001", "taker": "-0.002", "makerU": "-0.0003", "takerU": "-0.0006"}


@pytest.mark.parametrize(
    ("group", "row", "maker", "taker"),
    [
        pytest.param("2", FLAT | {"feeGroup": GROUPS}, "-0.00005", "0.0004", id="its own group's, a rebate"),
        pytest.param("1", {"feeGroup": GROUPS}, "0.0002", "0.0005", id="no flat rates any more"),
        pytest.param("9", {"feeGroup": GROUPS[:1]}, "0.0002", "0.0005", id="the only group that is told is what was asked for"),
        pytest.param("9", FLAT | {"feeGroup": GROUPS}, "0.0003", "0.0006", id="none is its own: what all had before"),
        pytest.param("", FLAT, "0.0003", "0.0006", id="an answer of before there were groups"),
        pytest.param("4", {"feeGroup": [{"groupId": "4", "maker": "-0.00016", "taker": "-0.00045"}], "maker": "", "taker": "",
            "makerU": "-0.00016", "takerU": "-0.00045"}, "0.00016", "0.00045", id="as a live account was told in 2026-09"),
    ],
)  # fmt: skip
def test_fees_are_those_of_the_instruments_group(group: str, row: dict[str, Any], maker: str, taker: str) -> None:
    formats = Formats("okx", "swap")
    listed = {
        "instId": BTC,
        "instType": "SWAP",
        "tickSz": "0.1",
        "lotSz": "1",
        "minSz": "1",
        "ctVal": "0.01",
        "settleCcy": "USDT",
    }
    (swap,), _ = formats.answer("instruments", said(code="0", data=[listed | {"groupId": group}]))
    priced = formats.with_fees(swap, said(code="0", data=[row]))  # type: ignore[arg-type]
    assert (priced.maker_fee, priced.taker_fee) == (D(maker), D(taker))


def test_a_full_page_names_the_next_and_fills_come_oldest_first() -> None:
    row = {"instId": BTC, "tradeId": "5", "side": "sell", "fillPx": "65000", "fillSz": "4", "ts": "1754000000997", "fee": "0.01",
           "feeCcy": "USDT", "execType": "T", "ordId": "8", "clOrdId": "mm1"}  # fmt: skip
    rows = [row | {"billId": "11"}, row | {"billId": "10", "tradeId": "-4", "execType": "", "subType": "104"}]
    told, cursor = Formats("okx", "swap").answer("executions", said(code="0", data=rows), Query(limit=2))
    assert cursor == "10"
    forced, plain = told
    assert isinstance(forced, Fill)
    assert isinstance(plain, Fill)
    assert (forced.kind, forced.maker, forced.fill_id, forced.backfilled) == ("liquidation", None, "-4", True)
    assert (plain.kind, plain.maker, plain.fee, plain.size) == ("trade", False, D("0.01"), D("0.04"))
    assert Formats("okx", "swap").answer("executions", said(code="0", data=rows), Query(limit=3))[1] == ""
