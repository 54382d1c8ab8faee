"""Public frames of real captures: every book, every checksum, every number, and what an altered or lost frame does."""

import json
import random
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters import venue
from adapters.okx.exchange import Decoder
from replay.decoding import Decoding, is_finding
from replay.recording_formats import plain
from state.book import Book
from state.events import AnyEvent, BookDelta, BookSnapshot, FeedStatus, InstrumentDefined, Ticker, Trade
from tests.adapters.okx.conftest import CAPTURES, CONNECTIONS, LATER, Told, frames_of

Teller = Callable[..., list[Told]]


def contracts(size: float, unit: Decimal) -> Decimal:
    """What was on the wire, where the size's shortest text is that of the product."""
    return Decimal(repr(size)) / unit


@pytest.mark.parametrize("name", CAPTURES)
def test_every_book_is_what_others_computed_from_the_same_frames(
    name: str, told: Teller, expected: Any, units: dict[str, Decimal]
) -> None:
    books: dict[str, Book] = {}
    ours = []
    for each in told(name):
        for event in each.events:
            if isinstance(event, BookSnapshot | BookDelta):
                book = books.setdefault(event.symbol, Book(event.venue, event.symbol))
                book.replace(event) if isinstance(event, BookSnapshot) else book.update(event)
                bid, bid_size, ask, ask_size = book.touch()
                unit = units[event.symbol]
                ours.append((
                    event.symbol, (event.ts or 0) // 10**6, Decimal(repr(bid)), contracts(bid_size, unit),
                    Decimal(repr(ask)), contracts(ask_size, unit), *book.levels(),
                ))  # fmt: skip
    theirs = [(row[0], row[1], *map(Decimal, row[2:6]), *row[6:8]) for row in expected(name)]
    assert ours == theirs
    assert {book.status for book in books.values()} == {"ok"}


def test_every_frame_is_understood_and_every_checksum_agrees(told: Teller) -> None:
    seen: Counter[str] = Counter()
    checksums = 0
    for name in CAPTURES:
        for each in told(name):
            seen.update(type(event).__name__ for event in each.events)
            assert not [event for event in each.events if isinstance(event, FeedStatus)], each.frame.body
            checksums += each.frame.body.count(b'"checksum":') if each.frame.kind == "ws" else 0
    assert checksums == seen["BookSnapshot"] + seen["BookDelta"] == 4_662
    assert seen["Trade"] > 100


def test_one_altered_size_shows_at_its_very_frame_and_nothing_follows_before_a_snapshot(
    told: Teller, defined: list[InstrumentDefined]
) -> None:
    frames = [each for each in told(CONNECTIONS[0]) if each.frame.direction == "in"]
    places = [(n, near) for n, near in enumerate(near_the_top(frames)) if near]
    for victim, price in random.Random(7).sample(places, 10):
        decoder = Decoder()
        for instrument in defined:
            decoder.define(instrument)
        (symbol,) = {event.symbol for event in frames[victim].events if isinstance(event, BookDelta)}
        for n, each in enumerate(frames):
            body = each.frame.body
            events = decoder.receive(altered(body, price) if n == victim else body, 0)
            statuses = [event for event in events if isinstance(event, FeedStatus)]
            assert [(s.symbol, s.channel, s.status) for s in statuses] == [(symbol, "book", "gap")] * (n == victim)
            if n == victim:
                assert decoder.suspect, "the frame is kept"
                assert "checksum" in statuses[0].reason
            if n >= victim:
                assert not [e for e in events if isinstance(e, BookDelta) and e.symbol == symbol]


def near_the_top(frames: list[Told]) -> list[float]:
    """Of each update a price that it puts among the best 25, of which the checksum is made; 0 where there is none."""
    books: dict[str, Book] = {}
    found = []
    for each in frames:
        near = 0.0
        for event in each.events:
            if isinstance(event, BookSnapshot):
                books.setdefault(event.symbol, Book(event.venue, event.symbol)).replace(event)
            elif isinstance(event, BookDelta):
                book = books[event.symbol]
                book.update(event)
                best = {price for price, _ in (*book.bids(25), *book.asks(25))}
                near = next((price for price, size in (*event.bids, *event.asks) if size and price in best), 0.0)
        found.append(near)
    return found


def altered(body: bytes, price: float) -> bytes:
    """One more digit behind the size at a price."""
    message = json.loads(body)
    for level in (*message["data"][0]["asks"], *message["data"][0]["bids"]):
        if float(level[0]) == price:
            level[1] += "1"
    return json.dumps(message).encode()


