"""Real frames: a recorded feed, cassettes of two official clients, samples of two others. All read without an unknown."""

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard

from adapters import venue
from adapters.base.query import Query
from adapters.hyperliquid.client import Client
from adapters.hyperliquid.endpoints import Endpoints
from adapters.hyperliquid.exchange import Decoder
from adapters.hyperliquid.formats import Formats
from adapters.hyperliquid.types import MAINNET
from replay.decoding import Decoding
from replay.recordings import Recording
from state.book import Book
from state.events import AnyEvent, BookSnapshot, Candle, FeedStatus, Fill, InstrumentDefined, OrderUpdate, Ticker, Trade
from state.instruments import Instrument

V = "hyperliquid"
D = Decimal


@pytest.fixture(scope="module")
def data(recordings: Path) -> Path:
    return recordings / V


def cassettes(data: Path) -> Iterator[tuple[str, dict[str, Any], Any]]:
    """Each question that was recorded, with its answer."""
    for path in sorted(data.glob("*cassettes/extracted.jsonl.zst")):
        with path.open("rb") as file:
            for line in zstandard.ZstdDecompressor().stream_reader(file).read().splitlines():
                row = json.loads(line)
                yield f"{path.parent.name}/{row['cassette']}", row["request"], row["response"]


def events_of(decoder: Decoder, frames: Iterable[bytes]) -> list[AnyEvent]:
    return [event for frame in frames for event in decoder.receive(frame, 0)]


def test_the_recorded_feed_reads_whole_and_its_book_is_the_frames(data: Path) -> None:
    path = data / "hftbacktest/btcusd_20250126.gz"
    frames = [json.loads(line.split(b" ", 1)[1]) for line in gzip.decompress(path.read_bytes()).splitlines()]
    decoding = Decoding(venue(V))
    with Recording.open(path) as recording:
        told = [list(decoding.receive(frame)) for frame in recording]
    assert not [event for events in told for event in events if isinstance(event, FeedStatus)]
    book = Book(V, "BTC")
    checked = 0
    for frame, events in zip(frames, told, strict=True):
        if frame["channel"] != "l2Book":
            continue
        (event,) = events
        assert isinstance(event, BookSnapshot)
        book.replace(event)
        for side, levels in zip((event.bids, event.asks), frame["data"]["levels"], strict=True):
            assert [(D(repr(p)), D(repr(s))) for p, s in side] == [(D(x["px"]), D(x["sz"])) for x in levels]
            checked += len(levels)
        assert (event.ts, event.depth, book.status) == (frame["data"]["time"] * 10**6, 20, "ok")
        bid, ask = frame["data"]["levels"][0][0], frame["data"]["levels"][1][0]
        assert book.touch() == (float(bid["px"]), float(bid["sz"]), float(ask["px"]), float(ask["sz"]))
    assert checked == 46 * 40


def test_the_recorded_trades_are_told_once_and_those_of_before_the_recording_as_late(data: Path) -> None:
    lines = gzip.decompress((data / "hftbacktest/btcusd_20250126.gz").read_bytes()).splitlines()
    frames = [line.split(b" ", 1)[1] for line in lines]
    rows = [row for frame in frames if b'"trades"' in frame for row in json.loads(frame)["data"]]
    decoder = Decoder()
    trades = [event for event in events_of(decoder, frames) if isinstance(event, Trade)]
    assert [(t.trade_id, D(repr(t.price)), D(repr(t.size)), t.side) for t in trades] == [
        (f"{row['time']}-{row['tid']}", D(row["px"]), D(row["sz"]), {"B": "buy", "A": "sell"}[row["side"]]) for row in rows
    ]  # fmt: skip
    late = [trade for trade in trades if trade.backfilled]
    start = int(lines[0].split(b" ")[0])
    assert late
    assert all((trade.ts or 0) < start for trade in late)
    assert not [e for e in events_of(decoder, frames) if isinstance(e, Trade)], "and nothing of it again"


@pytest.mark.parametrize(
    ("name", "kinds"),
    [("BookTicker", {Ticker}), ("Klines", {Candle}), ("OrderBook", {BookSnapshot}), ("Prices", set()), ("Trades", {Trade})],
)  # fmt: skip
def test_samples_of_each_subscription_read_and_their_requests_are_ours(data: Path, name: str, kinds: set[type]) -> None:
    text = (data / f"jkorf/Subscriptions/{name}.txt").read_text()
    asked, echo, frame = re.fullmatch(r"> (.*)\n< (.*)\n= \n(.*)", text, re.DOTALL).groups()  # type: ignore[union-attr]
    decoder = Decoder()
    assert {type(event) for event in events_of(decoder, [echo.encode(), frame.encode()])} == kinds
    for channel in decoder.channels:
        assert json.loads(decoder.subscription([channel.topic], 1)) == json.loads(asked)


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("http_l2_book_btc", {BookSnapshot}), ("http_l2_book_snapshot", {BookSnapshot}), ("ws_book_data", {BookSnapshot}),
        ("http_meta_perp_sample", {InstrumentDefined}), ("http_recent_trades_btc", {Trade}), ("ws_allmids", set()),
        ("http_spot_clearinghouse_state", set()),
    ],
)  # fmt: skip
def test_samples_of_another_client_read(data: Path, name: str, kinds: set[type]) -> None:
    decoding = Decoding(venue(V))
    with Recording.open(data / f"nautilus/{name}.json") as recording:
        assert {type(event) for frame in recording for event in decoding.receive(frame)} == kinds


