"""OP: what each operator costs an event, and what the whole of `plain` adds to the pipeline.

Each operator gets the same seeded events by way of a source of its own, a millisecond apart, timers and settled ticks included;
`net_us` is what it costs above an empty subscription to the same events.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any, TypeAlias

from reactivex import Observable

from benchmarks.measure import WrongAnswer, frame_limit, tell, timed
from state.book import Book
from state.events import (
    AmendOrder,
    AnyEvent,
    BookDelta,
    BookSnapshot,
    CancelOrder,
    Candle,
    FeedStatus,
    InstrumentDefined,
    OrderUpdate,
    PlaceOrder,
    SessionOpened,
    Ticker,
    Trade,
)
from state.ledger import Position
from state.record import Collected, Record
from streams import operators as op
from streams.pipeline import Pipeline
from streams.scheduler import SessionScheduler, Timeline
from streams.source import Source
from streams.strategies import Plain, plain
from streams.strategy import Strategy, run_strategies

VENUE, SYMBOL = "venue", "BTCUSDT"
EVENTS = 20_000
PASSES = 3
LEVELS = 50
STEP_NS = 1_000_000
START = 1_700_000_000_000_000_000

Operated: TypeAlias = Callable[[Observable[Any]], Observable[Any]]


def _levels(rng: Random, sign: int) -> list[tuple[float, float]]:
    return [(round(60_000 + sign * (0.05 + 0.1 * level), 2), rng.uniform(0.1, 3)) for level in range(LEVELS)]


def snapshot(rng: Random) -> BookSnapshot:
    return BookSnapshot(VENUE, SYMBOL, None, _levels(rng, -1), _levels(rng, 1))


def delta(rng: Random) -> BookDelta:
    """Six sizes of a side near the touch."""
    sign = rng.choice((-1, 1))
    changed = [
        (round(60_000 + sign * (0.05 + 0.1 * level), 2), rng.uniform(0.1, 3)) for level in rng.sample(range(12), 6)
    ]
    return BookDelta(VENUE, SYMBOL, None, *((changed, []) if sign < 0 else ([], changed)))


def trade(rng: Random) -> Trade:
    sign = rng.choice((-1, 1))
    return Trade(VENUE, SYMBOL, None, "t", 60_000 + sign * 0.05, rng.uniform(0.01, 2), "buy" if sign > 0 else "sell")


def candle(rng: Random) -> Candle:
    first, last = (60_000 + rng.random() for _ in range(2))
    low, high = min(first, last) - rng.random(), max(first, last) + rng.random()
    return Candle(VENUE, SYMBOL, None, 0, 1, first, high, low, last, 1.0, closed=True)


def ticker(rng: Random) -> Ticker:
    mark, index, last = (60_000 + rng.random() for _ in range(3))
    return Ticker(VENUE, SYMBOL, None, last=last, mark=mark, index=index)


OPERATORS: dict[str, dict[str, Operated]] = {
    "book": {
        "mid": op.mid(), "microprice": op.microprice(), "weighted_mid, 5 levels": op.weighted_mid(5),
        "depth_mid, 10 levels": op.depth_mid(levels=10), "depth_mid, 0.05 bps": op.depth_mid(bps=0.05),
        "vamp, 10 levels": op.vamp(levels=10), "impact_price, 10": op.impact_price("buy", 10), "spread": op.spread(),
        "imbalance, 1 level": op.imbalance(), "imbalance, 10 levels": op.imbalance(10),
        "imbalance_bps, 0.05 bps": op.imbalance_bps(0.05), "depth_imbalance, 3 depths": op.depth_imbalance((0.02, 0.05, 0.1)),
        "depth_changes, 10 levels": op.depth_changes(10), "order_flow_imbalance": op.order_flow_imbalance(10),
        "crossing": op.crossing(), "trusted": op.trusted(),
    },
    "trade": {
        "signed_volume": op.signed_volume(60), "trade_imbalance": op.trade_imbalance(60),
        "trade_imbalance_n, 100": op.trade_imbalance_n(100), "intensity": op.intensity(1), "vwap": op.vwap(60),
        "large_trades, 1000": op.large_trades(), "kyle_lambda, 300": op.kyle_lambda(0.1), "candles": op.candles(1),
        "bars": op.bars(trades=100, volume=500), "ewma_volatility": op.ewma_volatility(60),
        "realized_volatility": op.realized_volatility(60),
    },
    "number": {
        "ema": op.ema(1), "ema_n": op.ema_n(20), "wma": op.wma(1), "wma_n, 100": op.wma_n(100), "hma": op.hma(1),
        "hma_n, 100": op.hma_n(100), "zscore, 100": op.zscore(100), "percentile, 100": op.percentile(100),
        "bollinger_width, 20": op.bollinger_width(20), "momentum": op.momentum(), "ring, 100": op.ring(100),
        "clamp": op.clamp(0, 1e9), "time_scaled": op.time_scaled(60), "throttle": op.throttle(0.01),
        "debounce": op.debounce(0.0005), "conflate": op.conflate(), "buffer": op.buffer(10), "hold": op.hold(1),
        "stale_after": op.stale_after(1), "sample, each tick": lambda x: x.pipe(op.sample(x)),
        "when": lambda x: x.pipe(op.when(x.pipe(op.map(bool)))), "with_latest": lambda x: x.pipe(op.with_latest(x)),
        "combine of two": lambda x: op.combine(x, x), "premium": lambda x: op.premium(x, x),
        "switch_regime": lambda x: op.switch_regime(x.pipe(op.map(is_high)), {True: x, False: x}),
        "lead_lag, 10 steps": lambda x: op.lead_lag(x, x), "map": op.map(bool), "filter": op.filter(bool),
    },
    "candle": {"parkinson, 20": op.parkinson(20), "garman_klass, 20": op.garman_klass(20)},
    "ticker": {"basis": op.basis()},
    "position": {"utilisation": op.utilisation(10)},
}  # fmt: skip


def is_high(price: float) -> bool:
    return price > 60_000


def inputs(kind: str, count: int) -> list[Any]:
    """What is published; a book is published by its changes."""
    rng = Random(3)
    if kind == "book":
        return [delta(rng) for _ in range(count)]
    if kind == "position":
        return [Position(VENUE, SYMBOL, Decimal(rng.randint(-9, 9))) for _ in range(count)]
    if kind == "number":
        return [60_000 + rng.uniform(-1, 1) for _ in range(count)]
    make = {"trade": trade, "candle": candle, "ticker": ticker}[kind]
    return [make(rng) for _ in range(count)]


def run(kind: str, operator: Operated | None, events: Sequence[Any]) -> tuple[float, int]:
    """Seconds of the fastest pass, and how often it spoke."""
    timeline = Timeline(START)
    source: Source[Any] = Source()
    heard = 0

    def hear(_: object) -> None:
        nonlocal heard
        heard += 1

    stream: Observable[Any] = source if operator is None else operator(source)
    stream.subscribe(hear, scheduler=SessionScheduler(timeline))
    book = Book(VENUE, SYMBOL)
    book.replace(snapshot(Random(1)))

    def act() -> None:
        for event in events:
            now = timeline.now_ns + STEP_NS
            while timeline.next_due <= now:
                timeline.now_ns = timeline.next_due
                timeline.pop().action()
            timeline.now_ns = now
            if kind == "book":
                book.update(event)
                event = book
            source.emit(event)
            if timeline.marked:
                timeline.settle(0)

    return min(timed(act) for _ in range(PASSES)), heard


class Desk:
    """A pipeline with a venue that takes every order at once."""

    def __init__(self, strategies: Sequence[Strategy]) -> None:
        self.sink = Collected()
        self.pipeline = Pipeline(self.sink, lambda _, seq: f"c{seq}", on_tick=self.sent)
        self.answers: list[AnyEvent] = []
        rules = InstrumentDefined(
            VENUE, SYMBOL, None, "BTC", "USDT", "USDT", "perpetual",
            Decimal("0.1"), Decimal("0.001"), Decimal("0.001"), Decimal(5),
        )  # fmt: skip
        self.pipeline.feed(START, (SessionOpened("s", 7),))
        self.pipeline.feed(START, (rules, snapshot(Random(1)), FeedStatus(VENUE, "", "account", "ok")))
        run_strategies(self.pipeline, strategies)

    def sent(self, intents: Sequence[Record]) -> None:
        for record in intents:
            intent = record.event
            if isinstance(intent, PlaceOrder | AmendOrder):
                self.answer(intent.client_id, "open", intent.price, intent.size)
            elif isinstance(intent, CancelOrder):
                self.answer(intent.client_id, "cancelled", None, None)

    def answer(self, client_id: str, status: Any, price: Decimal | None, size: Decimal | None) -> None:
        order = self.pipeline.shared.account(VENUE).orders.get(client_id)
        side = order.side if order else None
        told = OrderUpdate(VENUE, SYMBOL, None, client_id, f"o{client_id}", status, side, price=price, size=size)
        self.answers.append(told)

    def run(self, events: Sequence[AnyEvent]) -> None:
        feed, now = self.pipeline.feed, self.pipeline.timeline.now_ns
        for event in events:
            now += STEP_NS
            feed(now, (event,))
            if self.answers:
                answers, self.answers = self.answers, []
                feed(now, answers)


def whole_pipeline(events: Sequence[AnyEvent]) -> None:
    params = Plain(venue=VENUE, symbol=SYMBOL, size=Decimal("0.01"), max_position=Decimal("0.1"))
    alone = min(timed(partial(Desk(()).run, events)) for _ in range(PASSES))
    desks = [Desk([Strategy("plain", lambda feeds: plain(feeds, params))]) for _ in range(PASSES)]
    quoting = min(timed(partial(desk.run, events)) for desk in desks)
    if not any(isinstance(event, PlaceOrder) for event in desks[0].sink.events()):
        raise WrongAnswer("plain did not quote")
    tell("OP", "pipeline, no strategy", len(events), alone)
    tell("OP", "pipeline with plain", len(events), quoting, net_us=(quoting - alone) / len(events) * 1e6)


def main() -> None:
    count = frame_limit() or EVENTS
    rng = Random(5)
    whole_pipeline([delta(rng) if rng.random() < 0.7 else trade(rng) for _ in range(count)])
    for kind, operators in OPERATORS.items():
        events = inputs(kind, count)
        empty, _ = run(kind, None, events)
        tell("OP", f"({kind}, nobody)", count, empty)
        for name, operator in operators.items():
            seconds, heard = run(kind, operator, events)
            if not heard:
                raise WrongAnswer(f"{name} said nothing")
            tell("OP", name, count, seconds, net_us=(seconds - empty) / count * 1e6)


if __name__ == "__main__":
    main()
