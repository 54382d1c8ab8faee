"""From a name and the fields of a configuration file to a strategy with its parameters bound."""

import importlib
import importlib.util
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, TypeAlias, get_type_hints

import msgspec
from reactivex import Observable

from state.errors import ConfigurationError
from state.events import Decision
from streams.feeds import Feeds
from streams.strategy import Strategy, where_of

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ENTRY_POINTS = "tapeline.strategies"  # the group under which a package installs strategies by name

Function: TypeAlias = Callable[..., Observable[Decision]]


@dataclass(frozen=True, slots=True)
class Registered:
    """A strategy function of (feeds, parameters), or of feeds alone where `params` is None."""

    params: type[msgspec.Struct] | None
    function: Function


# Each is the function of its name in this module beside us. It is imported when it is asked for: a session loads what it runs.
STRATEGIES: Mapping[str, str] = {
    "avellaneda_stoikov": "optimal",
    "cross_venue": "cross_venue",
    "funding_carry": "funding_carry",
    "glft": "optimal",
    "lead_lag": "lead_lag",
    "plain": "plain",
    "skewed": "skewed",
    "stinky": "stinky",
    "taker": "taker",
    "twap": "twap",
}


def build(kind: str, fields: Mapping[str, object], name: str = "") -> Strategy:
    """The strategy of one `kind`, called `name` in the log (as its kind where left out).

    `kind` is a name (shipped, or installed by an entry point), `package.module:function` or `path/to/file.py:function`.
    Raises `ConfigurationError` for an unknown kind or field, and for what the parameters themselves refuse.
    """
    return _bound(kind, find(kind), fields, name)


def _bound(kind: str, registered: Registered, fields: Mapping[str, object], name: str) -> Strategy:
    params = read_params(kind, registered.params, fields)
    function = registered.function

    def subscribe(feeds: Feeds) -> Observable[Decision]:
        return function(feeds) if params is None else function(feeds, params)

    def change(changed: Mapping[str, object]) -> Strategy:
        return _bound(kind, registered, {**fields, **changed}, name)

    return Strategy(name or kind, subscribe, change)


def find(kind: str) -> Registered:
    """Raises `ConfigurationError` where there is no such strategy."""
    module = STRATEGIES.get(kind)
    if module is not None:
        shipped = getattr(importlib.import_module(f"streams.strategies.{module}"), kind)
        return Registered(_params_of(kind, shipped), shipped)
    where, colon, function = kind.rpartition(":")
    if not colon:
        from importlib.metadata import entry_points

        for entry in entry_points(group=ENTRY_POINTS, name=kind):
            return _installed(kind, entry)
        known = ", ".join(sorted({*STRATEGIES, *entry_points(group=ENTRY_POINTS).names}))
        raise ConfigurationError(f"unknown strategy {kind!r}; known: {known}, or your own as module:function")
    found = getattr(_load(kind, where), function, None)
    if not callable(found):
        raise ConfigurationError(f"strategy {kind!r}: {where} has no function {function}")
    return Registered(_params_of(kind, found), found)


def _installed(kind: str, entry: "EntryPoint") -> Registered:
    try:
        found = entry.load()
    except Exception as error:  # what stands at the top of a module may raise anything
        raise ConfigurationError(f"strategy {kind!r} ({entry.value}) could not be imported: {error}") from error
    if not callable(found):
        raise ConfigurationError(f"strategy {kind!r} ({entry.value}) is no function")
    return Registered(_params_of(kind, found), found)


def read_params(kind: str, params: type[msgspec.Struct] | None, fields: Mapping[str, object]) -> msgspec.Struct | None:
    """Parameters from the fields of a file; raises `ConfigurationError` naming the field that does not fit."""
    if params is None:
        if fields:
            raise ConfigurationError(f"strategy {kind!r} takes no parameters, got {', '.join(sorted(fields))}")
        return None
    unknown = sorted(set(fields) - set(params.__struct_fields__))
    if unknown:
        known = ", ".join(params.__struct_fields__)
        raise ConfigurationError(f"strategy {kind!r} has no parameter {', '.join(unknown)}; it has {known}")
    try:
        return msgspec.convert(dict(fields), params)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"strategy {kind!r}: {error}") from error
    except ArithmeticError as error:
        raise ConfigurationError(f"strategy {kind!r}: one of its numbers is none (nan)") from error


def _load(kind: str, where: str) -> ModuleType:
    try:
        if not where.endswith(".py"):
            return importlib.import_module(where)
        path = Path(where)
        spec = importlib.util.spec_from_file_location(path.stem, path)
        if spec is None or spec.loader is None or not path.is_file():
            raise ConfigurationError(f"strategy {kind!r}: no file {where}")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    except ConfigurationError:
        raise
    except (ImportError, SyntaxError) as error:
        raise ConfigurationError(f"strategy {kind!r} could not be imported: {error}") from error
    except Exception as error:
        raise ConfigurationError(f"strategy {kind!r} could not be imported: {error!r} ({where_of(error)})") from error
    return module


def _params_of(kind: str, function: Function) -> type[msgspec.Struct] | None:
    """The type of the second parameter, by its annotation."""
    names = list(inspect.signature(function).parameters)
    if len(names) == 1:
        return None
    if len(names) != 2:
        raise ConfigurationError(f"strategy {kind!r} must take (feeds) or (feeds, parameters)")
    try:
        hint = get_type_hints(function).get(names[1])
    except NameError as error:
        raise ConfigurationError(f"strategy {kind!r}: {error}") from error
    if not (isinstance(hint, type) and issubclass(hint, msgspec.Struct)):
        raise ConfigurationError(f"strategy {kind!r}: annotate {names[1]} with a msgspec.Struct, its parameters")
    return hint
