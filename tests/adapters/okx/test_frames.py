# ruff: noqa: E501 - samples and tables are not wrapped
"""Public frames: samples of others, subscriptions as sent, and what a book does through gap, repeat, reset and checksum."""

import json
import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from adapters import venue
from adapters.base.settings import Subscription, VenueSettings
from adapters.base.textbook import TextBook
from adapters.okx.book import checksum
from adapters.okx.contracts import Contracts
from adapters.okx.endpoints import HOSTS
from adapters.okx.exchange import Decoder, market_of
from adapters.okx.websocket import Websocket, topic, topics_of
from replay.decoding import Decoding
from replay.recordings import Recording
from state.errors import WrongUse
from state.events import (
    AnyEvent,
    BookDelta,
    BookSnapshot,
    Candle,
    FeedStatus,
    InstrumentDefined,
    Liquidation,
    Ticker,
    Trade,
)
from tests.adapters.okx.test_requests import BTC

BOOKS = topic("books", BTC)
SETTINGS = VenueSettings("okx", "swap")


def opened(*subscriptions: Subscription) -> Websocket:
    """A public socket with its subscriptions sent."""
    (socket,) = Websocket.of(SETTINGS, "wss://ws.okx.com/ws/v5/public", subscriptions, Contracts())
    socket.on_connect(0)
    return socket


def acknowledge(socket: Websocket, name: str = "books") -> Sequence[AnyEvent]:
    arg = {"channel": name, "instId": BTC}
    return socket.receive(json.dumps({"id": "1", "event": "subscribe", "arg": arg, "connId": "a"}).encode(), 0)


def book(action: str, before: int, own: int, checksum: int = 0, price: str = "65000.2", size: str = "415") -> bytes:
    row = {
        "asks": [[price, size, "0", "13"]], "bids": [["65000.1", "256", "0", "12"]], "ts": "1754000000085",
        "checksum": checksum, "prevSeqId": before, "seqId": own,
    }  # fmt: skip
    said = {"arg": {"channel": "books", "instId": BTC}, "action": action, "data": [row]}
    return json.dumps(said, separators=(",", ":")).encode()


def kinds(events: Sequence[AnyEvent]) -> list[str]:
    return [e.status if isinstance(e, FeedStatus) else type(e).__name__ for e in events]


# --- a book ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frames", "told"),
    [
        pytest.param([(-1, 10), (10, 15)], [["BookSnapshot"], ["BookDelta"]], id="ids are not contiguous"),
        pytest.param([(-1, 10), (10, 10), (10, 12)], [["BookSnapshot"], ["BookDelta"], ["BookDelta"]], id="no change for a minute"),
        pytest.param([(-1, 10), (10, 3), (3, 5)], [["BookSnapshot"], ["BookDelta"], ["BookDelta"]], id="ids start lower after maintenance"),
        pytest.param([(-1, 10), (10, 15), (10, 15), (15, 17)], [["BookSnapshot"], ["BookDelta"], [], ["BookDelta"]], id="an update told twice"),
        pytest.param([(-1, 10), (12, 15), (15, 17)], [["BookSnapshot"], ["gap"], []], id="an update is missing"),
        pytest.param([(-1, 10), (2, 3)], [["BookSnapshot"], ["gap"]], id="a reset that was missed is no repeat"),
        pytest.param([(-1, 10), (12, 15), (-1, 20), (20, 21)], [["BookSnapshot"], ["gap"], ["BookSnapshot", "ok"], ["BookDelta"]], id="a snapshot heals"),
        pytest.param([(10, 15)], [["connecting"]], id="an update before any snapshot"),
    ],
)  # fmt: skip
def test_a_book_through_what_may_come(frames: list[tuple[int, int]], told: list[list[str]]) -> None:
    socket = opened(Subscription("book", BTC))
    acknowledge(socket)
    seen = [kinds(socket.receive(book("snapshot" if b == -1 else "update", b, own), 10**9)) for b, own in frames]
    assert seen == told


