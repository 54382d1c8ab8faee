"""D by ccxt.pro: its own `handle_message` on the same frames of a venue, the touch read after each."""

import asyncio
import json
import sys
from typing import Any

import ccxt.pro
from aiohttp import WSMessage, WSMsgType

from benchmarks.measure import frame_limit, tell, timed
from benchmarks.venue_frames import Frames, read

FRAMES_LEAST = 20_000
OPTIONS = {"defaultType": "swap", "watchOrderBook": {"checksum": False}}
# Class, socket, id of the market there, its unified name.
VENUES = {
    "bybit": ("bybit", "wss://stream.bybit.com/v5/public/linear", "BTCUSDT", "BTC/USDT:USDT"),
    "binance": ("binance", "wss://fstream.binance.com/stream", "BTCUSDT", "BTC/USDT:USDT"),
    "okx.spot": ("okx", "wss://ws.okx.com/ws/v5/public", "BTC-USDT", "BTC/USDT"),
    "hyperliquid": ("hyperliquid", "wss://api.hyperliquid.xyz/ws", "0", "BTC/USDC:USDC"),
    "dydx": ("dydx", "wss://indexer.dydx.trade/v4/ws", "ETH-USD", "ETH/USDC:USDC"),
}


def exchange(venue: str) -> tuple[Any, Any, str]:
    """The exchange with its market known, its client, and the market's unified name."""
    kind, url, market_id, unified = VENUES[venue]
    made = getattr(ccxt.pro, kind)({"options": OPTIONS})
    base, quote = unified.partition(":")[0].split("/")
    is_swap = ":" in unified
    made.set_markets([
        {
            "id": market_id, "symbol": unified, "base": base, "quote": quote, "baseId": base, "quoteId": quote,
            "baseName": base, "settle": quote if is_swap else None, "settleId": quote, "type": "swap" if is_swap else "spot",
            "spot": not is_swap, "swap": is_swap, "future": False, "option": False, "margin": False, "contract": is_swap,
            "linear": is_swap, "inverse": False, "subType": "linear", "active": True, "contractSize": 1.0,
            "precision": {"amount": 1e-8, "price": 1e-8}, "limits": {}, "info": {"name": base},
        }
    ])  # fmt: skip
    client = made.client(url)
    client.decompressBinary = True
    return made, client, unified


def begin(made: Any, unified: str, inputs: Frames) -> None:
    """A pass begins without a book, or with the one that REST told."""
    made.orderbooks.clear()
    if inputs.snapshot:
        told = json.loads(inputs.snapshot)
        book = made.parse_order_book(told, unified, told.get("E"))
        book["nonce"] = told["lastUpdateId"]
        made.orderbooks[unified] = made.order_book({}, 1_000)
        made.orderbooks[unified].reset(book)


async def main(venue: str) -> None:
    inputs = read(venue)
    made, client, unified = exchange(venue)
    passes = max(1, (frame_limit() or FRAMES_LEAST) // len(inputs.frames))
    messages = [WSMessage(WSMsgType.TEXT, frame.decode(), None) for frame in inputs.frames]
    handle, books = client.handle_message, made.orderbooks

    def loop() -> None:
        for _ in range(passes):
            begin(made, unified, inputs)
            for message in messages:
                handle(message)
                known = books[unified]
                known["bids"][0], known["asks"][0]

    seconds = timed(loop)
    book = books[unified]
    trades = inputs.trades if made.trades.get(unified) else 0  # it keeps the last thousand of all passes
    inputs.check(book["bids"][0][0], book["asks"][0][0], trades)
    tell("D", f"ccxt.pro, {venue}", passes * len(messages), seconds)
    await made.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
