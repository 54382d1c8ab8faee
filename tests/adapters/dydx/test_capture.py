"""Real frames of 2022 to 2025: every capture decodes, the book is never crossed when published, order ids recompute."""

import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import zstandard

from adapters.dydx import types
from adapters.dydx.exchange import Decoder
from adapters.dydx.orderid import numbers, order_id, subaccount_id
from replay.decoding import is_finding
from state.book import Book
from state.events import AnyEvent, BookDelta, BookSnapshot, FeedStatus, OrderUpdate, Trade

LOAD_TEST = "v4-abacus/v4_orderbook_ETH-USD_load_test_2.jsonl"
INDEXER = "https://indexer.dydx.trade/v4/"
URLS = {  # which call each REST fixture answers; the others answer calls that are not used
    "candles": "candles/perpetualMarkets/BTC-USD", "orderbook": "orderbooks/perpetualMarket/BTC-USD", "orders": "orders",
    "order": "orders/05009670-3fba-5ec7-8447-efb81a03cd9f", "markets": "perpetualMarkets", "time": "time",
    "trades": "trades/perpetualMarket/BTC-USD", "subaccount": "addresses/dydx1x/subaccountNumber/0",
}  # fmt: skip


def read(path: Path) -> list[bytes]:
    body = path.read_bytes()
    if path.suffix == ".zst":
        body = zstandard.ZstdDecompressor().stream_reader(body).read()
    if path.name.startswith("http_get_"):  # who recorded it put the answer into a record of his own
        body = json.dumps(json.loads(body)["result"]).encode()
    return [line for line in body.splitlines() if line.strip()] if path.suffix == ".jsonl" else [body]


@pytest.fixture(scope="module")
def captures(recordings: Path) -> dict[str, list[bytes]]:
    root = recordings / "dydx"
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {str(path.relative_to(root)): read(path) for path in files if "v3" not in str(path)}


def told(name: str, frames: Sequence[bytes]) -> Iterator[tuple[bytes, Sequence[AnyEvent]]]:
    decoder = Decoder()
    for frame in frames:
        if "http" not in name:
            yield frame, decoder.receive(frame, 0)
            continue
        word = Path(name).name.split(".")[0].removeprefix("http_get_").removeprefix("list_").removeprefix("perpetual_")
        if word in URLS:
            yield frame, decoder.http(INDEXER + URLS[word], frame, 0)


def test_every_capture_decodes_without_an_unknown(captures: dict[str, list[bytes]]) -> None:
    assert len(captures) > 35
    seen: Counter[str] = Counter()
    for name, frames in captures.items():
        for frame, events in told(name, frames):
            assert [event for event in events if is_finding(event)] == [], (name, frame[:300])
            seen.update(type(event).__name__ for event in events)
    del seen["FeedStatus"]
    assert seen == Counter(
        BookSnapshot=4, BookDelta=8, Trade=6, Candle=2_407, Ticker=180, OrderUpdate=24, Fill=7, PositionUpdate=6,
        BalanceUpdate=7, InstrumentDefined=128,
    )  # fmt: skip


def test_frames_of_the_version_before_are_strangers_and_no_more(recordings: Path) -> None:
    frames = read(recordings / "dydx/v4-abacus/v3_orderbook_ETH-USD_load_test.jsonl")
    events = [event for _, events in told("", frames) for event in events]
    assert {(type(event), getattr(event, "status", "")) for event in events} == {(FeedStatus, "gap")}


def test_the_book_is_never_crossed_when_published_though_the_venues_own_is(captures: dict[str, list[bytes]]) -> None:
    ours, raw = Book("dydx", "ETH-USD"), Book("dydx", "ETH-USD")
    crossed = 0
    for frame, events in told("", captures[LOAD_TEST]):
        apply_raw(raw, json.loads(frame))
        crossed += raw.is_crossed
        for event in events:
            assert isinstance(event, BookSnapshot | BookDelta)
            ours.replace(event) if isinstance(event, BookSnapshot) else ours.update(event)
            assert ours.status == "ok"
    assert crossed > 0, "the recording has a crossed book, so that this test can fail"
    assert ours.levels()[0] > 50


