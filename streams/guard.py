"""The runtime guard: while strategies conclude, the world outside the log is out of reach.

Wall clock, unseeded randomness, I/O and thread timers would make a replay decide differently, so each raises
`NotDeterministic` naming file and line. The guard only watches the thread that runs the pipeline, and only while it
publishes; the log's writer thread and the sockets are not concerned. What C code hides from it (`datetime.now`, iteration
over sets) the lint in `streams/lint.py` finds in the source.
"""

import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread, get_ident
from types import FrameType, ModuleType
from typing import Final

from reactivex.scheduler import EventLoopScheduler, NewThreadScheduler, ThreadPoolScheduler, TimeoutScheduler

from state.errors import NotDeterministic

_CLOCKS: Final = (
    "time",
    "time_ns",
    "monotonic",
    "monotonic_ns",
    "perf_counter",
    "perf_counter_ns",
    "localtime",
    "gmtime",
)
_CHANCE: Final = (
    "random", "randint", "randrange", "uniform", "gauss", "normalvariate", "choice", "choices", "shuffle", "sample",
    "expovariate", "betavariate", "lognormvariate", "triangular", "getrandbits", "seed",
)  # fmt: skip
# Audit events that CPython raises for I/O, by the word a reader knows.
_EFFECTS: Final = {
    "open": "opens a file",
    "socket.connect": "opens a socket",
    "socket.sendto": "sends a datagram",
    "socket.getaddrinfo": "asks the network",
    "subprocess.Popen": "starts a process",
    "os.system": "starts a process",
    "os.posix_spawn": "starts a process",
    "os.fork": "starts a process",
    "os.exec": "becomes another process",
    "os.listdir": "reads a folder",
    "os.scandir": "reads a folder",
    "os.remove": "removes a file",
    "os.rename": "renames a file",
    "os.mkdir": "makes a folder",
    "os.rmdir": "removes a folder",
    "sqlite3.connect": "opens a database",
}
_OURS: Final = Path(__file__).resolve().parent

_installed = False


class Guard:
    """Watches one thread while `watching` is set: a plain attribute, since it is set and cleared for every record."""

    __slots__ = ("watching",)

    def __init__(self) -> None:
        self.watching = False

    @classmethod
    def here(cls) -> "Guard":
        """The one guard of this thread."""
        _install()
        return _guards.setdefault(get_ident(), cls())


_guards: dict[int, Guard] = {}  # by thread


def _is_watched() -> bool:
    guard = _guards.get(get_ident())
    return guard is not None and guard.watching


def _install() -> None:
    """Once a process; an unwatched thread pays one look-up a call."""
    global _installed
    if _installed:
        return
    _installed = True
    for name in _CLOCKS:
        _forbid(time, name, f"time.{name}() reads the wall clock; use scheduler.now_ns or the record's recv")
    for name in _CHANCE:
        _forbid(random, name, f"random.{name}() is not seeded by the session; use feeds.random")
    # CPython tells of these two as audit events only from 3.13 and 3.12 on.
    _forbid(time, "sleep", "time.sleep() sleeps inside a strategy; use a timer on the session's scheduler")
    _forbid_method(Thread, "start", "a thread is started inside a strategy; what it finds out could not be replayed")
    for scheduler in (TimeoutScheduler, NewThreadScheduler, ThreadPoolScheduler, EventLoopScheduler):
        for name in ("schedule", "schedule_relative", "schedule_absolute"):
            _forbid_method(
                scheduler,
                name,
                f"{scheduler.__name__} is a thread timer; leave the operator's scheduler out, the session's is passed down",
            )
    sys.addaudithook(_audit)


def _forbid(module: ModuleType, name: str, text: str) -> None:
    original: Callable[..., object] = getattr(module, name)

    def guarded(*args: object, **kwargs: object) -> object:
        if _is_watched():
            _refuse(text)
        return original(*args, **kwargs)

    guarded.__name__ = name
    guarded.__doc__ = original.__doc__
    setattr(module, name, guarded)


def _forbid_method(owner: type, name: str, text: str) -> None:
    original: Callable[..., object] = getattr(owner, name)

    def guarded(self: object, *args: object, **kwargs: object) -> object:
        if _is_watched():
            _refuse(text)
        return original(self, *args, **kwargs)

    setattr(owner, name, guarded)


def _audit(event: str, args: tuple[object, ...]) -> None:
    if event in _EFFECTS and _is_watched() and not _is_import():
        _refuse(f"{event} {_EFFECTS[event]} inside a strategy; what it needs must come through its feeds")


def _is_import() -> bool:
    """Importing a module late reads a file, but decides nothing."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _refuse(text: str) -> None:
    frame: FrameType | None = sys._getframe(2)
    # The line to name is the strategy's: the first that is neither this folder's plumbing nor a library's.
    while frame is not None and _is_plumbing(frame.f_code.co_filename):
        frame = frame.f_back
    where = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}" if frame is not None else "unknown place"
    raise NotDeterministic(f"{where}: {text}")


def _is_plumbing(filename: str) -> bool:
    return "site-packages" in filename or filename.startswith("<") or Path(filename) in (
        _OURS / "guard.py", _OURS / "source.py", _OURS / "pipeline.py", _OURS / "scheduler.py",
    )  # fmt: skip
