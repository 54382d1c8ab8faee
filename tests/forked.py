"""Commands in processes of their own that need not import everything again: each is forked from one that has."""

import atexit
import gc
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from runpy import run_module
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
THREADED = {"app.commands.archive"}  # what imports pyarrow has threads, which a fork would lose


class Forking:
    """Asks that process to run commands, one after the other; it ends with the one that asks."""

    def __init__(self) -> None:
        self._server: subprocess.Popen[str] | None = None

    def run(
        self, words: Sequence[str], *, cwd: Path, env: dict[str, str], timeout_s: float
    ) -> subprocess.CompletedProcess[str]:
        """As `subprocess.run` would run `tapeline` with these words, or `python` if they begin with -m; output captured."""
        server = self._started()
        assert server.stdin is not None
        assert server.stdout is not None
        with TemporaryDirectory() as folder:
            files = [os.devnull, f"{folder}/out", f"{folder}/err"]
            server.stdin.write(json.dumps([list(words), str(cwd), env, files]) + "\n")
            server.stdin.flush()
            if not select.select([server.stdout], [], [], timeout_s)[0]:
                self.end()
                raise subprocess.TimeoutExpired(list(words), timeout_s)
            code = int(server.stdout.readline())
            out, err = (Path(file).read_text() for file in files[1:])
        return subprocess.CompletedProcess(list(words), code, out, err)

    def _started(self) -> subprocess.Popen[str]:
        if self._server is None:
            self._server = subprocess.Popen(
                [sys.executable, "-c", "from tests.forked import serve; serve()"],
                cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, text=True, process_group=0,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )  # fmt: skip
            atexit.register(self.end)
        return self._server

    def end(self) -> None:
        """Kills it and what it runs."""
        server, self._server = self._server, None
        if server is not None:
            os.killpg(server.pid, signal.SIGKILL)
            server.communicate()


def serve() -> None:
    """Runs the command of each line that comes; in the command's own process it goes on as that command, to its end."""
    from app.cli import COMMANDS, main

    for module in (*sorted({entry.module for entry in COMMANDS.values()} - THREADED), "state.log.postgres"):
        import_module(module)
    gc.freeze()  # what is imported stays: no collection of a command need look at it
    for line in iter(sys.stdin.readline, ""):
        child = os.fork()
        if child == 0:
            words = _become(*json.loads(line))
            if words[:1] != ["-m"]:
                main()
            sys.argv = words[1:]
            run_module(words[1], run_name="__main__", alter_sys=True)
            return
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _become(words: list[str], cwd: str, env: dict[str, str], files: list[str]) -> list[str]:
    for stream, file in enumerate(files):
        opened = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        os.dup2(opened, stream)
        os.close(opened)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.path[1:1] = [path for path in env.get("PYTHONPATH", "").split(os.pathsep) if path not in sys.path]
    sys.argv[1:] = words
    return words
