"""The observables that a strategy is made of: which of them can be restarted, and which hold what nobody can give back.

RxPY's operators keep their state where nobody reaches it. Those that keep none pass; the others are refused by name.
"""

from collections.abc import Callable, Iterator
from types import FunctionType
from typing import cast

from reactivex import ConnectableObservable, Observable
from reactivex.subject import Subject

from state.errors import NotRestartable
from streams.operators.keep import Kept
from streams.operators.lift import Lifted
from streams.source import Source

# By module and qualified name of what subscribes; of RxPY 4 and 5.
_WITHOUT_STATE = frozenset(
    {
        ("streams.feeds", "_from_now.<locals>.subscribe"),
        ("reactivex.operators._map", "map_.<locals>.subscribe"),
        ("reactivex.operators._filter", "filter_.<locals>.subscribe"),
        ("reactivex.operators._do", "do_action_.<locals>.subscribe"),
        ("reactivex.operators._ignoreelements", "ignore_elements_.<locals>.subscribe"),
        ("reactivex.operators._asobservable", "as_observable_.<locals>.subscribe"),
        ("reactivex.operators._merge", "merge_all_.<locals>.subscribe"),
        ("reactivex.operators.connectable._refcount", "ref_count_.<locals>.ref_count.<locals>.subscribe"),
        ("reactivex.observable.never", "never_.<locals>.subscribe"),
    }
)
_NO_STATE = (type, Observable)  # a class that is called, and what is piped
_LISTED = "from_iterable_.<locals>.subscribe"


def functions_in(decisions: Observable[object]) -> list[tuple[str, Callable[..., object]]]:
    """What was given to operators without state of their own (`map`, `filter`, …) to be called, in the order of the wiring.

    Raises `NotRestartable` naming the first operator whose state cannot be given back.
    """
    found: list[tuple[str, Callable[..., object]]] = []
    for observable in _observables(decisions, set()):
        subscribe = getattr(observable, "_subscribe", None)
        if isinstance(observable, Source | Lifted | Kept | ConnectableObservable) or subscribe is None:
            continue
        called = _called(subscribe)
        found.extend(
            (called, held) for held in _values(subscribe) if callable(held) and not isinstance(held, _NO_STATE)
        )
    return found


def _observables(first: Observable[object], seen: set[int]) -> Iterator[Observable[object]]:
    if id(first) in seen:
        return
    seen.add(id(first))
    _check(first)
    yield first
    for inner in _inside(first, seen):
        yield from _observables(inner, seen)


def _inside(observable: Observable[object], seen: set[int]) -> Iterator[Observable[object]]:
    if isinstance(observable, Source):
        return
    if isinstance(observable, Lifted):
        yield observable.root
        for start in observable.starts:
            yield from _within(start, seen)
    elif isinstance(observable, ConnectableObservable):
        yield cast("Observable[object]", observable.source)
    else:
        yield from _within(getattr(observable, "_subscribe", None), seen)


def _within(value: object, seen: set[int]) -> Iterator[Observable[object]]:
    """Observables that a function holds, itself, in a container, or through a function."""
    if isinstance(value, Observable):
        yield value
    elif isinstance(value, tuple | list):
        for each in value:
            yield from _within(each, seen)
    elif isinstance(value, dict):
        for each in value.values():
            yield from _within(each, seen)
    elif isinstance(value, FunctionType) and id(value) not in seen:
        seen.add(id(value))
        for each in _values(value):
            yield from _within(each, seen)


def _check(observable: Observable[object]) -> None:
    if isinstance(observable, Source | Lifted | Kept):
        return
    if isinstance(observable, ConnectableObservable):
        if type(observable.subject) is not Subject:
            raise NotRestartable(
                f"a {type(observable.subject).__name__} replays what it was told: it cannot be restarted"
            )
        return
    subscribe = getattr(observable, "_subscribe", None)
    if not isinstance(subscribe, FunctionType):
        raise NotRestartable(f"a {type(observable).__name__} is fed from outside of the feeds: it cannot be restarted")
    if (subscribe.__module__, subscribe.__qualname__) not in _WITHOUT_STATE and not _is_list_of_streams(subscribe):
        raise NotRestartable(
            f"the operator {_called(subscribe)} keeps state that cannot be given back: use one of streams.operators, or op.lift"
        )
    if subscribe.__qualname__.startswith("merge_all_") and not any(
        _is_list_of_streams(getattr(source, "_subscribe", None)) for source in _values(subscribe)
    ):
        raise NotRestartable("the operator merge_all (or flat_map) subscribes as it goes: it cannot be restarted")


def _is_list_of_streams(subscribe: object) -> bool:
    """What `merge(a, b)` merges."""
    if not isinstance(subscribe, FunctionType) or subscribe.__qualname__ != _LISTED:
        return False
    return any(
        isinstance(held, tuple | list) and all(isinstance(each, Observable) for each in held)
        for held in _values(subscribe)
    )


def _called(subscribe: FunctionType) -> str:
    """What a person calls the operator: `scan`, also where it is made by way of `defer`."""
    if subscribe.__qualname__.startswith("defer_."):
        for held in _values(subscribe):
            if isinstance(held, FunctionType):
                subscribe = held
    return subscribe.__qualname__.partition(".<locals>")[0].strip("_")


def _values(function: FunctionType) -> Iterator[object]:
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:
            continue
