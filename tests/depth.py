"""How deep a test goes: `make test` takes a seeded sample, `make test-deep` (TAPELINE_DEEP) the whole number."""

import os
from typing import Final, TypeVar

T = TypeVar("T")

IS_DEEP: Final = os.environ.get("TAPELINE_DEEP", "") not in ("", "0")


def depth(sample: T, whole: T) -> T:
    """The one of the two that this run is to do."""
    return whole if IS_DEEP else sample