def apply_raw(book: Book, message: dict[str, Any]) -> None:
    """The venue's book as it is told, without our rule."""
    for contents in message["contents"] if isinstance(message["contents"], list) else [message["contents"]]:
        rows = [contents.get(side, []) for side in ("bids", "asks")]
        pairs = [[row.values() if isinstance(row, dict) else row for row in side] for side in rows]
        sides = [[(float(price), float(size)) for price, size in side] for side in pairs]
        event = (BookSnapshot if message["type"] == "subscribed" else BookDelta)("", "", None, *sides)
        book.replace(event) if isinstance(event, BookSnapshot) else book.update(event)


def test_random_updates_never_cross_it_and_lose_no_level_that_is_not_stale() -> None:
    """Against the rule written down plainly: the newest word on each price, and the older of two that cross goes."""
    dice = random.Random(7)
    decoder = Decoder()
    plain: dict[str, dict[float, tuple[float, int]]] = {"bids": {}, "asks": {}}
    book = Book("dydx", "X-USD")
    snapshot = {"bids": [{"price": "99", "size": "1"}], "asks": [{"price": "101", "size": "1"}]}
    for number in range(1, 3_000):
        rows = [[str(dice.randint(90, 110)), str(dice.choice((0, 1, 2.5)))] for _ in range(dice.randint(1, 3))]
        side = dice.choice(("bids", "asks"))
        first = number == 1
        contents = snapshot if first else {side: rows}
        said = {
            "type": "subscribed" if first else "channel_data",
            "connection_id": "c",
            "message_id": number,
            "id": "X-USD",
        }
        for event in decoder.receive(json.dumps(said | {"channel": "v4_orderbook", "contents": contents}).encode(), 0):
            assert isinstance(event, BookSnapshot | BookDelta)
            book.replace(event) if isinstance(event, BookSnapshot) else book.update(event)
        if first:
            plain = {"bids": {99.0: (1.0, 1)}, "asks": {101.0: (1.0, 1)}}
        else:
            for price, size in rows:
                plain[side][float(price)] = (float(size), number)
        uncross_plainly(plain)
        assert book.status == "ok"
        assert dict(book.bids()) == {price: size for price, (size, _) in plain["bids"].items() if size}
        assert dict(book.asks()) == {price: size for price, (size, _) in plain["asks"].items() if size}


def uncross_plainly(sides: dict[str, dict[float, tuple[float, int]]]) -> None:
    while True:
        bids = [price for price, (size, _) in sides["bids"].items() if size]
        asks = [price for price, (size, _) in sides["asks"].items() if size]
        if not bids or not asks or max(bids) < min(asks):
            return
        bid, ask = max(bids), min(asks)
        older = "bids" if sides["bids"][bid][1] < sides["asks"][ask][1] else "asks"
        del sides[older][bid if older == "bids" else ask]


def test_of_one_message_both_sides_lose_the_smaller_size() -> None:
    frame = {
        "type": "subscribed", "connection_id": "c", "message_id": 1, "channel": "v4_orderbook", "id": "X-USD",
        "contents": {
            "bids": [{"price": "101", "size": "0.3"}, {"price": "99", "size": "5"}], "asks": [{"price": "100", "size": "0.1"}],
        },
    }  # fmt: skip
    (snapshot,) = Decoder().receive(json.dumps(frame).encode(), 0)
    assert isinstance(snapshot, BookSnapshot)
    assert (snapshot.bids, snapshot.asks) == ([(101.0, 0.2), (99.0, 5.0)], [])


