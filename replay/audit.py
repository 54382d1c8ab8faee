"""An audit folds the log again and trusts nothing: not the digests stored in it, not its journal, not its own session.

It streams: memory does not grow with the length of the session.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from replay.proof.anchors import Anchor
from replay.proof.evidence import examine
from replay.proof.keys import PublicKey
from state.commands import action_of
from state.errors import LogCorrupt
from state.events import (
    Accepted,
    AmendOrder,
    AnyEvent,
    CancelAll,
    CancelOrder,
    FeedStatus,
    Fill,
    OrderUpdate,
    PlaceOrder,
    PositionUpdate,
    Rejected,
    SessionClosed,
    SessionOpened,
    StrategyFailed,
    Unknown,
)
from state.log import Log, SessionRow
from state.log.verify import check
from state.record import Record
from state.reducer import Reducer
from state.shared import SharedState


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that an honest, complete session would not show; `seq` is the record it is about, 0 for the whole."""

    seq: int
    kind: str
    text: str


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

    @property
    def clean(self) -> bool:
        return not self.findings


class Books:
    """Follows each intent to its outcome and each fill to its order."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.intents = self.answered = self.fills = self.gaps = 0
        self.open: dict[int, str] = {}  # seq of an intent without outcome -> what it was
        self.unknown: dict[tuple[str, str], int] = {}  # venue, client id -> seq of the Unknown
        self._doubtful: set[tuple[str, str, str]] = set()  # venue, client id, action: a second outcome is to come
        self._placed: dict[tuple[str, str], int] = {}
        self._last: AnyEvent | None = None
        self._shared = SharedState()
        self._apply = Reducer(self._shared).apply

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
        elif isinstance(event, OrderUpdate) and event.client_id:
            self.unknown.pop((event.venue, event.client_id), None)
        elif isinstance(event, FeedStatus) and event.status == "gap":
            self.gaps += 1
        elif isinstance(event, StrategyFailed):
            self._find(record, "strategy failed", f"{event.strategy}: {event.error}")
        self._last = event

    def close(self, row: SessionRow) -> None:
        """What must hold at the end."""
        whole = row.status == "closed"
        for seq, what in self.open.items():
            self.findings.append(Finding(seq, "no outcome", f"{what} has no outcome"))
        for (venue, client_id), seq in self.unknown.items():
            self.findings.append(
                Finding(seq, "unresolved", f"what became of {client_id} at {venue} was never found out")
            )
        if whole and not isinstance(self._last, SessionClosed):
            self.findings.append(Finding(row.last_seq, "ending", "a closed session does not end with SessionClosed"))
        if not whole:
            self.findings.append(
                Finding(row.last_seq, row.status, f"the session did not end in order: it is {row.status}")
            )
        self._positions()

    def _intent(self, record: Record, event: PlaceOrder | AmendOrder | CancelOrder | CancelAll) -> None:
        self.intents += 1
        name = "" if isinstance(event, CancelAll) else event.client_id
        self.open[record.seq] = f"{action_of(event)} {name or event.symbol or event.venue}"
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
        elif (*key, event.action) not in self._doubtful:
            self._find(
                record, "no intent", f"an outcome of {event.client_id or event.action} follows from no open intent"
            )
        if isinstance(event, Unknown):
            self.unknown[key] = record.seq
            self._doubtful.add((*key, event.action))
        else:
            self.unknown.pop(key, None)
            self._doubtful.discard((*key, event.action))

    def _fill(self, record: Record, event: Fill) -> None:
        self.fills += 1
        account = self._shared.account(event.venue)
        order = account.orders.order_of(event)
        if order is None and event.kind == "trade":
            self._find(record, "no order", f"fill {event.fill_id} belongs to no order of this session")
        if event.size <= 0 or event.price <= 0:
            self._find(record, "fill", f"fill {event.fill_id} has size {event.size} at {event.price}")

    def _positions(self) -> None:
        """The position folded from fills against what the venue said last."""
        for venue, account in self._shared.accounts.items():
            for position in account.ledger.positions.values():
                told: PositionUpdate | None = position.reported
                if told is not None and told.size != position.size:
                    text = f"{venue} {position.symbol}: folded {position.size}, the venue says {told.size}"
                    self.findings.append(
                        Finding(0, "position", f"{text}, residual {_plain(told.size - position.size)}")
                    )

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
    checked = check(log, row.id)
    evidence = examine(log, row.id, anchors=anchors, key=key, known=checked)
    of_log = sorted((*checked, *evidence.findings), key=lambda found: found.seq)
    findings = [Finding(found.seq, found.kind, found.text) for found in of_log]
    books = Books()
    records = 0
    try:
        for block in log.blocks(row.id):
            _read_all(books, block)
            records += len(block)
            if progress is not None:
                progress(len(block))
        books.close(row)
    except LogCorrupt as error:
        # The blocks' own check has named it; the books cannot be followed past it.
        if not findings:
            findings.append(Finding(error.seq or 0, "corrupt", str(error)))
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
    )


def _read_all(books: Books, records: Iterable[Record]) -> None:
    for record in records:
        books.read(record)


def _plain(number: Decimal) -> str:
    return format(number, "f")
