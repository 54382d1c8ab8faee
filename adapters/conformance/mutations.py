"""Frames of the venue's own, changed in one place: another type, a further field, a word that nobody knows."""

import copy
from collections.abc import Container, Iterator, Sequence
from typing import TypeAlias

import msgspec

from adapters.conformance.recording import Heard, Recording
from state.events import BookDelta, BookSnapshot

# JSON as it comes; nothing here knows what it means.
Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
Path: TypeAlias = tuple[str | int, ...]
NEW_FIELD = "zzNewField"
NEW_WORD = "ZzNewWord"
OTHER_TYPE: Json = {NEW_FIELD: [1]}


def parse(body: bytes) -> Json:
    """None for what is no JSON, such as a pong."""
    try:
        return msgspec.json.decode(body)  # type: ignore[no-any-return]
    except msgspec.DecodeError:
        return None


def encode(value: Json) -> bytes:
    return msgspec.json.encode(value)


def leaves(value: Json, at: Path = (), *, all_of_lists: bool = False) -> Iterator[tuple[Path, Json]]:
    """Every text, number, boolean and null with its place; of a list the first two members, which are like the others."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from leaves(part, (*at, name), all_of_lists=all_of_lists)
    elif isinstance(value, list):
        for n, part in enumerate(value if all_of_lists else value[:2]):
            yield from leaves(part, (*at, n), all_of_lists=all_of_lists)
    else:
        yield at, value


def replaced(value: Json, at: Path, by: Json) -> Json:
    """A copy with one place changed."""
    if not at:
        return by
    changed = copy.copy(value)
    assert isinstance(changed, dict | list)
    changed[at[0]] = replaced(changed[at[0]], at[1:], by)  # type: ignore[index]
    return changed


def widened(value: Json, maps: Container[str] = (), name: str = "") -> Json:
    """With a further field in every object but those of `maps`, whose fields are names of things."""
    if isinstance(value, dict):
        wide = {field: widened(part, maps, field) for field, part in value.items()}
        return wide if name in maps else wide | {NEW_FIELD: OTHER_TYPE}
    return [widened(part, maps) for part in value] if isinstance(value, list) else value


def shape(value: Json) -> object:
    """What frames of one kind have in common: names and types, whatever the values and however long the lists."""
    if isinstance(value, dict):
        return tuple((name, shape(part)) for name, part in value.items())
    if isinstance(value, list):
        return ("list", shape(value[0]) if value else None)
    return type(value).__name__


def book_frames(recording: Recording) -> Sequence[Heard]:
    """The frames that make a book, in order."""
    return recording.of(BookSnapshot, BookDelta)


def crossed(body: bytes, sides: Sequence[tuple[str, str]]) -> bytes:
    """With bids and asks in each other's place."""
    return encode(_crossed(parse(body), sides))


def _crossed(value: Json, sides: Sequence[tuple[str, str]]) -> Json:
    if isinstance(value, list):
        return [_crossed(part, sides) for part in value]
    if not isinstance(value, dict):
        return value
    changed = {name: _crossed(part, sides) for name, part in value.items()}
    for bids, asks in sides:
        theirs = value.get(bids)
        if bids == asks and isinstance(theirs, list):
            changed[bids] = theirs[::-1]
        elif isinstance(theirs, list) and asks in value:
            changed[bids], changed[asks] = value[asks], theirs
    return changed


def altered_size(body: bytes, prices: Container[float], name: str = "checksum") -> bytes:
    """With another size at one of the prices in a frame that carries a checksum, which is not made to fit; else as it is."""
    said = parse(body)
    if not any(at[-1] == name and value not in (0, None, "") for at, value in leaves(said)):
        return body
    for at, value in leaves(said, all_of_lists=True):
        if at[-1] == 1 and isinstance(value, str) and value.strip("0.") and _number(said, (*at[:-1], 0)) in prices:
            return encode(replaced(said, at, value + "7"))
    return body


def _number(value: Json, at: Path) -> float:
    for step in at:
        value = value[step]  # type: ignore[index]
    return float(value) if isinstance(value, str) else float("nan")
