"""The shape that all operators without a timer share: a closure a subscriber, the scheduler passed down, no lock."""

from collections.abc import Callable
from typing import TypeAlias, TypeVar

from reactivex import Observable, abc

from state.errors import WrongUse

T = TypeVar("T")
U = TypeVar("U")

# Spelled out, not by this alias, where a type variable is only in the result: mypy infers no `pipe` through it otherwise.
Operator: TypeAlias = Callable[[Observable[T]], Observable[U]]


def lift(start: Callable[[Callable[[U], None], abc.SchedulerBase | None], Callable[[T], None]]) -> Operator[T, U]:
    """An operator from `start(emit, scheduler)`, which makes the state of one subscriber and says what takes its values."""

    def operator(source: Observable[T]) -> Observable[U]:
        def subscribe(observer: abc.ObserverBase[U], scheduler: abc.SchedulerBase | None = None) -> abc.DisposableBase:
            on_next = start(observer.on_next, scheduler)
            return source.subscribe(on_next, observer.on_error, observer.on_completed, scheduler=scheduler)

        return Observable(subscribe)

    return operator


def positive(name: str, number: float) -> float:
    """Raises `WrongUse` where a parameter that must be above zero is not."""
    if not 0 < number < float("inf"):
        raise WrongUse(f"{name} must be above zero and finite, not {number}")
    return number
