"""How an operator acts once a tick, after everything that the tick caused has been concluded."""

from collections.abc import Callable

from reactivex import abc
from reactivex.disposable import Disposable

from state.errors import NotDeterministic
from streams.scheduler import SessionScheduler, Settler
from streams.source import owner_of


class Settling:
    """Calls `act` once in each settled tick in which `mark` was called.

    To be started after the inputs are subscribed, so that what they say when it settles comes first. A marble test's
    scheduler does not settle: there, `act` is an action scheduled at once, behind the values of the same
    instant.
    """

    __slots__ = ("_marked", "_scheduler", "_settler", "act", "mark")

    def __init__(self, scheduler: abc.SchedulerBase | None, act: Callable[[], None]) -> None:
        if scheduler is None:
            raise NotDeterministic(
                "this operator waits for the tick to settle: subscribe with scheduler=feeds.scheduler"
            )
        self._scheduler = scheduler
        self._settler: Settler | None = None
        self._marked = False  # while there is no settler
        self.act = act
        self.mark: Callable[[], None] = self._mark
        """Something changed in this tick. Once started it is the settler's own: it is called at every change."""

    def _mark(self) -> None:
        if self._marked:
            return
        self._marked = True
        if not isinstance(self._scheduler, SessionScheduler):
            self._scheduler.schedule(self._run)

    def flush(self) -> None:
        """Acts now if something changed: the inputs have ended, or the tick has settled."""
        if self._settler is not None:
            self._settler.flush()
        elif self._marked:
            self._marked = False
            self.act()

    def dump(self) -> None:
        """Nothing: between two ticks nobody is marked."""

    def load(self, _: object, /) -> None:
        self._marked = False

    def start(self) -> abc.DisposableBase:
        if not isinstance(self._scheduler, SessionScheduler):
            return Disposable()
        self._settler = settler = self._scheduler.timeline.settler(self.act, owner_of(self._scheduler))
        self.mark = settler.mark
        if self._marked:
            self._marked = False
            settler.mark()
        return Disposable(settler.dispose)

    def _run(self, _: abc.SchedulerBase, __: object = None) -> abc.DisposableBase | None:
        self.flush()
        return None
