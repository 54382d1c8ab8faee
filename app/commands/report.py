"""`tapeline report`: a session as one page of HTML."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from app.collector import Collector
from app.files import whole_file
from app.logs import opened_session
from app.options import JsonOption, LogOption, SessionArgument
from app.output import print_json, print_lines
from app.progress import progress
from app.session_page import page
from replay.pnl import account_for
from replay.quality.report import measure


class ReportFact(msgspec.Struct, frozen=True):
    """What `report --json` prints; PnL by market and part, money as text."""

    session: str
    file: str
    pnl: dict[str, dict[str, str]]


def report(
    context: typer.Context,
    session: SessionArgument,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="PATH", help="Where to; else SESSION.html.")
    ] = None,
    log: LogOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write one self-contained page: PnL by its sources, markouts, quotes and fills, inventory, latency, refusals."""
    with opened_session(context, session, log) as (opened, row):
        with progress("reporting", 2 * row.last_seq) as done, Collector():
            quality = measure(opened, row.id, lambda seq: done(seq))
            counted = row.last_seq

            def count(records: int) -> None:
                nonlocal counted
                counted += records
                done(counted)

            last = next(opened.records(row.id, row.last_seq, row.last_seq)).recv if row.last_seq else row.opened
            account = account_for(opened.records(row.id), row.opened, last, count)
        path = Path(f"{row.id}.html") if output is None else output
        with whole_file(path) as file:
            file.write(page(row, account, quality).encode())
    parts = ("spread", "inventory", "fees", "rebates", "funding", "total", "asset")
    pnl = {
        f"{venue} {symbol}": {name: str(getattr(it, name)) for name in parts}
        for (venue, symbol), it in sorted(account.profits.items())
    }
    if as_json:
        print_json(ReportFact(row.id, str(path), pnl))
    else:
        print_lines([f"session {row.id} is reported in {path}".encode()])
