"""Where the state of an operator is: the variables that its functions rebind, and the containers and objects that they hold.

An operator is a function with a closure. Python says of each of its variables whether a function rebinds it (`nonlocal`), so
state is found, not declared: an operator of one's own is restartable without a line about it, and what could not be given back
is refused by name instead of being forgotten.
"""

import dis
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import is_dataclass
from functools import cache, partial
from random import Random
from types import BuiltinFunctionType, BuiltinMethodType, CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Protocol, TypeAlias, cast

import msgspec
from reactivex import Observable, abc

from state.book import Book
from state.errors import NotRestartable, SchemaUnknown
from state.ledger import Balance, Ledger, Position
from state.market import Market
from state.orders import Order, Orders
from state.shared import Account, ExchangeDoor, SharedState
from streams.feeds import AccountFeed, Feeds, MarketFeed
from streams.notes import Note, Notes, fields_of, is_immutable
from streams.operators.keep import Alarm, Stateful
from streams.operators.settling import Settling
from streams.pipeline import Pipeline
from streams.scheduler import Settler, Timeline

Written: TypeAlias = list[tuple[str, Note]]  # by variable

# What belongs to the session, and not to an operator that holds it.
_NOT_OURS = (
    FunctionType, Observable, abc.ObserverBase, abc.SchedulerBase, abc.DisposableBase, Pipeline, Timeline, Settler,
    Feeds, MarketFeed, AccountFeed, SharedState, Market, Account, Ledger, Orders, Book, Position, Balance, Order,
    ExchangeDoor, ModuleType,
)  # fmt: skip
_UNSET = "unset"  # the one bare list of one word: no note of a value looks like it


class _Place(Protocol):
    """One variable or object with state."""

    name: str

    def get(self, notes: Notes, where: str) -> Note: ...

    def put(self, notes: Notes, note: Note) -> None: ...


class Closure:
    """The state of one subscription, or of one function given to an operator that has none."""

    def __init__(self, operator: str, parts: Sequence[object], beyond: object = None) -> None:
        """Raises `NotRestartable` for an object that nobody can write down. `beyond` is not looked into."""
        self.operator = operator
        self._beyond = beyond
        self._functions: list[FunctionType] = []
        self._seen: set[int] = set()
        self.alarms: list[Alarm] = []
        self._places: list[_Place] = []
        for part in parts:
            self._reach(part)
        self._find(parts)

    def dump(self, notes: Notes) -> Written:
        """Raises `NotRestartable` for a value that cannot be written down."""
        return [(place.name, place.get(notes, f"{self.operator}: {place.name}")) for place in self._places]

    def load(self, notes: Notes, written: Written) -> None:
        """Raises `SchemaUnknown` where the operator is not the one that was dumped."""
        names, ours = [name for name, _ in written], [place.name for place in self._places]
        if names != ours:
            raise SchemaUnknown(f"{self.operator} held {', '.join(names)}, now it holds {', '.join(ours)}")
        for place, (_, note) in zip(self._places, written, strict=True):
            place.put(notes, note)

    # --- functions first, since one may rebind what another only reads ---

    def _reach(self, value: object) -> None:
        if value is self._beyond or id(value) in self._seen:
            return
        if isinstance(value, FunctionType):
            self._seen.add(id(value))
            if _stores_global(value.__code__):
                raise NotRestartable(f"{self.operator}: {value.__qualname__} rebinds a global: use a closure")
            self._functions.append(value)
            for held in _held(value):
                self._reach(held)
        elif isinstance(value, MethodType):
            self._reach(value.__func__)
            self._reach(value.__self__)
        elif isinstance(value, Alarm | Settling):
            self._seen.add(id(value))
            if isinstance(value, Alarm):
                self.alarms.append(value)
            self._reach(value.act)
        elif isinstance(value, partial):
            for held in (value.func, *value.args, *value.keywords.values()):
                self._reach(held)
        elif isinstance(value, tuple):
            for held in value:
                self._reach(held)

    def _find(self, parts: Sequence[object]) -> None:
        seen: set[int] = set()
        rebound: set[int] = set()
        for function in self._functions:
            stored = _stored(function.__code__)
            rebound.update(id(cell) for name, cell in _cells(function) if name in stored)
        for part in parts:
            if not isinstance(part, FunctionType):
                self._value(type(part).__name__, part, seen)
        for function in self._functions:
            for name, cell in _cells(function):
                if id(cell) in seen:
                    continue
                seen.add(id(cell))
                if id(cell) in rebound:
                    self._places.append(_Variable(name, cell))
                elif not _is_empty(cell):
                    self._value(name, cell.cell_contents, seen)
            for held in _defaults(function):
                self._value(f"a default of {function.__name__}", held, seen)

    def _value(self, name: str, value: object, seen: set[int]) -> None:
        """What a variable that nobody rebinds holds: nothing that changes, or something that changes in place."""
        if isinstance(value, _NOT_OURS) or value is self._beyond or id(value) in seen:
            return
        if isinstance(value, MethodType | BuiltinMethodType | BuiltinFunctionType):
            if not isinstance(value.__self__, ModuleType | type(None)):
                self._value(name, value.__self__, seen)
        elif isinstance(value, partial):
            for held in (value.func, *value.args, *value.keywords.values()):
                self._value(name, held, seen)
        elif isinstance(value, tuple):  # a named one too
            for number, held in enumerate(value):
                self._value(f"{name}[{number}]", held, seen)
        elif not is_immutable(value):
            seen.add(id(value))
            self._places.append(_changing(f"{self.operator}: {name}", name, value))


