"""Old shapes of events, and the one small step from each to the next; an old tag is read for ever and never given away.

To change an event: copy its Struct here with its old tag under the same class name (inside a class named for the version),
give the one in `state/events.py` a new tag, and register the step:

    class v1:
        class Signal(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=5_05_01): ...

    register(v1.Signal, lambda old: Signal(name=old.name, value=old.value, unit=""))

The class name stays because the journal of an old session was written under it.
"""

from collections.abc import Callable
from typing import TypeAlias, TypeVar, cast

import msgspec

from state.errors import LogCorrupt, SchemaUnknown
from state.events import EVENTS, AnyEvent
from state.record import Record

Old = TypeVar("Old", bound=msgspec.Struct)
Step: TypeAlias = Callable[[msgspec.Struct], msgspec.Struct]

KNOWN: frozenset[type[msgspec.Struct]] = frozenset(EVENTS)
_KINDS: dict[int, str] = {int(str(event.__struct_config__.tag)) // 100: event.__name__ for event in EVENTS}
_TAGS: frozenset[int] = frozenset(int(str(event.__struct_config__.tag)) for event in EVENTS)
_shapes: dict[int, type[msgspec.Struct]] = {}
_steps: dict[type[msgspec.Struct], Step] = {}

_parts = msgspec.msgpack.Decoder(tuple[int, int, int, msgspec.Raw]).decode
_fields = msgspec.msgpack.Decoder(list[msgspec.Raw]).decode
_tag = msgspec.msgpack.Decoder(int).decode
_current = msgspec.msgpack.Decoder(AnyEvent).decode


def register(old: type[Old], step: Callable[[Old], msgspec.Struct]) -> None:
    """Teaches one old shape; `step` leads to the next one, which may be old too."""
    tag = int(str(old.__struct_config__.tag))
    if tag in _TAGS:
        raise ValueError(f"tag {tag} belongs to the {_KINDS[tag // 100]} of today")
    if _KINDS.get(tag // 100) != old.__name__:
        raise ValueError(f"an old shape of tag {tag} must be named {_KINDS.get(tag // 100)}, not {old.__name__}")
    _shapes[tag] = old
    _steps[old] = step  # type: ignore[assignment]


def unregister(old: type[msgspec.Struct]) -> None:
    """Forgets one old shape; for tests."""
    del _shapes[int(str(old.__struct_config__.tag))], _steps[old]


def upcast(record: Record) -> Record:
    """The same record with its event in today's shape."""
    event: msgspec.Struct = record.event
    if type(event) in KNOWN:
        return record
    while type(event) not in KNOWN:
        event = _steps[type(event)](event)
    return Record(record.seq, record.recv, record.cause, cast(AnyEvent, event))


def as_written(raw: bytes | msgspec.Raw) -> Record:
    """One record with its event in the shape it was written in, old or not.

    Raises `SchemaUnknown` naming a tag that nobody here knows, `LogCorrupt` on what is no record.
    """
    try:
        seq, recv, cause, body = _parts(raw)
        tag = _tag(_fields(body)[0])
        if tag in _shapes:
            return Record(seq, recv, cause, cast(AnyEvent, msgspec.msgpack.decode(body, type=_shapes[tag])))
        if tag in _TAGS:
            return Record(seq, recv, cause, _current(body))
    except (msgspec.DecodeError, IndexError, RecursionError) as error:
        raise LogCorrupt(f"a record does not fit its shape: {error}") from error
    raise SchemaUnknown(f"record {seq} is an event of tag {tag}, which this version does not know")
