"""The last so many numbers, with sums that cost the same however many there are, and are added up anew once a turn."""

from math import fsum
from typing import Self

import msgspec

from state.errors import WrongUse


def at_least(name: str, count: int, least: int) -> int:
    """Raises `WrongUse` where a count is too small."""
    if count < least:
        raise WrongUse(f"{name} must be at least {least}, not {count}")
    return count


_RESIDUE = 1e-9  # of a sum, below which what is left of it may be rounding


class Moments(msgspec.Struct):
    """Mean and variance of the last `size` numbers; `anchor` is near them, so that squares lose no digits."""

    size: int
    numbers: list[float] = []
    next: int = 0  # place of the oldest, once full
    anchor: float = 0.0
    total: float = 0.0
    squares: float = 0.0
    peak: float = 0.0  # of `squares` since they were last added up anew: what rounding left of it is part of them

    def add(self, x: float) -> None:
        numbers = self.numbers
        if len(numbers) < self.size:
            if not numbers:
                self.anchor = x
            numbers.append(x)
            near = x - self.anchor
            self.total += near
            self.squares += near * near
            self.peak = max(self.peak, self.squares)
            return
        old = numbers[self.next] - self.anchor
        numbers[self.next] = x
        near = x - self.anchor
        self.total += near - old
        self.squares += near * near - old * old
        self.peak = max(self.peak, self.squares)
        self.next += 1
        if self.next == self.size:
            self.next = 0
            self._anew()

    def mean(self) -> float:
        return self.anchor + self.total / len(self.numbers)

    def variance(self) -> float:
        """Of the numbers themselves (divided by their count), not below zero."""
        found = self._variance()
        if found * len(self.numbers) < _RESIDUE * self.peak:
            self._anew()  # once after a far larger number has left; else what it left would pass for a variance
            found = self._variance()
        return found

    def _variance(self) -> float:
        count = len(self.numbers)
        mean = self.total / count
        return max(0.0, self.squares / count - mean * mean)

    def _anew(self) -> None:
        """What was added and taken away leaves no residue."""
        self.anchor = fsum(self.numbers) / len(self.numbers)
        near = [x - self.anchor for x in self.numbers]
        self.total = fsum(near)
        self.squares = self.peak = fsum(x * x for x in near)


class Ramp(msgspec.Struct):
    """Average of the last `size` numbers with weights 1, 2, …, the newest counting most."""

    size: int
    numbers: list[float] = []
    next: int = 0
    total: float = 0.0
    weighted: float = 0.0

    def add(self, x: float) -> float:
        """The average with x; of fewer numbers while there are fewer."""
        numbers = self.numbers
        count = len(numbers)
        if count < self.size:
            numbers.append(x)
            count += 1
            self.total += x
            self.weighted += count * x
        else:
            self.weighted += count * x - self.total
            self.total += x - numbers[self.next]
            numbers[self.next] = x
            self.next += 1
            if self.next == count:
                self.next = 0
                self.total = fsum(numbers)
                self.weighted = fsum(weight * each for weight, each in enumerate(numbers, 1))
        return 2 * self.weighted / (count * (count + 1))

    @property
    def is_full(self) -> bool:
        return len(self.numbers) == self.size


class RampWindow(msgspec.Struct):
    """Average of the numbers of a window of time, each weighted by its age: 0 where the window begins, most now.

    Kept in `buckets` that leave whole; times within one are counted from where it begins, so that nothing large is
    subtracted. `since` is where the window begins, ns.
    """

    width: int  # ns
    counts: list[float]
    totals: list[float]
    times: list[float]  # sums of seconds since the bucket began
    weighted: list[float]  # sums of these seconds times the number
    at: int = -1
    weight: float = 0.0
    value: float = 0.0

    @classmethod
    def of(cls, window_s: float, buckets: int) -> Self:
        """Raises `WrongUse` on a window that is not above zero, or of fewer than two buckets."""
        at_least("buckets", buckets, 2)
        if not 0 < window_s < float("inf"):
            raise WrongUse(f"window_s must be above zero and finite, not {window_s}")
        zeros = [0.0] * buckets
        return cls(max(1, round(window_s * 1e9 / buckets)), zeros, zeros.copy(), zeros.copy(), zeros.copy())

    def add(self, now_ns: int, x: float) -> float:
        """The average with x."""
        at = now_ns // self.width
        if at != self.at:
            self._turn(at)
        buckets = len(self.counts)
        place = at % buckets
        within = (now_ns - at * self.width) * 1e-9
        age = (buckets - 1) * self.width * 1e-9 + within  # seconds since the window began
        self.counts[place] += 1
        self.totals[place] += x
        self.times[place] += within
        self.weighted[place] += within * x
        self.weight += age
        self.value += age * x
        return self.value / self.weight

    def _turn(self, at: int) -> None:
        buckets = len(self.counts)
        gone = min(at - self.at, buckets) if self.at >= 0 else buckets
        for step in range(gone):
            place = (at - step) % buckets
            self.counts[place] = self.totals[place] = self.times[place] = self.weighted[place] = 0.0
        self.at = at
        weight = value = 0.0
        for step in range(buckets):
            place = (at - step) % buckets
            begins = (buckets - 1 - step) * self.width * 1e-9
            weight += begins * self.counts[place] + self.times[place]
            value += begins * self.totals[place] + self.weighted[place]
        self.weight, self.value = weight, value


class Line(msgspec.Struct):
    """The straight line through the last `size` pairs."""

    size: int
    xs: list[float] = []
    ys: list[float] = []
    next: int = 0
    x: float = 0.0
    y: float = 0.0
    xx: float = 0.0
    xy: float = 0.0

    def add(self, x: float, y: float) -> None:
        if len(self.xs) < self.size:
            self.xs.append(x)
            self.ys.append(y)
        else:
            old_x, old_y = self.xs[self.next], self.ys[self.next]
            self.xs[self.next], self.ys[self.next] = x, y
            self._sum(-old_x, -old_y, old_x * old_x, old_x * old_y, -1)
            self.next += 1
            if self.next == self.size:
                self.next = 0
                self.x, self.y = fsum(self.xs), fsum(self.ys)
                self.xx = fsum(each * each for each in self.xs)
                self.xy = fsum(one * other for one, other in zip(self.xs, self.ys, strict=True))
                return
        self._sum(x, y, x * x, x * y, 1)

    def slope(self) -> float | None:
        """Least squares with an intercept, cov(x, y) / var(x); None where x did not vary."""
        count = len(self.xs)
        spread = self.xx - self.x * self.x / count
        if spread <= 1e-12 * self.xx:
            return None
        return (self.xy - self.x * self.y / count) / spread

    def _sum(self, x: float, y: float, xx: float, xy: float, sign: int) -> None:
        self.x += x
        self.y += y
        self.xx += sign * xx
        self.xy += sign * xy
