"""A session that says it runs and that nobody writes has crashed: whoever writes to the log next says so."""

from contextlib import suppress

from state.errors import LogLocked
from state.log import Log, SessionRow


def call_crashed(log: Log, row: SessionRow) -> SessionRow:
    """The session as it stands now; raises `LogError` where the log cannot be written."""
    with suppress(LogLocked):  # its writer lives
        return log.recover(row.id)
    return row


def call_all_crashed(log: Log) -> None:
    """Before another session is written."""
    for row in log.sessions():
        call_crashed(log, row)
