"""What every operator of a strategy said last, for whoever asks why: off, and of no cost at all, unless a `Trace` is entered.

While it is, `Observable.pipe` (RxPY's own, so that stock operators are heard too) puts a listener behind each stage. A
listener is a lifted operator: rows of lifted operators stay one subscription, and what a strategy decides does not change.
A stage that is not made by `pipe` (a function from stream to stream called directly) is not heard by itself, only the next
`pipe` it goes into. One `Trace` at a time, in one thread: it is made for replays, never for a live session.
"""

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from os import sep
from pathlib import PurePath
from types import FunctionType, TracebackType
from typing import Any, Self, TypeAlias

from reactivex import Observable, abc

from state.book import Book
from state.errors import WrongUse
from state.events import Decision
from state.ledger import Position
from streams.operators.lift import lift
from streams.scheduler import SessionScheduler
from streams.source import Source, owner_of

STAGES_MOST = 10_000  # a strategy that pipes anew at each event is heard up to here

NameOf: TypeAlias = Callable[[Source[Any]], str]
_Key: TypeAlias = tuple[int, int]  # pipe and place


@dataclass(frozen=True, slots=True)
class Touch:
    """What is kept of a live book, which changes in place."""

    venue: str
    symbol: str
    status: str
    bid: float
    bid_size: float
    ask: float
    ask_size: float


@dataclass(frozen=True, slots=True)
class Held:
    """What is kept of a live position."""

    venue: str
    symbol: str
    size: str


@dataclass(frozen=True, slots=True)
class Heard:
    """One stage of a strategy: its operator, where it was piped, how often it spoke, and its last value.

    `pipe` numbers the calls of `pipe`, `place` the stages in one, 0 being the stream that is piped. `seq` is the
    record from which that value was concluded, `at` the session's time then (ns); both 0 before any value. `after` is pipe
    and place of the stage whose values it takes, which may stand in another pipe; its own where there is none.
    """

    strategy: str
    operator: str
    where: str
    count: int
    value: object
    seq: int
    at: int
    pipe: int
    place: int
    after: _Key


class _Stage:
    """One listener's memory."""

    __slots__ = ("after", "at", "count", "operator", "seq", "strategy", "value", "where")

    def __init__(self, strategy: str, operator: str, where: str, after: _Key) -> None:
        self.strategy = strategy
        self.after = after
        self.operator = operator
        self.where = where
        self.count = self.seq = self.at = 0
        self.value: object = None

    def heard(self, key: _Key) -> Heard:
        return Heard(
            self.strategy, self.operator, self.where, self.count, self.value, self.seq, self.at, *key, self.after
        )


class Trace:
    """Listens to everything that is piped while it is entered, and subscribed with a strategy's scheduler."""

    def __init__(self, name_of: NameOf | None = None) -> None:
        """`name_of` says what a source of the pipeline carries."""
        self._name_of = name_of
        self._stages: dict[_Key, _Stage] = {}
        self._pipes = 0
        self._heard: dict[int, _Key] = {}  # by id of the stream
        self._kept: list[Observable[Any]] = []  # so that no id in `_heard` is given to another
        self._pipe: Callable[..., Any] | None = None

    def __enter__(self) -> Self:
        if getattr(Observable.pipe, "is_traced", False):
            raise WrongUse("one trace at a time: another one is listening")
        self._pipe = original = Observable.pipe
        trace = self

        def pipe(source: Observable[Any], *operators: Callable[[Any], Any]) -> Any:
            caller = sys._getframe(1)
            if f"{sep}reactivex{sep}" in caller.f_code.co_filename:
                return original(source, *operators)  # the inside of an operator is its own
            return trace._piped(source, operators, caller)

        pipe.is_traced = True  # type: ignore[attr-defined]
        Observable.pipe = pipe  # type: ignore[method-assign, assignment]
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        Observable.pipe = self._pipe  # type: ignore[method-assign, assignment]

    def stages(self, strategy: str | None = None) -> tuple[Heard, ...]:
        """What was heard of one strategy, or of all, in the order in which it was piped."""
        return tuple(self._stages[key].heard(key) for key in sorted(self._stages) if self._of(key, strategy))

    def recall(self, earlier: Iterable[Heard]) -> None:
        """Puts every stage where it was once: what is not among them has not spoken yet.

        Of several that one line made (a loop over markets), each is told by its turn, from the last on: a strategy that was
        changed in flight was piped before, too.
        """
        known: dict[tuple[str, str, str, int], list[Heard]] = {}
        for said in sorted(earlier, key=_key_of):
            known.setdefault((said.strategy, said.operator, said.where, said.place), []).append(said)
        for key in sorted(self._stages, reverse=True):
            stage = self._stages[key]
            alike = known.get((stage.strategy, stage.operator, stage.where, key[1]))
            it = alike.pop() if alike else None
            stage.count, stage.value, stage.seq, stage.at = (
                (0, None, 0, 0) if it is None else (it.count, it.value, it.seq, it.at)
            )

    def watch(
        self, decisions: Observable[Decision], strategy: str, told: Callable[[str, Decision], None]
    ) -> Observable[Decision]:
        """The same decisions, each told before anybody acts on it."""

        def start(emit: Callable[[Decision], None], _: abc.SchedulerBase | None) -> Callable[[Decision], None]:
            def on_next(decision: Decision) -> None:
                told(strategy, decision)
                emit(decision)

            return on_next

        return lift(start)(decisions)

    def _of(self, key: _Key, strategy: str | None) -> bool:
        return strategy is None or self._stages[key].strategy == strategy

    def _piped(self, source: Observable[Any], operators: tuple[Callable[[Any], Any], ...], frame: Any) -> Any:
        self._pipes += 1
        pipe, where = self._pipes, f"{PurePath(frame.f_code.co_filename).name}:{frame.f_lineno}"
        stream: Any = source
        before = self._heard.get(id(source), (pipe, 0))
        if operators and before == (pipe, 0):
            stream = self._listen(source, before, before, _source_name(source, self._name_of), where)
        for place, operator in enumerate(operators, start=1):
            key = (pipe, place)
            stream = self._listen(operator(stream), key, before, operator_name(operator), where)
            before = key
        return stream

    def _listen(self, stream: Any, key: _Key, after: _Key, operator: str, where: str) -> Any:
        if not isinstance(stream, Observable):
            return stream  # a connectable's end, or a value: nothing to subscribe to

        def start(emit: Callable[[object], None], scheduler: abc.SchedulerBase | None) -> Callable[[object], None]:
            if not isinstance(scheduler, SessionScheduler) or len(self._stages) >= STAGES_MOST:
                return emit
            stage = self._stages.setdefault(
                key, _Stage(getattr(owner_of(scheduler), "name", ""), operator, where, after)
            )  # subscribed twice is one stage
            timeline = scheduler.timeline

            def on_next(value: object) -> None:
                stage.value = _kept(value)
                stage.count += 1
                stage.seq = timeline.cause
                stage.at = timeline.now_ns
                emit(value)

            return on_next

        heard: Observable[Any] = lift(start)(stream)
        self._heard[id(heard)] = key
        self._kept.append(heard)
        return heard


