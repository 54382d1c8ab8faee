"""`tapeline compare`: what strategies of several sessions did and earned, side by side."""

from typing import Annotated

import typer

from app.logs import opened_log
from app.options import JsonOption, LogOption
from app.output import print_json
from app.report import print_comparison
from replay.compare import compare as compare_session
from replay.compare import shadows_of


def compare(
    context: typer.Context,
    sessions: Annotated[
        list[str],
        typer.Argument(metavar="SESSION…", help="One, with its shadows, or several.", show_default=False),
    ],
    log: LogOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what each strategy did and earned: a session beside those in its shadow, or several sessions side by side."""
    with opened_log(context, log) as opened:
        chosen = [opened.find(session).id for session in sessions]
        if len(chosen) == 1:
            chosen += shadows_of(opened, chosen[0])
        lines = [line for session in chosen for line in compare_session(opened, session)]
    if as_json:
        print_json(lines)
    else:
        print_comparison(lines)
