"""Finds its way about in a recorded session: from a time or a name to a record, and from a record to the next of a kind."""

from typing import Final, Literal, TypeAlias, get_args

from state.errors import WrongUse
from state.log import Log, SessionRow
from state.record import Record

Kind: TypeAlias = Literal["fill", "intent", "block"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

_TYPES: Final[dict[Kind, tuple[str, ...]]] = {
    "fill": ("Fill",),
    "intent": ("PlaceOrder", "AmendOrder", "CancelOrder", "CancelAll"),
    "block": ("Blocked",),
}

_SEQ_DIGITS: Final = 8
_HEX: Final = frozenset("0123456789abcdef")


class Moments:
    """Of one session; every answer is the seq of a record that it has."""

    def __init__(self, log: Log, row: SessionRow) -> None:
        self._log = log
        self._row = row

    def record(self, seq: int) -> Record:
        """Raises `WrongUse` for a seq that the session has not."""
        seq = self.step(seq, 0)
        return next(self._log.records(self._row.id, seq, seq))

    def at_time(self, time_ns: int) -> int:
        """The last record received at or before a time; only a few blocks are read, however long the session is."""
        last = self._row.last_seq
        with self._log.reading() as reader:
            found = reader.seq_at(self._row.id, time_ns, last) if last else None
        if found is None:
            raise WrongUse(f"session {self._row.id} had no record yet at that time")
        return found

    def of_order(self, name: str) -> int:
        """The first record of an order, by its client id or order id."""
        with self._log.reading() as reader:
            seq = _seq_in(name)
            if seq is not None and next(reader.journal(self._row.id, client_id=name, first=seq, last=seq), None):
                return seq
            found = reader.first_of_order(self._row.id, name)
        if found is None:
            raise WrongUse(f"session {self._row.id} has no order {name!r}; its records are 1 to {self._row.last_seq}")
        return found

    def step(self, seq: int, count: int) -> int:
        """So many records on, or back where negative; raises `WrongUse` beyond either end."""
        there = seq + count  # a session's seqs have no gaps: nothing need be read
        if not 1 <= there <= self._row.last_seq:
            raise WrongUse(f"session {self._row.id} has records 1 to {self._row.last_seq}; there is no seq {there}")
        return there

    def next(self, seq: int, kind: Kind) -> int:
        """The first of a kind after a record; raises `WrongUse` where there is none."""
        with self._log.reading() as reader:
            found = reader.nearest(self._row.id, _TYPES[kind], after=seq)
        if found is None:
            raise WrongUse(f"session {self._row.id} has no {kind} after record {seq}")
        return found

    def previous(self, seq: int, kind: Kind) -> int:
        """The last of a kind before a record; raises `WrongUse` where there is none."""
        with self._log.reading() as reader:
            found = reader.nearest(self._row.id, _TYPES[kind], before=seq)
        if found is None:
            raise WrongUse(f"session {self._row.id} has no {kind} before record {seq}")
        return found


def _seq_in(name: str) -> int | None:
    """The seq that a client id of ours ends in, as all venues' do."""
    digits = name[-_SEQ_DIGITS:]
    return int(digits, 16) if len(digits) == _SEQ_DIGITS and _HEX.issuperset(digits) else None
