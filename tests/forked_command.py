"""What a forked process runs, as the interpreter would have run it."""

import atexit
import gc
import os
import sys
import threading
from contextlib import redirect_stderr
from importlib import import_module
from io import StringIO
from runpy import run_module
from typing import Final, NoReturn

from _pytest.config import default_plugins

from adapters import VENUES
from app import cli

THREADED: Final = {"app.commands.archive"}  # what imports pyarrow has threads, which a fork would lose
LATE: Final = (
    "state.log.postgres", "state.log.writer", "app.running", "uvloop", *(f"_pytest.{name}" for name in default_plugins)
)  # fmt: skip


def prepare() -> None:
    """Imports what commands will, also what is imported only as one runs."""
    for module in (*sorted({entry.module for entry in cli.COMMANDS.values()} - THREADED), *LATE):
        import_module(module)
    for package, _ in VENUES.values():
        import_module(f"{package}.exchange")
    with redirect_stderr(StringIO()):
        cli.run(("sessions", "--log", "sqlite:////nowhere/log.db"))
    gc.collect()
    gc.freeze()  # what is imported stays: no collection of a command need look at it


def run(words: list[str], cwd: str, env: dict[str, str], out: int, err: int) -> NoReturn:
    """Runs one to its end and leaves without taking the interpreter to pieces, which takes as long as a short command."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, file in enumerate((nothing, out, err)):
        os.dup2(file, number)
        os.close(file)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.path[1:1] = [path for path in env.get("PYTHONPATH", "").split(os.pathsep) if path not in sys.path]
    code = _code_of(words)
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _code_of(words: list[str]) -> int:
    """Its exit code; what is raised otherwise goes on to the interpreter, which says it."""
    try:
        if words[:1] == ["-m"]:
            sys.argv = words[1:]
            run_module(words[1], run_name="__main__", alter_sys=True)
        elif words[:1] == ["-c"]:
            sys.argv = ["-c", *words[2:]]
            exec(words[1], {"__name__": "__main__"})
        else:
            sys.argv[1:] = words
            cli.main()
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    return 0
