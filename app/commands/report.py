"""`tapeline report`: a session as one page of HTML."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from adapters.paper import OrderLatency, PaperSettings, PaperVenue
from app.collector import Collector
from app.files import whole_file
from app.logs import opened_session
from app.options import JsonOption, LogOption, SessionArgument
from app.output import print_json, print_lines
from app.progress import progress
from app.session_page import page
from replay.assumed import assumed
from replay.latencies import recorded_latencies
from replay.others import Others
from replay.pnl import Account, account_for
from replay.quality.report import measure
from state.log import Log, SessionRow
from state.manifest import Manifest


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
            file.write(page(row, account, quality, _assumed(opened, row, account)).encode())
    parts = ("spread", "inventory", "fees", "rebates", "funding", "total", "asset", "unpriced")
    pnl = {
        f"{venue} {symbol}": {name: str(getattr(it, name)) for name in parts}
        | {"elsewhere": " ".join(f"{amount} {asset}" for asset, amount in sorted(it.elsewhere.items()))}
        for (venue, symbol), it in sorted(account.profits.items())
    }
    if as_json:
        print_json(ReportFact(row.id, str(path), pnl))
    else:
        print_lines([f"session {row.id} is reported in {path}".encode()])


def _assumed(log: Log, row: SessionRow, account: Account) -> list[str]:
    """What the fills of a paper venue rest on, by venue; nothing where a real one said them."""
    known = assumed(Manifest.parse(row.manifest))
    venues = dict.fromkeys(venue for (venue, _), course in account.courses.items() if course.is_ours)
    said: list[str] = []
    for venue in venues:
        settings = known.get(venue, known.get(""))
        said += [] if settings is None else _words(log, row, venue, settings)
    parent = next((it for it in log.sessions() if it.id == row.parent), None)
    return said if parent is None or "" not in known else said + Others(log, parent).words()


def _words(log: Log, row: SessionRow, venue: str, settings: PaperSettings) -> list[str]:
    recorded: Sequence[OrderLatency] = ()
    if settings.latency == "recorded":
        known = any(it.id == row.parent for it in log.sessions())
        recorded = recorded_latencies(log, row.parent).get(venue, ()) if known else ()
        if not recorded:
            _, *others = PaperVenue(venue, msgspec.structs.replace(settings, latency="constant")).assumptions()
            return [f"{venue}: latency as session {row.parent} recorded it, which is not in this log", *others]
    return PaperVenue(venue, settings, row.id, recorded).assumptions()
