"""From a record back to where its causes end: by `cause`, and by the values that the operators had."""

from collections.abc import Sequence

from replay.why.facts import Node, RootFact, node, told
from state.errors import LogCorrupt
from state.events import (
    ACCOUNT,
    MARKET,
    Accepted,
    Command,
    Rejected,
    Signal,
    Tick,
    Unknown,
    is_derived,
)
from state.log import Log
from state.record import Record
from streams.trace import Heard

_STEPS_MOST = 10_000


class Records:
    """Single records of one session, those that were read last kept."""

    def __init__(self, log: Log, session: str) -> None:
        self._log = log
        self._session = session
        self._known: dict[int, Record] = {}

    def at(self, seq: int) -> Record:
        """Raises `LogCorrupt` where the log does not hold it."""
        record = self._known.get(seq)
        if record is None:
            record = next(iter(self._log.records(self._session, seq, seq)), None)
            if record is None:
                raise LogCorrupt(f"session {self._session} has no record {seq}, which another follows from", seq)
            self._known[seq] = record
        return record


def chain(records: Records, record: Record) -> Node | None:
    """What a derived record or an outcome follows from, step by step; None for an input."""
    below: list[tuple[str, Record]] = []
    here = record
    while (is_derived(here.event) or isinstance(here.event, Accepted | Rejected | Unknown)) and here.cause:
        before = records.at(here.cause)
        if is_derived(here.event) and here.recv > before.recv:
            below.append(("timer", Record(before.seq, here.recv, before.seq, Tick())))
        below.append((kind_of(before), before))
        here = before
        if len(below) > _STEPS_MOST:
            raise LogCorrupt(f"the causes of record {record.seq} do not end", record.seq)
    found: Node | None = None
    for what, step in reversed(below):
        if what == "timer":
            made = Node("timer", step.seq, step.recv, f"a timer that was set during record {step.seq} was due")
        else:
            made = node(what, step)
        if found is not None:
            made.children.append(found)
            made.after_ns = made.at - found.at
        found = made
    return found


def root_of(records: Records, record: Record, heard: Sequence[Heard] = ()) -> RootFact:
    """Where the causes end. Where that is no market event, the newest one that the operators' values rest on."""
    last: Node | None = chain(records, record)
    by_timer = False
    while last is not None and last.children:
        by_timer = by_timer or last.what == "timer"
        last = last.children[0]
    end = records.at(last.seq) if last is not None else record
    if isinstance(end.event, Command):
        return RootFact("command", end.seq, told(end.event))
    market = None if isinstance(end.event, MARKET) and not by_timer else newest_market(records, record, heard)
    if market is not None:
        return RootFact("market", market.seq, told(market.event))
    return RootFact(kind_of(end), end.seq, told(end.event))


def newest_market(records: Records, record: Record, heard: Sequence[Heard]) -> Record | None:
    """The newest market event that a value was concluded from, no later than the record itself."""
    for seq in sorted({stage.seq for stage in heard if 0 < stage.seq <= record.seq}, reverse=True):
        found = records.at(seq)
        if isinstance(found.event, MARKET):
            return found
    return None


def kind_of(record: Record) -> str:
    """What a record is in the chain of causes."""
    event = record.event
    if isinstance(event, MARKET):
        return "market"
    if isinstance(event, ACCOUNT):
        return "account"
    if isinstance(event, Command):
        return "command"
    if isinstance(event, Signal):
        return "signal"
    if isinstance(event, Tick):
        return "timer"
    if isinstance(event, Accepted | Rejected | Unknown):
        return "outcome"
    return "decision" if is_derived(event) else "session"
