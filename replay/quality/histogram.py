"""A histogram in constant memory: buckets of at most 1/64 of their value, so that a percentile is right to 1.6 %."""

from math import frexp, ldexp

import msgspec

_PARTS = 32  # buckets between two powers of two


class Percentiles(msgspec.Struct, frozen=True):
    """In the unit of what was added; minimum and maximum are exact, the others to 1.6 %."""

    count: int
    minimum: float
    mean: float
    p50: float
    p90: float
    p99: float
    p99_9: float
    maximum: float


class Histogram:
    """Counts numbers of either sign."""

    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self.minimum = float("inf")
        self.maximum = float("-inf")
        self._buckets: dict[int, int] = {}

    def add(self, value: float, weight: int = 1) -> None:
        self.count += weight
        self.total += value * weight
        self.minimum = min(self.minimum, value)
        self.maximum = max(self.maximum, value)
        bucket = _bucket(value)
        self._buckets[bucket] = self._buckets.get(bucket, 0) + weight

    def at(self, share: float) -> float:
        """The value below or at which `share` of all lie."""
        if not self.count:
            return float("nan")
        left = max(1, -int(-share * self.count // 1))  # rounded up
        for bucket in sorted(self._buckets):
            left -= self._buckets[bucket]
            if left <= 0:
                return min(max(_middle(bucket), self.minimum), self.maximum)
        return self.maximum

    def percentiles(self) -> Percentiles:
        mean = self.total / self.count if self.count else float("nan")
        return Percentiles(
            self.count, self.minimum, mean, self.at(0.5), self.at(0.9), self.at(0.99), self.at(0.999), self.maximum
        )


def _bucket(value: float) -> int:
    """Ordered as the values are; 0 for zero."""
    if value == 0:
        return 0
    fraction, exponent = frexp(abs(value))
    place = (exponent + 1100) * _PARTS + int((fraction - 0.5) * 2 * _PARTS) + 1
    return place if value > 0 else -place


def _middle(bucket: int) -> float:
    if bucket == 0:
        return 0.0
    exponent, part = divmod(abs(bucket) - 1, _PARTS)
    value = ldexp(0.5 + (part + 0.5) / (2 * _PARTS), exponent - 1100)
    return value if bucket > 0 else -value
