"""`tapeline picture`: one market of a session as a small SVG."""

from pathlib import Path
from typing import Annotated

import typer

from app.collector import Collector
from app.files import whole_file
from app.logs import opened_session
from app.options import LogOption, SessionArgument
from app.output import print_lines
from app.picture import picture as drawn
from app.progress import counting
from replay.pnl import account_for
from state.errors import WrongUse


def picture(
    context: typer.Context,
    session: SessionArgument,
    venue: Annotated[str, typer.Option("--venue", metavar="V", help="Of which market, where there are several.")] = "",
    symbol: Annotated[
        str, typer.Option("--symbol", metavar="S", help="Of which market, where there are several.")
    ] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="PATH", help="Where to; else SESSION.svg.")
    ] = None,
    log: LogOption = None,
) -> None:
    """Draw the touch, our quotes, fills and position of one market over a session's time."""
    with opened_session(context, session, log) as (opened, row):
        last = next(opened.records(row.id, row.last_seq, row.last_seq)).recv if row.last_seq else row.opened
        with counting("drawing", row.last_seq) as count, Collector():
            courses = account_for(opened.records(row.id), row.opened, last, count).courses
    fitting = [key for key in sorted(courses) if venue in ("", key[0]) and symbol in ("", key[1])]
    if len(fitting) != 1:
        markets = ", ".join(f"{venue} {symbol}" for venue, symbol in sorted(courses)) or "none"
        raise WrongUse(f"say --venue and --symbol of one market of session {row.id}: it has {markets}")
    path = Path(f"{row.id}.svg") if output is None else output
    (key,) = fitting
    with whole_file(path) as file:
        file.write(drawn(courses[key], f"{key[0]} {key[1]}, session {row.id}").encode())
    print_lines([f"{key[0]} {key[1]} of session {row.id} is drawn in {path}".encode()])
