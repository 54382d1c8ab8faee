"""The seam for trouble: before each reply and push a venue asks here what shall go wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase


class Place(StrEnum):
    """Where on the wire something is about to happen."""

    REST = "rest"
    PUBLIC = "public"
    PRIVATE = "private"
    TRADE = "trade"


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with one reply or push; the default is nothing."""

    drop: bool = False
    """The frame or reply never leaves; a request was carried out all the same."""
    duplicate: bool = False
    delay_s: float = 0.0
    cut: bool = False
    """The connection is reset instead."""
    status: int = 0
    """The HTTP status answered instead, or its like on a socket."""
    carried_out: bool = False
    """With `status`: the request took effect nevertheless."""
    words: str = ""
    """With `status`: what is said with it, where the venue's usual words will not do."""


NONE = Fault()


@dataclass(slots=True)
class Rule:
    """A fault for the next `times` occasions of a kind, after letting `skip` of them pass."""

    place: Place
    what: str
    """A pattern as of fnmatch: a path, a topic or an operation."""
    fault: Fault
    times: int = 1
    skip: int = 0


@dataclass(slots=True)
class Faults:
    """The rules still to be spent; the first that fits an occasion answers it."""

    rules: list[Rule] = field(default_factory=list)
    spent: list[tuple[Place, str, Fault]] = field(default_factory=list)

    def add(self, place: Place, what: str, fault: Fault, times: int = 1, skip: int = 0) -> None:
        """Orders a fault for what is to come."""
        self.rules.append(Rule(place, what, fault, times, skip))

    def ask(self, place: Place, what: str) -> Fault:
        """What shall go wrong with this one; spends the rule that says so."""
        if not self.rules:
            return NONE
        for rule in self.rules:
            if rule.place is not place or not fnmatchcase(what, rule.what):
                continue
            if rule.skip:
                rule.skip -= 1
                continue
            rule.times -= 1
            if rule.times <= 0:
                self.rules.remove(rule)
            self.spent.append((place, what, rule.fault))
            return rule.fault
        return NONE
