"""The command line: which commands there are, and the one place where an error becomes one line and an exit code.

Exit codes: 0 clean, 1 findings, 2 could not run. Only the module of the command that is asked for is loaded, so that
`tapeline --help` answers at once.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Final

import typer
from typer.main import get_command

from app.options import LOG_KEY_VARIABLE, LogKeyOption, LogOption
from app.output import printable
from state.errors import TapelineError, WrongUse

CLEAN: Final = 0
FINDINGS: Final = 1
COULD_NOT_RUN: Final = 2
INTERRUPTED: Final = 130  # as shells know it


@dataclass(frozen=True, slots=True)
class Entry:
    """A command: the module and function behind it, and its line in the list of commands."""

    module: str
    function: str
    summary: str


COMMANDS: Final[Mapping[str, Entry]] = {
    "demo": Entry("app.commands.live", "demo", "Trade on a local Bybit, then verify and audit that."),
    "run": Entry("app.commands.live", "run", "Run a live session from a configuration file."),
    "record": Entry("app.commands.live", "record", "Record public streams without trading."),
    "stop": Entry("app.commands.control", "stop", "Stop a running session: cancel, flatten or leave."),
    "tell": Entry("app.commands.control", "tell", "Put a person's command into a running session."),
    "import": Entry("app.commands.imports", "import_frames", "Turn recorded raw frames into a session."),
    "replay": Entry("app.commands.replay", "replay", "Verify a session, simulate on it, or play it back."),
    "calibrate": Entry(
        "app.commands.calibrate",
        "calibrate_session",
        "Hold the simulator to a live session, and fit it.",
    ),
    "fork": Entry("app.commands.fork", "fork", "Run history up to a record, something else after it."),
    "lookahead": Entry("app.commands.lookahead", "lookahead", "Find out whether a strategy sees the future."),
    "sweep": Entry("app.commands.sweep", "sweep", "Run sets of parameters over sessions, on all cores."),
    "incident": Entry("app.commands.incident", "incident", "Write a stretch of a session as a test that stands alone."),
    "debug": Entry("app.commands.debug", "debug", "Show a session at one of its records, and move from there."),
    "report": Entry("app.commands.report", "report", "Write a session as one page of HTML."),
    "compare": Entry("app.commands.compare", "compare", "Show strategies side by side: live, shadow, simulated."),
    "picture": Entry("app.commands.picture", "picture", "Draw one market of a session as an SVG."),
    "audit": Entry("app.commands.audit", "audit", "Check digest, gaps, journal and outcomes of a session."),
    "checkpoint": Entry("app.commands.proof", "checkpoint", "Put checkpoints over a session; sign and anchor them."),
    "prove": Entry("app.commands.proof", "prove", "Prove that a record is in a session."),
    "check-proof": Entry("app.commands.proof", "check_proof", "Check such a proof; needs the head and nothing else."),
    "seal": Entry("app.commands.proof", "seal", "Write a session into one file that stands alone."),
    "unseal": Entry("app.commands.proof", "unseal", "Bring a sealed session back into a log."),
    "archive": Entry("app.commands.archive", "archive", "Move sessions to Parquet; delete what is proven there."),
    "forget": Entry("app.commands.archive", "forget", "Erase an encrypted session by destroying its key."),
    "why": Entry("app.commands.why", "why", "Show the causes of a fill, an order or a record."),
    "why-not": Entry("app.commands.why", "why_not", "Show what kept a strategy from quoting at a moment."),
    "books": Entry("app.commands.books", "books", "Close the books against what venues report."),
    "trades": Entry("app.commands.books", "trades", "Write executions as CSV for other programs."),
    "quality": Entry("app.commands.quality", "quality", "Measure latency, refusals, markouts and slippage."),
    "sessions": Entry("app.commands.sessions", "sessions", "List the sessions of a log."),
    "events": Entry("app.commands.events", "events", "Print the records of a session."),
    "orders": Entry("app.commands.orders", "orders", "List the orders of a session as they stand at its end."),
    "state": Entry("app.commands.state", "state", "Show what was known after a record."),
    "export": Entry("app.commands.export", "export", "Write a session as Parquet, CSV or JSON lines."),
    "decode": Entry("app.commands.decode", "decode", "Turn recorded raw frames into normalized events."),
    "request": Entry("app.commands.request", "request", "Show a signed request without sending it."),
    "venues": Entry("app.commands.venues", "venues", "Show what each adapter can do."),
    "new-strategy": Entry(
        "app.commands.new_strategy", "new_strategy", "Write a strategy, its test and its configuration."
    ),
    "lint": Entry("app.commands.lint", "lint", "Find what a strategy would decide otherwise in a replay."),
    "conformance": Entry("app.commands.conformance", "conformance", "Hold an adapter to the contract of a venue."),
    "new-venue": Entry("app.commands.new_venue", "new_venue", "Write the folder of a new adapter."),
    "chaos": Entry("app.commands.chaos", "chaos", "Trade on a wire that fails by plan, or search for a plan."),
    "loopback": Entry("app.commands.loopback", "loopback", "Run a venue on localhost for anybody's client."),
}


def main() -> None:
    """The entry point of `tapeline`."""
    _open_closed_streams()
    sys.exit(run(sys.argv[1:]))


def _open_closed_streams() -> None:
    """Who starts us with a stream closed (`>&-`) wants nothing of it; a log that took its number would be printed into."""
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            setattr(sys, name, os.fdopen(number, mode))


def run(words: Sequence[str]) -> int:
    """Runs one command line and returns its exit code; only our own bugs raise."""
    try:
        code = get_command(application(asked_for(words)))(args=list(words), prog_name="tapeline", standalone_mode=False)
    except TapelineError as error:
        return _fail(str(error))
    except typer.TyperException as error:
        format_message: Callable[[], str] = getattr(error, "format_message", error.__str__)
        return _fail(f"{format_message()} (see tapeline {asked_for(words) or ''} --help)".replace("  ", " "))
    except OSError as error:
        return _fail(f"{error.filename or 'cannot go on'}: {error.strerror or error}")
    except KeyboardInterrupt:
        return INTERRUPTED
    return code if isinstance(code, int) else CLEAN


def application(loaded: str | None = None, *, everything: bool = False) -> typer.Typer:
    """The commands, of which only `loaded` can be run; the others are there to be listed."""
    app = typer.Typer(
        name="tapeline",
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None if not sys.stdout.isatty() else "rich",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(_tapeline)
    for name, entry in COMMANDS.items():
        function = _load(entry) if everything or name == loaded else _listed
        app.command(name, help=entry.summary if function is _listed else None)(function)
    return app


def asked_for(words: Sequence[str]) -> str | None:
    """The command that a command line names, if it does."""
    rest = iter(words)
    for word in rest:
        if word in _VALUED:
            next(rest, None)
        elif not word.startswith("-"):
            return word if word in COMMANDS else None
    return None


_VALUED: Final = ("--log", "--log-key")  # options before the command that take the next word


def _tapeline(
    context: typer.Context,
    log: LogOption = None,
    log_key: LogKeyOption = None,
    show_version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    """An event-sourced reactive trading system: one log with everything in it, and a replay that proves it."""
    context.obj = log
    if log_key is not None:
        # Whatever the command starts in other processes (a demo's proofs, a sweep's workers) reads the same log.
        os.environ[LOG_KEY_VARIABLE] = str(log_key)
    if show_version:
        typer.echo(f"tapeline {_version()}")
        raise typer.Exit(CLEAN)
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(COULD_NOT_RUN)


def _version() -> str:
    try:
        return version("tapeline")
    except PackageNotFoundError:
        return "from source, not installed"


def _load(entry: Entry) -> Callable[..., int | None]:
    try:
        function: Callable[..., int | None] = getattr(import_module(entry.module), entry.function)
    except ModuleNotFoundError as error:
        raise WrongUse(f"this command needs {error.name}, which is not installed") from error
    return function


def _listed() -> None:
    raise AssertionError("a command that is only listed was run")


def _fail(text: str) -> int:
    """One line, whatever the text."""
    print(f"tapeline: {printable(' '.join(text.split()))}", file=sys.stderr)  # noqa: T201 - the one place that prints errors
    return COULD_NOT_RUN
