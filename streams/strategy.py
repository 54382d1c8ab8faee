"""A strategy is a function from feeds to an `Observable` of decisions; here it is put on a pipeline and watched."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TypeAlias

import msgspec
from reactivex import Observable, abc
from reactivex.disposable import Disposable

from state.decisions import check_shape, check_terms
from state.errors import ConfigurationError, WrongUse
from state.events import (
    AmendOrder,
    Blocked,
    CancelAll,
    CancelOrder,
    Command,
    CommandRefused,
    Decision,
    ParametersChanged,
    PlaceOrder,
    RiskChanged,
    StrategyFailed,
)
from streams.feeds import Feeds
from streams.pipeline import Pipeline
from streams.scheduler import SessionScheduler

Build: TypeAlias = Callable[[Feeds], Observable[Decision]]


@dataclass(frozen=True, slots=True)
class Strategy:
    """A named strategy with its parameters already bound."""

    name: str
    build: Build
    change: Callable[[Mapping[str, object]], "Strategy"] | None = None
    """The same with these parameters changed; raises `ConfigurationError`. None where it has no parameters to change."""

    def decisions(self, feeds: Feeds) -> Observable[Decision]:
        """Raises `WrongUse` where the function returns no stream."""
        built: object = self.build(feeds)
        if not isinstance(built, Observable):
            raise WrongUse(f"a strategy returns a stream of decisions, not {type(built).__name__}")
        return built


class SetWord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The payload of the command `set`: parameters of one strategy from here on."""

    strategy: str
    params: dict[str, object]


MAX_DECISIONS = 1_000  # at one instant: who says more feeds itself, and would flood the venue

# Parameters that are not changed in flight: orders would be left in another market, and limits have a command of their own.
COLD = ("venue", "symbol", "risk", "desk")


