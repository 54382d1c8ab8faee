"""Progress on whatever takes longer than two seconds: on stderr, and only where somebody watches."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Final, Protocol

PATIENCE_S: Final = 2.0
_EVERY_S: Final = 0.1


class Progress(Protocol):
    """Tells how much is done; `total` may be known only later."""

    def __call__(self, done: float, total: float | None = None) -> None: ...


def _silent(done: float, total: float | None = None) -> None:
    return


@contextmanager
def progress(title: str, total: float | None = None, *, shown: bool | None = None) -> Iterator[Progress]:
    """What it yields is to be called as often as one likes with how much is done of `total`."""
    if not (sys.stderr.isatty() if shown is None else shown):
        yield _silent
        return
    bar = _Bar(title, total)
    try:
        yield bar
    finally:
        bar.close()


@contextmanager
def counting(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """What it yields is told how much more is done each time."""
    counted = 0
    with progress(title, total) as done:

        def count(more: int) -> None:
            nonlocal counted
            counted += more
            done(counted)

        yield count


class _Bar:
    """A bar that first shows itself when patience is over."""

    def __init__(self, title: str, total: float | None) -> None:
        self._title = title
        self._total = total
        self._due = monotonic() + PATIENCE_S
        self._close = _nothing
        self._draw: Progress | None = None

    def __call__(self, done: float, total: float | None = None) -> None:
        now = monotonic()
        if now < self._due:
            return
        self._due = now + _EVERY_S
        if total is not None:
            self._total = total
        if self._draw is None:
            self._draw = self._open()
        self._draw(done, self._total)

    def close(self) -> None:
        self._close()

    def _open(self) -> Progress:
        from rich.console import Console
        from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
        shown = RichProgress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True)
        task = shown.add_task(self._title, total=self._total)
        shown.start()
        self._close = shown.stop

        def draw(done: float, total: float | None = None) -> None:
            shown.update(task, completed=done, total=total)

        return draw


def _nothing() -> None:
    return
