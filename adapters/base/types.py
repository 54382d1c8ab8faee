"""Two-way tables of order words; what no table has raises, loudly."""

from collections.abc import Mapping
from typing import Generic, TypeVar

from state.errors import UnknownWord

Ours = TypeVar("Ours", bound=str)


class Words(Generic[Ours]):
    """A venue's words and ours. `also` holds the venue's further words that mean one of ours but are never sent."""

    def __init__(self, subject: str, pairs: Mapping[Ours, str], also: Mapping[str, Ours] | None = None) -> None:
        self.subject = subject
        self._theirs: dict[Ours, str] = dict(pairs)
        self._ours: dict[str, Ours] = {theirs: ours for ours, theirs in pairs.items()} | dict(also or {})

    def encode(self, ours: Ours) -> str:
        """The venue's word; raises `UnknownWord`."""
        try:
            return self._theirs[ours]
        except KeyError:
            raise UnknownWord(f"{self.subject}: the venue has no word for {ours!r}") from None

    def parse(self, theirs: str) -> Ours:
        """Our word; raises `UnknownWord`."""
        try:
            return self._ours[theirs]
        except KeyError:
            raise UnknownWord(f"{self.subject}: unknown word {theirs!r}") from None

    @property
    def known(self) -> frozenset[str]:
        """Every word of the venue that can be read."""
        return frozenset(self._ours)
