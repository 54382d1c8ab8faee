"""A strategy tried out without any recording: a market made up from a seed, a paper venue that fills; for tests of one's own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import exp
from random import Random
from typing import TypeVar

from adapters.paper import PaperSettings
from replay.simulate import Simulation
from state.events import AnyEvent, BookSnapshot, Fill, InstrumentDefined, Trade
from state.record import Collected, Record
from state.shared import SharedState
from state.words import Side
from streams.strategy import Strategy

T = TypeVar("T")

START_NS = 1_700_000_000 * 1_000_000_000
STEP_NS = 100_000_000
MOVE = 0.00006  # standard deviation of the log price in a step
TICK, LOT = Decimal("0.1"), Decimal("0.001")
PAPER = PaperSettings(order_latency_ms=5, response_latency_ms=5)


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of it."""

    shared: SharedState
    records: Sequence[Record]

    def of(self, kind: type[T]) -> list[T]:
        """Events of one kind, in their order."""
        return [record.event for record in self.records if isinstance(record.event, kind)]

    @property
    def fills(self) -> list[Fill]:
        return self.of(Fill)

    @property
    def failed(self) -> dict[str, str]:
        """Strategies that raised, with their errors."""
        return self.shared.failed


def made_market(venue: str, symbol: str, *, seconds: int = 60, price: float = 60_000.0, seed: int = 3) -> list[Record]:
    """A random walk: ten levels a side ten times a second, and trades of both sides, some of them deep."""
    return [
        Record(seq, START_NS + at, 0, event)
        for seq, (at, event) in enumerate(_walk(venue, symbol, seconds, price, Random(seed)), 1)  # noqa: S311 (seeded)
    ]


def trial(strategy: Strategy, market: Sequence[Record], paper: PaperSettings = PAPER, seed: int = 7) -> Trial:
    """Runs the strategy over market records against a paper venue; the same every time."""
    sink = Collected()
    simulation = Simulation(sink, lambda _, seq: f"trial-{seq}", [strategy], paper, session="trial", seed=seed)
    return Trial(simulation.run(market).shared, sink.records)


def _walk(venue: str, symbol: str, seconds: int, price: float, random: Random) -> Iterator[tuple[int, AnyEvent]]:
    yield 0, InstrumentDefined(venue, symbol, None, symbol, "USDT", "USDT", "perpetual", TICK, LOT, LOT, Decimal(5))
    for step in range(1, seconds * 10 + 1):
        price *= exp(random.gauss(0, MOVE))
        ticks, at = round(price / float(TICK)), step * STEP_NS
        bids = [((ticks - 1 - level) / 10, round(random.uniform(0.05, 2), 3)) for level in range(10)]
        asks = [((ticks + 1 + level) / 10, round(random.uniform(0.05, 2), 3)) for level in range(10)]
        yield at, BookSnapshot(venue, symbol, None, bids, asks)
        if random.random() < 0.4:
            away, side = 1 + round(random.expovariate(0.05)), random.choice(_SIDES)
            price_of = (ticks + (away if side == "buy" else -away)) / 10
            size = round(random.uniform(0.01, 3), 3)
            yield at + STEP_NS // 2, Trade(venue, symbol, None, f"t{step}", price_of, size, side)


_SIDES: tuple[Side, ...] = ("buy", "sell")
