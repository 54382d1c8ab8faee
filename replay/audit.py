"""An audit folds the log again and trusts nothing: not the digests stored in it, not its journal, not its own session.

It streams: memory does not grow with the length of the session.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from replay.proof.anchors import Anchor
from replay.proof.evidence import examine, examine_unopened
from replay.proof.keys import PublicKey
from replay.unopened import UNCHECKED, examine_rows
from state.commands import action_of
from state.errors import LogCorrupt, LogError
from state.events import (
    Accepted,
    AmendOrder,
    AnyEvent,
    Blocked,
    CancelAll,
    CancelOrder,
    FeedStatus,
    Fill,
    OrderUpdate,
    PlaceOrder,
    Reconciled,
    Rejected,
    SessionClosed,
    SessionOpened,
    StrategyFailed,
    Unknown,
)
from state.ledger import EXACT, Position
from state.log import Log, SessionRow
from state.log.data_keys import KeyNeeded
from state.log.verify import Finding as Found
from state.log.verify import check
from state.record import Record
from state.reducer import Reducer
from state.session_events import TAKEN
from state.shared import SharedState


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that an honest, complete session would not show; `seq` is the record it is about, 0 for the whole."""

    seq: int
    kind: str
    text: str


@dataclass(slots=True)
class Outcomes:
    """What became of the intents of one venue and action; what risk held back never became one."""

    venue: str
    action: str
    intents: int = 0
    accepted: int = 0
    rejected: int = 0
    unknown: int = 0
    blocked: int = 0

    @property
    def unanswered(self) -> int:
        return self.intents - self.accepted - self.rejected - self.unknown


