"""Commands in processes of their own that need not import everything again: each is forked from one that has."""

import atexit
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Final, Self, TextIO

ROOT = Path(__file__).resolve().parents[1]
_NUMBER: Final = struct.Struct("<i")
_MESSAGE_BYTES_MAX: Final = 1 << 20


class Started:
    """A command that runs, with what `subprocess.Popen` has of it; in a process group of its own."""

    def __init__(self, args: Sequence[str], stdout: int, stderr: int, told: int) -> None:
        self.args = list(args)
        self.stdout: TextIO = os.fdopen(stdout)
        self.stderr: TextIO = os.fdopen(stderr)
        self.returncode: int | None = None
        self._told = told
        self.pid = self._number()

    def poll(self) -> int | None:
        if self.returncode is None and select.select([self._told], [], [], 0)[0]:
            return self.wait()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            if not select.select([self._told], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            self.returncode = self._number()
            os.close(self._told)
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """All that it prints from here on, once it has ended."""
        said = ["", ""]

        def read(number: int, stream: TextIO) -> None:
            with stream:
                said[number] = stream.read()

        deadline = None if timeout is None else monotonic() + timeout
        readers = [
            threading.Thread(target=read, args=(number, stream), daemon=True)
            for number, stream in enumerate((self.stdout, self.stderr))
        ]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(None if deadline is None else max(0.0, deadline - monotonic()))
            if reader.is_alive():
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
        self.wait(None if deadline is None else max(0.0, deadline - monotonic()))
        return said[0], said[1]

    def send_signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stdout.close()
        self.stderr.close()
        self.wait()

    def _number(self) -> int:
        read = os.read(self._told, _NUMBER.size)
        assert read, "the process that forks commands has ended"
        return int(_NUMBER.unpack(read)[0])


class Forking:
    """Asks that process to run commands; processes that are forked from this one ask the same, once it has begun."""

    def __init__(self) -> None:
        self._asks: socket.socket | None = None

    def begin(self) -> socket.socket:
        """The way to that process, which is begun if need be and ends when nobody is left to ask it."""
        if self._asks is None:
            self._asks, asked = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with asked:
                server = subprocess.Popen(
                    [sys.executable, "-c", f"from tests.forked import serve; serve({asked.fileno()})"],
                    cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, process_group=0, pass_fds=[asked.fileno()],
                )  # fmt: skip
            atexit.register(self._end, self._asks, server, os.getpid())
        return self._asks

    @staticmethod
    def _end(asks: socket.socket, server: subprocess.Popen[bytes], pid: int) -> None:
        asks.close()
        if os.getpid() == pid:
            server.wait()

    def start(self, words: Sequence[str], *, cwd: Path, env: dict[str, str]) -> Started:
        """As `subprocess.Popen` would run `tapeline` with these words, or `python` with -m or -c; output in pipes."""
        ours, theirs = zip(*(os.pipe() for _ in range(3)), strict=True)
        asked = json.dumps([list(words), str(cwd), env]).encode()
        try:
            socket.send_fds(self.begin(), [asked], theirs)
        finally:
            for file in theirs:
                os.close(file)
        return Started(words, *ours)

    def run(
        self, words: Sequence[str], *, cwd: Path, env: dict[str, str], timeout_s: float
    ) -> subprocess.CompletedProcess[str]:
        """As `subprocess.run` would; output captured."""
        command = self.start(words, cwd=cwd, env=env)
        try:
            out, err = command.communicate(timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(command.pid, signal.SIGKILL)
            raise
        return subprocess.CompletedProcess(command.args, command.wait(), out, err)


def serve(number: int) -> None:
    """Runs what is asked for at that socket, until nobody is left to ask; then what still runs is killed."""
    from tests.forked_command import prepare, run

    prepare()
    woken, wakes = os.pipe()
    os.set_blocking(wakes, False)
    signal.set_wakeup_fd(wakes)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    running: dict[int, int] = {}  # by pid: where its end is to be told
    with socket.socket(fileno=number) as asked:
        while True:
            ready, _, _ = select.select([asked, woken], [], [])
            if woken in ready:
                os.read(woken, 4_096)
                _reap(running)
            if asked in ready:
                message, files, _, _ = socket.recv_fds(asked, _MESSAGE_BYTES_MAX, 3)
                if not message:
                    break
                *streams, told = files
                child = os.fork()
                if child == 0:
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    os.setpgid(0, 0)
                    os.write(told, _NUMBER.pack(os.getpid()))
                    for file in (woken, wakes, told, asked.detach(), *running.values()):
                        os.close(file)
                    run(*json.loads(message), *streams)
                for stream in streams:
                    os.close(stream)
                running[child] = told
    for pid in running:
        os.killpg(pid, signal.SIGKILL)


def _reap(running: dict[int, int]) -> None:
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            break
        told = running.pop(pid)
        os.write(told, _NUMBER.pack(os.waitstatus_to_exitcode(status)))
        os.close(told)
