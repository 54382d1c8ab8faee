"""`tapeline` in a process of its own, as a user who has set nothing of ours would run it."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.forked import ROOT, Forking, Started

FORKING = Forking()
TAPELINE = (sys.executable, "-c", "from app.cli import main; main()")


def environment(**more: str) -> dict[str, str]:
    """Without any variable of ours but those given, and with this repository to import from."""
    kept = {name: word for name, word in os.environ.items() if not name.startswith("TAPELINE_")}
    return kept | {"PYTHONPATH": str(ROOT)} | more


def tapeline(*words: str, cwd: Path, timeout_s: float = 240, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs it to its end; forked, unless it is to have a hash seed of its own."""
    env = environment(**variables)
    if "PYTHONHASHSEED" not in variables:
        return FORKING.run(words, cwd=cwd, env=env, timeout_s=timeout_s)
    return subprocess.run([*TAPELINE, *words], cwd=cwd, env=env, text=True, capture_output=True, timeout=timeout_s)


def module(*words: str, cwd: Path, timeout_s: float = 240, **variables: str) -> subprocess.CompletedProcess[str]:
    """As `python -m` would run these words, forked."""
    return FORKING.run(("-m", *words), cwd=cwd, env=environment(**variables), timeout_s=timeout_s)


def program(
    code: str, *words: str, cwd: Path, timeout_s: float = 240, **variables: str
) -> subprocess.CompletedProcess[str]:
    """As `python -c` would run that code with these words, forked."""
    return FORKING.run(("-c", code, *words), cwd=cwd, env=environment(**variables), timeout_s=timeout_s)


def started(*words: str, cwd: Path, **variables: str) -> Started:
    """Runs it beside the test, forked; signals can be sent to its group, which are it and all that it starts."""
    return FORKING.start(words, cwd=cwd, env=environment(**variables))


def all_clean(commands: Sequence[str], *, cwd: Path, timeout_s: float = 240) -> str:
    """Runs one after the other; each must exit with 0. What they printed."""
    told = ""
    for words in commands:
        done = tapeline(*words.split(), cwd=cwd, timeout_s=timeout_s)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        told += done.stdout + done.stderr
    return told