def test_every_cassette_that_speaks_of_perpetuals_reads_as_what_was_asked(data: Path) -> None:
    actions = {name: action for action, (name, _, _) in Endpoints.INFO.items()}
    actions |= {"openOrders": "open_orders", "userFills": "executions", "clearinghouseState": "positions"}
    seen: Counter[str] = Counter()
    for name, asked, answer in cassettes(data):
        body = json.dumps(answer).encode()
        assert Client("").classify(200, body).meaning == "ok"
        action = actions.get(asked["type"])
        decoded = list(Decoder().http("https://api.hyperliquid.xyz/info", body, 0))
        assert not [event for event in decoded if isinstance(event, FeedStatus)], name
        if action is None:
            assert decoded == [], f"{name}: {asked['type']} tells nothing here"
            continue
        events = list(Formats(V).answer(action, body, Query(symbol=asked.get("coin", "")))[0])
        assert decoded[: len(events)] == events, f"{name}: its shape tells what it is"
        seen[action] += len(events)
    assert seen["instruments"] > 200
    assert min(seen[each] for each in ("tickers", "book", "klines", "open_orders", "executions", "positions")) > 0


def test_cassette_numbers_are_the_venues_text(data: Path) -> None:
    for _, asked, answer in cassettes(data):
        body = json.dumps(answer).encode()
        if asked["type"] == "candleSnapshot":
            events = Formats(V).answer("klines", body)[0]
            for event, row in zip(events, answer, strict=True):
                assert isinstance(event, Candle)
                told = (event.open, event.high, event.low, event.close, event.volume)
                assert [D(repr(x)) for x in told] == [D(row[k]) for k in "ohlcv"]
                assert (event.interval_s, event.start, event.trades) == (3_600, row["t"] * 10**6, row["n"])
            assert [event.closed for event in events] == [True] * (len(answer) - 1) + [False]  # type: ignore[union-attr]
        elif asked["type"] == "userFills":
            fills = Formats(V).answer("executions", body)[0]
            rows = sorted(answer, key=lambda row: row["time"])
            assert len({(f.symbol, f.side, f.fill_id) for f in fills if isinstance(f, Fill)}) == len(rows)
            for fill, row in zip(fills, rows, strict=True):
                assert isinstance(fill, Fill)
                assert (fill.price, fill.size, fill.fee) == (D(row["px"]), D(row["sz"]), -D(row["fee"]))
                assert (fill.side, fill.maker) == ("buy" if row["side"] == "B" else "sell", not row["crossed"])
        elif asked["type"] == "frontendOpenOrders" and answer:
            orders = Formats(V).answer("open_orders", body)[0]
            for order, row in zip(orders, answer, strict=True):
                assert isinstance(order, OrderUpdate)
                assert (order.price, order.size, order.order_id) == (
                    D(row["limitPx"]),
                    D(row["origSz"]),
                    str(row["oid"]),
                )
                assert order.reduce_only == row["reduceOnly"]


def test_a_recorded_account_adds_up(data: Path) -> None:
    """Collateral is the account's value without what is not realized."""
    ((answer,),) = [
        [a for _, asked, a in cassettes(data) if asked["type"] == "clearinghouseState" and a["assetPositions"]]
    ]
    body, made = json.dumps(answer).encode(), Formats(V)
    positions = made.answer("positions", body)[0]
    assert [(p.symbol, p.size) for p in positions] == [  # type: ignore[union-attr]
        (row["position"]["coin"], D(row["position"]["szi"])) for row in answer["assetPositions"]
    ]
    (balance,) = made.answer("wallet", body)[0]
    unrealized = sum(D(row["position"]["unrealizedPnl"]) for row in answer["assetPositions"])
    assert balance.total + unrealized == D(answer["marginSummary"]["accountValue"])  # type: ignore[union-attr]
    assert balance.available == D(answer["withdrawable"])  # type: ignore[union-attr]


def test_mainnets_list_of_assets_has_only_grown(data: Path) -> None:
    lists = [
        [asset["name"] for asset in answer["universe"]]
        for name, asked, answer in cassettes(data)
        if asked == {"type": "meta"} and "User" not in name
    ]
    shortest, longest = min(lists, key=len), max(lists, key=len)
    assert len(shortest) < len(longest)
    assert longest[: len(shortest)] == shortest
    assert shortest[: len(MAINNET)] == list(MAINNET)


def test_every_recorded_price_is_on_the_grid_that_its_instrument_says(data: Path) -> None:
    """Five figures, or an integer; six decimals less those of the size."""
    checked = 0
    for _, asked, answer in cassettes(data):
        if asked["type"] != "metaAndAssetCtxs" or "tokens" in json.dumps(answer)[:2000]:
            continue
        made = Formats(V)
        made.answer("instruments", msgspec.json.encode(answer[0]))
        for asset, context in zip(answer[0]["universe"], answer[1], strict=True):
            rules = Instrument.defined(made.rules[asset["name"]])
            for word in context.get("impactPxs") or ():  # where the book stands; a mark is no order's price
                price = D(word)
                if "xyz" in asset["name"] or not price:
                    continue
                size = max(rules.min_size, rules.size(D(20) / price) + rules.lot)
                if len(price.normalize().as_tuple().digits) > 5 and price % 1:
                    continue  # an average over levels
                rules.check(price, size)
                assert rules.price("buy", price) == rules.price("sell", price) == price
                checked += 1
    assert checked > 100
