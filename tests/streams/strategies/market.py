"""A seeded market, and a strategy in it against the paper venue: what the simulator runs, with no recording needed."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from math import exp
from random import Random

from adapters.paper import PaperSettings
from replay.simulate import Simulated, Simulation
from state.events import AnyEvent, BookSnapshot, Fill, InstrumentDefined, StrategyFailed, Ticker, Trade
from state.record import Collected, Record
from streams.strategies import build

VENUE, LEAD, SYMBOL = "made", "other", "BTCUSDT"
SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
TICK, LOT = Decimal("0.1"), Decimal("0.001")


def defined(venue: str) -> InstrumentDefined:
    return InstrumentDefined(venue, SYMBOL, None, "BTC", "USDT", "USDT", "perpetual", TICK, LOT, LOT, Decimal(5))


@cache
def market(seconds: int = 120, seed: int = 3, jump_bps: float = 0.0, funding_bps: float = 0.0) -> tuple[Record, ...]:
    """A book ten times a second on two venues, the second 0.3 s ahead, and trades of both sides, some of them deep.

    With `jump_bps`, the price falls by it for a second, once every twenty, and comes back. With `funding_bps` (per eight
    hours) the first venue tells it, the other way round in the middle third, and none in the last; the second tells none.
    """
    random, records, seq = Random(seed), [], 0
    path = [10_000.0]
    for _ in range(seconds * 10 + 3):
        path.append(path[-1] * exp(random.gauss(0, 0.00006)))

    def add(at_s: float, *events: AnyEvent) -> None:
        nonlocal seq
        head = 0
        for event in events:
            seq += 1
            records.append(Record(seq, START + round(at_s * SECOND), head, event))
            head = head or seq

    add(0.0, defined(VENUE), defined(LEAD))
    for step in range(seconds * 10):
        at_s = 0.1 + step / 10
        fell = 1 - jump_bps / 10_000 if jump_bps and 10 <= at_s % 20 < 11 else 1.0
        for venue, price in ((LEAD, path[step + 3] + 2), (VENUE, path[step] * fell)):
            middle = round(price * 10)
            bids = [((middle - 1 - level) / 10, round(random.uniform(0.05, 2), 3)) for level in range(10)]
            asks = [((middle + 1 + level) / 10, round(random.uniform(0.05, 2), 3)) for level in range(10)]
            add(at_s, BookSnapshot(venue, SYMBOL, None, bids, asks))
        if funding_bps and step % 10 == 0:
            rate = funding_bps / 10_000 * (1, -1, 0)[3 * step // (seconds * 10)]
            add(at_s + 0.01, Ticker(VENUE, SYMBOL, None, funding_rate=rate / 8, funding_interval_s=3_600))
            add(at_s + 0.02, Ticker(LEAD, SYMBOL, None, funding_rate=0.0, funding_interval_s=3_600))
        if random.random() < 0.4:
            side = random.choice(["buy", "sell"])
            deep = round(random.expovariate(0.15))
            price = (round(path[step] * fell * 10) + (1 + deep if side == "buy" else -1 - deep)) / 10
            size = round(random.uniform(0.01, 3), 3)
            add(at_s + 0.05, Trade(VENUE, SYMBOL, None, f"t{seq}", price, size, side))
    return tuple(records)


@dataclass(frozen=True, slots=True)
class Run:
    """What came of one run."""

    simulated: Simulated
    events: tuple[AnyEvent, ...]
    records: tuple[Record, ...]

    def of(self, *kinds: type) -> list[AnyEvent]:
        return [event for event in self.events if isinstance(event, kinds)]

    @property
    def fills(self) -> list[Fill]:
        return [event for event in self.events if isinstance(event, Fill)]

    @property
    def failures(self) -> list[StrategyFailed]:
        return [event for event in self.events if isinstance(event, StrategyFailed)]

    def positions(self, venue: str = VENUE) -> list[Decimal]:
        """The position after each fill."""
        held, path = Decimal(0), [Decimal(0)]
        for fill in self.fills:
            if fill.venue == venue:
                held += fill.size if fill.side == "buy" else -fill.size
                path.append(held)
        return path


def run(kind: str, fields: Mapping[str, object], records: tuple[Record, ...] | None = None) -> Run:
    """The strategy against the paper venue."""
    sink = Collected()
    settings = PaperSettings(order_latency_ms=5, response_latency_ms=5)
    given = {"venue": VENUE, "symbol": SYMBOL} | fields
    simulation = Simulation(
        sink, lambda _, seq: f"c{seq}", [build(kind, given, "one")], settings, session="s", seed=5
    )  # fmt: skip
    simulated = simulation.run(records if records is not None else market())
    return Run(simulated, tuple(sink.events()), tuple(sink.records))
