"""Records read back from the journal: account, intents, outcomes and session events without a look at the market's blocks."""

from collections.abc import Iterator, Sequence

import msgspec

from state.errors import LogCorrupt, SchemaUnknown
from state.events import BY_NAME, AnyEvent
from state.log import JournalRow, Log
from state.record import Record

_Fields = dict[str, msgspec.Raw]
_decode = msgspec.json.Decoder(_Fields).decode


def record_of(row: JournalRow) -> Record:
    """The record that a row is of; raises `SchemaUnknown` for an event that is not of today's, `LogCorrupt` for no event."""
    return Record(row.seq, row.recv, row.cause, event_of(row))


def event_of(row: JournalRow) -> AnyEvent:
    """The event alone; raises as `record_of` does."""
    kind = BY_NAME.get(row.type)
    if kind is None:
        raise SchemaUnknown(f"record {row.seq} is a {row.type}, of a shape that the journal's reader does not know")
    try:
        said = _decode(row.payload)
        # Events are arrays behind a tag; the journal names their fields.
        values = b",".join(bytes(said[name]) for name in kind.__struct_fields__)
        tag = str(kind.__struct_config__.tag).encode()
        return _read(kind, b"[%s%s%s]" % (tag, b"," if values else b"", values))
    except (msgspec.DecodeError, KeyError) as error:
        raise LogCorrupt(f"the journal's row of record {row.seq} is no {row.type}: {error}", row.seq) from error


def journaled(
    log: Log, session: str, types: Sequence[type[AnyEvent]] = (), first: int = 1, last: int | None = None
) -> Iterator[Record]:
    """Records of these types in order of seq, streaming."""
    for row in log.journal(session, types=[kind.__name__ for kind in types], first=first, last=last):
        yield record_of(row)


_decoders: dict[type[AnyEvent], msgspec.json.Decoder[AnyEvent]] = {}


def _read(kind: type[AnyEvent], body: bytes) -> AnyEvent:
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.json.Decoder(kind)
    return decoder.decode(body)