def test_a_gap_asks_at_once_and_again_only_after_a_while() -> None:
    socket = opened(Subscription("book", BTC))
    acknowledge(socket)
    socket.receive(book("snapshot", -1, 10), 1)
    socket.receive(book("update", 10, 11), 2)
    socket.receive(book("update", 12, 13), 3)
    assert socket.suspect
    ops = [json.loads(frame) for frame in socket.replies()]
    assert [(op["op"], op["args"]) for op in ops] == [
        (word, [{"channel": "books", "instId": BTC}]) for word in ("unsubscribe", "subscribe")
    ]
    socket.receive(book("update", 13, 14), 4)
    assert socket.heartbeat(5 * 10**9) == [b"ping"]
    assert socket.replies() == []
    acknowledge(socket)
    socket.heartbeat(30 * 10**9)
    assert len(socket.replies()) == 2, "its snapshot did not come"


def test_a_checksum_is_that_of_the_text_and_a_zero_is_none() -> None:
    texts = TextBook()
    texts.update(
        [("3366.1", "7", "0", "3"), ("3366", "6", "3", "4")], [("3366.8", "9", "10", "3"), ("3368", "8", "3", "4")]
    )
    assert checksum(texts) == -1881014294, "the sheet's own"
    one_sided = TextBook()
    one_sided.update([("1", "2", "", ""), ("0.5", "0", "", "")], [])
    assert one_sided.alternating(25) == ["1", "2"]
    socket = opened(Subscription("book", BTC))
    texts = TextBook()
    texts.update([("65000.1", "256", "0", "")], [("65000.2", "415", "0", "")])
    good = checksum(texts)
    assert kinds(socket.receive(book("snapshot", -1, 10, good), 0)) == ["BookSnapshot"]
    texts.update([], [("65000.20", "415.0", "0", "")])
    assert kinds(socket.receive(book("update", 10, 11, checksum(texts), "65000.20", "415.0"), 0)) == ["BookDelta"], (
        "as it is written"
    )
    assert kinds(socket.receive(book("update", 11, 12, 0), 0)) == ["BookDelta"]
    (status,) = socket.receive(book("update", 12, 13, good + 1), 0)
    assert isinstance(status, FeedStatus)
    assert status.status == "gap"
    assert kinds(socket.receive(book("update", 13, 14, good), 0)) == []


def test_a_book_whose_contract_becomes_known_in_the_middle_is_asked_for_again() -> None:
    symbol = "XYZ-USDT-SWAP"
    decoder = Decoder()
    frames = [book("snapshot", -1, 10), book("update", 10, 11), book("update", 11, 12)]
    first, second, third = (frame.replace(BTC.encode(), symbol.encode()) for frame in frames)
    assert kinds(decoder.receive(first, 0)) == ["BookSnapshot", "connecting"]
    assert kinds(decoder.receive(second, 0)) == ["BookDelta"]
    decoder.define(
        InstrumentDefined(
            "okx", symbol, None, "XYZ", "USDT", "USDT", "perpetual", *map(Decimal, ("1", "0.1", "0.1", "0", "9", "0.1"))
        )
    )
    assert kinds(decoder.receive(third, 0)) == ["gap"]
    (again, ok) = decoder.receive(first, 0)
    assert isinstance(again, BookSnapshot)
    assert again.asks == [(65000.2, 41.5)]
    assert kinds([ok]) == ["ok"]


# --- a socket ----------------------------------------------------------------------------------------------------


def test_topics_are_sent_as_jkorfs_recorded_requests_say(recordings: Path) -> None:
    """Each file: `>` what a client must send, `<` the answer, `=` a push."""
    seen = 0
    for path in sorted((recordings / "okx/jkorf/Subscriptions").rglob("*.txt")):
        lines = path.read_text().splitlines()
        want = json.loads(next(line for line in lines if line.startswith(">"))[1:])
        ack = next(line for line in lines if line.startswith("<"))[1:].strip()
        (arg,) = want["args"]
        of = next((word for word in arg if word != "channel"), "")
        name = topic(arg["channel"], arg[of], of) if of in ("instId", "instType") else arg["channel"]
        decoder = Decoder()
        assert decoder.receive(ack.encode(), 0) == ()
        text = re.sub(
            r'"checksum": *-?\d+', '"checksum": 0', path.read_text()
        )  # not that of its own book, in the venue's manual too
        events = decoder.receive(text[text.index("\n= ") + 2 :].strip().encode(), 0)
        assert not decoder.suspect, path.name
        assert not [e for e in events if isinstance(e, FeedStatus) and e.status == "gap"], path.name
        if of == "instId" and decoder.channels:
            socket = Websocket("okx", "x", "", [name], Contracts())
            (sent,) = map(json.loads, socket.on_connect(0))
            assert {"op": sent["op"], "args": sent["args"]} == {"op": want["op"], "args": want["args"]}
            seen += 1
    assert seen >= 7


