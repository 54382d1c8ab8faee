"""Public frames of the real capture: values, sequence, what one lost update does, and what cannot be read."""

import json
import random
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters.bybit.websocket import Websocket
from state.book import Book
from state.events import (
    AnyEvent,
    BookDelta,
    BookSnapshot,
    Candle,
    FeedStatus,
    Liquidation,
    Ticker,
    Trade,
)

VENUES = {"linear": "bybit", "spot": "bybit.spot"}


def decoders() -> dict[str, Websocket]:
    return {market: Websocket(venue, "public.0", "") for market, venue in VENUES.items()}


def same_number(ours: float | None, text: str) -> bool:
    """Shortest text of the float and the venue's text name the same number, exactly."""
    return ours is not None and Decimal(repr(ours)) == Decimal(text)


def test_top_of_book_after_each_book_frame_is_what_others_computed(capture: Any, expected: Any) -> None:
    sockets, books, compared = decoders(), {}, 0
    for line in capture:
        for event in sockets[line.market].receive(line.frame, 0):
            assert not isinstance(event, FeedStatus), event
            if not isinstance(event, BookSnapshot | BookDelta):
                continue
            book = books.setdefault((event.venue, event.symbol), Book(event.venue, event.symbol))
            book.replace(event) if isinstance(event, BookSnapshot) else book.update(event)
            _, _, _, update_id, _, *touch, bids, asks = expected[line.index]
            assert (event.update_id, book.touch(), book.levels()) == (update_id, tuple(map(float, touch)), (bids, asks))
            compared += 1
    assert compared == len(expected) == 2148
    assert {book.status for book in books.values()} == {"ok"}


def test_every_number_of_the_capture_reads_back_as_the_venues_text(capture: Any) -> None:
    sockets, checked = decoders(), 0
    for line in capture:
        events, wire = sockets[line.market].receive(line.frame, 0), json.loads(line.frame)
        for pair in numbers(events, wire):
            assert same_number(*pair), (line.index, pair)
            checked += 1
    assert checked > 44_000


def numbers(events: Iterable[AnyEvent], wire: dict[str, Any]) -> Iterable[tuple[float | None, str]]:
    """Each number of each event beside the text it must equal."""
    for n, event in enumerate(events):
        match event:
            case BookSnapshot() | BookDelta():
                for ours, theirs in ((event.bids, wire["data"]["b"]), (event.asks, wire["data"]["a"])):
                    assert len(ours) == len(theirs)
                    for level, texts in zip(ours, theirs, strict=True):
                        yield from zip(level, texts, strict=True)
            case Trade():
                item = wire["data"][n]
                yield event.price, item["p"]
                yield event.size, item["v"]
                assert (event.trade_id, event.side, event.ts) == (item["i"], item["S"].lower(), item["T"] * 1_000_000)
            case Ticker():
                yield from ticker_numbers(event, wire["data"])
            case Candle():
                item = wire["data"][n]
                for name in ("open", "high", "low", "close", "volume", "turnover"):
                    yield getattr(event, name), item[name]
                assert (event.start, event.interval_s, event.closed) == (item["start"] * 1_000_000, 60, item["confirm"])


def ticker_numbers(event: Ticker, said: dict[str, str]) -> Iterable[tuple[float | None, str]]:
    names = {
        "last": "lastPrice",
        "bid": "bid1Price",
        "bid_size": "bid1Size",
        "ask": "ask1Price",
        "ask_size": "ask1Size",
        "mark": "markPrice",
        "index": "indexPrice",
        "funding_rate": "fundingRate",
        "open_interest": "openInterest",
        "volume_24h": "volume24h",
    }
    for ours, theirs in names.items():
        if said.get(theirs):
            yield getattr(event, ours), said[theirs]
        else:
            assert getattr(event, ours) is None, "what was not said is None"


def test_linear_and_spot_of_the_same_symbol_are_two_markets(capture: Any) -> None:
    sockets = decoders()
    seen = {(e.venue, e.symbol) for line in capture for e in sockets[line.market].receive(line.frame, 0)}
    assert {("bybit", "BTCUSDT"), ("bybit.spot", "BTCUSDT")} <= seen


