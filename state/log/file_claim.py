"""Who may write a log in a file: one process at a time, which may write several sessions.

The claim is `flock` on a file beside the log, which dies with its holder. The log itself cannot carry it: closing any
descriptor of it would drop SQLite's own locks.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from state.errors import LogLocked


class FileClaim:
    """The claims on one file, of this process and as far as it can see of others."""

    def __init__(self, path: Path) -> None:
        self._name = str(path)
        self._lock_path = Path(f"{path}-lock")
        self._lock = -1
        self._written: list[str] = []  # sessions that are written through this object; several share the one lock
        self._claiming = Lock()  # a claim may end in a writer's thread

    @contextmanager
    def hold(self, session: str) -> Iterator[None]:
        """Holds the right to write `session` while open; raises `LogLocked`, and `OSError` where no lock can be made."""
        with self._claiming:
            if session in self._written:
                raise LogLocked(f"session {session} in {self._name} is being written")
            if not self._written:
                self._lock = self._take_lock()
            self._written.append(session)
            self._name_written()
        try:
            yield
        finally:
            with self._claiming:
                self._written.remove(session)
                if self._written:
                    self._name_written()
                else:
                    self._lock_path.unlink(missing_ok=True)  # while it is still ours
                    os.close(self._lock)

    def is_held(self, session: str) -> bool:
        """True while some process, this one included, writes the session."""
        try:
            lock = os.open(self._lock_path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return session in os.read(lock, 4096).decode(errors="replace").split("\n")
        else:
            return False
        finally:
            os.close(lock)

    def _name_written(self) -> None:
        os.truncate(self._lock, 0)
        os.pwrite(self._lock, "\n".join(self._written).encode(), 0)

    def _take_lock(self) -> int:
        while True:
            lock = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holders = ", ".join(os.read(lock, 4096).decode(errors="replace").split("\n"))
                os.close(lock)
                raise LogLocked(f"{self._name} is being written by another process (session {holders})") from None
            if self._is_current(lock):
                return lock
            os.close(lock)  # the holder before us removed this very file between our two calls

    def _is_current(self, lock: int) -> bool:
        try:
            return os.path.samestat(os.fstat(lock), os.stat(self._lock_path))
        except FileNotFoundError:
            return False
