"""What touches a venue: wire protocol to events, intents to requests.

Venues are found here by name and nowhere else. A third party registers one by an entry point of the group
`tapeline.venues` that names a package with an `exchange` module (`Exchange`, `Decoder`, `CAPABILITIES`, `MARKETS`,
`market_of`) and an `orderid` module (`OrderID`). Nothing of a venue is imported before it is asked for.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from state.errors import WrongUse
from state.events import AnyEvent

if TYPE_CHECKING:
    from adapters.base.exchange import Exchange
    from adapters.base.orderid import OrderID
    from adapters.base.settings import Capabilities

ENTRY_POINTS = "tapeline.venues"

# Name of the venue, its package, and which of its markets the name means: (venue, symbol) names a market.
VENUES: dict[str, tuple[str, str]] = {
    "bybit": ("adapters.bybit", "linear"),
    "bybit.spot": ("adapters.bybit", "spot"),
    "binance": ("adapters.binance", "linear"),
    "binance.spot": ("adapters.binance", "spot"),
    "okx": ("adapters.okx", "swap"),
    "okx.spot": ("adapters.okx", "spot"),
    "dydx": ("adapters.dydx", "linear"),
    "hyperliquid": ("adapters.hyperliquid", "linear"),
}


class Decoder(Protocol):
    """Recorded frames of one market → events. `receive` raises `UnknownWord` for an order word that no table has.

    `suspect` is true while the last frame did not fit; who keeps the frame sets it back.
    """

    venue: str
    suspect: bool

    def receive(self, frame: bytes, recv: int) -> Sequence[AnyEvent]: ...

    def http(self, url: str, body: bytes, recv: int) -> Sequence[AnyEvent]: ...


@dataclass(frozen=True, slots=True)
class Venue:
    """A venue by name: what makes its exchange, what reads its recordings, what it can do."""

    name: str
    market: str
    exchange: "type[Exchange]"
    capabilities: "Capabilities"
    make_decoder: Callable[[str, str], Decoder]  # market, venue
    market_of: Callable[[str], str | None]

    def decoder(self) -> Decoder:
        """A reader of this market's recorded frames; it keeps their sequence, so one a recording."""
        return self.make_decoder(self.market, self.name)


def venues() -> dict[str, tuple[str, str]]:
    """Every venue that is installed: its package and market, ours before those of others."""
    return _others() | VENUES


@cache
def _others() -> dict[str, tuple[str, str]]:
    """Asked once in a process: it reads a file of every distribution that is installed."""
    from importlib.metadata import (
        entry_points,
    )  # brings csv, email and zipfile along

    return {entry.name: (entry.value, "") for entry in entry_points(group=ENTRY_POINTS)}


def venue(name: str) -> Venue:
    """Raises `WrongUse` for a name that no venue has."""
    package, market = VENUES.get(name) or _found(name)
    module = import_module(f"{package}.exchange")
    return Venue(
        name, market or module.MARKETS[0], module.Exchange, module.CAPABILITIES, module.Decoder, module.market_of
    )


def order_ids(session: str) -> Callable[[str, int], str]:
    """The client order id of a venue's intent: each venue's own alphabet, computed from the session and the intent's seq."""
    makers: dict[str, Callable[[int], str]] = {}

    def make(name: str, seq: int) -> str:
        maker = makers.get(name)
        if maker is None:
            maker = makers[name] = order_ids_of(name)(session).make
        return maker(seq)

    return make


def order_ids_of(name: str) -> "type[OrderID]":
    """The form of a venue's client order ids: made of a session, whose ids it writes and reads."""
    package = (VENUES.get(name) or venues().get(name, ("adapters.base", "")))[0]
    kind: type[OrderID] = import_module(f"{package}.orderid").OrderID
    return kind


def _found(name: str) -> tuple[str, str]:
    known = venues()
    if name not in known:
        raise WrongUse(f"there is no venue {name!r}; known: {', '.join(sorted(known))}")
    return known[name]
