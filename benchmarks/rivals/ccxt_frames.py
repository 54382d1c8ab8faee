"""P1 by ccxt.pro: its own `handle_message` on the same frames, the touch read after each book."""

import asyncio
from time import perf_counter_ns
from typing import Any

from aiohttp import WSMessage, WSMsgType

from benchmarks.measure import WrongAnswer, check, frames, is_book, percentiles, tell, timed
from benchmarks.rivals.ccxt_markets import SYMBOLS, URL, exchange


async def main() -> None:
    inputs = frames()
    ccxt = exchange()
    handle, books = ccxt.client(URL).handle_message, ccxt.orderbooks
    # aiohttp hands the client WSMessage objects: they are made outside of the timed loop.
    messages = {id(frame): WSMessage(WSMsgType.TEXT, frame.decode(), None) for frame in inputs}
    steps = [(messages[id(frame)], _symbol(frame), is_book(frame)) for frame in inputs]

    def touch(symbol: str) -> tuple[float, float]:
        book = books[SYMBOLS[symbol]]
        return book["bids"][0][0], book["asks"][0][0]

    check(inputs, lambda frame: handle(messages[id(frame)]), touch)
    if not ccxt.trades or not all(known[-1]["price"] > 0 for known in ccxt.trades.values()):
        raise WrongAnswer("ccxt read no trades")

    def step(message: Any, symbol: str, book: bool) -> None:
        handle(message)
        if book:
            known = books[symbol]
            known["bids"][0], known["asks"][0]

    def loop() -> None:
        for message, symbol, book in steps:
            handle(message)
            if book:
                known = books[symbol]
                known["bids"][0], known["asks"][0]

    seconds = timed(loop)
    taken = []
    for each in steps:
        start = perf_counter_ns()
        step(*each)
        taken.append(perf_counter_ns() - start)
    tell("P1", "ccxt.pro", len(inputs), seconds, **percentiles(taken))
    await ccxt.close()


def _symbol(frame: bytes) -> str:
    return next(unified for theirs, unified in SYMBOLS.items() if theirs.encode() in frame)


if __name__ == "__main__":
    asyncio.run(main())
