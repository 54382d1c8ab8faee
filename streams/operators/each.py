"""Several decisions at once, one by one."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from reactivex import Observable, abc

from streams.operators.lift import lift

T = TypeVar("T")


def each() -> Callable[[Observable[Sequence[T]]], Observable[T]]:
    """The items of each sequence, one by one and in their order; of an empty one nothing.

        decided --(buy, sell)--()--(sell)--
        each()  --buy-sell---------sell----

    For a function that decides none, one or several: `op.map(decide), op.each()`. RxPY's `flat_map` says the same, but a
    strategy with it cannot be restarted. Constant time for each item, no memory.
    """

    def start(emit: Callable[[T], None], _: abc.SchedulerBase | None) -> Callable[[Sequence[T]], None]:
        def on_next(items: Sequence[T]) -> None:
            for item in items:
                emit(item)

        return on_next

    return lift(start)