class _Variable:
    """A variable that is rebound."""

    def __init__(self, name: str, cell: CellType) -> None:
        self.name = name
        self._cell = cell

    def get(self, notes: Notes, where: str) -> Note:
        return [_UNSET] if _is_empty(self._cell) else notes.note(self._cell.cell_contents, where)

    def put(self, notes: Notes, note: Note) -> None:
        if note == [_UNSET]:
            del self._cell.cell_contents
        else:
            self._cell.cell_contents = notes.read(note)


class _Object:
    """Something that changes in place."""

    def __init__(self, name: str, dump: Callable[[], object], load: Callable[[object], None]) -> None:
        self.name = name
        self._dump = dump
        self._load = load

    def get(self, notes: Notes, where: str) -> Note:
        return notes.note(self._dump(), where)

    def put(self, notes: Notes, note: Note) -> None:
        self._load(notes.read(note))


def _changing(where: str, name: str, value: object) -> _Place:
    if isinstance(value, msgspec.Struct) or is_dataclass(value):
        return _Object(
            name, lambda: fields_of(value), lambda state: _set_fields(value, cast("dict[str, object]", state))
        )
    if isinstance(value, Stateful):
        return _Object(name, value.dump, value.load)
    if isinstance(value, Random):
        return _Object(name, value.getstate, lambda state: value.setstate(cast("tuple[object, ...]", state)))
    if type(value) is list:
        return _Object(name, value.copy, lambda state: value.__setitem__(slice(None), cast("list[object]", state)))
    if type(value) in (dict, set, deque):
        holder = cast("dict[object, object]", value)
        return _Object(name, holder.copy, lambda state: _refill(value, state))
    if type(value).__module__ == "numpy":
        array = cast("list[object]", value)
        return _Object(name, lambda: array, lambda state: array.__setitem__(slice(None), cast("list[object]", state)))
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    raise NotRestartable(f"{where} is a {kind}, which has no dump() and load()")


def _refill(holder: object, state: object) -> None:
    if isinstance(holder, deque):
        holder.clear()
        holder.extend(cast("deque[object]", state))
    elif isinstance(holder, dict | set):
        holder.clear()
        holder.update(cast("dict[object, object]", state))


def _set_fields(value: object, state: dict[str, object]) -> None:
    for name, held in state.items():
        setattr(value, name, held)


def _cells(function: FunctionType) -> Iterator[tuple[str, CellType]]:
    return zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)


def _held(function: FunctionType) -> Iterator[object]:
    for _, cell in _cells(function):
        if not _is_empty(cell):
            yield cell.cell_contents
    yield from _defaults(function)


def _defaults(function: FunctionType) -> Iterator[object]:
    yield from function.__defaults__ or ()
    yield from (function.__kwdefaults__ or {}).values()


def _is_empty(cell: CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018 (an empty cell says so by raising)
    except ValueError:
        return True
    return False


@cache
def _stored(code: CodeType) -> frozenset[str]:
    """Variables from outside that a function, or one that it makes, rebinds."""
    names = {each.argval for each in dis.get_instructions(code) if each.opname in ("STORE_DEREF", "DELETE_DEREF")}
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            names |= _stored(inner)
    return frozenset(names & set(code.co_freevars))


@cache
def _stores_global(code: CodeType) -> bool:
    return any(each.opname in ("STORE_GLOBAL", "DELETE_GLOBAL") for each in dis.get_instructions(code)) or any(
        _stores_global(inner) for inner in code.co_consts if isinstance(inner, CodeType)
    )
