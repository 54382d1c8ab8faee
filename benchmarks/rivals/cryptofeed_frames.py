"""P1 by cryptofeed: its own `message_handler` on the same frames, coroutine callbacks that read the touch."""

import asyncio
from time import perf_counter_ns, time
from typing import Any

from cryptofeed.defines import BYBIT, L2_BOOK, TRADES
from cryptofeed.exchanges import Bybit
from cryptofeed.symbols import Symbols

from benchmarks.measure import WrongAnswer, check_points, compare, frames, percentiles, tell, timed

SYMBOLS = {
    "BTCUSDT": "BTC-USDT-PERP",
    "ETHUSDT": "ETH-USDT-PERP",
    "SOLUSDT": "SOL-USDT-PERP",
    "DOGEUSDT": "DOGE-USDT-PERP",
}


class Connection:
    """What `message_handler` asks of a connection."""

    address = "wss://stream.bybit.com/v5/public/linear"
    uuid = "x"


def know_symbols() -> None:
    """Tells cryptofeed the markets, so that it asks no server for them."""
    kinds = dict.fromkeys(SYMBOLS.values(), "perpetual")
    Symbols.set(BYBIT, {ours: theirs for theirs, ours in SYMBOLS.items()}, {"tick_size": {}, "instrument_type": kinds})


class Callbacks:
    """The user's side."""

    def __init__(self) -> None:
        self.touches: dict[str, tuple[float, float]] = {}
        self.trades = 0

    async def book(self, book: Any, receipt: float) -> None:
        sides = book.book
        self.touches[book.symbol] = (sides.bids.index(0)[0], sides.asks.index(0)[0])

    async def trade(self, trade: Any, receipt: float) -> None:
        self.trades += 1


async def main() -> None:
    inputs = frames()
    know_symbols()
    seen = Callbacks()
    feed = Bybit(
        symbols=list(SYMBOLS.values()), channels=[L2_BOOK, TRADES], callbacks={L2_BOOK: seen.book, TRADES: seen.trade}
    )
    handle, connection, expected = feed.message_handler, Connection(), check_points()
    for index, frame in enumerate(inputs):
        await handle(frame, connection, 0.0)
        if index in expected:
            bid, ask = seen.touches[SYMBOLS[expected[index][0]]]
            compare(index, *expected[index], float(bid), float(ask))
    if not seen.trades:
        raise WrongAnswer("cryptofeed read no trades")
    taken: list[int] = []

    async def loop() -> None:
        for frame in inputs:
            await handle(frame, connection, time())

    seconds = await _timed(loop)
    for frame in inputs:
        start = perf_counter_ns()
        await handle(frame, connection, time())
        taken.append(perf_counter_ns() - start)
    tell("P1", "cryptofeed", len(inputs), seconds, **percentiles(taken))


async def _timed(loop: Any) -> float:
    coroutine = loop()

    def drive() -> None:
        try:
            coroutine.send(None)  # its awaits never suspend: nothing in it waits for I/O
        except StopIteration:
            return
        raise WrongAnswer("cryptofeed waited for something")

    return timed(drive)


if __name__ == "__main__":
    asyncio.run(main())
