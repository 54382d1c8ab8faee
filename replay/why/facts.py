"""The shapes of an answer, printed or as `--json`; and how events, values and frames are put into words."""

from decimal import Decimal

import msgspec

from state.events import AnyEvent, BookDelta, BookSnapshot
from state.log.rows import StoredFrame
from state.record import Record
from streams.trace import Heard, Held, Touch

TEXT_MOST = 400  # characters of one value
_UNSAID = (None, "")  # fields that say nothing are left out


class FrameFact(msgspec.Struct, frozen=True):
    """A frame as it was kept: what the venue sent or was sent, secrets struck out; `recv` ns."""

    id: int
    channel: str
    direction: str
    recv: int
    url: str
    body: str


class ValueFact(msgspec.Struct, frozen=True):
    """What one operator had said last: concluded from record `seq` at `at` (ns); `count` values so far."""

    operator: str
    where: str
    value: str | None
    count: int
    seq: int
    at: int


class VerdictFact(msgspec.Struct, frozen=True):
    """One limit at the moment of a decision; `held` is true where it let the intent pass, `note` says why it did not apply."""

    rule: str
    limit: str
    value: str
    held: bool
    set_by: str
    note: str = ""


class Node(msgspec.Struct):
    """One step; `children` are what it follows from. `after_ns` is the time since the first of them."""

    what: str
    seq: int
    at: int
    text: str
    after_ns: int | None = None
    frame: FrameFact | None = None
    sent: FrameFact | None = None
    values: list[ValueFact] = []
    verdicts: list[VerdictFact] = []
    children: list["Node"] = []


class RootFact(msgspec.Struct, frozen=True):
    """Where the causes end: a `market` event, a person's `command`, a `signal`, an `account` or `session` event, a `timer`."""

    kind: str
    seq: int
    text: str


class Configuration(msgspec.Struct, frozen=True):
    """What was in force: the strategy with its parameters, the session's limits, the code."""

    strategy: msgspec.Raw
    risk: msgspec.Raw
    seed: int
    source: str
    tapeline: str
    python: str
    packages: dict[str, str]


class Explanation(msgspec.Struct):
    """What `tapeline why` answers."""

    session: str
    asked: str
    root: RootFact
    tree: Node
    configuration: Configuration | None = None
    notes: list[str] = []


def told(event: AnyEvent) -> str:
    """One line: type, market, and the fields that were said, levels counted."""
    words = [type(event).__name__, *(word for word in (event.venue, event.symbol) if word)]
    if isinstance(event, BookSnapshot | BookDelta):
        best = [f"{side}={_levels(levels)}" for side, levels in (("bids", event.bids), ("asks", event.asks))]
        return " ".join([*words, *best, f"update_id={event.update_id}"])
    for name, value in msgspec.structs.asdict(event).items():
        if name not in ("venue", "symbol", "ts", "traceback") and value not in (None, ""):
            words.append(f"{name}={value}")
    return " ".join(words)[:TEXT_MOST]


def node(what: str, record: Record, children: list[Node] | None = None) -> Node:
    """A step that is a record."""
    return Node(what, record.seq, record.recv, told(record.event), children=children or [])


def value_fact(heard: Heard) -> ValueFact:
    """One operator's last word."""
    value = None if not heard.count else shown(heard.value)
    return ValueFact(heard.operator, heard.where, value, heard.count, heard.seq, heard.at)


def frame_fact(stored: StoredFrame) -> FrameFact:
    """A frame, its bytes as text."""
    body = stored.body.decode("utf-8", "backslashreplace")
    return FrameFact(stored.id, stored.channel, stored.direction, stored.recv, stored.url, body)


def shown(value: object) -> str:
    """A value in few words, with all digits of its numbers."""
    if isinstance(value, Touch):
        return f"{value.bid_size!r} @ {value.bid!r} | {value.ask!r} @ {value.ask_size!r} ({value.status})"
    if isinstance(value, Held):
        return value.size
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, msgspec.Struct):
        fields = msgspec.structs.asdict(value)
        inside = ", ".join(f"{name}={shown(said)}" for name, said in fields.items() if said not in _UNSAID)
        return f"{type(value).__name__}({inside})"[:TEXT_MOST]
    names = getattr(value, "_fields", None)
    if isinstance(value, tuple) and isinstance(names, tuple):
        said_of = [f"{name}={shown(said)}" for name, said in zip(names, value, strict=True) if said not in _UNSAID]
        return f"{type(value).__name__}({', '.join(said_of)})"[:TEXT_MOST]
    if isinstance(value, tuple | list):
        inside = "; ".join(shown(each) for each in value)
        return f"({inside})"[:TEXT_MOST]
    return value if isinstance(value, str) else repr(value)[:TEXT_MOST]


def _levels(levels: list[tuple[float, float]]) -> str:
    return f"[{len(levels)}]" if len(levels) > 3 else str([list(level) for level in levels])
