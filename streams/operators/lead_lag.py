"""Which of two prices moves first, and by how much time."""

from collections import deque
from dataclasses import dataclass
from math import isfinite, log, sqrt
from typing import Self

import msgspec
from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable

from streams.operators.keep import Kept, keep
from streams.operators.lift import positive
from streams.operators.rolling import at_least
from streams.scheduler import clock_of


@dataclass(frozen=True, slots=True)
class LeadLag:
    """`lag_s` seconds after the first price the second follows (before it, where below zero); `correlation` at that lag."""

    lag_s: float
    correlation: float


def lead_lag(
    first: Observable[float],
    second: Observable[float],
    *,
    step_s: float = 0.1,
    steps: int = 10,
    half_life_s: float = 60.0,
) -> Observable[LeadLag]:
    """The lag l = argmax |rho(l)|, s, and rho there; rho(l) = sum w r_1(t - l) r_2(t) / sqrt(sum w r_1(t - l)^2 sum w r_2^2).

        first          --100---101---------100-----------
        second         --50----------50.5--------50------   (the same, a step later)
        lead_lag(a, b) ----------------------(1 step, …)-

    r_1 and r_2 are log returns over the steps of a grid of `step_s`, each price as it was last said; l goes from -steps to
    +steps; w halves in `half_life_s`. The contrast of Hoffmann, Rosenbaum, Yoshida, "Estimation of the lead-lag parameter from
    non-synchronous data" (2013), on a grid and with a memory. Of equal correlations the shortest lag stands. Said once a step, by
    the first value after it, from when both have moved. Time grows with `steps`, and is paid once a step; 6 `steps` numbers of
    memory. Prices not above zero and finite are left out. Completes when both have. Raises `NotDeterministic` where no scheduler
    is passed down.
    """
    step_ns = round(positive("step_s", step_s) * 1e9)
    at_least("steps", steps, 1)
    decay = 0.5 ** (step_s / positive("half_life_s", half_life_s))

    def subscribe(
        observer: abc.ObserverBase[LeadLag], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        clock = clock_of(scheduler)
        grid = _Grid.of(decay, steps)
        running = 2

        def subscribe_one(place: int, one: Observable[float]) -> abc.DisposableBase:
            def on_next(price: float) -> None:
                if not (price > 0 and isfinite(price)):
                    return
                step = clock() // step_ns
                if grid.advance(step):
                    found = grid.found()
                    if found is not None:
                        observer.on_next(LeadLag(found[0] * step_s, found[1]))
                grid.prices[place] = log(price)

            return one.subscribe(on_next, observer.on_error, on_completed, scheduler=scheduler)

        def on_completed() -> None:
            nonlocal running
            running -= 1
            if not running:
                observer.on_completed()

        kept = keep(scheduler, on_completed, subscribe_one)
        return CompositeDisposable(subscribe_one(0, first), subscribe_one(1, second), kept)

    return Kept(subscribe)


class _Grid(msgspec.Struct):
    """Decayed products of the returns of two prices at every lag; what belongs to the newest step stands last."""

    decay: float
    products: list[float]  # from the lag -steps to +steps
    returns: tuple[deque[float], deque[float]]
    squares: tuple[deque[float], deque[float]]  # decayed sums as of each of the last steps
    prices: list[float | None]  # logs
    closed: list[float | None]  # at the end of the step before
    step: int | None = None

    @classmethod
    def of(cls, decay: float, steps: int) -> Self:
        def zeros() -> deque[float]:
            return deque([0.0] * (steps + 1), steps + 1)

        products = [0.0] * (2 * steps + 1)
        return cls(decay, products, (zeros(), zeros()), (zeros(), zeros()), [None, None], [None, None])

    def advance(self, step: int) -> bool:
        """Concludes the steps before this one; False where there was none. Beyond the longest lag only the decay is left."""
        if self.step is None or step == self.step:
            self.step = step
            return False
        passed, self.step = step - self.step, step
        longest = len(self.returns[0])
        for _ in range(min(passed, longest)):
            self._conclude()
        if passed > longest:
            left = self.decay ** (passed - longest)
            self.products = [product * left for product in self.products]
            for squares in self.squares:
                squares.extend([square * left for square in squares])
        return True

    def found(self) -> tuple[int, float] | None:
        """The lag in steps with the largest correlation, and that; None while either has not moved."""
        (first, second), most = self.squares, len(self.squares[0]) - 1
        if not first[-1] or not second[-1]:
            return None
        best, lag = 0.0, 0
        for away in range(most + 1):
            scales = (first[most - away] * second[-1], first[-1] * second[most - away])
            for signed, scale in ((away, scales[0]), (-away, scales[1])):
                correlation = self.products[most + signed] / sqrt(scale) if scale else 0.0
                if abs(correlation) > abs(best):
                    best, lag = correlation, signed
        return lag, max(-1.0, min(1.0, best))

    def _conclude(self) -> None:
        first, second = self.returns
        one, other = self._moved(0), self._moved(1)
        first.append(one)
        second.append(other)
        decay, most = self.decay, len(first) - 1
        for squares, moved in zip(self.squares, (one, other), strict=True):
            squares.append(squares[-1] * decay + moved * moved)
        products = self.products
        for away in range(most + 1):
            products[most + away] = products[most + away] * decay + first[most - away] * other
            if away:
                products[most - away] = products[most - away] * decay + one * second[most - away]

    def _moved(self, place: int) -> float:
        price, before = self.prices[place], self.closed[place]
        self.closed[place] = price
        return 0.0 if price is None or before is None else price - before
