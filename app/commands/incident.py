"""`tapeline incident`: a stretch of a session as a test that stands alone."""

import os
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from app.collector import Collector
from app.logs import opened_session
from app.options import JsonOption, LogOption, SessionArgument
from app.output import print_json, print_lines
from app.progress import progress
from replay.incident import capture, write

_SECRET_ENDS: Final = ("_KEY", "_SECRET", "_PASSPHRASE")
_LEAST: Final = 6  # characters below which a word is no secret that could be found in a text


class IncidentFact(msgspec.Struct, frozen=True):
    """What `incident --json` prints; `before` is the record whose state the fixture begins with, 0 for none."""

    session: str
    first: int
    last: int
    before: int
    records: int
    files: list[str]


def incident(
    context: typer.Context,
    session: SessionArgument,
    first: Annotated[int, typer.Option("--from", metavar="SEQ", help="Its first record.", show_default=False)],
    last: Annotated[int, typer.Option("--to", metavar="SEQ", help="Its last record.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Where to.", show_default=False)],
    log: LogOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a stretch of a session as a fixture without secrets, with the pytest that replays it."""
    with opened_session(context, session, log) as (opened, row):
        done = 0
        with progress("running up to the stretch", first) as shown, Collector():

            def count(records: int) -> None:
                nonlocal done
                done += records
                shown(done)

            found = capture(opened, row.id, first, last, _secrets(), count)
        files = write(found, output)
    fact = IncidentFact(row.id, first, last, found.before, found.count, [str(path) for path in files])
    if as_json:
        print_json(fact)
        return
    begins = f"from the state after record {found.before}" if found.before else "from the session's beginning"
    lines = [
        f"{found.count} records, {begins}, the same to the bit when replayed",
        *fact.files,
        f"next: pytest {files[-1]}",
    ]
    print_lines(line.encode() for line in lines)


def _secrets() -> list[str]:
    """The keys of this environment, which a venue may have quoted."""
    return [
        word
        for name, word in os.environ.items()
        if name.startswith("TAPELINE_") and name.endswith(_SECRET_ENDS) and len(word) >= _LEAST
    ]
