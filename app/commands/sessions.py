"""`tapeline sessions`: what a log holds."""

from dataclasses import replace

import msgspec
import typer

from app.logs import opened_log
from app.options import JsonOption, LogOption
from app.output import moment, print_json, print_table
from state.log import SessionRow

_COLUMNS = ("id", "status", "opened", "closed", "events", "parent")


class SessionFact(msgspec.Struct):
    """One session as JSON: times in ns UTC, `digest` the running digest at its last record."""

    id: str
    status: str
    opened: int
    closed: int | None
    events: int
    parent: str
    digest: str
    schema_version: int
    manifest: msgspec.Raw


def sessions(context: typer.Context, log: LogOption = None, as_json: JsonOption = False) -> None:
    """List the sessions of a log, oldest first."""
    with opened_log(context, log) as opened:
        rows = [replace(row, status=opened.status(row)) for row in opened.sessions()]
    if as_json:
        print_json([_fact(row) for row in rows])
        return
    print_table(
        _COLUMNS,
        [(row.id, row.status, moment(row.opened), moment(row.closed), row.events, row.parent) for row in rows],
        right=("events",),
    )


def _fact(row: SessionRow) -> SessionFact:
    return SessionFact(
        row.id,
        row.status,
        row.opened,
        row.closed,
        row.events,
        row.parent,
        row.head,
        row.schema_version,
        _manifest(row.manifest),
    )


def _manifest(text: str) -> msgspec.Raw:
    """JSON as it stands; what is none (a damaged log) is still shown, as text."""
    try:
        return msgspec.json.decode(text, type=msgspec.Raw)
    except msgspec.DecodeError:
        return msgspec.Raw(msgspec.json.encode(text))
