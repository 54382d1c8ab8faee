"""Opening what a command reads: a log, or a session in a log or on a tape."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from app.options import log_url
from replay.tape import is_tape, log_of_tape
from state.log import Log, SessionRow


def opened_log(context: typer.Context, log: str | None) -> Log:
    """The log to read from: one that is not there is an error, never made."""
    return Log.open(log_url(context, log), create=False)


@contextmanager
def opened_session(context: typer.Context, session: str, log: str | None) -> Iterator[tuple[Log, SessionRow]]:
    """A session and the log that it is in; where the word names a file `*.tape`, a temporary one."""
    if is_tape(session):
        with log_of_tape(Path(session)) as opened:
            yield opened, opened.sessions()[0]
        return
    with opened_log(context, log) as opened:
        yield opened, opened.find(session)
