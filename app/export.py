"""A session as a table: which columns there are, and how records are written as CSV, JSON lines or Parquet.

Every writer takes a batch of records at a time, so that memory stays flat however long the session is.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from io import TextIOWrapper
from typing import BinaryIO, Final, Literal, TypeAlias

import msgspec

from state.events import EVENTS, AnyEvent
from state.record import Record, to_json

Kind: TypeAlias = Literal["int", "float", "bool", "text", "levels"]
Columns: TypeAlias = Mapping[str, Kind]
Write: TypeAlias = Callable[[Sequence[Record]], None]

PLACE: Final[Columns] = {"seq": "int", "recv": "int", "cause": "int", "type": "text", "venue": "text", "symbol": "text"}

_KINDS: Final[Mapping[type[msgspec.inspect.Type], Kind]] = {
    msgspec.inspect.IntType: "int",
    msgspec.inspect.FloatType: "float",
    msgspec.inspect.BoolType: "bool",
    msgspec.inspect.StrType: "text",
    msgspec.inspect.LiteralType: "text",
    msgspec.inspect.DecimalType: "text",  # money is written as it is owed, digit by digit
    msgspec.inspect.ListType: "levels",
}


def columns_of(types: frozenset[type[AnyEvent]]) -> Columns:
    """The columns that events of these types need, in the vocabulary's order.

    A name that is a number in one type and money in another is text, in which neither loses a digit.
    """
    columns: dict[str, Kind] = dict(PLACE)
    for event in EVENTS:
        if event not in types:
            continue
        for name, kind in _fields(event):
            columns[name] = kind if columns.get(name, kind) == kind else "text"
    return columns


def _fields(event: type[AnyEvent]) -> Iterable[tuple[str, Kind]]:
    shape = msgspec.inspect.type_info(event)
    assert isinstance(shape, msgspec.inspect.StructType)
    for field in shape.fields:
        said = field.type.types if isinstance(field.type, msgspec.inspect.UnionType) else (field.type,)
        yield field.name, next(_KINDS[type(each)] for each in said if not isinstance(each, msgspec.inspect.NoneType))


@contextmanager
def write_jsonl(out: BinaryIO) -> Iterator[Write]:
    """One record a line, as `tapeline events --json` prints it."""

    def write(records: Sequence[Record]) -> None:
        out.write(b"".join(to_json(record) + b"\n" for record in records))

    yield write


@contextmanager
def write_csv(out: BinaryIO, columns: Columns) -> Iterator[Write]:
    """A heading and a line a record; what was not said is empty, levels are JSON text."""
    text = TextIOWrapper(out, "utf-8", newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(columns)

    def write(records: Sequence[Record]) -> None:
        rows.writerows([word_of(value_of(record, name)) for name in columns] for record in records)

    try:
        yield write
        text.flush()
    finally:
        text.detach()


def value_of(record: Record, name: str) -> object:
    """What a record says in a column; None where it has no such field."""
    if name in _PLACED:
        return getattr(record, name)
    if name == "type":
        return type(record.event).__name__
    return getattr(record.event, name, None)


_PLACED: Final = frozenset({"seq", "recv", "cause"})


def word_of(value: object) -> str:
    """The text of a value in which nothing of it is lost."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return str(value)
    return msgspec.json.encode(value).decode()