@dataclass(frozen=True, slots=True)
class PositionLine:
    """One market's position as it is folded from fills; `told` is the venue's last word, None where it said none."""

    venue: str
    symbol: str
    fills: int
    size: Decimal
    told: Decimal | None
    residual: Decimal | None
    realized_pnl: Decimal
    funding: Decimal


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What was gone through, what was noticed, and what is wrong."""

    session: str
    status: str
    records: int
    intents: int
    answered: int
    fills: int
    gaps: int  # of feeds, as the session itself recorded them: no finding, but worth knowing
    head: str
    findings: tuple[Finding, ...]
    checkpoints: int  # that are stored, the one of the opening included
    checkpointed_seq: int
    signed_seq: int  # up to where a signature of the key that was asked about reaches
    anchored_seq: int
    outcomes: tuple[Outcomes, ...] = ()
    positions: tuple[PositionLine, ...] = ()
    unchecked: tuple[
        str, ...
    ] = ()  # what could not be, as the session is encrypted and its key is not here; why comes first

    @property
    def clean(self) -> bool:
        return not self.findings and not self.unchecked


class Books:
    """Follows each intent to its outcome and each fill to its order."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.intents = self.answered = self.fills = self.gaps = 0
        self.open: dict[int, str] = {}  # seq of an intent without outcome -> what it was
        self.unknown: dict[tuple[str, str], int] = {}  # venue, client id -> seq of the Unknown
        self._doubtful: Counter[tuple[str, str, str]] = Counter()  # venue, client id, action: second outcomes to come
        self._placed: dict[tuple[str, str], int] = {}
        self._last: AnyEvent | None = None
        self._outcomes: dict[tuple[str, str], Outcomes] = {}
        self.shared = SharedState()
        self._apply = Reducer(self.shared).apply

    def read(self, record: Record) -> None:
        event = record.event
        if record.seq == 1 and not isinstance(event, SessionOpened):
            self._find(record, "opening", "the first record is not SessionOpened")
        if record.cause >= record.seq:
            self._find(record, "cause", f"its cause {record.cause} does not come before it")
        if isinstance(event, Fill):
            self._fill(record, event)
        self._apply(record)
        if isinstance(event, PlaceOrder | AmendOrder | CancelOrder | CancelAll):
            self._intent(record, event)
        elif isinstance(event, Accepted | Rejected | Unknown):
            self._outcome(record, event)
        elif isinstance(event, Blocked):
            self._tally(event.venue, event.action).blocked += 1
        elif isinstance(event, OrderUpdate) and event.client_id:
            self.unknown.pop((event.venue, event.client_id), None)
        elif isinstance(event, FeedStatus) and event.status == "gap":
            self.gaps += 1
        elif isinstance(event, StrategyFailed):
            self._find(record, "strategy failed", f"{event.strategy}: {event.error}")
        elif isinstance(event, Reconciled) and event.subject == TAKEN:
            text = (
                f"{event.venue} {event.symbol}: no fill explains {event.theirs}, which took the place of {event.ours}"
            )
            self._find(record, "position", text)
        self._last = event

    def close(self, row: SessionRow) -> None:
        """What must hold at the end."""
        whole = row.status == "closed"
        for seq, what in self.open.items():
            self.findings.append(Finding(seq, "no outcome", f"{what} has no outcome"))
        for (venue, client_id), seq in self.unknown.items():
            self.findings.append(
                Finding(
                    seq,
                    "unresolved",
                    f"what became of {client_id or 'a cancel of everything'} at {venue} was never found out",
                )
            )
        if whole and not isinstance(self._last, SessionClosed):
            self.findings.append(Finding(row.last_seq, "ending", "a closed session does not end with SessionClosed"))
        if not whole:
            self.findings.append(
                Finding(row.last_seq, row.status, f"the session did not end in order: it is {row.status}")
            )
        self._residuals()

    def _intent(self, record: Record, event: PlaceOrder | AmendOrder | CancelOrder | CancelAll) -> None:
        self.intents += 1
        name = "" if isinstance(event, CancelAll) else event.client_id
        self.open[record.seq] = f"{action_of(event)} {name or event.symbol or event.venue}"
        self._tally(event.venue, action_of(event)).intents += 1
        if isinstance(event, PlaceOrder):
            key = (event.venue, event.client_id)
            if key in self._placed:
                self._find(record, "duplicate id", f"client id {name} was used before, at seq {self._placed[key]}")
            self._placed[key] = record.seq
            self._forget()

    def _outcome(self, record: Record, event: Accepted | Rejected | Unknown) -> None:
        key = (event.venue, event.client_id)
        if record.cause in self.open:
            del self.open[record.cause]
            self.answered += 1
            self._count(event)
        elif self._doubtful[(*key, event.action)] > 0:
            self._doubtful[(*key, event.action)] -= 1
        else:
            self._find(
                record, "no intent", f"an outcome of {event.client_id or event.action} follows from no open intent"
            )
        if isinstance(event, Unknown):
            self.unknown[key] = record.seq
            self._doubtful[(*key, event.action)] += 1
        else:
            self.unknown.pop(key, None)

    def _count(self, event: Accepted | Rejected | Unknown) -> None:
        tally = self._tally(event.venue, event.action)
        if isinstance(event, Accepted):
            tally.accepted += 1
        elif isinstance(event, Rejected):
            tally.rejected += 1
        else:
            tally.unknown += 1

    def _tally(self, venue: str, action: str) -> Outcomes:
        return self._outcomes.setdefault((venue, action), Outcomes(venue, action))

    def placed(self, venue: str, client_id: str) -> bool:
        """True for an order that this session wished for, while it is remembered."""
        return (venue, client_id) in self._placed

    def outcomes(self) -> tuple[Outcomes, ...]:
        """Intents and what became of them, by venue and action."""
        return tuple(self._outcomes[key] for key in sorted(self._outcomes))

    def positions(self) -> tuple[PositionLine, ...]:
        """Every position as it stands where the reading has come to."""
        return tuple(
            _position_line(venue, position)
            for venue, account in sorted(self.shared.accounts.items())
            for _, position in sorted(account.ledger.positions.items())
        )

    def _fill(self, record: Record, event: Fill) -> None:
        self.fills += 1
        account = self.shared.account(event.venue)
        order = account.orders.order_of(event)
        if order is None and event.kind == "trade":
            self._find(record, "no order", f"fill {event.fill_id} belongs to no order of this session")
        if event.size <= 0 or event.price <= 0:
            self._find(record, "fill", f"fill {event.fill_id} has size {event.size} at {event.price}")

    def _residuals(self) -> None:
        """The position folded from fills against what the venue said last."""
        for line in self.positions():
            if line.residual:
                text = f"{line.venue} {line.symbol}: folded {line.size:f}, the venue says {line.told:f}"
                self.findings.append(Finding(0, "position", f"{text}, residual {line.residual:f}"))

    def _forget(self) -> None:
        """Client ids are a function of the seq, so only the latest could come twice; memory stays flat."""
        while len(self._placed) > _IDS_KEPT:
            del self._placed[next(iter(self._placed))]

    def _find(self, record: Record, kind: str, text: str) -> None:
        self.findings.append(Finding(record.seq, kind, text))


