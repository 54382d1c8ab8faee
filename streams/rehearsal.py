"""What a strategy asks for, found out by setting it up where nothing ever happens: before a session is opened for it."""

from dataclasses import dataclass
from typing import TypeVar

from state.errors import ConfigurationError, WrongUse
from state.events import Candle, Liquidation, SessionOpened, Ticker
from state.record import Collected
from streams.pipeline import Pipeline
from streams.source import Source
from streams.strategy import Strategy, run_strategies, where_of

T = TypeVar("T")

# Without these a strategy that asks for them stands still; trades are also listened to by what does without them (`work`).
CHANNELS: dict[type, str] = {Candle: "candles", Liquidation: "liquidations", Ticker: "ticker"}


@dataclass(frozen=True, slots=True)
class Asked:
    """Markets as (venue, symbol), their channels as (venue, symbol, channel), candles as (venue, symbol, interval_s), and the
    venues whose account it looks at.
    """

    markets: tuple[tuple[str, str], ...]
    channels: tuple[tuple[str, str, str], ...]
    candles: tuple[tuple[str, str, int], ...]
    accounts: tuple[str, ...]


class _Empty(Pipeline):
    """Nothing is ever fed to it; it notes which streams somebody asks for."""

    def __init__(self) -> None:
        super().__init__(Collected(), lambda venue, seq: f"{venue}-{seq}")
        self.asked: dict[tuple[type, str, str], None] = {}
        self.intervals: dict[tuple[str, str, int], None] = {}

    def source(self, kind: type[T], venue: str = "", symbol: str = "") -> Source[T]:
        self.asked[(kind, venue, symbol)] = None
        return super().source(kind, venue, symbol)

    def candles(self, venue: str, symbol: str, interval_s: int) -> Source[Candle]:
        self.intervals[(venue, symbol, interval_s)] = None
        return super().candles(venue, symbol, interval_s)


def rehearse(strategy: Strategy) -> Asked:
    """Raises `ConfigurationError` with what the strategy raises while it is set up, as it would in the session."""
    pipeline = _Empty()
    pipeline.feed(0, [SessionOpened("rehearsal", seed=1)])
    (running,) = run_strategies(pipeline, [strategy])
    if running.error is not None:
        error = running.error
        named = str(error) if isinstance(error, WrongUse) else f"{error!r} ({where_of(error)})"
        raise ConfigurationError(f"strategy {strategy.name}: {named}") from running.error
    shared = pipeline.shared
    return Asked(
        markets=tuple(shared.markets),
        channels=tuple((venue, symbol, CHANNELS[kind]) for kind, venue, symbol in pipeline.asked if kind in CHANNELS),
        candles=tuple(pipeline.intervals),
        accounts=tuple(shared.accounts),
    )
