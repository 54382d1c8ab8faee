"""What the tables hold, as values: one frozen class a table, and how a record becomes a journal row."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from state.events import MARKET, Tick
from state.record import Frame, Record, event_to_json

VERSION = 1  # of the tables; changes when one of them does
CONTENT = (
    "blocks",
    "journal",
    "frames",
    "snapshots",
    "checkpoints",
)  # the tables of what belongs to a session beside its own row

SessionStatus: TypeAlias = Literal["running", "closed", "crashed"]

# Market records and ticks are in the blocks alone.
UNJOURNALED: frozenset[type] = frozenset({*MARKET, Tick})
_UNJOURNALED_NAMES: frozenset[str] = frozenset(event.__name__ for event in UNJOURNALED)

# A venue may send what PostgreSQL's text cannot hold; the payload, where it looks like this, and the blocks have it verbatim.
_NUL = "\\u0000"

# The fields of a `JournalRow`: making the row itself would cost the writer thread a third more.
JournalValues: TypeAlias = tuple[int, int, int, str, str, str, str | None, str | None, str | None, int | None, str]


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One session; `manifest` is JSON text, `head` the running digest at `last_seq` in hex, times ns UTC."""

    id: str
    status: SessionStatus
    opened: int
    closed: int | None
    parent: str
    manifest: str
    last_seq: int
    head: str
    schema_version: int

    @property
    def events(self) -> int:
        """How many records are durable: `seq` counts from 1 without gaps."""
        return self.last_seq


@dataclass(frozen=True, slots=True)
class BlockSpan:
    """The records of one block and the times at which the first and the last of them were received, ns UTC."""

    first_seq: int
    last_seq: int
    first_recv: int
    last_recv: int


@dataclass(frozen=True, slots=True)
class StoredBlock:
    """One row of `blocks` as it stands; `digest` is the running digest at `last_seq`."""

    first_seq: int
    last_seq: int
    first_recv: int
    last_recv: int
    count: int
    codec: str
    digest: bytes
    marks: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class JournalRow:
    """One account, intent, outcome or session record; `frame` is the id of the frame it was read from.

    `payload` is one JSON object: `type`, then the event's own fields.
    """

    seq: int
    recv: int
    cause: int
    type: str
    venue: str
    symbol: str
    client_id: str | None
    order_id: str | None
    strategy: str | None
    frame: int | None
    payload: str


@dataclass(frozen=True, slots=True)
class Span:
    """The records `first_seq` to `last_seq` were all read from the frame `id`."""

    id: int
    first_seq: int
    last_seq: int


@dataclass(frozen=True, slots=True)
class StoredFrame:
    """One frame; the records `first_seq` to `last_seq` were read from it, both 0 where it yielded none.

    `mark` is a CRC of what does not change about it.
    """

    id: int
    first_seq: int
    last_seq: int
    recv: int
    venue: str
    channel: str
    direction: Literal["in", "out"]
    url: str
    private: bool
    body: bytes
    mark: int

    @property
    def frame(self) -> Frame:
        """The frame as it was given to the writer."""
        return Frame(self.recv, self.venue, self.channel, self.direction, self.body, self.url, self.private)


def journaled(records: Iterable[Record]) -> list[Record]:
    """Those that have a row in the journal; an old shape goes by its name."""
    found = [record for record in records if type(record.event) not in UNJOURNALED]  # most are not: one pass in C
    return [record for record in found if type(record.event).__name__ not in _UNJOURNALED_NAMES]


def journal_values(record: Record, frame: int | None) -> JournalValues:
    """What the journal says of a record that was read from `frame`: the fields of its `JournalRow`, in their order."""
    event = record.event
    payload = event_to_json(event).decode()
    venue, symbol = event.venue, event.symbol
    # An empty word is stored as NULL, like one that was not said.
    client_id, order_id = getattr(event, "client_id", None) or None, getattr(event, "order_id", None) or None
    strategy = getattr(event, "strategy", None) or None
    if _NUL in payload:
        venue, symbol = venue.replace("\x00", "\ufffd"), symbol.replace("\x00", "\ufffd")
        client_id, order_id, strategy = _word(client_id), _word(order_id), _word(strategy)
    name = type(event).__name__
    return record.seq, record.recv, record.cause, name, venue, symbol, client_id, order_id, strategy, frame, payload


def _word(text: str | None) -> str | None:
    return None if text is None else text.replace("\x00", "\ufffd")