def test_each_topic_is_acknowledged_alone_and_a_bad_one_spoils_no_other() -> None:
    socket = opened(Subscription("book", BTC), Subscription("trades", BTC), Subscription("ticker", BTC))
    assert not socket.is_ready
    acknowledge(socket, "trades")
    error = {"id": "1", "event": "error", "code": "60018", "msg": "Wrong URL or channel", "connId": "a"}
    while True:
        pending = {str(number): topics for number, topics in socket._asked.items()}
        bad = next((n for n, topics in pending.items() if topic("funding-rate", BTC) in topics), None)
        if bad is None:
            break
        socket.receive(json.dumps(error | {"id": bad}).encode(), 0)
    for name in ("tickers", "mark-price", "open-interest", "books"):
        acknowledge(socket, name)
    index = {"id": "9", "event": "subscribe", "arg": {"channel": "index-tickers", "instId": "BTC-USDT"}}
    socket.receive(json.dumps(index).encode(), 0)
    socket.receive(book("snapshot", -1, 10), 0)
    (refused,) = [channel for channel in socket.channels if channel.status == "down"]
    assert refused.topic == topic("funding-rate", BTC)
    assert socket.is_ready


@pytest.mark.parametrize(
    ("subscription", "topics"),
    [
        (Subscription("book", BTC), [BOOKS]),
        (Subscription("book", BTC, depth=1), [topic("bbo-tbt", BTC)]),
        (Subscription("book", BTC, depth=5), [topic("books5", BTC)]),
        (Subscription("trades", BTC), [topic("trades", BTC)]),
        (Subscription("candles", BTC, interval_s=86_400), [topic("candle1Dutc", BTC)]),
        (Subscription("ticker", "BTC-USDT"), [topic("tickers", "BTC-USDT")]),
        (Subscription("liquidations", BTC), [topic("liquidation-orders", "SWAP", "instType")]),
    ],
)
def test_what_a_subscription_asks_for(subscription: Subscription, topics: list[str]) -> None:
    assert topics_of(subscription, 50) == topics


def test_candles_have_a_path_of_their_own_and_connections_so_many_topics() -> None:
    wanted = [Subscription("book", f"S{n}-USDT-SWAP") for n in range(250)] + [Subscription("candles", BTC)]
    sockets = Websocket.of(SETTINGS, "wss://ws.okx.com/ws/v5/public", wanted, Contracts())
    assert [(s.url.rpartition("/")[2], len(s.channels)) for s in sockets] == [
        ("public", 200),
        ("public", 50),
        ("business", 1),
    ]
    for wrong in (Subscription("candles", BTC, interval_s=7), Subscription("book", "BTC-USDT")):
        with pytest.raises(WrongUse):
            Websocket.of(SETTINGS, "wss://x/public", [wrong], Contracts())


def test_a_notice_ends_the_connection_before_the_venue_does_and_strangers_are_told() -> None:
    socket = opened(Subscription("trades", BTC))
    assert socket.receive(b"pong", 0) == ()
    socket.receive(b'{"event":"notice","code":"64008","msg":"soon","connId":"a"}', 0)
    assert socket.over == "64008 soon"
    for frame in (
        b"",
        b"hello",
        b"[]",
        b'{"arg":{"channel":"dreams","instId":"X"},"data":[]}',
        b'{"arg":{"channel":"trades","instId":"' + BTC.encode(),
    ):
        socket.suspect = False
        assert kinds(socket.receive(frame, 0)) == ["gap"]
        assert socket.suspect


