"""D by cryptofeed: its own `message_handler` on the same frames of a venue, coroutine callbacks that read the touch.

It knows neither Hyperliquid nor dYdX v4.
"""

import asyncio
import sys
from typing import Any

from cryptofeed import exchanges
from cryptofeed.defines import BINANCE_FUTURES, BYBIT, L2_BOOK, OKX, TRADES
from cryptofeed.symbols import Symbols

from benchmarks.measure import WrongAnswer, frame_limit, tell, timed
from benchmarks.venue_frames import Frames, read

FRAMES_LEAST = 20_000
# Class, its name, the symbol there, theirs, the kind of market.
VENUES: dict[str, tuple[Any, str, str, str, str]] = {
    "bybit": (exchanges.Bybit, BYBIT, "BTCUSDT", "BTC-USDT-PERP", "perpetual"),
    "binance": (exchanges.BinanceFutures, BINANCE_FUTURES, "BTCUSDT", "BTC-USDT-PERP", "perpetual"),
    "okx.spot": (exchanges.OKX, OKX, "BTC-USDT", "BTC-USDT", "spot"),
}


class Connection:
    """What `message_handler` asks of a connection, and of REST."""

    address = "wss://stream.bybit.com/v5/public/linear"
    uuid = "x"

    def __init__(self, snapshot: str) -> None:
        self.snapshot = snapshot

    async def read(self, address: str) -> str:
        return self.snapshot


class Callbacks:
    """The user's side."""

    def __init__(self) -> None:
        self.touch = 0.0, 0.0
        self.trades = 0

    async def book(self, book: Any, receipt: float) -> None:
        sides = book.book
        self.touch = sides.bids.index(0)[0], sides.asks.index(0)[0]

    async def trade(self, trade: Any, receipt: float) -> None:
        self.trades += 1


def feed(venue: str, inputs: Frames, seen: Callbacks) -> tuple[Any, Connection]:
    kind, name, theirs, symbol, market = VENUES[venue]
    Symbols.set(name, {symbol: theirs}, {"tick_size": {}, "instrument_type": {symbol: market}})
    made = kind(symbols=[symbol], channels=[L2_BOOK, TRADES], callbacks={L2_BOOK: seen.book, TRADES: seen.trade})
    connection = Connection(inputs.snapshot)
    made.http_conn = connection
    return made, connection


async def main(venue: str) -> None:
    inputs = read(venue)
    passes = max(1, (frame_limit() or FRAMES_LEAST) // len(inputs.frames))
    readers = []
    for _ in range(passes):
        seen = Callbacks()
        readers.append((*feed(venue, inputs, seen), seen))

    async def loop() -> None:
        for made, connection, _ in readers:
            handle = made.message_handler
            for frame in inputs.frames:
                await handle(frame, connection, 0.0)

    def drive() -> None:
        """To its end in one go: it waits for nothing."""
        try:
            loop().send(None)
        except StopIteration:
            return
        raise WrongAnswer("cryptofeed waited for something")

    seconds = timed(drive)
    seen = readers[-1][2]
    inputs.check(float(seen.touch[0]), float(seen.touch[1]), seen.trades)
    tell("D", f"cryptofeed, {venue}", passes * len(inputs.frames), seconds)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
