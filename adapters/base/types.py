"""Two-way tables of order words, and words for candles; what no table has raises, loudly."""

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar, cast

from state.errors import UnknownWord, WrongUse

Ours = TypeVar("Ours", bound=str)


class _Table(dict[str, str]):
    """A dict that says what it does not know."""

    def __init__(self, pairs: Mapping[str, str], what: str) -> None:
        super().__init__(pairs)
        self._what = what

    def __missing__(self, word: str) -> str:
        raise UnknownWord(f"{self._what} {word!r}")


class Intervals(dict[int, str]):
    """A venue's words for lengths of candles, by seconds; raises `WrongUse` for a length that it does not have."""

    def __init__(self, venue: str, words: Mapping[int, str]) -> None:
        super().__init__(words)
        self._venue = venue

    def __missing__(self, seconds: int) -> str:
        raise WrongUse(f"{self._venue} has no candles of {seconds} s; known: {sorted(self)}")


class Words(Generic[Ours]):
    """A venue's words and ours. `also` holds the venue's further words that mean one of ours but are never sent."""

    def __init__(self, subject: str, pairs: Mapping[Ours, str], also: Mapping[str, Ours] | None = None) -> None:
        self.subject = subject
        self._ours: dict[str, Ours] = {theirs: ours for ours, theirs in pairs.items()} | dict(also or {})
        # The tables' own look-up, since every order asks for several words.
        self.encode: Callable[[Ours], str] = _Table(
            cast("Mapping[str, str]", pairs), f"{subject}: the venue has no word for"
        ).__getitem__
        """The venue's word; raises `UnknownWord`."""
        self.parse = cast("Callable[[str], Ours]", _Table(self._ours, f"{subject}: unknown word").__getitem__)
        """Our word; raises `UnknownWord`."""

    @property
    def known(self) -> frozenset[str]:
        """Every word of the venue that can be read."""
        return frozenset(self._ours)
