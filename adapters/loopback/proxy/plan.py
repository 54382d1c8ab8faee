"""What shall go wrong, as data: which trouble, where, when, how often or how long. A plan is JSON, and can be kept as a test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal, TypeAlias, get_args

import msgspec

Spot: TypeAlias = Literal["rest", "public", "private", "trade"]
Kind: TypeAlias = Literal[
    "drop",
    "delay",
    "duplicate",
    "reorder",
    "stale",
    "cut",
    "tear",
    "half_open",
    "silent",
    "snapshot_lost",
    "reply_lost",
    "reply_late",
    "refused",
    "maintenance",
    "restart",
    "clock_step",
]
SPOTS: tuple[Spot, ...] = get_args(Spot)
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a trouble does, where it can be, and whether it counts frames or lasts for a time."""

    text: str
    spots: tuple[Spot, ...]
    lasts: bool = False


SOCKETS: tuple[Spot, ...] = ("public", "private", "trade")
MEANINGS: dict[Kind, Meaning] = {
    "drop": Meaning("the next frames never arrive: a sequence has a hole", SOCKETS),
    "delay": Meaning("frames are held back, then all come at once", SOCKETS, lasts=True),
    "duplicate": Meaning("the next frames come twice", SOCKETS),
    "reorder": Meaning("the next frames come after those that follow them", SOCKETS),
    "stale": Meaning("a frame of some time ago comes again: a wrong sequence", SOCKETS),
    "cut": Meaning("the connections are reset", SOCKETS),
    "tear": Meaning("the connection ends in the middle of its next frame", SOCKETS),
    "half_open": Meaning("the connection stays open and nothing passes, then it is reset", SOCKETS, lasts=True),
    "silent": Meaning("the venue's frames are lost while the connection lives on", SOCKETS, lasts=True),
    "snapshot_lost": Meaning(
        "the connection is reset, and the first large frame of the next never arrives", ("public",)
    ),
    "reply_lost": Meaning("requests are carried out, and their answers never arrive", ("rest", "trade")),
    "reply_late": Meaning("requests are carried out, and their answers come late", ("rest", "trade"), lasts=True),
    "refused": Meaning("requests are answered with `status` in the venue's place", ("rest",)),
    "maintenance": Meaning("every connection is closed, every request answered 503", ("rest",), lasts=True),
    "restart": Meaning("every connection is reset, and none accepted", ("rest",), lasts=True),
    "clock_step": Meaning("the venue's clock jumps by `for_s` seconds", ("rest",)),
}
STATUSES = (429, 418, 500, 502, 503, 504)  # 403 is a ban of ten minutes at some venues: longer than a trial
LONGEST_S = 2.0
COUNTS = (1, 3, 30)  # one frame seldom is the one that matters


class Trouble(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One trouble; `at_s` is the time since trading began, `count` how many frames or requests it hits."""

    at_s: float
    kind: Kind
    spot: Spot
    count: int = 1
    for_s: float = 0.0
    status: int = 0

    def __post_init__(self) -> None:
        meaning = MEANINGS[self.kind]
        if self.spot not in meaning.spots:
            raise ValueError(f"{self.kind} is a trouble of {', '.join(meaning.spots)}, not of {self.spot}")
        if self.at_s < 0 or self.count < 1 or (self.for_s < 0 and self.kind != "clock_step"):
            raise ValueError("at_s and for_s must not be negative, and count at least 1")
        if (self.kind == "refused") != bool(self.status):
            raise ValueError("refused, and nothing else, has a status")


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that goes wrong in one run. `seed` is that of the venue's market.

    With a `stop_s` the session is told to stop so long after the beginning, whatever is wrong then; else once all is calm.
    """

    venue: str
    seed: int
    troubles: tuple[Trouble, ...]
    stop_s: float = 0.0

    def without(self, number: int) -> Plan:
        """The same but for one trouble."""
        kept = self.troubles[:number] + self.troubles[number + 1 :]
        return msgspec.structs.replace(self, troubles=kept)


def random_plan(
    venue: str, seed: int, *, count: int = 6, within_s: float = 6.0, kinds: Sequence[Kind] = KINDS, stops: bool = False
) -> Plan:
    """A plan from a seed: the same for the same seed, every kind as likely as another; with `stops` also when to stop."""
    rng = Random(f"{venue} {seed}")  # noqa: S311 - repeatable, guards nothing
    troubles = sorted((_trouble(rng, within_s, kinds) for _ in range(count)), key=lambda trouble: trouble.at_s)
    return Plan(venue, seed, tuple(troubles), round(rng.uniform(0.3, within_s + 1.0), 2) if stops else 0.0)


def _trouble(rng: Random, within_s: float, kinds: Sequence[Kind]) -> Trouble:
    kind = rng.choice(kinds)
    meaning = MEANINGS[kind]
    at_s = round(rng.uniform(0.0, within_s), 2)
    if kind == "clock_step":
        return Trouble(at_s, kind, "rest", for_s=float(rng.choice((-3, -1, 1, 3))))
    return Trouble(
        at_s,
        kind,
        rng.choice(meaning.spots),
        count=1 if meaning.lasts else rng.choice(COUNTS),
        for_s=round(rng.uniform(0.2, LONGEST_S), 2) if meaning.lasts else 0.0,
        status=rng.choice(STATUSES) if kind == "refused" else 0,
    )
