"""What a strategy's parameters may be where nobody says it: ranges from their types, their bounds and their defaults."""

from collections.abc import Container
from dataclasses import dataclass
from typing import Final

import msgspec
from msgspec import inspect

from streams.strategies.registry import find

SPAN: Final = 2.0  # a number without bounds lies between its default by this and its default times this


@dataclass(frozen=True, slots=True)
class Space:
    """`axes` are in the words of --grid; `kept` are the parameters that are not drawn."""

    axes: list[str]
    kept: list[str]
    whole: frozenset[str]  # parameters whose numbers are whole


def parameter_space(kind: str, said: Container[str] = ()) -> Space:
    """The space of a strategy but for the parameters that were `said`; raises `ConfigurationError` for an unknown strategy.

    Drawn are the numbers, truths and choices that have a default. What has none, sizes and markets, is a person's to say; so
    is money (`Decimal`), and a number whose default is zero has no scale.
    """
    params = find(kind).params
    axes: list[str] = []
    kept: list[str] = []
    whole: set[str] = set()
    for field in () if params is None else _fields(params):
        if isinstance(field.type, inspect.IntType):
            whole.add(field.name)
        values = None if field.name in said else _values(field)
        if values is None:
            kept.append(field.name)
        else:
            axes.append(f"{field.name}={values}")
    return Space(axes, kept, frozenset(whole))


def _fields(params: type[msgspec.Struct]) -> tuple[inspect.Field, ...]:
    described = inspect.type_info(params)
    assert isinstance(described, inspect.StructType)
    return described.fields


def _values(field: inspect.Field) -> str | None:
    """`a,b` or `lo..hi`; None where the parameter is not drawn."""
    if field.default is msgspec.NODEFAULT:
        return None
    match field.type:
        case inspect.BoolType():
            return "true,false"
        case inspect.LiteralType(values=choices):
            return ",".join(map(str, choices))
        case inspect.IntType() | inspect.FloatType() as number:
            return _range(number, field.default)
    return None


def _range(number: inspect.IntType | inspect.FloatType, default: float) -> str | None:
    """The type's own bounds where it has both, else around the default as far as the one that it has."""
    least, most = _bound(number.ge, number.gt), _bound(number.le, number.lt)
    if least is None or most is None:
        if not default:
            return None
        around = sorted((default / SPAN, default * SPAN))
        least = around[0] if least is None else max(least, around[0])
        most = around[1] if most is None else min(most, around[1])
    if isinstance(number, inspect.IntType):
        least, most = round(least), round(most)
        return f"{least}..{most}" if least < most else None
    return f"{least:.6g}..{most:.6g}" if least < most else None


def _bound(reached: float | None, open_: float | None) -> float | None:
    return open_ if reached is None else reached