def test_a_frame_of_another_key_order_reads_as_well() -> None:
    row = {
        "instId": BTC,
        "tradeId": "5",
        "px": "1",
        "sz": "3",
        "side": "buy",
        "ts": "1754000000097",
        "count": "2",
        "seqId": 1,
    }
    frame = json.dumps({"data": [row], "arg": {"instId": BTC, "channel": "trades"}}).encode()
    (trade,) = opened(Subscription("trades", BTC)).receive(frame, 0)
    assert trade == Trade("okx", BTC, 1754000000097 * 10**6, "5", 1.0, 0.03, "buy")
    retail = json.dumps({"arg": {"channel": "trades", "instId": BTC}, "data": [row | {"tradeId": "6", "source": "1"}]})
    (trade,) = opened(Subscription("trades", BTC)).receive(retail.encode(), 0)
    assert trade.kind == "rpi", "taken from an order that only retail may take"  # type: ignore[union-attr]


def test_trades_fetched_after_a_reconnect_end_where_a_merged_one_begins() -> None:
    socket = opened(Subscription("trades", BTC))

    def push(trade_id: int, count: int) -> None:
        row = {
            "instId": BTC,
            "tradeId": f"{trade_id}",
            "px": "1",
            "sz": "3",
            "side": "buy",
            "ts": "1754000000097",
            "count": str(count),
        }
        socket.receive(json.dumps({"arg": {"channel": "trades", "instId": BTC}, "data": [row]}).encode(), 0)

    push(10, 1)
    socket.on_disconnect("cut")
    socket.on_connect(0)
    push(20, 4)  # 17 to 20
    fetched = [Trade("okx", BTC, 0, str(n), 1.0, 0.01, "buy", backfilled=True) for n in range(8, 22)]
    assert [trade.trade_id for trade in socket.missed(BTC, fetched)] == ["11", "12", "13", "14", "15", "16"]


def test_trades_that_a_fetch_after_a_reconnect_does_not_reach_are_told_as_missing() -> None:
    socket = opened(Subscription("trades", BTC))
    row = {"instId": BTC, "tradeId": "10", "px": "1", "sz": "3", "side": "buy", "ts": "1754000000097", "count": "1"}
    socket.receive(json.dumps({"arg": {"channel": "trades", "instId": BTC}, "data": [row]}).encode(), 0)
    socket.on_disconnect("cut")
    socket.on_connect(0)
    fetched = [Trade("okx", BTC, 0, str(n), 1.0, 0.01, "buy", backfilled=True) for n in (12, 13)]
    *found, said = socket.missed(BTC, fetched)
    assert found == fetched
    assert isinstance(said, FeedStatus)
    assert (said.symbol, said.channel) == (BTC, "trades")
    assert said.reason == "trades since the connection was lost are missing: the venue lists 2 of them, none of before"
    assert socket.missed(BTC, fetched) == (), "it is said once"


# --- samples of others -------------------------------------------------------------------------------------------


def mapped(event: AnyEvent, scale: float) -> list[dict[str, Any]]:
    """In tardis' words; sizes in contracts, as it leaves them."""
    match event:
        case BookSnapshot() | BookDelta():
            sides = {"bids": event.bids, "asks": event.asks}
            told = {side: [{"price": p, "amount": s / scale} for p, s in levels] for side, levels in sides.items()}
            return [{"type": "book_change", "isSnapshot": isinstance(event, BookSnapshot), **told}]
        case Trade():
            return [
                {
                    "type": "trade",
                    "id": event.trade_id,
                    "price": event.price,
                    "amount": event.size / scale,
                    "side": event.side,
                }
            ]
        case Liquidation():
            return [{"type": "liquidation", "price": event.price, "amount": event.size / scale, "side": event.side}]
        case Ticker():
            said = {
                "lastPrice": event.last,
                "markPrice": event.mark,
                "fundingRate": event.funding_rate,
                "indexPrice": event.index,
            }
            oi = {} if event.open_interest is None else {"openInterest": event.open_interest / scale}
            told = [{"type": "derivative_ticker"} | {k: v for k, v in said.items() if v is not None} | oi]
            if event.bid is not None and event.bid_size is not None and event.ask_size is not None:
                told += [
                    {
                        "type": "book_ticker",
                        "bidPrice": event.bid,
                        "bidAmount": event.bid_size / scale,
                        "askPrice": event.ask,
                        "askAmount": event.ask_size / scale,
                    }
                ]
            return told
    return []


