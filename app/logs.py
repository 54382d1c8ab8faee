"""Opening the log that a command reads."""

import typer

from app.options import log_url
from state.log import Log


def opened_log(context: typer.Context, log: str | None) -> Log:
    """The log to read from: one that is not there is an error, never made."""
    return Log.open(log_url(context, log), create=False)