def delta_positions(capture: Any) -> list[int]:
    return [n for n, line in enumerate(capture) if b'"delta"' in line.frame and b'"orderbook.' in line.frame[:40]]


def topic_of(frame: bytes) -> str:
    return str(json.loads(frame).get("topic"))


def test_any_one_delta_removed_shows_at_exactly_the_next_frame_of_its_topic(capture: Any) -> None:
    positions = delta_positions(capture)
    followed = [(n, topic_of(capture[n].frame), capture[n].market) for n in positions]
    for n, topic, market in random.Random(7).sample(followed, 150):
        later = next((m for m, t, k in followed if m > n and (t, k) == (topic, market)), None)
        socket, first_gap = Websocket("v", "public.0", "", [topic]), None
        start = max(m for m in range(n) if capture[m].market == market and topic_of(capture[m].frame) == topic)
        prefix = f'{{"topic":"{topic}"'.encode()
        snapshot = capture[start].frame.replace(b'"delta"', b'"snapshot"')
        socket.receive(snapshot, 0)
        for m in range(start + 1, min(len(capture), (later or n) + 1)):
            if m == n or capture[m].market != market or not capture[m].frame.startswith(prefix):
                continue
            events = socket.receive(capture[m].frame, 0)
            if first_gap is None and any(isinstance(e, FeedStatus) and e.status == "gap" for e in events):
                first_gap = m
        assert first_gap == later, f"delta at {n} of {topic} removed"


BOOK = (
    '{"topic":"orderbook.50.BTCUSDT","type":"%s","ts":1,"data":{"s":"BTCUSDT","b":[["1","2"]],"a":[],"u":%d,"seq":1}}'
)


def test_a_gap_is_told_once_asked_about_and_healed_by_a_snapshot() -> None:
    socket = Websocket("bybit", "public.0", "", ["orderbook.50.BTCUSDT"])
    socket.receive((BOOK % ("snapshot", 10)).encode(), 0)
    assert socket.receive((BOOK % ("delta", 10)).encode(), 0) == (), "a repeat is dropped"
    assert len(socket.receive((BOOK % ("delta", 11)).encode(), 0)) == 1
    (gap,) = socket.receive((BOOK % ("delta", 13)).encode(), 0)
    assert gap == FeedStatus("bybit", "BTCUSDT", "book", "gap", "expected update 12, got update 13")
    assert socket.suspect, "the frame that showed it is kept"
    sent = [json.loads(frame) for frame in socket.replies()]
    assert [(s["op"], s["args"]) for s in sent] == [
        ("unsubscribe", ["orderbook.50.BTCUSDT"]),
        ("subscribe", ["orderbook.50.BTCUSDT"]),
    ]
    assert socket.receive((BOOK % ("delta", 14)).encode(), 0) == ()
    assert not socket.replies(), "asked once"
    snapshot, healed = socket.receive((BOOK % ("snapshot", 1)).encode(), 0)
    assert isinstance(snapshot, BookSnapshot)
    assert healed == FeedStatus("bybit", "BTCUSDT", "book", "ok")
    (delta,) = socket.receive((BOOK % ("delta", 2)).encode(), 0)
    assert isinstance(delta, BookDelta)
    assert (delta.update_id, delta.prev_update_id) == (2, 1)


def test_a_resync_that_is_not_answered_is_asked_for_again() -> None:
    socket = Websocket("bybit", "public.0", "", ["orderbook.50.BTCUSDT"])
    socket.receive((BOOK % ("delta", 5)).encode(), 0)
    asked = [json.loads(frame) for frame in socket.replies()]
    socket.receive(json.dumps({"op": "subscribe", "success": True, "req_id": asked[1]["req_id"]}).encode(), 0)
    ops = [json.loads(frame)["op"] for frame in socket.heartbeat(20_000_000_000)]
    assert ops == ["ping", "unsubscribe", "subscribe"]


TRADE = (
    '{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1,"data":[{"T":1,"s":"BTCUSDT","S":"Buy","v":"%s",'
    '"p":"%s","i":"x","BT":false}]}'
)


