"""What every reader of such files gives: bursts of market events in the order of their receipt, and the market's rules."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, Protocol, TypeAlias

import msgspec

from state.events import (
    AnyEvent,
    BookDelta,
    BookOrder,
    BookSnapshot,
    FeedStatus,
    InstrumentDefined,
    Liquidation,
    Ticker,
    Trade,
)
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
    contract_size: Decimal | None = (
        None  # of a contract, where sizes are contracts: in base units, of an inverse one in quote
    )
    inverse: bool = False

    @property
    def units(self) -> Decimal:
        """What a size of the files is in base units; inverse contracts stay contracts."""
        return Decimal(1) if self.inverse or self.contract_size is None else self.contract_size


# What files tell of a market's book: nothing, its best prices alone, or all of it.
Told: TypeAlias = Literal["nothing", "touch", "book"]


class MarketFile(Protocol):
    """One file, opened and known to be of its format."""

    def bursts(self) -> Iterator[Burst]:
        """Raises `WrongUse` with the file and the line or row where it cannot go on."""
        ...

    def grids(self) -> "dict[str, Grid]":
        """By symbol, the finest steps that its first rows show."""
        ...

    @property
    def kind(self) -> str:
        """What the file is called, such as `quotes`."""
        ...

    @property
    def told(self) -> Told: ...

    def stand_beside(self, books: Collection[str]) -> None:
        """Another file tells the books of these markets: what this one knows of their touch becomes tickers."""
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
    in_snapshot: set[str] = field(default_factory=set)  # symbols whose last row of the book was part of a snapshot
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
    base, quote = names_in(symbol)
    lot = said.lot or grid.lot * said.units
    return InstrumentDefined(
        said.venue,
        symbol,
        None,
        base,
        quote,
        base if said.inverse else quote,
        said.kind,
        said.tick or grid.tick,
        lot,
        lot,
        Decimal(0),
        contract_size=said.contract_size if said.inverse and said.contract_size is not None else Decimal(1),
        inverse=said.inverse,
        native='{"inferred":true}',
    )


def in_base_units(event: AnyEvent, units: Decimal) -> AnyEvent:
    """An event whose sizes are contracts of so many base units, exactly."""
    match event:
        case BookSnapshot() | BookDelta():
            bids, asks = ([(price, _times(size, units)) for price, size in side] for side in (event.bids, event.asks))
            return msgspec.structs.replace(event, bids=bids, asks=asks)
        case Trade() | Liquidation() | BookOrder():
            return msgspec.structs.replace(event, size=_times(event.size, units))
        case Ticker():
            said = {name: getattr(event, name) for name in ("bid_size", "ask_size", "open_interest")}
            return msgspec.structs.replace(
                event, **{name: _times(size, units) for name, size in said.items() if size is not None}
            )
        case _:
            return event


def _times(size: float, units: Decimal) -> float:
    return float(exact(size) * units)


def _step(number: str | float) -> Decimal:
    """The place of the last digit: 0.01 of 12.25; 1 of 1000."""
    exponent = (Decimal(number) if isinstance(number, str) else exact(number)).normalize().as_tuple().exponent
    return Decimal(1).scaleb(min(0, exponent)) if isinstance(exponent, int) else Decimal(1)


def names_in(symbol: str) -> tuple[str, str]:
    """Base and quote of a market, as its name has them."""
    word = symbol.upper()
    for noise in _NOISE:
        word = word.replace(noise, "")
    for ending in _ENDINGS:
        word = word.removesuffix(ending)
    for quote in _QUOTES:
        if word.endswith(quote) and word != quote:
            return word.removesuffix(quote), quote
    return word, "USD"