def test_tardis_mapping_cases_agree(recordings: Path) -> None:
    """What they say of a message is found in what we say of it; their books are cut short and their checksums are not."""
    checked = 0
    for name in ("mapping_cases_okex", "mapping_cases_okex-futures"):
        for line in (recordings / f"okx/tardis-node/{name}.jsonl").read_text().splitlines():
            case = json.loads(line)
            for row in case["message"].get("data", ()):
                if isinstance(row, dict):
                    row.pop("checksum", None)
            decoder = Decoder()
            if case["message"].get("action") == "update":
                decoder.receive(json.dumps(case["message"] | {"action": "snapshot"}).encode(), 0)
            events = decoder.receive(json.dumps(case["message"]).encode(), 0)
            ours = [word for event in events for word in mapped(event, 1.0)]
            for theirs in case["expected"]:
                words = [w for w in ours if w["type"] == theirs["type"]]
                assert any(all(theirs[key] == said for key, said in word.items()) for word in words), (
                    case["n"],
                    theirs,
                    ours,
                )
                checked += 1
    assert checked >= 12


def test_other_samples_read_to_the_last_digit(recordings: Path) -> None:
    with Recording.open(recordings / "okx/gocryptotrader/wsAllTrades.jsonl") as recording:
        decoding = Decoding(venue("okx.spot"))
        trades = [event for frame in recording for event in decoding.receive(frame)]
    assert trades[0] == Trade("okx.spot", "BTC-USDT", 1740394561685 * 10**6, "674510826", 95634.9, 0.00011186, "buy")
    decoder = Decoder()
    for name in (
        "ws_books_snapshot",
        "ws_books_update",
        "ws_candle",
        "ws_funding_rate",
        "ws_instruments",
        "ws_tickers",
        "ws_trades",
    ):
        body = json.loads((recordings / f"okx/nautilus/{name}.json").read_text())
        for row in body["data"]:
            if isinstance(row, dict):
                row.pop("checksum", None)  # of a book that is cut short
                row |= {"prevSeqId": 123456} if body.get("action") == "update" and name == "ws_books_update" else {}
        events = decoder.receive(json.dumps(body).encode(), 0)
        assert events, name
        assert {type(e) for e in events} <= {BookSnapshot, BookDelta, Candle, Ticker, Trade, InstrumentDefined}, (
            name,
            events,
        )
    forced = b'{"arg":{"channel":"liquidation-orders","instType":"SWAP"},"data":[{"details":[{"bkPx":"0.5","posSide":"short","side":"buy","sz":"39","ts":"1680173247614"}],"instFamily":"BTC-USDT","instId":"BTC-USDT-SWAP","instType":"SWAP","uly":"BTC-USDT"}]}'
    assert Decoder().receive(forced, 0) == [Liquidation("okx", BTC, 1680173247614 * 10**6, "buy", 0.5, 0.39)]


@pytest.mark.parametrize(
    ("url", "market"),
    [
        ("wss://ws.okx.com/ws/v5/public", "swap"),
        ("wss://ws.okx.com:8443/ws/v5/public", "swap"),
        ("wss://ws.okex.com:8443/ws/v5/public", "swap"),
        ("https://www.okx.com/api/v5/public/instruments?instType=SPOT", "swap"),
        ("http://127.0.0.1:1/api/v5/public/time", "swap"),
        ("wss://stream.bybit.com/v5/public/linear", None),
    ],
)
def test_one_decoder_reads_all_of_the_venues_addresses(url: str, market: str | None) -> None:
    assert market_of(url) == market


def test_sockets_are_asked_for_at_the_port_that_is_left() -> None:
    """Since 2026-10-31 the venue takes no connection at port 8443."""
    assert {urlsplit(private).port for _, private in HOSTS.values()} == {None}
