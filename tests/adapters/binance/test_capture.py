"""Public frames of real captures, 2021 to 2024: every book, every number, and what a lost frame or snapshot does."""

import json
import random
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from adapters.binance.exchange import Decoder
from adapters.binance.websocket import Websocket
from state.book import Book
from state.events import AnyEvent, BookDelta, BookSnapshot, Candle, FeedStatus, InstrumentDefined, Ticker, Trade
from tests.adapters.binance.conftest import FUTURES, SPOT, Capture
from tests.depth import depth

FRAMES = depth(8_000, None)  # of a capture

CAPTURES = pytest.mark.parametrize("capture", [*FUTURES, *SPOT], ids=lambda capture: " and ".join(capture.files))


def books_of(events: Iterable[AnyEvent], books: dict[str, Book]) -> Iterable[Book]:
    """Each book that an event has changed."""
    for event in events:
        if isinstance(event, BookSnapshot | BookDelta):
            book = books.setdefault(event.symbol, Book(event.venue, event.symbol))
            book.replace(event) if isinstance(event, BookSnapshot) else book.update(event)
            yield book


@CAPTURES
def test_every_book_is_what_others_computed_and_what_the_venues_own_touch_says(
    capture: Capture, told: Any, expected: Any
) -> None:
    books: dict[str, Book] = {}
    ours: dict[tuple[str, int], tuple[float, ...]] = {}
    touches: dict[tuple[str, int], tuple[float, ...]] = {}
    statuses: Counter[tuple[str, str]] = Counter()
    for frame, events in islice(told(capture), FRAMES):
        for event in events:
            if isinstance(event, FeedStatus):
                statuses[event.channel, event.status] += 1
            for book in books_of([event], books):
                if isinstance(event, BookDelta):
                    ours[book.symbol, event.update_id or 0] = (*book.touch(), *book.levels())
        if b"@bookTicker" in frame.body[:60]:
            said = json.loads(frame.body)["data"]
            touches[said["s"], said["u"]] = tuple(float(said[name]) for name in ("b", "B", "a", "A"))
    assert {book.status for book in books.values()} == {"ok"}
    assert set(statuses) <= {("book", "connecting"), ("book", "ok")}, "in sequence from the first to the last frame"
    assert max(statuses.values(), default=1) == 1, "and never again in doubt"
    theirs = expected(capture)
    if theirs:
        assert ours == (theirs if FRAMES is None else {key: theirs[key] for key in ours})
        assert len(ours) > 100
    shared = touches.keys() & ours.keys()
    assert [key for key in shared if touches[key] != ours[key][:4]] == []
    assert len(shared) > 25 or not touches or "2022" in capture.files[0]


@pytest.mark.parametrize(
    ("venue", "name"),
    [
        ("binance", "usdm_btcusdt_20240719.gz"),
        ("binance.spot", "spot_btcusdt_20230405.dat.gz"),
        ("binance.spot", "spot_btcusdt_20240809.gz"),
    ],
)
def test_a_capture_without_a_snapshot_never_becomes_ready(venue: str, name: str, told: Any) -> None:
    seen: Counter[type] = Counter()
    statuses = []
    for _, events in islice(told(Capture(venue, (name,))), FRAMES):
        seen.update(type(event) for event in events)
        statuses += [event for event in events if isinstance(event, FeedStatus)]
    assert seen[Ticker] > 1000
    assert seen[Trade] > 1000
    assert seen[BookSnapshot] == seen[BookDelta] == 0
    assert [(status.channel, status.status) for status in statuses] == [("book", "connecting")]


def test_coin_margined_frames_of_the_same_shape_read_without_an_unknown(told: Any) -> None:
    events = [e for _, events in told(Capture("binance", ("BINANCE_DELIVERY.2021-07-22.jsonl.zst",))) for e in events]
    assert {e.status for e in events if isinstance(e, FeedStatus)} == {"connecting"}
    assert Counter(type(e) for e in events)[Ticker] == 2240


