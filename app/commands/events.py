"""`tapeline events`: the records of a session, one a line."""

import sys
from collections.abc import Iterator
from itertools import islice
from typing import Annotated, TypeAlias

import typer

from app.logs import opened_log
from app.options import JsonOption, LogOption, SessionArgument
from app.output import moment, print_lines, printable
from app.selection import Selection, selected
from state.events import AnyEvent
from state.record import Record, to_json

TypeOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--type", metavar="TYPE", help="Only events of this type, such as Trade; may be given often."),
]
FromOption: TypeAlias = Annotated[int, typer.Option("--from", metavar="SEQ", min=1, help="The first record.")]
ToOption: TypeAlias = Annotated[int | None, typer.Option("--to", metavar="SEQ", min=1, help="The last record.")]
SymbolOption: TypeAlias = Annotated[str | None, typer.Option("--symbol", metavar="S", help="Only this symbol.")]


def events(
    context: typer.Context,
    session: SessionArgument,
    types: TypeOption = None,
    first: FromOption = 1,
    last: ToOption = None,
    symbol: SymbolOption = None,
    limit: Annotated[int | None, typer.Option("--limit", metavar="N", min=0, help="At most so many.")] = None,
    log: LogOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the records of a session in order of seq, with --json one object a line."""
    selection = Selection.of(types or [], first, last, symbol)
    with opened_log(context, log) as opened:
        found = opened.find(session)
        records = islice(selected(opened, found.id, selection), None if limit is None else min(limit, sys.maxsize))
        print_lines(map(to_json if as_json else _line, records))


def _line(record: Record) -> bytes:
    event = record.event
    market = printable(f"{event.venue} {event.symbol}".strip())
    said = " ".join(f"{name}={_word(getattr(event, name))}" for name in _fields(event))
    return f"{record.seq:>8}  {moment(record.recv)}  {type(event).__name__:<17} {market}  {said}".rstrip().encode()


def _fields(event: AnyEvent) -> Iterator[str]:
    return (name for name in event.__struct_fields__ if name not in ("venue", "symbol") and _is_said(event, name))


def _is_said(event: AnyEvent, name: str) -> bool:
    return getattr(event, name) not in (None, "")


def _word(value: object) -> str:
    if isinstance(value, list):
        return f"[{len(value)}]"
    text = str(value)
    return repr(text) if " " in text or not text.isprintable() else text