_IDS_KEPT = 200_000


def audit(
    log: Log,
    session: str,
    progress: Callable[[int], None] | None = None,
    *,
    anchors: Sequence[Anchor] | None = None,
    key: PublicKey | None = None,
) -> AuditReport:
    """Goes through the whole session; what is wrong is in the report's findings, never raised.

    With `anchors` or `key`, what was said of the session outside of the log is held against it too.
    """
    row = log.find(session)
    row = replace(row, status=log.status(row))
    needed = _key_needed(log, row)
    if needed is not None:
        return _unopened(log, row, needed, anchors, key)
    checked = check(log, row.id)
    evidence = examine(log, row.id, anchors=anchors, key=key, known=checked)
    of_log = sorted((*checked, *evidence.findings), key=lambda found: found.seq)
    findings = [Finding(found.seq, found.kind, found.text) for found in of_log]
    books = Books()
    records = 0
    try:
        for block in log.blocks(row.id):
            fault = read_all(books, block)
            if fault is not None:
                findings.append(fault)
                break
            records += len(block)
            if progress is not None:
                progress(len(block))
        else:
            books.close(row)
    except LogError as error:
        # The blocks' own check has named it; the books cannot be followed past it.
        if not findings:
            findings.append(Finding(getattr(error, "seq", None) or 0, "corrupt", str(error)))
    return AuditReport(
        session=row.id,
        status=row.status,
        records=records,
        intents=books.intents,
        answered=books.answered,
        fills=books.fills,
        gaps=books.gaps,
        head=row.head,
        findings=(*findings, *books.findings),
        checkpoints=evidence.checkpoints,
        checkpointed_seq=evidence.checkpointed_seq,
        signed_seq=evidence.signed_seq,
        anchored_seq=evidence.anchored_seq,
        outcomes=books.outcomes(),
        positions=books.positions(),
    )


def _key_needed(log: Log, row: SessionRow) -> KeyNeeded | None:
    try:
        with log.reading() as reader:
            reader.require_key(row.id)
    except KeyNeeded as needed:
        return needed
    except LogError:
        return None  # the wrapped key is damaged: the check says so
    return None


def _unopened(
    log: Log, row: SessionRow, needed: KeyNeeded, anchors: Sequence[Anchor] | None, key: PublicKey | None
) -> AuditReport:
    """What can be said of an encrypted session without its key, and what cannot."""
    found: list[Found] = []
    with log.reading() as reader:
        try:
            found += examine_rows(reader, row)
        except LogCorrupt as error:
            found.append(Found(error.seq or 1, "block", str(error)))
        evidence = examine_unopened(reader, row, anchors=anchors, key=key)
    by_seq = sorted((*found, *evidence.findings), key=lambda each: each.seq)
    return AuditReport(
        session=row.id,
        status=row.status,
        records=0,
        intents=0,
        answered=0,
        fills=0,
        gaps=0,
        head=row.head,
        findings=tuple(Finding(each.seq, each.kind, each.text) for each in by_seq),
        checkpoints=evidence.checkpoints,
        checkpointed_seq=evidence.checkpointed_seq,
        signed_seq=evidence.signed_seq,
        anchored_seq=evidence.anchored_seq,
        unchecked=(str(needed), *UNCHECKED),
    )


def read_all(books: Books, records: Iterable[Record]) -> Finding | None:
    """Reads on; what cannot be folded, as nobody but a forger would have written it, is returned as the finding it is."""
    for record in records:
        try:
            books.read(record)
        except Exception as error:  # noqa: BLE001 - an audit of anything must end; it is told, and nothing after it is read
            text = f"the record cannot be followed: {type(error).__name__}: {error}"
            return Finding(record.seq, "unfollowable", text)
    return None


def _position_line(venue: str, position: Position) -> PositionLine:
    told = None if position.reported is None else position.reported.size
    return PositionLine(
        venue=venue,
        symbol=position.symbol,
        fills=position.fills,
        size=position.size,
        told=told,
        residual=None if told is None else EXACT.subtract(told, position.size),
        realized_pnl=position.realized_pnl,
        funding=position.funding,
    )
