"""P1 and P2 by nautilus_trader: Bybit data client → data engine (keeps the book) → bus → an actor that reads the touch.

`python -m benchmarks.rivals.nautilus_frames [write]`: with its streaming Feather writer on the bus, its way to persist every
event (buffered, not synced).
"""

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path
from time import perf_counter_ns
from typing import Any

from nautilus_trader.common.actor import Actor
from nautilus_trader.data.engine import DataEngine
from nautilus_trader.model.enums import BookType
from nautilus_trader.persistence.writer import StreamingFeatherWriter
from nautilus_trader.portfolio.portfolio import Portfolio

from benchmarks.measure import SCRATCH, WrongAnswer, check, frames, percentiles, tell, timed
from benchmarks.rivals.nautilus_parts import IDS, LINEAR, Parts, QuietClient

LEAST_BYTES_A_FRAME = 15  # less on disk than that was not the market data


class Reader(Actor):
    """Reads the touch after every change."""

    trades = 0

    def on_order_book_deltas(self, deltas: Any) -> None:
        book = self.cache.order_book(deltas.instrument_id)
        book.best_bid_price(), book.best_bid_size(), book.best_ask_price(), book.best_ask_size()

    def on_trade_tick(self, tick: Any) -> None:
        self.trades += 1


async def main(*, write: bool) -> None:
    inputs = frames()
    parts = Parts()
    client = parts.data_client(QuietClient)
    folder = Path(tempfile.mkdtemp(prefix="nautilus_", dir=SCRATCH))
    writer = None
    if write:
        writer = StreamingFeatherWriter(str(folder / "stream"), parts.cache, parts.clock, flush_interval_ms=1000)
        parts.bus.subscribe(topic="*", handler=writer.write)
    actor = await _started(parts, client)

    def step(frame: bytes) -> None:
        client._handle_ws_message(LINEAR, frame)

    def touch(symbol: str) -> tuple[float, float]:
        book = parts.cache.order_book(IDS[symbol])
        return book.best_bid_price(), book.best_ask_price()

    check(inputs, step, touch)
    if not actor.trades:
        raise WrongAnswer("nautilus read no trades")
    handle = client._handle_ws_message

    def loop() -> None:
        for frame in inputs:
            handle(LINEAR, frame)
        if writer is not None:
            writer.flush()

    seconds = timed(loop)
    if writer is not None:
        stored = _stored_bytes(folder) / 2  # the check pass was written too
        shutil.rmtree(folder)
        if stored < LEAST_BYTES_A_FRAME * len(inputs):
            raise WrongAnswer(f"nautilus wrote only {stored} bytes")
        tell("P2", "nautilus with its writer", len(inputs), seconds, bytes_a_frame=stored / len(inputs))
        return
    shutil.rmtree(folder)
    taken = []
    for frame in inputs:
        start = perf_counter_ns()
        step(frame)
        taken.append(perf_counter_ns() - start)
    tell("P1", "nautilus", len(inputs), seconds, **percentiles(taken))


def _stored_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


async def _started(parts: Parts, client: Any) -> Reader:
    engine = DataEngine(parts.bus, parts.cache, parts.clock)
    engine.register_client(client)
    actor = Reader()
    actor.register_base(Portfolio(parts.bus, parts.cache, parts.clock), parts.bus, parts.cache, parts.clock)
    engine.start()
    client.start()
    actor.start()
    for each in IDS.values():
        actor.subscribe_order_book_deltas(each, BookType.L2_MBP, managed=True)
        actor.subscribe_trade_ticks(each)
    await asyncio.sleep(0.05)
    return actor


if __name__ == "__main__":
    asyncio.run(main(write="write" in sys.argv[1:]))
