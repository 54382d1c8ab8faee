"""Values that operators hold, as plain MessagePack and back: numbers, text, containers, events, what stands in the shared state.

What lives in the shared state (books, positions, orders, instruments) is noted by name, since after a restart it is the shared
state's own. A class is noted by module and name and must be found there again.
"""

import sys
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from typing import TypeAlias, cast

import msgspec

from state.book import Book
from state.errors import NotRestartable, SchemaUnknown
from state.instruments import Instrument
from state.ledger import Balance, Position
from state.orders import Order, WorkingOrders
from state.shared import SharedState

Note: TypeAlias = object  # None, bool, int, float, str, bytes, or a list that begins with a word

_PLAIN = (type(None), bool, float, str, bytes)
_INT_BITS = 63


class Notes:
    """Writes down values of one session, and reads them with the shared state that they speak of."""

    def __init__(self, shared: SharedState) -> None:
        self._shared = shared

    # --- writing ---

    def note(self, value: object, where: str) -> Note:
        """Raises `NotRestartable` for what cannot be noted, saying `where` it is."""
        kind = type(value)
        if kind in _PLAIN:
            return value
        if kind is int:
            return value if cast(int, value).bit_length() <= _INT_BITS else ["int", str(value)]
        known = self._named(value)
        if known is not None:
            return known
        if kind in _CONTAINERS:
            return [_CONTAINERS[kind], *self._all(cast("Iterable[object]", value), where)]
        if kind in (set, frozenset):
            return [kind.__name__, *sorted(self._all(cast("Iterable[object]", value), where), key=repr)]
        if isinstance(value, dict) and kind is dict:
            return ["dict", *([self.note(key, where), self.note(held, where)] for key, held in value.items())]
        if isinstance(value, deque):
            return ["deque", value.maxlen, *self._all(value, where)]
        if isinstance(value, Decimal):
            return ["decimal", str(value)]
        if isinstance(value, Enum):
            return ["enum", *_place(kind, where), value.name]
        held = fields_of(value)
        if held is not None:
            return ["object", *_place(kind, where), *self._all(held.values(), where)]
        if kind.__module__ == "numpy" and hasattr(value, "dtype"):
            return _array(value, where)
        if isinstance(value, float):
            return float(value)
        raise NotRestartable(f"{where} holds {_described(value)}, which cannot be written down")

    def _all(self, values: Iterable[object], where: str) -> list[Note]:
        return [self.note(value, where) for value in values]

    def _named(self, value: object) -> Note | None:
        """What is the shared state's own, by its name there."""
        shared = self._shared
        if isinstance(value, Book):
            return ["book", value.venue, value.symbol]
        if isinstance(value, Instrument):
            market = shared.markets.get((value.venue, value.symbol))
            return ["instrument", value.venue, value.symbol] if market and market.instrument is value else None
        if isinstance(value, Position):
            account = shared.accounts.get(value.venue)
            known = account.ledger.positions.get(value.symbol) if account else None
            return ["position", value.venue, value.symbol] if known is value else None
        if isinstance(value, Order):
            account = shared.accounts.get(value.venue)
            live = account.orders.get(value.client_id) if account else None
            return ["order", value.venue, value.client_id] if live is value else None
        if isinstance(value, Balance):
            account = shared.accounts.get(value.venue)
            owned = account.ledger.balances.get(value.asset) if account else None
            return ["balance", value.venue, value.asset] if owned is value else None
        return None

    # --- reading ---

    def read(self, note: Note) -> object:
        """Raises `SchemaUnknown` for a note of another version."""
        if not isinstance(note, list):
            return note
        word, rest = note[0], note[1:]
        make = _MAKERS.get(word)
        if make is not None:
            return make([self.read(each) for each in rest])
        match word:
            case "dict":
                return {self.read(key): self.read(held) for key, held in rest}
            case "deque":
                return deque((self.read(each) for each in rest[1:]), maxlen=rest[0])
            case "enum":
                return getattr(_found(rest[0], rest[1]), rest[2])
            case "object":
                return self._object(_found(rest[0], rest[1]), [self.read(each) for each in rest[2:]])
            case "array":
                return _array_of(*rest)
            case "book":
                return self._shared.market(rest[0], rest[1]).book
            case "instrument":
                return self._shared.market(rest[0], rest[1]).instrument
            case "position":
                return self._shared.account(rest[0]).ledger.position(rest[1])
            case "balance":
                return self._shared.account(rest[0]).ledger.balance(rest[1])
            case "order":
                return self._shared.account(rest[0]).orders.get(rest[1])
        raise SchemaUnknown(f"a checkpoint holds a {word!r}, which this version does not know")

    def _object(self, cls: type, values: list[object]) -> object:
        if issubclass(cls, tuple):
            return tuple.__new__(cls, values)
        names = _field_names(cls)
        if names is None or len(names) != len(values):
            raise SchemaUnknown(f"{cls.__qualname__} had {len(values)} fields when the checkpoint was made")
        if issubclass(cls, msgspec.Struct):
            return cls(**dict(zip(names, values, strict=True)))
        value = object.__new__(cls)
        for name, held in zip(names, values, strict=True):
            object.__setattr__(value, name, held)
        return value