def operator_name(operator: Callable[[Any], Any]) -> str:
    """What a person would call an operator: ours by their names, RxPY's with the function they were given."""
    name = getattr(operator, "__qualname__", type(operator).__name__)
    cells = _cells(operator)
    start = cells.get("start")
    if name == "lift.<locals>.operator" and isinstance(start, FunctionType):
        return start.__qualname__.partition(".<locals>")[0]
    if name.startswith("curry_flip."):
        function, given = cells.get("fun"), cells.get("args")
        called = getattr(function, "__name__", "operator").rstrip("_")
        return _with_arguments(called, given if isinstance(given, tuple) else ())
    outer = name.partition(".<locals>")[0]
    if outer in ("", "<lambda>"):
        return "(unnamed operator)"
    venue, symbol = cells.get("venue"), cells.get("symbol")
    return f"{outer} {venue} {symbol}" if isinstance(venue, str) and isinstance(symbol, str) else outer


def _with_arguments(called: str, given: tuple[object, ...]) -> str:
    words = [_argument(each) for each in given if each is not None]
    if any(word is None for word in words):
        return f"(unnamed {called})"
    return f"{called} {', '.join(word for word in words if word)}".strip()


def _argument(value: object) -> str | None:
    if isinstance(value, FunctionType):
        return None if value.__name__ == "<lambda>" else value.__name__
    return repr(value) if isinstance(value, int | float | str) else type(value).__name__


def _source_name(source: Observable[Any], name_of: NameOf | None) -> str:
    subscribed = getattr(source, "_subscribe", None)
    inner = source if isinstance(source, Source) else _cells(subscribed).get("source")
    if isinstance(inner, Source) and name_of is not None:
        return name_of(inner)
    name = getattr(subscribed, "__qualname__", "") or type(source).__name__
    return str(name).partition(".<locals>")[0].lstrip("_")


def _key_of(it: Heard) -> _Key:
    return it.pipe, it.place


def _cells(function: object) -> dict[str, object]:
    code, closure = getattr(function, "__code__", None), getattr(function, "__closure__", None)
    if code is None or closure is None:
        return {}
    return {name: cell.cell_contents for name, cell in zip(code.co_freevars, closure, strict=True) if _is_full(cell)}


def _is_full(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018 (an empty cell says so by raising)
    except ValueError:
        return False
    return True


def _kept(value: object) -> object:
    """What does not change under us."""
    if isinstance(value, Book):
        return Touch(value.venue, value.symbol, value.status, value.bid, value.bid_size, value.ask, value.ask_size)
    if isinstance(value, Position):
        return Held(value.venue, value.symbol, str(value.size))
    return value