def test_three_connections_give_each_trade_once(told: Teller) -> None:
    each_alone = {
        (event.symbol, event.trade_id)
        for name in CONNECTIONS
        for told_one in told(name)
        for event in told_one.events
        if isinstance(event, Trade)
    }
    together = [event for each in told(*CONNECTIONS) for event in each.events if isinstance(event, Trade)]
    assert len(together) == len({(event.symbol, event.trade_id) for event in together})
    assert {(event.symbol, event.trade_id) for event in together} == each_alone
    written = sum(each.frame.body.count(b'"tradeId"') for each in told(*CONNECTIONS))
    assert written > 2 * len(together)


@pytest.mark.parametrize("name", [CONNECTIONS[0], LATER])
def test_every_number_reads_back_as_the_venues_text(name: str, told: Teller, units: dict[str, Decimal]) -> None:
    checked = 0
    for each in told(name):
        if each.frame.kind == "http" or not each.events:
            continue
        for event, row in zip(each.events, json.loads(each.frame.body)["data"], strict=True):
            unit = units[event.symbol]
            for ours, theirs in numbers(event, row, unit):
                assert ours is not None
                assert Decimal(repr(ours)) == theirs, (event, row)
                checked += 1
    assert checked > 5_000


def numbers(event: AnyEvent, row: dict[str, Any], unit: Decimal) -> list[tuple[float | None, Decimal]]:
    """Each number of an event beside what it must equal."""
    assert event.ts == int(row["ts"]) * 10**6
    match event:
        case BookSnapshot() | BookDelta():
            levels = zip((*event.asks, *event.bids), (*row["asks"], *row["bids"]), strict=True)
            return [
                pair
                for (price, size), text in levels
                for pair in ((price, Decimal(text[0])), (size, Decimal(text[1]) * unit))
            ]
        case Trade():
            assert (event.trade_id, event.side) == (row["tradeId"], row["side"])
            return [(event.price, Decimal(row["px"])), (event.size, Decimal(row["sz"]) * unit)]
        case Ticker():
            told = [
                (event.last, row["last"], 1), (event.bid, row["bidPx"], 1), (event.bid_size, row["bidSz"], unit),
                (event.ask, row["askPx"], 1), (event.ask_size, row["askSz"], unit),
                (event.volume_24h, row["vol24h"], unit),
            ]  # fmt: skip
            return [(ours, Decimal(text) * scale) for ours, text, scale in told if text]
    raise AssertionError(event)


def test_a_book_whose_contract_size_nobody_told_stays_in_contracts_and_says_so(recordings: Path) -> None:
    decoder = Decoder()
    events = [
        event
        for frame in frames_of(recordings / "okx/cryptofeed" / CONNECTIONS[0])
        if frame.direction == "in"
        for event in decoder.receive(frame.body, 0)
    ]
    said = [event for event in events if isinstance(event, FeedStatus)]
    assert {event.status for event in said} == {"connecting"}
    assert {event.symbol for event in said} == {
        "XMR-USDT-SWAP", "TRX-USDT-210924", "BTC-USD-210924-66000-C", "BTC-USD-210924-42000-P",
    }  # fmt: skip
    assert {event.venue for event in events if event.symbol == "DHT-USDT"} == {"okx.spot"}  # type: ignore[union-attr]


def test_the_usual_contract_sizes_are_those_of_every_recording(units: dict[str, Decimal], recordings: Path) -> None:
    from adapters.okx.contracts import USUAL

    body = (recordings / "okx/nautilus/http_get_instruments_swap.json").read_bytes()
    newer = Decoder().http("https://www.okx.com/api/v5/public/instruments?instType=SWAP", body, 0)
    known = units | {e.symbol: e.contract_size for e in newer if isinstance(e, InstrumentDefined) and not e.inverse}
    assert {symbol: Decimal(size) for symbol, size in USUAL.items()} == {symbol: known[symbol] for symbol in USUAL}


def test_an_import_of_all_three_connections_and_their_instruments_has_no_finding(recordings: Path) -> None:
    decoding = Decoding(venue("okx"))
    folder = recordings / "okx/cryptofeed"
    names = ("OKEX.v5.instruments.2021-07-22.http.txt.zst", *CONNECTIONS)
    events = [event for name in names for frame in frames_of(folder / name) for event in decoding.receive(frame)]
    assert not [event for event in events if is_finding(event)]
    trades = [(e.symbol, e.trade_id) for e in events if isinstance(e, Trade)]
    assert len(trades) == len(set(trades)) > 30


def test_frames_of_the_version_before_are_told_as_strangers(recordings: Path) -> None:
    lines = map(json.loads, (recordings / "okx/crypto-msg-parser/raw_messages.jsonl").read_text().splitlines())
    for line in lines:
        events = Decoding(venue("okx")).receive(plain(line["raw"].encode()))
        findings = [event for event in events if isinstance(event, FeedStatus) and is_finding(event)]
        cut_short = "checksum" in line["raw"] and "l2_event" in line["test"] and "snapshot" in line["test"]
        assert bool(findings) == ('"table"' in line["raw"] or (cut_short and "option" not in line["test"])), line[
            "test"
        ]
