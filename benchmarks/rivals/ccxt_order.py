"""P4 by ccxt.pro: `handle_message` → the best bid → `create_order_request` → `sign`, an order on every book frame."""

import asyncio
from time import perf_counter_ns

from aiohttp import WSMessage, WSMsgType

from benchmarks.measure import WrongAnswer, frames, is_book, percentiles, tell
from benchmarks.rivals.ccxt_markets import SYMBOLS, URL, exchange

ORDERS = 6_000
WARM_UP = 0.1


async def main() -> None:
    inputs = [frame for frame in frames() if is_book(frame)][:ORDERS]
    ccxt = exchange()
    handle, books = ccxt.client(URL).handle_message, ccxt.orderbooks
    messages = [WSMessage(WSMsgType.TEXT, frame.decode(), None) for frame in inputs]
    symbols = [next(unified for theirs, unified in SYMBOLS.items() if theirs.encode() in frame) for frame in inputs]
    spans, signed = [], None
    for message, symbol in zip(messages, symbols, strict=True):
        start = perf_counter_ns()
        handle(message)
        bid = books[symbol]["bids"][0][0]
        request = ccxt.create_order_request(symbol, "limit", "buy", 1, bid, {"timeInForce": "PostOnly"})
        signed = ccxt.sign("v5/order/create", ["private"], "POST", request)
        spans.append(perf_counter_ns() - start)
    if signed is None or "PostOnly" not in signed["body"] or not signed["headers"]["X-BAPI-SIGN"]:
        raise WrongAnswer(f"not a signed post-only order: {signed}")
    counted = spans[int(len(spans) * WARM_UP) :]
    tell("P4", "ccxt.pro, order", len(counted), sum(counted) / 1e9, **percentiles(counted))
    await ccxt.close()


if __name__ == "__main__":
    asyncio.run(main())
