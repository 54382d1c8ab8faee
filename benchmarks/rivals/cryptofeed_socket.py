"""P3 by cryptofeed: its connection handler on the same server, the touch read in its callback. On uvloop, as it installs it."""

import asyncio
from typing import Any

from cryptofeed.connection import WSAsyncConn
from cryptofeed.connection_handler import ConnectionHandler
from cryptofeed.defines import L2_BOOK, TRADES
from cryptofeed.exchanges import Bybit

from benchmarks.blast import blasting
from benchmarks.rivals.cryptofeed_frames import SYMBOLS, know_symbols
from benchmarks.tap import Tap


async def main(url: str) -> None:
    tap = Tap()
    know_symbols()

    async def on_book(book: Any, receipt: float) -> None:
        book.book.bids.index(0), book.book.asks.index(0)
        tap.count()

    async def on_trade(trade: Any, receipt: float) -> None:
        trade.price  # noqa: B018

    feed = Bybit(
        symbols=list(SYMBOLS.values()), channels=[L2_BOOK, TRADES], callbacks={L2_BOOK: on_book, TRADES: on_trade}
    )
    connection = WSAsyncConn(
        "wss://x", "x", subscription=feed.subscription, compression=None, ping_interval=10, ping_timeout=None, max_size=None,
        max_queue=None,
    )  # fmt: skip
    connection.address = url + "/v5/public/linear"  # its constructor takes wss:// only
    handler = ConnectionHandler(connection, feed.subscribe, feed.message_handler, feed.authenticate, 0)
    handler.start(asyncio.get_running_loop())
    await tap.wait()
    tap.tell("cryptofeed, socket")
    handler.running = False


def run(url: str) -> None:
    try:
        import uvloop
    except ImportError:
        asyncio.run(main(url))
    else:
        uvloop.run(main(url))


if __name__ == "__main__":
    with blasting(2 * len(SYMBOLS)) as address:
        run(address)