def numbers(event: AnyEvent, said: dict[str, Any]) -> Iterable[tuple[float | None, str]]:
    """Each number of an event beside the text it must equal."""
    match event:
        case BookDelta():
            for ours, theirs in ((event.bids, said["b"]), (event.asks, said["a"])):
                for level, texts in zip(ours, theirs, strict=True):
                    yield from zip(level, texts, strict=True)
        case Trade():
            yield event.price, said["p"]
            yield event.size, said["q"]
            assert event.trade_id == str(said["t"] if said["e"] == "trade" else said["a"])
            assert (event.side, event.ts) == ("sell" if said["m"] else "buy", said["T"] * 1_000_000)
        case Ticker() if "B" in said:
            yield from zip((event.bid, event.bid_size, event.ask, event.ask_size), map(said.get, "bBaA"), strict=True)  # type: ignore[arg-type]
        case Ticker():
            yield from zip((event.mark, event.index, event.funding_rate), map(said.get, "pir"), strict=True)  # type: ignore[arg-type]
        case Candle():
            k = said["k"]
            ours = (event.open, event.high, event.low, event.close, event.volume, event.turnover)  # type: ignore[assignment]
            yield from zip(ours, map(k.get, "ohlcvq"), strict=True)  # type: ignore[misc]
            assert (event.start, event.interval_s, event.closed, event.trades) == (k["t"] * 10**6, 60, k["x"], k["n"])


@pytest.mark.parametrize("capture", [FUTURES[0], FUTURES[6], SPOT[1]], ids=lambda capture: capture.files[0])
def test_every_number_of_a_frame_reads_back_as_the_venues_text(capture: Capture, told: Any) -> None:
    checked = 0
    for frame, events in islice(told(capture), FRAMES):
        if frame.kind == "http" or len(events) != 1 or isinstance(events[0], FeedStatus):
            continue
        for ours, theirs in numbers(events[0], json.loads(frame.body)["data"]):
            assert ours is not None
            assert Decimal(repr(ours)) == Decimal(theirs)
            checked += 1
    assert checked > 1_000


def test_any_one_update_removed_shows_at_exactly_the_next_one(recordings: Path, told: Any) -> None:
    frames = [frame for frame, _ in told(FUTURES[5])]
    updates = [n for n, frame in enumerate(frames) if b"depthUpdate" in frame.body]
    begun = next(n for n, frame in enumerate(frames) if b"lastUpdateId" in frame.body)
    after = [n for n in updates if n > begun + 10]
    for n in random.Random(7).sample(after[:-1], 40):
        decoder, gap = Decoder("linear"), None
        for m, frame in enumerate(frames[: updates[updates.index(n) + 1] + 1]):
            if m == n:
                continue
            events = decoder.receive(frame.body, 0)
            if any(isinstance(e, FeedStatus) and e.status == "gap" for e in events):
                gap = gap or m
        assert gap == updates[updates.index(n) + 1], f"update {n} removed"


# --- the procedure, step by step ---------------------------------------------------------------------------------


def depth(first: int, last: int, before: int | None = None, size: str = "1", symbol: str = "BTCUSDT") -> bytes:
    chain = "" if before is None else f'"pu":{before},'
    return (
        f'{{"stream":"{symbol.lower()}@depth@100ms","data":{{"e":"depthUpdate","E":2,"T":1,"s":"{symbol}","U":{first},'
        f'"u":{last},{chain}"b":[["100","{size}"]],"a":[]}}}}'
    ).encode()


def snapshot(at: int) -> bytes:
    return f'{{"lastUpdateId":{at},"E":2,"T":1,"bids":[["99","1"]],"asks":[["101","2"]]}}'.encode()


def socket(market: str = "linear") -> Websocket:
    """A book that is subscribed, its snapshot asked for."""
    made = Websocket("binance", "public.0", "", ["btcusdt@depth@100ms"], market)
    made.on_disconnect("first connection", "connecting")
    made.on_connect(0)
    made.receive(b'{"result":null,"id":1}', 10**9)
    return made