@pytest.mark.parametrize(
    ("frame", "symbol", "channel"),
    [
        pytest.param(b"\xff\xfe{", "", "public.0", id="bytes that are no text"),
        pytest.param(b"pong", "", "public.0", id="text that is no JSON"),
        pytest.param(b"", "", "public.0", id="nothing at all"),
        pytest.param(b"[1,2]", "", "public.0", id="JSON that is no object"),
        pytest.param(b'{"topic":"orderbook.50.BTCUSDT"', "BTCUSDT", "book", id="a frame cut off after its topic"),
        pytest.param(b'{"topic":"orderbook.50', "", "public.0", id="a frame cut off within its topic"),
        pytest.param((BOOK % ("delta", 2)).replace('"u":2,', "").encode(), "BTCUSDT", "book", id="a book without u"),
        pytest.param((BOOK % ("delta", 2)).replace('"1"', '"x"').encode(), "BTCUSDT", "book", id="a price of letters"),
        pytest.param((BOOK % ("delta", 2)).replace('"1"', '"NaN"').encode(), "BTCUSDT", "book", id="a price of NaN"),
        pytest.param((BOOK % ("delta", 2)).replace('"2"', '"-2"').encode(), "BTCUSDT", "book", id="a negative size"),
        pytest.param((BOOK % ("delta", 2)).replace('"2"', '"1e999"').encode(), "BTCUSDT", "book", id="a size past all"),
        pytest.param((BOOK % ("delta", 2)).replace(":1,", ":99999999999999,").encode(), "BTCUSDT", "book", id="year 5138"),
        pytest.param((BOOK % ("news", 2)).encode(), "BTCUSDT", "book", id="a book of unknown type"),
        pytest.param((TRADE % ("1", "")).encode(), "BTCUSDT", "trades", id="a trade without a price"),
        pytest.param((TRADE % ("1", "1")).replace("Buy", "Both").encode(), "BTCUSDT", "trades", id="a trade of no side"),
        pytest.param(b'{"topic":"orderbook.50.NOPEUSDT","data":{}}', "", "public.0", id="a symbol never asked for"),
        pytest.param(b'{"topic":"weather.BTCUSDT","data":{}}', "", "public.0", id="a topic that does not exist"),
        pytest.param(b'{"op":"sing"}', "", "public.0", id="an answer to nothing"),
        pytest.param(b"[" * 100_000, "", "public.0", id="a hundred thousand brackets"),
    ],
)  # fmt: skip
def test_a_frame_that_does_not_fit_is_a_status_with_the_frame_kept(frame: bytes, symbol: str, channel: str) -> None:
    socket = Websocket("bybit", "public.0", "", ["orderbook.50.BTCUSDT", "publicTrade.BTCUSDT"])
    socket.receive((BOOK % ("snapshot", 1)).encode(), 0)
    (event,) = socket.receive(frame, 0)
    assert isinstance(event, FeedStatus)
    assert (event.venue, event.symbol, event.channel, event.status) == ("bybit", symbol, channel, "gap")
    assert event.reason
    assert socket.suspect
    assert bool(socket.replies()) == (channel == "book"), "only a book must be asked for again"
    good = socket.receive((TRADE % ("1", "2")).encode(), 0)
    assert [type(e) for e in good] == ([FeedStatus, Trade] if channel == "trades" else [Trade])


def test_a_crossed_book_is_passed_on_for_the_state_to_judge() -> None:
    socket, book = Websocket("bybit", "public.0", ""), Book("bybit", "BTCUSDT")
    frame = (BOOK % ("snapshot", 1)).replace('"a":[]', '"a":[["0.5","1"]]').encode()
    (snapshot,) = socket.receive(frame, 0)
    assert isinstance(snapshot, BookSnapshot)
    book.replace(snapshot)
    assert book.status == "crossed"


def text_frames(lines: Iterable[str]) -> Iterable[bytes]:
    """The received frames of a cryptofeed text capture: `<time>: <frame>`."""
    for line in lines:
        stamp, _, frame = line.partition(": ")
        if stamp.replace(".", "").isdigit():
            yield frame.encode()


@pytest.mark.parametrize("market", ["linear", "spot"])
def test_top_level_books_of_2025_read_without_a_gap(recordings: Path, read_zst: Any, market: str) -> None:
    socket = Websocket("bybit", "public.0", "")
    lines = read_zst(recordings / f"bybit/cryptofeed/BYBIT.v5.{market}.orderbook1.2025-06-13.txt.zst")
    events = [event for frame in text_frames(lines) for event in socket.receive(frame, 0)]
    assert len(events) > 20
    assert {type(event) for event in events} <= {BookSnapshot, BookDelta}
    assert all(isinstance(e, BookDelta) or e.depth == 1 for e in events)


