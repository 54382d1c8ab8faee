"""Numbers that are used once: each a time in ms, and larger than every one before it, whatever the clock does.

There is one authority a signer. It writes down what it takes before that is used, and holds its file as long as it lives, so
that neither a restart nor another process takes a number twice. (No sync: what a power cut loses is older than the time it
takes to be back.)
"""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from state.errors import WrongUse

_WIDTH = 20  # digits of the file, so that each writing covers the one before


class Nonces:
    """Without a file, unique in this object only."""

    def __init__(self) -> None:
        self.last = 0
        self.on_failure: Callable[[str], None] = lambda reason: None  # once, where they can be kept no more
        self._file: int | None = None
        self._is_kept = True

    def keep(self, path: Path) -> None:
        """Goes on from what stands there. Raises `WrongUse` where somebody else does, or where it cannot be kept."""
        path = path.expanduser()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise WrongUse(f"cannot keep nonces in {path}: {error.strerror}") from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.last = max(self.last, int(os.pread(file, _WIDTH, 0) or b"0"))
        except (OSError, ValueError) as error:
            os.close(file)
            if isinstance(error, BlockingIOError):
                raise WrongUse(
                    f"somebody else signs with this key: {path} is held; give each process its own"
                ) from None
            raise WrongUse(f"{path} is no file of nonces: {error}") from None
        self.close()
        self._file = file

    def take(self, now_ms: int) -> int:
        """The next one, also where the disk has failed: what rests must still be cancelled, and in here none is taken twice."""
        self.last = max(now_ms, self.last + 1)
        if self._file is not None and self._is_kept:
            try:
                os.pwrite(self._file, b"%0*d" % (_WIDTH, self.last), 0)
            except OSError as error:
                self._is_kept = False  # and the file is held on: nobody else signs meanwhile
                self.on_failure(f"nonces can be kept no more: {error.strerror}")
        return self.last

    def close(self) -> None:
        """Lets others sign."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
