"""A seeded session with a venue that answers, and strategies that are written down in its course and go on elsewhere."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random

from state.events import (
    AnyEvent,
    BookDelta,
    BookSnapshot,
    Command,
    FeedStatus,
    Fill,
    OrderUpdate,
    SessionOpened,
    Signal,
    Ticker,
    Trade,
)
from state.record import Collected, Record, canonical
from state.shared import SharedState
from streams import checkpoint
from streams.pipeline import Pipeline
from streams.strategy import Running, Strategy, run_strategies
from streams.testing import READY, START, SYMBOL, VENUE, instrument

OTHER = "ETH"
MS = 1_000_000


@dataclass
class Input:
    recv: int
    events: tuple[AnyEvent, ...]
    seq: int = 0  # the last record once it was concluded from


@dataclass
class Mark:
    """Where a session could be restarted."""

    at: int  # inputs before it
    state: bytes
    strategies: bytes
    records: int


@dataclass
class Run:
    """A session that never stopped, with what went in and where it was written down."""

    inputs: list[Input] = field(default_factory=list)
    marks: dict[int, Mark] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)


def client_id(_: str, seq: int) -> str:
    return f"c{seq}"


def record_run(
    strategies: Callable[[], Sequence[Strategy]], steps: int, marked: Callable[[int], bool], seed: int
) -> Run:
    """Feeds `steps` seeded bursts; written down after each that is `marked`."""
    run, rng, sink = Run(), Random(seed), Collected()
    pipeline = Pipeline(sink, client_id)
    market = _Market(rng)
    pipeline.feed(START, (SessionOpened("s", seed),))
    pipeline.feed(START, market.opening())
    running = run_strategies(pipeline, strategies())
    now = START
    for step in range(steps):
        now += rng.choice((0, 1, 3, 20, 70, 150, 400, 2600)) * MS
        events = market.burst(pipeline.shared)
        pipeline.feed(now, events)
        run.inputs.append(Input(now, tuple(events), pipeline.seq))
        if marked(step):
            run.marks[step] = Mark(step, pipeline.shared.dump(), checkpoint.dump(running), len(sink.records))
    run.records = sink.records
    assert all(one.error is None for one in running), [one.error for one in running]
    return run


def restart(run: Run, mark: Mark, strategies: Sequence[Strategy]) -> tuple[Pipeline, list[Running], Collected]:
    sink = Collected()
    pipeline = Pipeline(sink, client_id, shared=SharedState.load(mark.state))
    running = checkpoint.restore(pipeline, strategies, mark.strategies)
    return pipeline, running, sink


def assert_goes_on_as_if_never_stopped(run: Run, mark: Mark, until: Mark, strategies: Sequence[Strategy]) -> None:
    """Every record up to `until`, byte by byte, and what is written down there."""
    pipeline, running, sink = restart(run, mark, strategies)
    assert sink.records == []
    assert checkpoint.dump(running) == mark.strategies
    for said in run.inputs[mark.at + 1 : until.at + 1]:
        pipeline.feed(said.recv, said.events)
        assert pipeline.seq == said.seq, f"after the input at seq {said.seq}"
    expected = run.records[mark.records : until.records]
    assert [canonical(record) for record in sink.records] == [canonical(record) for record in expected]
    assert pipeline.shared.dump() == until.state
    assert checkpoint.dump(running) == until.strategies


class _Market:
    """Two books, trades, tickers, and a venue that takes, fills, refuses and cancels what was placed."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.mid = {SYMBOL: 1000.0, OTHER: 50.0}
        self.fills = 0

    def opening(self) -> tuple[AnyEvent, ...]:
        return (instrument(), *(self.snapshot(symbol) for symbol in self.mid), READY)

    def snapshot(self, symbol: str) -> BookSnapshot:
        mid = self.mid[symbol]
        bids = [(round(mid - 0.1 * level, 1), self.size()) for level in range(1, 9)]
        asks = [(round(mid + 0.1 * level, 1), self.size()) for level in range(1, 9)]
        return BookSnapshot(VENUE, symbol, None, bids, asks)

    def size(self) -> float:
        return round(self.rng.uniform(0.1, 5), 3)

    def burst(self, shared: SharedState) -> list[AnyEvent]:
        rng = self.rng
        return [event for _ in range(rng.choice((1, 1, 1, 2, 4))) for event in self.happens(shared, rng.random())]

    def happens(self, shared: SharedState, what: float) -> list[AnyEvent]:
        rng = self.rng
        symbol = SYMBOL if rng.random() < 0.7 else OTHER
        mid = self.mid[symbol]
        if what < 0.35:
            return [self.delta(symbol)]
        if what < 0.45:
            self.mid[symbol] = round(mid + rng.choice((-0.2, -0.1, 0.1, 0.2)), 1)
            return [self.snapshot(symbol)]
        if what < 0.7:
            side = rng.choice(("buy", "sell"))
            return [Trade(VENUE, symbol, None, "t", round(mid + rng.choice((-0.1, 0.1)), 1), self.size(), side)]
        if what < 0.76:
            rate = 0.0001 if int(mid * 2) % 2 else -0.0001
            said = {"last": mid, "mark": mid + rng.random(), "index": mid + rng.random()}
            return [Ticker(VENUE, symbol, None, **said, funding_rate=rate)]
        if what < 0.78:
            return [FeedStatus(VENUE, symbol, "book", "gap")]
        if what < 0.8:
            return [Signal("fair", rng.random())]
        if what < 0.81:
            return [Command("", "", "nod")]
        return self.answers(shared)

    def delta(self, symbol: str) -> BookDelta:
        rng, mid = self.rng, self.mid[symbol]
        level = rng.randint(1, 8)
        size = rng.choice((0.0, self.size(), self.size()))
        if rng.random() < 0.5:
            return BookDelta(VENUE, symbol, None, [(round(mid - 0.1 * level, 1), size)], [])
        return BookDelta(VENUE, symbol, None, [], [(round(mid + 0.1 * level, 1), size)])

    def answers(self, shared: SharedState) -> list[AnyEvent]:
        working = shared.account(VENUE).orders.working(SYMBOL)
        if not working:
            return []
        order = self.rng.choice(list(working))
        if order.status == "pending":
            status = self.rng.choice(("open", "open", "open", "rejected"))
        elif order.pending_cancel:
            status = "cancelled"
        elif order.pending_amend is not None:
            status = "open"
        else:
            return self.fill(order.client_id, order.side, order.price, order.remaining)
        price, size = order.pending_amend or (order.price, order.size)
        return [
            OrderUpdate(
                VENUE, SYMBOL, None, order.client_id, f"o{order.client_id}", status, order.side, order.kind, order.tif,
                price, size,
            )
        ]  # fmt: skip

    def fill(self, client: str, side: str, price: Decimal | None, remaining: Decimal) -> list[AnyEvent]:
        if price is None or remaining <= 0:
            return []
        self.fills += 1
        size = min(remaining, Decimal("0.002"))
        return [
            Fill(VENUE, SYMBOL, None, f"f{self.fills}", f"o{client}", client, side, price, size, Decimal(0), "USDT")
        ]
