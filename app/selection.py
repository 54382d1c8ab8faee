"""Which records of a session a command is asked for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from state.errors import WrongUse
from state.events import BY_NAME, AnyEvent
from state.log import Log
from state.record import Record


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
        return cls(frozenset(BY_NAME[name] for name in names), first, last, symbol)

    def takes(self, record: Record) -> bool:
        """True for a record of the types and the symbol asked for."""
        event = record.event
        return (not self.types or type(event) in self.types) and self.symbol in (None, event.symbol)


def selected(log: Log, session: str, selection: Selection) -> Iterator[Record]:
    """The records in order of seq, a block at a time in memory."""
    for block in log.blocks(session, selection.first, selection.last):
        yield from filter(selection.takes, block)