def test_order_ids_are_computed_as_the_venue_does(captures: dict[str, list[bytes]]) -> None:
    """Every captured order that says whose it is; one of the examples was made by hand: its flags contradict its end."""
    checked = set()
    for name, frames in captures.items():
        for frame in frames:
            for row in orders_in(json.loads(frame)):
                is_short = row.get("orderFlags") == "0"
                by_hand = is_short and row.get("goodTilBlockTime")
                if row.get("orderFlags") and row.get("id") and row.get("subaccountId") and not by_hand:
                    ours = order_id(
                        row["subaccountId"], int(row["clientId"]), int(row["clobPairId"]), int(row["orderFlags"])
                    )
                    assert (name, ours) == (name, row["id"])
                    checked.add(ours)
    assert len(checked) == 17, "in 20 frames and answers"
    assert subaccount_id("dydx1kzsvkf2ghjqlysuffdkhcdctknl4rsvcx5hkm5", 0) == "4484a830-fa43-5b04-ba00-3621a33ef89d"


def orders_in(said: Any) -> Iterator[dict[str, Any]]:
    if isinstance(said, dict):
        if "clientId" in said:
            yield said
        for each in said.values():
            yield from orders_in(each)
    elif isinstance(said, list):
        for each in said:
            yield from orders_in(each)


def test_an_order_reads_back_with_both_its_numbers(captures: dict[str, list[bytes]]) -> None:
    (frame,) = captures["nautilus-legacy/websocket/v4_accounts_channel_data_order_opened.json"]
    (update,) = Decoder().receive(frame, 0)
    assert isinstance(update, OrderUpdate)
    assert (update.status, update.firm, update.tif, str(update.price)) == ("open", False, "ioc", "2791.6")
    assert update.client_id is not None
    assert numbers(update.client_id) == (1885399800, 1)


def test_a_snapshots_order_whose_block_is_long_over_is_what_it_ended_as(captures: dict[str, list[bytes]]) -> None:
    """The Indexer's database keeps it OPEN, filled whole, four million blocks later."""
    (frame,) = captures["nautilus-legacy/websocket/v4_accounts_subscribed.json"]
    updates = [event for event in Decoder().receive(frame, 0) if isinstance(event, OrderUpdate)]
    assert [(update.status, update.firm) for update in updates] == [("filled", True)]


def test_trades_come_oldest_first_each_once_and_history_as_such(captures: dict[str, list[bytes]]) -> None:
    (snapshot,) = captures["nautilus/http_get_trades.json"]
    decoder = Decoder()
    rows = decoder.http(INDEXER + URLS["trades"], snapshot, 0)
    assert [event.trade_id for event in rows if isinstance(event, Trade)] == [
        row["id"] for row in reversed(json.loads(snapshot)["trades"])
    ]
    (live,) = captures["nautilus-legacy/websocket/v4_trades.json"]
    first = decoder.receive(live, 0)
    assert [event.backfilled for event in first if isinstance(event, Trade)] == [False, False]
    assert decoder.receive(live, 0) == [], "told before"
    again = live.replace(b'"channel_data"', b'"subscribed"').replace(
        b"014206cf000000020000000e", b"014206d00000000000000001"
    )
    (late,) = decoder.receive(again, 0)
    assert isinstance(late, Trade)
    assert late.backfilled, "what came between two connections is told by the next snapshot"


def test_every_word_of_the_venues_tables_is_known() -> None:
    for words, theirs in (
        (types.Types.status, "OPEN FILLED CANCELED BEST_EFFORT_OPENED BEST_EFFORT_CANCELED UNTRIGGERED ERROR PENDING"),
        (types.Types.fill, "LIMIT LIQUIDATED LIQUIDATION DELEVERAGED OFFSETTING TWAP_SUBORDER MARKET"),
        (
            types.Types.kind,
            "LIMIT MARKET STOP_LIMIT STOP_MARKET TAKE_PROFIT TAKE_PROFIT_MARKET TRAILING_STOP TWAP TWAP_SUBORDER",
        ),
    ):
        assert words.known >= set(theirs.split())
