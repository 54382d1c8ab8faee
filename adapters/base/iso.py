"""Times as ISO text, to the microsecond and exactly: no float stands between."""

from datetime import UTC, datetime
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def ns(said: str) -> int | None:
    """ns UTC, also of a text without a zone; empty means not said. Raises `ValueError`."""
    if not said:
        return None
    when = datetime.fromisoformat(said)
    since = (when if when.tzinfo is not None else when.replace(tzinfo=UTC)) - _EPOCH
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1_000


def text(ms: int | None) -> str | None:
    """The text of a time in ms; None of none."""
    return None if ms is None else stamp(ms)


def stamp(ms: int) -> str:
    return f"{_second(ms // 1_000)}.{ms % 1_000:03d}Z"


@lru_cache(maxsize=4)
def _second(at_s: int) -> str:
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%dT%H:%M:%S}"
