"""P9: what an event costs as the session grows: symbols 1 → 200, book depth 1 → 1,000, strategies that look elsewhere 0 → 20.

Seeded Bybit frames of eight level changes near the touch, the same number whatever grows, from bytes to a subscriber that reads
the touch: events made beforehand and kept would be fetched from memory that no session touches, and the books' sizes with
them. The variants take turns and the fastest of several passes counts, so that a busy machine meets them alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from time import perf_counter

import msgspec

from app.collector import Collector
from benchmarks.ingest import VENUE, Dropped, Ingest, client_ids
from benchmarks.measure import WrongAnswer, frame_limit, tell
from benchmarks.opening import START_NS, instrument
from state.events import BookSnapshot, FeedStatus, InstrumentDefined, Level, SessionOpened
from streams.pipeline import Pipeline
from streams.strategies import build
from streams.strategy import Strategy, run_strategies

EVENTS = 40_000
PASSES = 4
CHANGES = 8
MIDDLE = 100_000  # ticks


@dataclass(frozen=True, slots=True)
class Market:
    """One shape of session: its events come in turns from each symbol."""

    name: str
    symbols: int
    depth: int
    elsewhere: int = 0


VARIANTS = (
    Market("1 symbol", 1, 50),
    Market("20 symbols", 20, 50),
    Market("200 symbols", 200, 50),
    Market("depth 1", 4, 1),
    Market("depth 50", 4, 50),
    Market("depth 200", 4, 200),
    Market("depth 1000", 4, 1000),
    Market("no strategy", 4, 50),
    Market("20 strategies elsewhere", 4, 50, elsewhere=20),
)


def symbols_of(market: Market) -> tuple[str, ...]:
    return tuple(f"S{number}USDT" for number in range(market.symbols))


def price(ticks: int) -> float:
    return ticks / 10


def snapshot(symbol: str, depth: int) -> BookSnapshot:
    bids = [(price(MIDDLE - level), 1.0) for level in range(depth)]
    asks = [(price(MIDDLE + 1 + level), 1.0) for level in range(depth)]
    return BookSnapshot(VENUE, symbol, START_NS, bids, asks, 1, depth)


def frame(kind: str, symbol: str, update_id: int, bids: list[Level], asks: list[Level]) -> bytes:
    """As Bybit sends it: numbers are texts."""
    sides = {
        "b": [(str(price), str(size)) for price, size in bids],
        "a": [(str(price), str(size)) for price, size in asks],
    }
    told = {"s": symbol, **sides, "u": update_id, "seq": update_id}
    ms = START_NS // 1_000_000
    return msgspec.json.encode({"topic": f"orderbook.50.{symbol}", "type": kind, "ts": ms, "data": told, "cts": ms})


def deltas(market: Market, count: int) -> list[bytes]:
    """Level changes within the depth; one in ten removes a level that the next change of its symbol brings back."""
    rng = Random(11)
    symbols = symbols_of(market)
    near = max(2, min(market.depth, 50))  # a touch of one level moves to its neighbour and back
    removed: dict[str, list[tuple[int, float]]] = {symbol: [] for symbol in symbols}
    made = []
    for number in range(count):
        symbol = symbols[number % len(symbols)]
        sides: tuple[list[Level], list[Level]] = ([], [])
        for side, level in removed[symbol]:
            sides[side].append((level, 1.0))
        removed[symbol] = []
        while len(sides[0]) + len(sides[1]) < CHANGES:
            side, away = rng.randrange(2), rng.randrange(near)
            level = price(MIDDLE + 1 + away) if side else price(MIDDLE - away)
            gone = away > 0 and rng.random() < 0.1
            sides[side].append((level, 0.0 if gone else round(1.0 + rng.random(), 3)))
            if gone:
                removed[symbol].append((side, level))
        made.append(frame("delta", symbol, 2 + number // len(symbols), *sides))
    return made


def strategies(market: Market) -> Sequence[Strategy]:
    """`plain` on markets that are not among the symbols."""
    return [
        build(
            "plain",
            {"venue": VENUE, "symbol": f"E{number}USDT", "size": "0.01", "max_position": "1"},
            f"plain.{number}",
        )
        for number in range(market.elsewhere)
    ]


def ready(market: Market) -> Ingest:
    """A connection that knows its books, and a pipeline that has its strategies."""
    pipeline = Pipeline(Dropped(), client_ids)
    ingest = Ingest(pipeline, symbols_of(market))
    pipeline.feed(START_NS, [SessionOpened("growth", 7)])
    run_strategies(pipeline, strategies(market))
    for number in range(market.elsewhere):
        defined: InstrumentDefined = instrument(f"E{number}USDT")
        pipeline.feed(START_NS, [defined, snapshot(f"E{number}USDT", 50)])
    pipeline.feed(START_NS, [FeedStatus(VENUE, "", "account", "ok")])
    for symbol in symbols_of(market):
        whole = snapshot(symbol, market.depth)
        pipeline.feed(
            START_NS, ingest.websocket.receive(frame("snapshot", symbol, 1, whole.bids, whole.asks), START_NS)
        )
    return ingest


def passed(market: Market, frames: list[bytes]) -> float:
    ingest = ready(market)
    receive, feed = ingest.websocket.receive, ingest.pipeline.feed
    reads, start = ingest.reader.reads, perf_counter()
    for each in frames:
        feed(START_NS, receive(each, START_NS))
    seconds = perf_counter() - start
    if ingest.reader.reads - reads != len(frames):
        raise WrongAnswer(f"{market.name}: {ingest.reader.reads - reads} of {len(frames)} were read")
    return seconds


def main() -> None:
    count = frame_limit() or EVENTS
    best = {market.name: float("inf") for market in VARIANTS}
    inputs = {market.name: deltas(market, count) for market in VARIANTS}
    with Collector():
        for _ in range(PASSES):
            for market in VARIANTS:
                best[market.name] = min(best[market.name], passed(market, inputs[market.name]))
    for name, seconds in best.items():
        tell("P9", name, count, seconds)


if __name__ == "__main__":
    main()
