"""The other side of the wire: venues on localhost that speak the real protocols.

Nothing here knows the adapters that talk to it, so that a misreading cannot cancel itself out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from adapters.loopback.binance import BinanceVenue
from adapters.loopback.bybit import BybitVenue, RateLimits
from adapters.loopback.contract import LoopbackVenue, Opening
from adapters.loopback.faults import Fault, Faults, Place
from adapters.loopback.ledger import Account

LOOPBACKS: dict[str, Opening] = {"binance": BinanceVenue, "bybit": BybitVenue}
"""The venues there are, by the name the command line knows them under."""

__all__ = [
    "LOOPBACKS",
    "Account",
    "BinanceVenue",
    "BybitVenue",
    "Fault",
    "Faults",
    "LoopbackVenue",
    "Place",
    "RateLimits",
    "serve",
]


async def serve(
    venue_name: str,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    symbols: Iterable[str] = ("BTCUSDT", "ETHUSDT", "SOLUSDT"),
    accounts: Iterable[Account] = (),
    seed: int = 1,
    flow_per_s: float = 50.0,
    started: asyncio.Future[LoopbackVenue] | None = None,
) -> None:
    """Runs a venue until cancelled; `started` is given the venue once it listens. Raises KeyError for an unknown name."""
    venue = LOOPBACKS[venue_name](symbols=symbols, seed=seed, accounts=accounts, flow_per_s=flow_per_s)
    await venue.start(host, port)
    try:
        if started is not None:
            started.set_result(venue)
        await asyncio.Event().wait()
    finally:
        await venue.stop()
