"""`tapeline stop` and `tell`: a word to a session that runs on this machine, for the same user."""

from typing import Annotated, get_args

import msgspec
import typer

from adapters.base.settings import ShutdownReport
from app.config import StopPolicy
from app.control import Ended, Heard, Stop, Tell, say
from app.logs import opened_log
from app.options import JsonOption, LogOption, SessionArgument
from app.output import print_json, print_lines
from state.errors import WrongUse

CLEAN, FINDINGS = 0, 1
_POLICIES: tuple[StopPolicy, ...] = get_args(StopPolicy)


class ToldFact(msgspec.Struct, frozen=True):
    """What `tapeline tell --json` prints: where the command stands in the log."""

    session: str
    seq: int


def stop(
    context: typer.Context,
    session: SessionArgument,
    policy: Annotated[
        str | None,
        typer.Option(
            "--policy", metavar="P", help="cancel, flatten or leave; else as the session's configuration says."
        ),
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="For the log.")] = "at a person's word",
    timeout_s: Annotated[float, typer.Option("--timeout", metavar="S", help="How long to wait for its end.")] = 120.0,
    log: LogOption = None,
    as_json: JsonOption = False,
) -> int:
    """Stop a running session in order, and wait until it has ended: exit 0 only if it says that nothing is left."""
    known = next((word for word in _POLICIES if word == policy), None)
    if policy is not None and known is None:
        raise WrongUse(f"--policy is one of {', '.join(_POLICIES)}, not {policy!r}")
    name = _running(context, session, log)
    heard, ended = say(name, Stop(known, reason), timeout_s)
    if heard.refused is not None:
        raise WrongUse(heard.refused)
    if ended is None:
        raise WrongUse(f"session {name} went away before it said how it ended: see tapeline audit {name}")
    if as_json:
        print_json(ended)
    else:
        print_lines(_lines(ended))
    return CLEAN if ended.failure is None and all(report.clean for report in ended.reports) else FINDINGS


def tell(
    context: typer.Context,
    session: SessionArgument,
    name: Annotated[
        str, typer.Argument(metavar="COMMAND", help="risk, limits, set, halt, place, cancel, …", show_default=False)
    ],
    payload: Annotated[str, typer.Argument(metavar="[JSON]", help="What it says.", show_default=False)] = "",
    venue: Annotated[str, typer.Option("--venue", metavar="V", help="Whom it is about.")] = "",
    symbol: Annotated[str, typer.Option("--symbol", metavar="S", help="Which market it is about.")] = "",
    log: LogOption = None,
    as_json: JsonOption = False,
) -> int:
    """Put a command into a running session: recorded as an event, heard by its strategies, and heard again by a replay."""
    for said in (name, payload, venue, symbol):
        if not said.isascii() and any("\ud800" <= letter <= "\udfff" for letter in said):
            raise WrongUse("a word of it is no text")
    found = _running(context, session, log)
    heard: Heard
    heard, _ = say(found, Tell(name, payload, venue, symbol), 10.0)
    if heard.seq is None:
        raise WrongUse(heard.refused or f"session {found} did not say where it stands")
    if as_json:
        print_json(ToldFact(found, heard.seq))
    else:
        print_lines([f"record {heard.seq} of session {found}".encode()])
    return CLEAN


def _running(context: typer.Context, session: str, log: str | None) -> str:
    with opened_log(context, log) as opened:
        row = opened.find(session)
    if row.status != "running":
        raise WrongUse(f"session {row.id} does not run: it is {row.status}")
    return row.id


def _lines(ended: Ended) -> list[bytes]:
    lines = [f"session {ended.session} has ended{'' if ended.failure is None else ': ' + ended.failure}"]
    return [line.encode() for line in (*lines, *map(_line, ended.reports))]


def _line(report: ShutdownReport) -> str:
    left = [f"order {name}" for name in report.open_orders]
    left += [f"{size} {symbol}" for symbol, size in report.positions]
    what = f"left: {', '.join(left)}" if left else "nothing left"
    what += f"; {report.foreign} orders that are not ours rest on" if report.foreign else ""
    errors = f"; {'; '.join(report.errors)}" if report.errors else ""
    return f"{report.policy}: {report.cancelled} orders cancelled at the end, {what}{errors}"
