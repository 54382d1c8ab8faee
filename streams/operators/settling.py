"""How an operator acts once a tick, after everything that the tick caused has been concluded."""

from collections.abc import Callable

from reactivex import abc
from reactivex.disposable import Disposable

from state.errors import NotDeterministic
from streams.scheduler import SessionScheduler


class Settling:
    """Calls `act` once in each settled tick in which `mark` was called.

    To be started after the inputs are subscribed, so that what they say on `settled` themselves comes first. A marble
    test's scheduler has no `settled`: there, `act` is an action scheduled at once, behind the values of the same
    instant.
    """

    __slots__ = ("_act", "_marked", "_scheduler", "_settles")

    def __init__(self, scheduler: abc.SchedulerBase | None, act: Callable[[], None]) -> None:
        if scheduler is None:
            raise NotDeterministic(
                "this operator waits for the tick to settle: subscribe with scheduler=feeds.scheduler"
            )
        self._scheduler = scheduler
        self._settles = isinstance(scheduler, SessionScheduler)
        self._act = act
        self._marked = False

    def mark(self) -> None:
        """Something changed in this tick."""
        if not self._marked:
            self._marked = True
            if not self._settles:
                self._scheduler.schedule(self._run)

    def flush(self) -> None:
        """Acts now if something changed: the inputs have ended."""
        if self._marked:
            self._marked = False
            self._act()

    def start(self) -> abc.DisposableBase:
        if isinstance(self._scheduler, SessionScheduler):
            return self._scheduler.settled.attach(self._settled, self._scheduler)
        return Disposable()

    def _settled(self, _: int) -> None:
        if self._marked:
            self._marked = False
            self._act()

    def _run(self, _: abc.SchedulerBase, __: object = None) -> abc.DisposableBase | None:
        self.flush()
        return None
