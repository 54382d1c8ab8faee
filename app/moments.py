"""What is told of one moment of a session: its record and those around it, the state, and what operators had said last."""

from datetime import UTC, datetime
from typing import Final

import msgspec

from app.facts import StateFact, state_fact
from app.output import moment
from app.progress import progress
from replay.moments import KINDS, Kind, Moments
from replay.travel import Moment, Travel
from state.errors import WrongUse
from state.log import Log, SessionRow
from state.record import to_json

_EARLIEST_NS: Final = 10**15  # below it a number is a seq, above a time
_SECOND: Final = 1_000_000_000
_DAY_NS: Final = 86_400 * _SECOND
AROUND: Final = 5  # records shown before and after


class OperatorFact(msgspec.Struct, frozen=True):
    """One stage of a strategy: how often it had spoken since the fact's `heard_since`, and its last value, from record `seq`."""

    strategy: str
    operator: str
    where: str
    count: int
    seq: int
    value: str | None


class DebugFact(msgspec.Struct, frozen=True):
    """What `debug --json` prints; `note` says what is not known of operators, and why."""

    session: str
    seq: int
    record: msgspec.Raw
    around: list[msgspec.Raw]
    state: StateFact
    operators: list[OperatorFact]
    heard_since: int
    note: str


def seq_of(moments: Moments, row: SessionRow, word: str) -> int:
    """The record that a seq, a time or the name of an order means; raises `WrongUse` where there is none."""
    if word.isascii() and word.isdigit():
        number = int(word)
        return moments.step(number, 0) if number < _EARLIEST_NS else seq_at(moments, row, number, word)
    time_ns = time_of(moments, row, word)
    return moments.of_order(word) if time_ns is None else seq_at(moments, row, time_ns, word)


def seq_at(moments: Moments, row: SessionRow, time_ns: int, word: str) -> int:
    """The last record at or before a time; raises `WrongUse` for one outside of the session."""
    found = moments.at_time(time_ns)
    if row.closed is not None and time_ns > max(row.closed, moments.record(found).recv):
        raise WrongUse(f"session {row.id} ended at {moment(row.closed)}, before {word}")
    return found


def time_of(moments: Moments, row: SessionRow, word: str) -> int | None:
    """A date, with a time or without, or a time of day: the first such in the session.

    UTC unless it says otherwise; None for what is none.
    """
    whole = _time(word) if ":" in word or word.count("-") == 2 else None  # an order's name may be of digits
    if whole is not None or ":" not in word:
        return whole
    day = datetime.fromtimestamp(row.opened // _SECOND, UTC).date().isoformat()
    told = _time(f"{day}T{word}")
    if told is None or told >= row.opened or told + _DAY_NS > moments.record(row.last_seq).recv:
        return told
    return told + _DAY_NS


def _time(text: str) -> int | None:
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        return None
    since = (told if told.tzinfo else told.replace(tzinfo=UTC)) - datetime.fromtimestamp(0, UTC)
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1_000


def kind_of(option: str, word: str) -> Kind:
    """Raises `WrongUse` for a word that is no kind."""
    for kind in KINDS:
        if kind == word:
            return kind
    raise WrongUse(f"{option} takes {', '.join(KINDS)}, not {word!r}")


def moment_fact(log: Log, row: SessionRow, seq: int, *, values: bool = True, around: int = AROUND) -> DebugFact:
    """Everything that is told of the moment after record `seq`."""
    near = list(log.records(row.id, max(1, seq - around), min(row.last_seq, seq + around)))
    at = _moment(Travel(log, row), seq, values=values)
    return DebugFact(
        session=row.id,
        seq=seq,
        record=msgspec.Raw(next(to_json(record) for record in near if record.seq == seq)),
        around=[msgspec.Raw(to_json(record)) for record in near],
        state=state_fact(at.shared),
        operators=[
            OperatorFact(it.strategy, it.operator, it.where, it.count, it.seq, repr(it.value) if it.count else None)
            for it in at.heard
        ],
        heard_since=at.since,
        note=at.note,
    )


def _moment(travel: Travel, seq: int, *, values: bool) -> Moment:
    if not values:
        return Moment(travel.state(seq), (), seq, 0, "operators were not asked for")
    done = 0

    def count(records: int) -> None:
        nonlocal done
        done += records
        shown(done)

    with progress("running the strategies again", seq) as shown:
        return travel.at(seq, count)
