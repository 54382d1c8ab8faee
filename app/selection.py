"""Which records of a session a command is asked for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self

from state.errors import WrongUse
from state.events import BY_NAME, AnyEvent
from state.log import Log
from state.record import Record

_LAST_SEQ: Final = 2**63 - 1  # no database has a larger number, and no session so many records


@dataclass(frozen=True, slots=True)
class Selection:
    """An empty `types` means all; `last` None the session's end."""

    types: frozenset[type[AnyEvent]] = frozenset()
    first: int = 1
    last: int | None = None
    symbol: str | None = None

    @classmethod
    def of(cls, names: Sequence[str], first: int = 1, last: int | None = None, symbol: str | None = None) -> Self:
        """Raises `WrongUse` for a type that no event has."""
        unknown = [name for name in names if name not in BY_NAME]
        if unknown:
            raise WrongUse(f"no event is called {unknown[0]!r}; there are {', '.join(BY_NAME)}")
        end = None if last is None else min(last, _LAST_SEQ)
        return cls(frozenset(BY_NAME[name] for name in names), min(first, _LAST_SEQ), end, symbol)

    def takes(self, record: Record) -> bool:
        """True for a record of the types and the symbol asked for."""
        event = record.event
        return (not self.types or type(event) in self.types) and self.symbol in (None, event.symbol)


def selected(log: Log, session: str, selection: Selection) -> Iterator[Record]:
    """The records in order of seq, a block at a time in memory."""
    for block in log.blocks(session, selection.first, selection.last):
        yield from filter(selection.takes, block)
