"""`tapeline export`: a session for other programs."""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from app.commands.events import FromOption, SymbolOption, ToOption, TypeOption
from app.export import Write, columns_of, write_csv, write_jsonl
from app.files import whole_file
from app.logs import opened_log
from app.options import LogOption, SessionArgument
from app.output import leave_pipe, remark
from app.progress import progress
from app.selection import Selection
from state.errors import WrongUse
from state.events import AnyEvent
from state.log import Log, SessionRow


class Format(StrEnum):
    """What a session can be written as."""

    PARQUET = "parquet"
    CSV = "csv"
    JSONL = "jsonl"


def export(
    context: typer.Context,
    session: SessionArgument,
    form: Annotated[Format, typer.Option("--format", help="What to write.", show_default=False)],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="PATH", help="Where to; else standard output."),
    ] = None,
    types: TypeOption = None,
    first: FromOption = 1,
    last: ToOption = None,
    symbol: SymbolOption = None,
    log: LogOption = None,
) -> None:
    """Write the records of a session; Parquet goes to SESSION.parquet where standard output is a terminal."""
    with opened_log(context, log) as opened:
        found = opened.find(session)
        selection = Selection.of(types or [], first, found.last_seq if last is None else last, symbol)
        if output is None and form is Format.PARQUET and sys.stdout.isatty():
            output = Path(f"{found.id}.parquet")
        try:
            with _destination(output) as out, _writer(form, out, opened, found, selection) as write:
                written = _copy(opened, found, selection, write)
        except BrokenPipeError:
            leave_pipe()
    if output is not None:
        remark(f"{written} records of session {found.id} are in {output}")


def _copy(log: Log, session: SessionRow, selection: Selection, write: Write) -> int:
    written = 0
    with progress("exporting", session.last_seq) as done:
        for block in log.blocks(session.id, selection.first, selection.last):
            records = list(filter(selection.takes, block))
            write(records)
            written += len(records)
            done(block[-1].seq)
    return written


def _writer(
    form: Format, out: BinaryIO, log: Log, session: SessionRow, selection: Selection
) -> AbstractContextManager[Write]:
    if form is Format.JSONL:
        return write_jsonl(out)
    if form is Format.PARQUET:
        try:
            from app.parquet import write_parquet
        except ModuleNotFoundError as error:
            raise WrongUse("Parquet needs pyarrow, which is not installed: pip install 'tapeline[parquet]'") from error
    columns = columns_of(selection.types or _types(log, session, selection))
    if form is Format.CSV:
        return write_csv(out, columns)
    return write_parquet(out, columns, {"tapeline.session": session.id, "tapeline.digest": session.head})


def _types(log: Log, session: SessionRow, selection: Selection) -> frozenset[type[AnyEvent]]:
    """Which types there are, so that a table has the columns of what is in it and no others."""
    found: set[type[AnyEvent]] = set()
    with progress("looking through", session.last_seq) as done:
        for block in log.blocks(session.id, selection.first, selection.last):
            found.update(type(record.event) for record in block if selection.takes(record))
            done(block[-1].seq)
    return frozenset(found)


@contextmanager
def _destination(path: Path | None) -> Iterator[BinaryIO]:
    """Standard output, or a file that is there whole or not at all."""
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with whole_file(path) as file:
        yield file
