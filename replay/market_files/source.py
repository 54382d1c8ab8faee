"""What every reader of such files gives: bursts of market events in the order of their receipt, and the market's rules."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol, TypeAlias

from state.events import AnyEvent, FeedStatus, InstrumentDefined
from state.instruments import exact
from state.words import InstrumentKind

Burst: TypeAlias = tuple[int, list[AnyEvent]]  # recv in ns, what came in at once

_QUOTES = ("USDT", "USDC", "FDUSD", "BUSD", "USD", "EUR", "BTC", "ETH")
_NOISE = ("-", "_", "/", ":")
_ENDINGS = ("SWAP", "PERP", "PERPETUAL")


@dataclass(frozen=True, slots=True)
class Said:
    """What the person says of the data where the files do not: the empty word and None leave it to the files."""

    venue: str
    symbol: str = ""
    tick: Decimal | None = None
    lot: Decimal | None = None
    kind: InstrumentKind = "perpetual"


class MarketFile(Protocol):
    """One file, opened and known to be of its format."""

    def bursts(self) -> Iterator[Burst]:
        """Raises `WrongUse` with the file and the line or row where it cannot go on."""
        ...

    def grids(self) -> "dict[str, Grid]":
        """By symbol, the finest steps that its first rows show."""
        ...

    def close(self) -> None: ...


@dataclass(slots=True)
class Grid:
    """The finest price and size steps that were seen."""

    tick: Decimal = Decimal(1)
    lot: Decimal = Decimal(1)

    def see(self, price: str | float, size: str | float) -> None:
        self.tick = min(self.tick, _step(price))
        self.lot = min(self.lot, _step(size))

    def merge(self, other: "Grid") -> None:
        self.tick, self.lot = min(self.tick, other.tick), min(self.lot, other.lot)


@dataclass(slots=True)
class Channels:
    """Says once of each channel that it is there, and of a book when it cannot be trusted."""

    venue: str
    _told: dict[tuple[str, str], str] = field(default_factory=dict)

    def ok(self, symbol: str, channel: str) -> list[AnyEvent]:
        return self._say(symbol, channel, "ok")

    def gap(self, symbol: str, reason: str) -> list[AnyEvent]:
        self._told[symbol, "book"] = "gap"
        return [FeedStatus(self.venue, symbol, "book", "gap", reason)]

    def knows(self, symbol: str, channel: str) -> bool:
        return (symbol, channel) in self._told

    def is_ok(self, symbol: str, channel: str) -> bool:
        return self._told.get((symbol, channel)) == "ok"

    def _say(self, symbol: str, channel: str, status: str) -> list[AnyEvent]:
        if self._told.get((symbol, channel)) == status:
            return []
        self._told[symbol, channel] = status
        return [FeedStatus(self.venue, symbol, channel, "ok")]


def defined(said: Said, symbol: str, grid: Grid) -> InstrumentDefined:
    """The rules of a market as far as its data shows them: names from the symbol, grid from the digits, no minimum."""
    base, quote = _names(symbol)
    lot = said.lot or grid.lot
    return InstrumentDefined(
        said.venue,
        symbol,
        None,
        base,
        quote,
        quote,
        said.kind,
        said.tick or grid.tick,
        lot,
        lot,
        Decimal(0),
        native='{"inferred":true}',
    )


def _step(number: str | float) -> Decimal:
    """The place of the last digit: 0.01 of 12.25; 1 of 1000."""
    exponent = (Decimal(number) if isinstance(number, str) else exact(number)).normalize().as_tuple().exponent
    return Decimal(1).scaleb(min(0, exponent)) if isinstance(exponent, int) else Decimal(1)


def _names(symbol: str) -> tuple[str, str]:
    word = symbol.upper()
    for noise in _NOISE:
        word = word.replace(noise, "")
    for ending in _ENDINGS:
        word = word.removesuffix(ending)
    for quote in _QUOTES:
        if word.endswith(quote) and word != quote:
            return word.removesuffix(quote), quote
    return word, "USD"
