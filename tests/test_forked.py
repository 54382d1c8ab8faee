"""A command that is forked ends, speaks and is signalled as one that an interpreter of its own runs."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.command import environment, program, started, tapeline
from tests.patience import PATIENCE_S


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("print('said')", id="to its end"),
        pytest.param("import sys; sys.exit(3)", id="a code"),
        pytest.param("import sys; sys.exit('said')", id="a word"),
        pytest.param("import sys; sys.exit()", id="an exit without a code"),
        pytest.param("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", id="a signal"),
        pytest.param("import atexit; atexit.register(print, 'bye')", id="what is left for the end"),
        pytest.param("from threading import Timer; Timer(0.05, print, ('late',)).start()", id="a thread that goes on"),
        pytest.param("import os, sys; print(os.getcwd(), sys.argv, sorted(os.environ), sys.stdin.read())", id="what it is given"),
    ],
)  # fmt: skip
def test_it_ends_as_a_process_of_its_own_does(tmp_path: Path, code: str) -> None:
    words = [sys.executable, "-c", code, "word"]
    alone = subprocess.run(
        words, cwd=tmp_path, env=environment(), text=True, capture_output=True, stdin=subprocess.DEVNULL
    )
    forked = program(code, "word", cwd=tmp_path)
    assert (forked.returncode, forked.stdout, forked.stderr) == (alone.returncode, alone.stdout, alone.stderr)


def test_what_is_raised_has_its_traceback(tmp_path: Path) -> None:
    ran = program("raise ValueError('midway')", cwd=tmp_path)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.splitlines()[-1] == "ValueError: midway"


def test_it_can_be_heard_signalled_and_waited_for(tmp_path: Path) -> None:
    child = started("-c", "print('here', flush=True)\nimport time; time.sleep(600)", cwd=tmp_path)
    assert child.stdout.readline() == "here\n"
    assert child.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        child.wait(0)
    assert tapeline("--version", cwd=tmp_path).returncode == 0, "others run beside it"
    child.kill()
    assert child.communicate(60) == ("", "")
    assert (child.poll(), child.returncode) == (-signal.SIGKILL, -signal.SIGKILL)
    child.kill()  # is nobody any more


def test_one_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    code = "import os, time; open('pid', 'w').write(str(os.getpid())); time.sleep(600)"
    with pytest.raises(subprocess.TimeoutExpired):
        program(code, cwd=tmp_path, timeout_s=3)
    pid = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + PATIENCE_S
    while is_there(pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
