"""The other side of the wire: venues on localhost that speak the real protocols.

Nothing here knows the adapters that talk to it, so that a misreading cannot cancel itself out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from adapters.loopback.binance import BinanceVenue
from adapters.loopback.bybit import BybitVenue, RateLimits
from adapters.loopback.clock import wall_clock_ms
from adapters.loopback.contract import Listing, LoopbackVenue
from adapters.loopback.dydx import contracts as dydx
from adapters.loopback.faults import Fault, Faults, Place
from adapters.loopback.hyperliquid import contracts as hyperliquid
from adapters.loopback.ledger import Account, UnusableKeyError
from adapters.loopback.okx import OkxVenue
from adapters.loopback.okx import listings as okx
from adapters.loopback.symbols import CONTRACTS

CUSTOMER = Account("loopback-key", "loopback-secret")  # it opens nothing but a market that is made up


def _dydx(
    *,
    symbols: Iterable[str],
    seed: int,
    accounts: Iterable[Account],
    flow_per_s: float,
    clock: Callable[[], int] = wall_clock_ms,
) -> LoopbackVenue:
    """Opens it where it is asked for, since what it needs to know a signature comes with an extra."""
    from adapters.loopback.dydx.venue import DydxVenue

    return DydxVenue(symbols=symbols, seed=seed, accounts=accounts, flow_per_s=flow_per_s, clock=clock)


def _hyperliquid(
    *,
    symbols: Iterable[str],
    seed: int,
    accounts: Iterable[Account],
    flow_per_s: float,
    clock: Callable[[], int] = wall_clock_ms,
) -> LoopbackVenue:
    """The same, for the same reason."""
    from adapters.loopback.hyperliquid.venue import HyperliquidVenue

    return HyperliquidVenue(symbols=symbols, seed=seed, accounts=accounts, flow_per_s=flow_per_s, clock=clock)


LOOPBACKS: dict[str, Listing] = {
    "binance": Listing(BinanceVenue, CONTRACTS, CUSTOMER),
    "bybit": Listing(BybitVenue, CONTRACTS, CUSTOMER),
    "dydx": Listing(_dydx, dydx.CONTRACTS, dydx.CUSTOMER),
    "hyperliquid": Listing(_hyperliquid, hyperliquid.CONTRACTS, hyperliquid.CUSTOMER),
    "okx": Listing(OkxVenue, okx.CONTRACTS, okx.CUSTOMER),
}
"""The venues there are, by the name the command line knows them under."""

__all__ = [
    "LOOPBACKS",
    "Account",
    "BinanceVenue",
    "BybitVenue",
    "Fault",
    "Faults",
    "Listing",
    "LoopbackVenue",
    "OkxVenue",
    "Place",
    "RateLimits",
    "UnusableKeyError",
    "serve",
]


async def serve(
    venue_name: str,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    symbols: Iterable[str] = (),
    accounts: Iterable[Account] = (),
    seed: int = 1,
    flow_per_s: float = 50.0,
    started: asyncio.Future[LoopbackVenue] | None = None,
) -> None:
    """Runs a venue until cancelled, with all that it lists unless symbols are named; `started` is given it once it listens.

    Raises KeyError for an unknown name.
    """
    listing = LOOPBACKS[venue_name]
    chosen = tuple(symbols) or tuple(listing.contracts)
    venue = listing.opens(symbols=chosen, seed=seed, accounts=accounts, flow_per_s=flow_per_s)
    await venue.start(host, port)
    try:
        if started is not None:
            started.set_result(venue)
        await asyncio.Event().wait()
    finally:
        await venue.stop()