def test_frames_recorded_by_tardis_read_as_tardis_reads_them(recordings: Path) -> None:
    socket = Websocket("bybit.spot", "public.0", "")
    compared = 0
    for text in (recordings / "bybit/tardis-node/mapping_cases_bybit-spot.jsonl").read_text().splitlines():
        case = json.loads(text)
        events = socket.receive(json.dumps(case["message"]).encode(), 0)
        for event, want in zip(events, case["expected"], strict=False):
            if isinstance(event, Trade):
                assert (event.trade_id, event.price, event.size, event.side) == (
                    want["id"],
                    want["price"],
                    want["amount"],
                    want["side"],
                )
                compared += 1
            elif isinstance(event, BookSnapshot) and want["type"] == "book_change":
                assert event.bids == [(level["price"], level["amount"]) for level in want["bids"]]
                assert event.asks == [(level["price"], level["amount"]) for level in want["asks"]]
                compared += 1
            elif isinstance(event, BookSnapshot) and want["type"] == "book_ticker":
                assert event.bids == [(want["bidPrice"], want["bidAmount"])]
                compared += 1
    assert compared >= 6


def subscription_frame(path: Path) -> bytes:
    """The frame a venue sent, from a JKorf transcript: what follows the line `= `."""
    return path.read_text().split("= ", 1)[1].encode()


def test_frames_of_jkorf_transcripts_read_with_their_values(recordings: Path) -> None:
    folder = recordings / "bybit/jkorf/Subscriptions/V5/Linear"
    socket = Websocket("bybit", "public.0", "")
    (trade,) = socket.receive(subscription_frame(folder / "Trades.txt"), 0)
    assert trade == Trade(
        "bybit", "BTCUSDT", 1672304486865_000_000, "20f43950-d8dd-5b31-9112-a178eb6023af", 16578.5, 0.001, "buy"
    )
    (liquidation,) = socket.receive(subscription_frame(folder / "Liquidations.txt"), 0)
    assert liquidation == Liquidation("bybit", "ETHUSDT", 1739502302929_000_000, "buy", 0.04499, 20000.0), (
        "a liquidated short is bought back"
    )
    (ticker,) = socket.receive(subscription_frame(folder / "Ticker.txt"), 0)
    assert isinstance(ticker, Ticker)
    assert (ticker.last, ticker.funding_interval_s, ticker.next_funding) == (
        17216.0,
        None,
        1673280000000_000_000,
    )


def test_a_ticker_with_empty_strings_says_nothing_there() -> None:
    socket = Websocket("bybit", "public.0", "")
    frame = (
        b'{"topic":"tickers.X","type":"delta","data":{"symbol":"X","markPrice":"","lastPrice":"1.5",'
        b'"fundingIntervalHour":"8","nextFundingTime":""},"cs":1,"ts":3}'
    )
    (ticker,) = socket.receive(frame, 0)
    assert ticker == Ticker("bybit", "X", 3_000_000, last=1.5, funding_interval_s=28800)


def test_a_kline_of_nautilus_reads_with_its_interval(recordings: Path) -> None:
    (candle,) = Websocket("bybit", "p", "").receive((recordings / "bybit/nautilus/ws_kline.json").read_bytes(), 0)
    assert isinstance(candle, Candle)
    assert (candle.symbol, candle.interval_s, candle.open, candle.close, candle.closed) == (
        "BTCUSDT", 300, 16649.5, 16677.0, False,
    )  # fmt: skip


@pytest.mark.parametrize("version", ["v2.realtime", "v2.realtime_public"])
def test_another_schema_never_raises(recordings: Path, read_zst: Any, version: str) -> None:
    socket = Websocket("bybit", "public.0", "")
    lines = read_zst(recordings / f"bybit/cryptofeed-legacy-v2/BYBIT.{version}.2021-04-17.txt.zst")
    events = [event for frame in text_frames(lines) for event in socket.receive(frame, 0)]
    assert {type(event) for event in events} == {FeedStatus}
