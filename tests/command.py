"""`tapeline` in a process of its own, as a user who has set nothing of ours would run it."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TAPELINE = (sys.executable, "-c", "from app.cli import main; main()")


def environment(**more: str) -> dict[str, str]:
    """Without any variable of ours but those given, and with this repository to import from."""
    kept = {name: word for name, word in os.environ.items() if not name.startswith("TAPELINE_")}
    return kept | {"PYTHONPATH": str(ROOT)} | more


def tapeline(*words: str, cwd: Path, timeout_s: float = 60, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs it to its end."""
    return subprocess.run(
        [*TAPELINE, *words], cwd=cwd, env=environment(**variables), text=True, capture_output=True, timeout=timeout_s
    )


def started(*words: str, cwd: Path, **variables: str) -> subprocess.Popen[str]:
    """Runs it beside the test."""
    return subprocess.Popen(
        [*TAPELINE, *words],
        cwd=cwd, env=environment(**variables), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def all_clean(commands: Sequence[str], *, cwd: Path, timeout_s: float = 60) -> str:
    """Runs one after the other in one process, which is quicker; each must exit with 0. What they printed."""
    code = f"from app.cli import run\nfor words in {list(commands)!r}:\n    assert run(words.split()) == 0, words"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=cwd, env=environment(), text=True, capture_output=True, timeout=timeout_s,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
