"""How much of what may be held is held."""

from collections.abc import Callable
from decimal import Decimal

from reactivex import abc

from state.ledger import Position
from streams.operators.lift import Operator, lift, positive


def utilisation(max_position: Decimal | float) -> Operator[Position, float]:
    """position / max_position, signed: 1 is full long, -1 full short, beyond where the limit was passed.

        position       --0---5---(-10)---
        utilisation(10) -0---0.5-(-1)----

    `max_position` in the position's own units. What is owed (Decimal) becomes an observed ratio (float) here.
    """
    limit = positive("max_position", float(max_position))

    def start(emit: Callable[[float], None], _: abc.SchedulerBase | None) -> Callable[[Position], None]:
        def on_next(position: Position) -> None:
            emit(float(position.size) / limit)

        return on_next

    return lift(start)
