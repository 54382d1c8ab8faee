"""The last so many values as one array."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from reactivex import abc

from state.errors import ConfigurationError
from streams.operators.lift import Operator, lift
from streams.operators.rolling import at_least

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def ring(count: int) -> "Operator[float, NDArray[np.float64]]":
    """The last `count` values, oldest first, as a numpy array, at each value once there are `count`; same unit as x.

        x       --1-------2-------3-------
        ring(2) ----------[1 2]---[2 3]---

    For what numpy already does well over a window: `op.ring(500).pipe(op.map(my_regression))`. The array is a read-only view that
    the next values overwrite: keep numbers from it, not the array. Each value is written twice, `count` places apart, so that
    the window always lies in one piece and nothing is copied or shifted (a mirrored ring buffer). Constant time,
    2 `count` numbers of memory. Raises `ConfigurationError` without numpy (`pip install tapeline[numpy]`).
    """
    at_least("count", count, 1)
    try:
        import numpy as np
    except ModuleNotFoundError:
        raise ConfigurationError("op.ring needs numpy: install tapeline[numpy]") from None

    def start(emit: "Callable[[NDArray[np.float64]], None]", _: abc.SchedulerBase | None) -> Callable[[float], None]:
        twice = np.zeros(2 * count)
        window = twice.view()
        window.flags.writeable = False
        place = seen = 0

        def on_next(x: float) -> None:
            nonlocal place, seen
            twice[place] = twice[place + count] = x
            place += 1
            seen = min(seen + 1, count)
            if seen == count:
                emit(window[place : place + count])
            if place == count:
                place = 0

        return on_next

    return lift(start)
