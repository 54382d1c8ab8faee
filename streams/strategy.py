"""A strategy is a function from feeds to an `Observable` of decisions; here it is put on a pipeline and watched."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TypeAlias

import msgspec
from reactivex import Observable, abc
from reactivex.disposable import Disposable

from state.errors import WrongUse
from state.events import AmendOrder, Blocked, CancelAll, CancelOrder, Decision, PlaceOrder, StrategyFailed
from streams.feeds import Feeds
from streams.pipeline import Pipeline
from streams.scheduler import SessionScheduler

Build: TypeAlias = Callable[[Feeds], Observable[Decision]]


@dataclass(frozen=True, slots=True)
class Strategy:
    """A named strategy with its parameters already bound."""

    name: str
    build: Build


class Running:
    """One strategy on one pipeline. When it raises it ends alone: recorded, its orders cancelled, the others go on."""

    def __init__(self, pipeline: Pipeline, strategy: Strategy) -> None:
        self.name = strategy.name
        self.pipeline = pipeline
        self.scheduler = SessionScheduler(pipeline.timeline, self)
        self.random = Random(f"{pipeline.shared.seed}:{self.name}")  # noqa: S311 (seeded, for decisions, not for secrets)
        self.decisions: Observable[Decision] | None = None  # None before it is subscribed
        self.error: Exception | None = None  # that it ended with
        self.is_ended = False
        self.listens_aside = False  # subscribed to something by itself, instead of returning all it is made of
        self._build = strategy.build
        self._subscription: abc.DisposableBase = Disposable()

    def subscribe(self) -> None:
        """To be called inside a tick, so that what the strategy says at once has its place in the order."""
        feeds = Feeds(self.pipeline, self.scheduler, self.name, self.random)
        try:
            before = self.pipeline.subscribers
            self.decisions = decisions = self._build(feeds)
            self.listens_aside = self.pipeline.subscribers > before
            self._subscription = decisions.subscribe(self._decided, self.fail, scheduler=self.scheduler)
        except Exception as error:  # noqa: BLE001 (a strategy may raise anything; it ends alone)
            self.fail(error)
        if self.is_ended:
            self._subscription.dispose()

    def fail(self, error: Exception) -> None:
        """Ends this strategy: `StrategyFailed`, and a cancel for each order of its own."""
        if self.is_ended:
            return
        self.is_ended = True
        self.error = error
        self._subscription.dispose()
        self.pipeline.withdraw(self)
        self.pipeline.emit(StrategyFailed(self.name, _words(error), _trace(error)))
        for venue, account in self.pipeline.shared.accounts.items():
            for order in account.orders.working():
                if order.strategy == self.name:
                    self.pipeline.emit(CancelOrder(venue, order.symbol, order.client_id, self.name))

    def _decided(self, decision: Decision) -> None:
        if self.is_ended:
            return
        if type(decision) not in _DECISIONS:
            raise WrongUse(f"strategy {self.name} emitted {type(decision).__name__}; it may emit intents only")
        if isinstance(decision, _SIZED):
            self._check(decision)
        if decision.strategy != self.name:
            decision = msgspec.structs.replace(decision, strategy=self.name)
        self.pipeline.emit(decision, self)

    def _check(self, intent: PlaceOrder | AmendOrder) -> None:
        """Money off the grid is an error at the call, never rounded later."""
        instrument = self.pipeline.shared.instrument(intent.venue, intent.symbol)
        if isinstance(intent, PlaceOrder) and (intent.kind == "limit") != (intent.price is not None):
            raise WrongUse(f"a {intent.kind} order {'needs a' if intent.kind == 'limit' else 'takes no'} price")
        reduces = isinstance(intent, PlaceOrder) and intent.reduce_only
        instrument.check(intent.price, intent.size, reduce_only=reduces)


def run_strategies(pipeline: Pipeline, strategies: Sequence[Strategy]) -> list[Running]:
    """Subscribes the strategies, in order, as part of the last record's tick. Raises `WrongUse` for a name used twice."""
    names = [strategy.name for strategy in strategies]
    if len(set(names)) != len(names):
        raise WrongUse(f"two strategies have one name: {', '.join(names)}")
    running = [Running(pipeline, strategy) for strategy in strategies]

    def subscribe() -> None:
        for one in running:
            one.subscribe()

    pipeline.conclude(subscribe)
    return running


_SIZED = (PlaceOrder, AmendOrder)
_DECISIONS = frozenset({PlaceOrder, AmendOrder, CancelOrder, CancelAll, Blocked})


def _words(error: Exception) -> str:
    """What it says, without what another process would say otherwise: the address of an object."""
    return _ADDRESS.sub("0x…", f"{type(error).__name__}: {error}")


_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}")


def _trace(error: Exception) -> str:
    """Where it was raised, by file name and line, without libraries' own frames: the same on every machine, traced or not."""
    lines = []
    step = error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        if "site-packages" not in code.co_filename and step.tb_frame.f_globals.get("__name__") != "streams.trace":
            lines.append(f"{Path(code.co_filename).name}:{step.tb_lineno} in {code.co_name}")
        step = step.tb_next
    return "\n".join(lines)
