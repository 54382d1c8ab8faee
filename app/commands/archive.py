"""`tapeline archive` and `forget`: what need not be in the database any more, and what nobody may read any more."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from app.crashed import call_crashed
from app.logs import opened_log
from app.options import JsonOption, LogKeyOption, LogOption
from app.output import print_json, print_lines, printable, remark
from app.progress import progress
from replay.archive import is_archive
from replay.archive.keys import forget_archive
from replay.archive.moving import Archived
from replay.archive.moving import archive as archive_session
from replay.proof.keys import Signer
from replay.proof.locked import forget_tape
from replay.tape import is_tape
from state.errors import LogError, WrongUse
from state.log.data_keys import LogKey

CLEAN = 0


class ForgottenFact(msgspec.Struct, frozen=True):
    """What `tapeline forget --json` prints."""

    forgotten: str


def archive(
    context: typer.Context,
    sessions: Annotated[
        list[str], typer.Argument(metavar="SESSION…", help="Sessions that have ended.", show_default=False)
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Where each gets a folder.", show_default=False)
    ],
    delete: Annotated[
        bool,
        typer.Option("--delete", help="Delete each from the log, once its archive has been read again and proven."),
    ] = False,
    key: Annotated[
        Path | None, typer.Option("--key", metavar="FILE", help="Sign the last checkpoint with this Ed25519 key (PEM).")
    ] = None,
    log_key: LogKeyOption = None,
    log: LogOption = None,
    as_json: JsonOption = False,
) -> int:
    """Move sessions that have ended to Parquet; deletes nothing that has not been proven there."""
    signer = None if key is None else Signer.load(key)
    locking = LogKey.said(log_key)
    moved: list[Archived] = []
    with opened_log(context, log, log_key) as opened:
        rows = [call_crashed(opened, opened.find(session)) for session in sessions]
        with progress("archiving", len(rows)) as done:
            for row in rows:
                moved.append(archive_session(opened, row.id, output, key=locking, signer=signer, delete=delete))
                done(len(moved))
                if not as_json:
                    _say(moved[-1])
    if as_json:
        print_json(moved)
    return CLEAN


def _say(it: Archived) -> None:
    how = ", encrypted" if it.encrypted else ""
    print_lines([f"session {it.session}: head {it.head}".encode()])
    remark(f"{it.records} records, {it.journal} journal rows and {it.frames} frames are in {it.folder}{how}, proven")
    if it.deleted:
        remark(f"session {it.session} is deleted from the log")


def _forget_in_log(context: typer.Context, session: str, log: str | None) -> None:
    """There is no way back, so neither `last` nor a beginning will do."""
    try:
        opened = opened_log(context, log)
    except LogError as error:
        raise WrongUse(f"{session} is neither an archive nor a tape, and as a session: {error}") from error
    with opened:
        found = [row for row in opened.sessions() if row.id == session]
        if not found:
            raise WrongUse(
                f"{session} is neither an archive, nor a tape, nor the whole id of a session in {opened.name}"
            )
        call_crashed(opened, found[0])
        opened.forget(session)


def forget(
    context: typer.Context,
    session: Annotated[
        str,
        typer.Argument(
            metavar="SESSION|ARCHIVE|TAPE",
            help="An encrypted session of the log, by its whole id; an archive's folder; a tape.",
            show_default=False,
        ),
    ],
    log: LogOption = None,
    as_json: JsonOption = False,
) -> int:
    """Erase an encrypted session by destroying its key: nobody can read it any more, and there is no way back."""
    if is_archive(session):
        forget_archive(Path(session))
    elif is_tape(session):
        forget_tape(Path(session))
    else:
        _forget_in_log(context, session, log)
    if as_json:
        print_json(ForgottenFact(session))
    else:
        print_lines([printable(f"{session}: its key is forgotten").encode()])
    return CLEAN
