"""Finds its way about in a recorded session: from a time or a name to a record, and from a record to the next of a kind."""

from collections import deque
from typing import Final, Literal, TypeAlias, get_args

from replay.why.tree import Why
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


class Moments:
    """Of one session; every answer is the seq of a record that it has."""

    def __init__(self, log: Log, row: SessionRow) -> None:
        self._log = log
        self._row = row

    def record(self, seq: int) -> Record:
        """Raises `WrongUse` for a seq that the session has not."""
        if not 1 <= seq <= self._row.last_seq:
            raise WrongUse(f"session {self._row.id} has records 1 to {self._row.last_seq}; there is no seq {seq}")
        return next(self._log.records(self._row.id, seq, seq))

    def at_time(self, time_ns: int) -> int:
        """The last record received at or before a time; only a few blocks are read, however long the session is."""
        last = self._row.last_seq
        if last < 1 or self.record(1).recv > time_ns:
            raise WrongUse(f"session {self._row.id} had no record yet at that time")
        end = self.record(last).recv
        if end <= time_ns:
            return last
        low, low_recv, high, high_recv, guess = 1, self.record(1).recv, last, end, True
        while high - low > 1:  # low is at or before the time, high after it
            share = (time_ns - low_recv) / (high_recv - low_recv) if guess else 0.5
            middle = min(max(low + int((high - low) * share), low + 1), high - 1)
            recv = self.record(middle).recv
            guess = not guess  # records come unevenly: every other step only halves
            if recv <= time_ns:
                low, low_recv = middle, recv
            else:
                high, high_recv = middle, recv
        return low

    def of_order(self, name: str) -> int:
        """The first record of an order, by its client id or order id."""
        return Why(self._log, self._row).find(f"order:{name}").record.seq

    def step(self, seq: int, count: int) -> int:
        """So many records on, or back where negative; raises `WrongUse` beyond either end."""
        return self.record(seq + count).seq

    def next(self, seq: int, kind: Kind) -> int:
        """The first of a kind after a record; raises `WrongUse` where there is none."""
        rows = self._log.journal(self._row.id, types=_TYPES[kind], first=seq + 1)
        found = next(iter(rows), None)
        if found is None:
            raise WrongUse(f"session {self._row.id} has no {kind} after record {seq}")
        return found.seq

    def previous(self, seq: int, kind: Kind) -> int:
        """The last of a kind before a record; raises `WrongUse` where there is none."""
        rows = deque(self._log.journal(self._row.id, types=_TYPES[kind], last=seq - 1), maxlen=1)
        if not rows:
            raise WrongUse(f"session {self._row.id} has no {kind} before record {seq}")
        return rows[0].seq