def test_the_snapshot_is_asked_for_once_the_subscription_stands() -> None:
    made = socket()
    (request,) = made.wants()
    assert (request.endpoint.path, request.query, request.cost) == ("/fapi/v1/depth", "symbol=BTCUSDT&limit=1000", 20)
    made.heartbeat(2 * 10**9)
    made.receive(depth(5, 6, 4), 3 * 10**9)
    assert made.wants() == [], "asked once"
    (spot,) = socket("spot").wants()
    assert (spot.endpoint.path, spot.cost) == ("/api/v3/depth", 50)


@pytest.mark.parametrize(
    ("market", "early", "at", "ids"),
    [
        pytest.param("linear", [(5, 6, 4), (8, 9, 6)], 8, [8, 9], id="the first that straddles is applied, older are dropped"),
        pytest.param("linear", [(9, 12, 8)], 8, [8, 12], id="one that names the snapshot as the one before it"),
        pytest.param("linear", [(5, 6, 4), (7, 8, 6)], 8, [8, 8], id="one that ends with the snapshot is applied again"),
        pytest.param("linear", [], 8, [8], id="nothing has come yet"),
        pytest.param("spot", [(5, 6, None), (7, 9, None)], 8, [8, 9], id="spot straddles by the next id"),
        pytest.param("spot", [(5, 8, None), (9, 9, None)], 8, [8, 9], id="spot drops what ends with the snapshot"),
    ],
)  # fmt: skip
def test_what_came_before_the_snapshot(market: str, early: list[Any], at: int, ids: list[int]) -> None:
    made = socket(market)
    (request,) = made.wants()
    for update in early:
        assert made.receive(depth(*update), 0) == ()
    events = made.answered(request, snapshot(at), 0)
    told = [event.update_id for event in events if isinstance(event, BookSnapshot | BookDelta)]
    assert told == ids
    assert FeedStatus("binance", "BTCUSDT", "book", "ok") in events
    assert made.is_ready


def test_a_snapshot_older_than_the_stream_is_asked_for_again() -> None:
    made = socket()
    (request,) = made.wants()
    made.receive(depth(15, 16, 14), 0)
    assert made.answered(request, snapshot(8), 0) == ()
    assert not made.is_ready
    made.heartbeat(3 * 10**9)
    (again,) = made.wants()
    first, ok, delta = made.answered(again, snapshot(15), 0)
    assert isinstance(first, BookSnapshot)
    assert ok == FeedStatus("binance", "BTCUSDT", "book", "ok")
    assert isinstance(delta, BookDelta)
    assert (delta.update_id, delta.prev_update_id) == (16, 15)


def test_a_gap_is_told_once_and_the_book_is_made_whole_with_what_came_meanwhile() -> None:
    made = socket()
    (request,) = made.wants()
    made.answered(request, snapshot(10), 0)
    assert len(made.receive(depth(11, 12, 10), 0)) == 1
    assert made.receive(depth(11, 12, 10), 0) == (), "a repeat is dropped"
    made.suspect = False
    (gap,) = made.receive(depth(20, 21, 19), 5 * 10**9)
    assert gap == FeedStatus("binance", "BTCUSDT", "book", "gap", "expected an update after 12, got one after 19")
    assert made.suspect, "the frame that showed it is kept"
    (again,) = made.wants()
    assert made.receive(depth(22, 23, 21), 6 * 10**9) == ()
    assert not made.wants(), "asked once"
    events = made.answered(again, snapshot(20), 0)
    assert [type(event) for event in events] == [BookSnapshot, FeedStatus, BookDelta, BookDelta]
    assert len(made.receive(depth(24, 25, 23), 0)) == 1