class Running:
    """One strategy on one pipeline. When it raises it ends alone: recorded, its orders cancelled, the others go on."""

    def __init__(self, pipeline: Pipeline, strategy: Strategy) -> None:
        self.name = strategy.name
        self.pipeline = pipeline
        self._shared = pipeline.shared
        self.scheduler = SessionScheduler(pipeline.timeline, self)
        self.random = Random(f"{pipeline.shared.seed}:{self.name}")  # noqa: S311 (seeded, for decisions, not for secrets)
        self.decisions: Observable[Decision] | None = None  # None before it is subscribed
        self.error: Exception | None = None  # that it ended with
        self.is_ended = False
        self.turn = 0  # when it was subscribed last, among all of its pipeline: in that order they hear what is new
        self._instant = self._decided_then = 0  # ns, and how many decisions so far at it
        from streams.checkpoint import carry_over  # it knows strategies, and is needed where one is changed in flight

        self._carry_over = carry_over
        self.listens_aside = False  # subscribed to something by itself, instead of returning all it is made of
        self.strategy = strategy
        self.changed: dict[str, object] = {}  # parameters that were changed in flight
        self._is_mute = False
        self._feeds: Feeds | None = None
        self._hearing: abc.DisposableBase = Disposable()
        self._subscription: abc.DisposableBase = Disposable()

    def subscribe(self) -> None:
        """To be called inside a tick, so that what the strategy says at once has its place in the order."""
        if (
            self.strategy.change is not None
        ):  # before its own feeds: it is changed before it hears of the command itself
            self._hearing = self.pipeline.source(Command).attach(self._commanded, self.scheduler)
        self.resubscribe()

    def resubscribe(self, *, is_mute: bool = False) -> None:
        """Builds and subscribes the strategy; what it says at once is dropped where it is mute."""
        self._is_mute = is_mute
        self.turn = self.pipeline.next_turn()
        self._feeds = feeds = Feeds(self.pipeline, self.scheduler, self.name, self.random)
        try:
            before = self.pipeline.subscribers
            self.decisions = decisions = self.strategy.decisions(feeds)
            self.listens_aside = self.pipeline.subscribers > before
            self._subscription = decisions.subscribe(self._decided, self.fail, scheduler=self.scheduler)
        except Exception as error:  # noqa: BLE001 (a strategy may raise anything; it ends alone)
            self.fail(error)
        self._is_mute = False
        if self.is_ended:
            self._subscription.dispose()

    def unsubscribe(self) -> None:
        """It hears and says nothing, and no timer of its is left."""
        self._subscription.dispose()
        for key, _ in self.pipeline.timeline.waiting(self):
            self.pipeline.timeline.remove(key)

    def hears(self, command: str) -> bool:
        """Whether it listens to a person's commands of this name."""
        return self._feeds is not None and command in self._feeds.heard and not self.is_ended

    def change(self, params: Mapping[str, object]) -> Strategy:
        """The strategy with these parameters changed; raises `ConfigurationError` where it cannot be."""
        if self.strategy.change is None or self.is_ended:
            raise ConfigurationError(f"strategy {self.name} {'has ended' if self.is_ended else 'takes no parameters'}")
        for name in COLD:
            if name in params:
                raise ConfigurationError(f"{name} cannot be changed in flight")
        if self.listens_aside:
            raise ConfigurationError(
                f"strategy {self.name} subscribes to a feed by itself: it cannot be changed in flight"
            )
        return self.strategy.change(params)

    def _commanded(self, command: Command) -> None:
        """Goes on with other parameters where a person says so."""
        if command.name != "set":
            return
        try:
            word = msgspec.json.decode(command.payload, type=SetWord)
            if word.strategy != self.name:
                return
            changed = self.change(word.params)
        except (msgspec.DecodeError, ConfigurationError) as error:
            self.pipeline.emit(CommandRefused(self.name, command.name, str(error)), self)
            return
        self.strategy = changed
        self.changed |= word.params
        params = msgspec.json.encode(dict(sorted(word.params.items()))).decode()
        self._carry_over(self, lambda kept: self.pipeline.emit(ParametersChanged(self.name, params, kept), self))

    def fail(self, error: Exception) -> None:
        """Ends this strategy: `StrategyFailed`, and a cancel for each order of its own."""
        if self.is_ended:
            return
        self.is_ended = True
        self.error = error
        self._hearing.dispose()
        self._subscription.dispose()
        self.pipeline.withdraw(self)
        self.pipeline.emit(StrategyFailed(self.name, _words(error), _trace(error)))
        for venue, account in sorted(self.pipeline.shared.accounts.items()):
            for order in account.orders.working():
                if order.strategy == self.name:
                    self.pipeline.emit(CancelOrder(venue, order.symbol, order.client_id, self.name))

    def _decided(self, decision: Decision) -> None:
        if self.is_ended or self._is_mute:
            return
        if type(decision) not in _DECISIONS:
            hint = _HINTS.get(type(decision), "")
            raise WrongUse(f"a strategy may emit intents only, not {type(decision).__name__}{hint}")
        self._count()
        check_shape(decision)
        if isinstance(decision, _SIZED):
            self._check(decision)
        if decision.strategy != self.name:
            decision = msgspec.structs.replace(decision, strategy=self.name)
        self.pipeline.emit(decision, self)

    def _count(self) -> None:
        now = self.pipeline.timeline.now_ns
        if now != self._instant:
            self._instant, self._decided_then = now, 0
        self._decided_then += 1
        if self._decided_then > MAX_DECISIONS:
            raise WrongUse(f"more than {MAX_DECISIONS} decisions at one instant: the strategy feeds itself")

    def _check(self, intent: PlaceOrder | AmendOrder) -> None:
        """Money off the grid is an error at the call, never rounded later."""
        market = self._shared.markets.get((intent.venue, intent.symbol))
        instrument = market.instrument if market is not None else None
        if instrument is None:
            instrument = self._shared.instrument(intent.venue, intent.symbol)  # which says what is missing
        amended = None
        if type(intent) is AmendOrder:
            amended = self._shared.account(intent.venue).orders.get(intent.client_id)
        check_terms(intent, instrument, amended)


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
_HINTS: Mapping[type, str] = {tuple: ": `to_intents` makes them of quotes", list: ": `op.each()` says them one by one"}
_DECISIONS = frozenset({PlaceOrder, AmendOrder, CancelOrder, CancelAll, Blocked, RiskChanged, CommandRefused})


def _words(error: Exception) -> str:
    """What it says, without what another process would say otherwise: the address of an object."""
    return _ADDRESS.sub("0x…", f"{type(error).__name__}: {error}")


_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}")


def where_of(error: Exception) -> str:
    """The line that raised it, by file name."""
    return _trace(error).rpartition("\n")[2]


_PLUMBING = frozenset({"streams.trace", "streams.source"})


def _trace(error: Exception) -> str:
    """Where it was raised, by file name and line, without the frames of libraries and of what hands values on: the same on
    every machine and after every change of those, traced or not."""
    lines = []
    step = error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        if "site-packages" not in code.co_filename and step.tb_frame.f_globals.get("__name__") not in _PLUMBING:
            lines.append(f"{Path(code.co_filename).name}:{step.tb_lineno} in {code.co_name}")
        step = step.tb_next
    return "\n".join(lines)
