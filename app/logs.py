"""Opening what a command reads: a log, or a session in a log, on a tape or in an archive."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import typer

from app.options import log_url
from replay.archive import is_archive, open_archive
from replay.tape import SealedSession, Tape, is_tape, log_of
from state.log import Log, SessionRow
from state.log.data_keys import LogKey


def opened_log(context: typer.Context, log: str | None, log_key: Path | None = None) -> Log:
    """The log to read from, by the log key that is said or that the environment names: one that is not there is an error."""
    return Log.open(log_url(context, log), create=False, key=LogKey.said(log_key))


def is_sealed(word: str) -> bool:
    """True for a word that names a tape or an archive rather than a session."""
    return is_tape(word) or is_archive(word)


def sealed_session(path: Path, log_key: Path | None) -> SealedSession:
    """The session in an archive's folder or on a tape, with the log key that is said or that the environment names."""
    key = LogKey.said(log_key)
    return open_archive(path, key) if is_archive(str(path)) else Tape(path, key)


@contextmanager
def opened_session(
    context: typer.Context, session: str, log: str | None, log_key: Path | None = None
) -> Iterator[tuple[Log, SessionRow]]:
    """A session and the log that it is in; where the word names a file `*.tape` or an archive's folder, a temporary one."""
    if is_sealed(session):
        with log_of(sealed_session(Path(session), log_key)) as opened:
            yield opened, opened.sessions()[0]
        return
    with opened_log(context, log, log_key) as opened:
        row = opened.find(session)
        yield opened, replace(row, status=opened.status(row))
