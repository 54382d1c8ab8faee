"""What the tests of the replay lab are given."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import msgspec


@dataclass(frozen=True)
class Lab:
    """A log, and the ids of a live session and of a simulation in it."""

    url: str
    live: str
    simulated: str


@dataclass(frozen=True)
class Said:
    """What a command line came to."""

    code: int
    out: str
    err: str

    def fact(self) -> dict[str, object]:
        return msgspec.json.decode(self.out, type=dict[str, object])


Tapeline: TypeAlias = Callable[..., Said]
