"""P3 by ccxt.pro: `watch_order_book` and `watch_trades` on the same server, the touch read where it handles a book.

It coalesces: an awaiting consumer may miss frames, so frames are counted where the book is handled.
"""

import asyncio
from typing import Any

from benchmarks.blast import blasting
from benchmarks.rivals.ccxt_markets import SYMBOLS, exchange
from benchmarks.tap import Tap

DEPTH = 200


async def main(url: str) -> None:
    tap = Tap()
    ccxt = exchange(newUpdates=True)
    ccxt.urls["api"]["ws"]["public"]["linear"] = url
    handle = ccxt.handle_order_book

    def counted(client: Any, message: Any) -> None:
        handle(client, message)
        book = ccxt.orderbooks[SYMBOLS[message["data"]["s"]]]
        book["bids"][0], book["asks"][0]
        tap.count()

    ccxt.handle_order_book = counted

    async def books(symbol: str) -> None:
        while True:
            await ccxt.watch_order_book(symbol, DEPTH)

    async def trades(symbol: str) -> None:
        while True:
            await ccxt.watch_trades(symbol)

    tasks = [asyncio.ensure_future(watch(symbol)) for watch in (books, trades) for symbol in SYMBOLS.values()]
    await tap.wait()
    tap.tell("ccxt.pro, socket")
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await ccxt.close()


if __name__ == "__main__":
    with blasting(2 * len(SYMBOLS)) as address:
        asyncio.run(main(address))
