"""A record: one event with its place in the session, and its canonical bytes.

The canonical bytes of a sequence of records are the concatenated MessagePack arrays of each, so they do not depend on how
records are grouped; the running digest goes over them.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Literal, Protocol

import msgspec

from state.events import AnyEvent


class Record(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """`seq` counts from 1 without gaps; `recv` ns UTC; `cause` is the seq it follows from, or 0."""

    seq: int
    recv: int
    cause: int
    event: AnyEvent


class Frame(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What a venue said or was told, verbatim, secrets struck out before it is made.

    `channel` names the connection ("public.0", "private", "trade", "rest"); `recv` is when it came in or went out, ns;
    `url` is empty for a WebSocket frame after its connection's first.
    """

    recv: int
    venue: str
    channel: str
    direction: Literal["in", "out"]
    body: bytes
    url: str = ""
    private: bool = False


class RecordSink(Protocol):
    """Where the pipeline puts each record, in order, before it is folded; `frame` is what it was read from."""

    def append(self, record: Record, frame: Frame | None = None) -> None: ...


class Inbox(Protocol):
    """Where an adapter puts what it learnt, in the pipeline's thread.

    The events of one call are one burst: they are folded together before strategies see a settled state. `cause` is the
    seq of the intent that an outcome speaks of, else 0. A frame without events is kept too, if it is private.
    """

    def feed(self, recv: int, events: Sequence[AnyEvent], cause: int = 0, frame: Frame | None = None) -> None: ...


_encode = msgspec.msgpack.Encoder().encode
_decode_one = msgspec.msgpack.Decoder(Record).decode
_json = msgspec.json.Encoder()


# One record → the bytes that the running digest goes over.
canonical: Callable[[Record], bytes] = _encode


def canonical_all(records: Sequence[Record]) -> bytes:
    """The canonical bytes of all of them, one after the other, encoded in one call."""
    body = _encode(records)
    return body[_header_bytes(len(records)) :]


def _header_bytes(count: int) -> int:
    """Length of a MessagePack array's header."""
    return 1 if count < 16 else 3 if count < 65_536 else 5


def parse(body: bytes) -> Record:
    """Reads back what `canonical` wrote; raises `msgspec.DecodeError` on anything else."""
    return _decode_one(body)


def to_json(record: Record) -> bytes:
    """One JSON object: seq, recv, cause, type, then the event's own fields; market numbers as numbers, money as strings."""
    event = record.event
    fields: dict[str, object] = {
        "seq": record.seq,
        "recv": record.recv,
        "cause": record.cause,
        "type": type(event).__name__,
    }
    fields.update(msgspec.structs.asdict(event))
    return _json.encode(fields)


def event_to_json(event: AnyEvent) -> bytes:
    """One JSON object of the event alone, `type` first."""
    return _json.encode(_spoken(type(event))(*msgspec.structs.astuple(event)))


@cache
def _spoken(event: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """The same fields by name behind the event's name, where the event itself is an array behind a number.

    Making one and encoding it takes a third of the time of a dict of its fields.
    """
    name = event.__name__
    return msgspec.defstruct(name, event.__struct_fields__, tag=name, tag_field="type", gc=False)


class Collected:
    """A sink that keeps every record in memory, for tests and short replays."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def append(self, record: Record, frame: Frame | None = None) -> None:
        self.records.append(record)

    def events(self) -> Sequence[AnyEvent]:
        return [record.event for record in self.records]