def test_a_snapshot_that_is_refused_or_does_not_fit_is_told_and_asked_for_again() -> None:
    made = socket()
    (request,) = made.wants()
    (status,) = made.answered(request, b"<html>", 0)
    assert isinstance(status, FeedStatus)
    assert (status.status, made.suspect) == ("gap", True)
    made.heartbeat(5 * 10**9)
    assert len(made.wants()) == 1


def test_a_book_that_nobody_owns_is_of_the_one_that_waits() -> None:
    decoder = Decoder("linear")
    assert decoder.receive(snapshot(8), 0) == (), "before any update"
    events = decoder.receive(depth(8, 9, 7), 0)
    assert [type(event) for event in events] == [FeedStatus, BookSnapshot, FeedStatus, BookDelta]
    two = Decoder("linear")
    two.receive(depth(8, 9, 7), 0)
    two.receive(depth(8, 9, 7, symbol="ETHUSDT"), 0)
    (status,) = two.receive(snapshot(8), 0)
    assert isinstance(status, FeedStatus)
    assert (status.status, "2 wait" in status.reason) == ("gap", True)


def test_a_stream_that_must_speak_and_does_not_is_stale_until_it_does() -> None:
    made = Websocket("binance", "public.0", "", ["btcusdt@bookTicker", "ethusdt@bookTicker", "btcusdt@aggTrade"])
    made.on_connect(0)
    made.receive(b'{"result":null,"id":1}', 0)
    touch = b'{"stream":"%s@bookTicker","data":{"e":"bookTicker","u":1,"s":"X","b":"1","B":"1","a":"2","A":"1","T":1,"E":1}}'
    assert len(made.receive(touch % b"btcusdt", 10**9)) == 1
    assert made.noticed(29 * 10**9) == ()
    (stale,) = made.noticed(31 * 10**9)
    assert made.noticed(32 * 10**9) == (), "told once"
    assert stale == FeedStatus("binance", "ETHUSDT", "ticker", "stale", "ethusdt@bookTicker: subscribed, yet silent")
    healed, _ = made.receive(touch % b"ethusdt", 32 * 10**9)
    assert healed == FeedStatus("binance", "ETHUSDT", "ticker", "ok")


@pytest.mark.parametrize(
    "answer",
    [
        b'{"code":2,"msg":"Invalid request","id":%d}',
        b'{"error":{"code":-1121,"msg":"Invalid symbol."},"id":%d}',
    ],
)
def test_a_refused_stream_is_found_by_halves_and_the_others_go_on(answer: bytes) -> None:
    made = Websocket("binance", "public.0", "", ["btcusdt@aggTrade", "nope@aggTrade"])
    made.on_disconnect("first connection", "connecting")
    (frame,) = made.on_connect(0)
    assert json.loads(frame) == {"method": "SUBSCRIBE", "params": ["btcusdt@aggTrade", "nope@aggTrade"], "id": 1}
    assert made.receive(answer % 1, 0) == ()
    assert [json.loads(f)["params"] for f in made.replies()] == [["btcusdt@aggTrade"], ["nope@aggTrade"]]
    assert made.receive(b'{"result":null,"id":2}', 0) == [FeedStatus("binance", "BTCUSDT", "trades", "ok")]
    (refused,) = made.receive(answer % 3, 0)
    assert isinstance(refused, FeedStatus)
    assert (refused.symbol, refused.status) == ("NOPE", "down")
    assert made.is_ready


def test_instruments_of_the_captures_read_whole(told: Any) -> None:
    for capture, symbol, tick, lot, kind in (
        (FUTURES[6], "BTCUSDT", "0.01", "0.001", "perpetual"),
        (SPOT[1], "BTCUSDT", "0.01000000", "0.00001000", "spot"),
    ):
        found = [e for _, events in told(capture) for e in events if isinstance(e, InstrumentDefined)]
        (btc,) = [event for event in found if event.symbol == symbol]
        assert (btc.tick, btc.lot, btc.kind, btc.settle) == (Decimal(tick), Decimal(lot), kind, "USDT")
        assert len(found) > 100
