"""Options that several commands share; nothing heavy is loaded here, as `tapeline --help` needs them too."""

import os
import re
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer

LOG_VARIABLE: Final = "TAPELINE_LOG"
LOG_KEY_VARIABLE: Final = "TAPELINE_LOG_KEY"
LOG_DEFAULT: Final = "sqlite:///tapeline.db"

LogOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--log", metavar="URL", help=f"The log; else ${LOG_VARIABLE}, else {LOG_DEFAULT}."),
]
UnreadLogOption: TypeAlias = Annotated[
    str | None, typer.Option("--log", metavar="URL", hidden=True, help="Taken by every command; this one reads no log.")
]
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SessionArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="SESSION", help="An id, a unique beginning of one, or `last`.", show_default=False)
]
LogKeyOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--log-key", metavar="FILE", help=f"The key that payloads are under; else ${LOG_KEY_VARIABLE}, else none."
    ),
]
VenueArgument: TypeAlias = Annotated[str, typer.Argument(metavar="VENUE", help="A venue of `tapeline venues`.")]


def log_url(context: typer.Context, log: str | None) -> str:
    """What was said after the command, else before it, else in the environment, else the default."""
    before = context.obj
    return log or (before if isinstance(before, str) else "") or os.environ.get(LOG_VARIABLE, "") or LOG_DEFAULT


def told(url: str) -> str:
    """The option as a person would type it next: nothing for the default, and never a password."""
    if url == LOG_DEFAULT:
        return ""
    hidden = _PASSWORD.sub(r"\1***@", url)
    return f" --log {hidden}"


_PASSWORD: Final = re.compile(r"(://[^:@/]*:)[^@/]*@")