def fields_of(value: object) -> dict[str, object] | None:
    """The fields of a Struct, dataclass or named tuple, None for anything else."""
    names = _field_names(type(value))
    if names is None:
        return None
    return {name: getattr(value, name) for name in names}


def is_immutable(value: object) -> bool:
    """True for what cannot change, and so is no state: numbers, text, frozen structs, and classes."""
    kind = type(value)
    if kind in _PLAIN or isinstance(value, int | float | str | bytes | Decimal | Enum | range | type | frozenset):
        return True
    if isinstance(value, msgspec.Struct):
        return value.__struct_config__.frozen
    if kind.__module__ == "numpy":
        flags = getattr(value, "flags", None)  # a view that cannot be written shows what another array holds
        return flags is None or not flags.writeable
    params = getattr(kind, "__dataclass_params__", None)
    return bool(params is not None and params.frozen)


def _field_names(cls: type) -> tuple[str, ...] | None:
    if issubclass(cls, msgspec.Struct):
        return cls.__struct_fields__
    if is_dataclass(cls):
        return tuple(field.name for field in fields(cls))
    if issubclass(cls, tuple) and cls is not tuple:
        named = getattr(cls, "_fields", None)
        return tuple(named) if named is not None else None
    return None


def _place(cls: type, where: str) -> tuple[str, str]:
    """Where a class is found again."""
    place = cls.__module__, cls.__qualname__
    if _look(*place) is not cls:
        raise NotRestartable(
            f"{where} holds {place[1]}, which is not to be found in a module {place[0]} that can be imported"
        )
    return place


def _found(module: str, name: str) -> type:
    found = _look(module, name)
    if not isinstance(found, type):
        raise SchemaUnknown(f"a checkpoint holds a {module}.{name}, which is not there")
    return found


def _look(module: str, name: str) -> object:
    found: object = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


def _array(value: object, where: str) -> Note:
    import numpy as np

    array = np.asarray(value)
    if array.dtype.hasobject:
        raise NotRestartable(f"{where} holds an array of objects, which cannot be written down")
    return ["array", array.dtype.str, list(array.shape), array.tobytes()]


def _array_of(dtype: str, shape: list[int], body: bytes) -> object:
    import numpy as np

    return np.frombuffer(body, dtype).reshape(shape).copy()


def _described(value: object) -> str:
    return f"a {type(value).__module__}.{type(value).__qualname__}"


_CONTAINERS: dict[type, str] = {tuple: "tuple", list: "list", WorkingOrders: "working"}
_MAKERS: dict[str, Callable[[list[object]], object]] = {
    "tuple": tuple,
    "list": list,
    "working": lambda orders: WorkingOrders(cast("list[Order]", orders)),
    "set": set,
    "frozenset": frozenset,
    "int": lambda said: int(str(said[0])),
    "decimal": lambda said: Decimal(str(said[0])),
}
