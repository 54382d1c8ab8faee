"""What was told before, as far back as anything could repeat it."""

from collections import OrderedDict
from collections.abc import Hashable


class Noted:
    """Remembers so many; the oldest leave first."""

    __slots__ = ("_known", "_most")

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: OrderedDict[Hashable, None] = OrderedDict()

    def __contains__(self, what: Hashable) -> bool:
        return what in self._known

    def is_new(self, what: Hashable) -> bool:
        """True the first time."""
        if what in self._known:
            return False
        self._known[what] = None
        if len(self._known) > self._most:
            self._known.popitem(last=False)
        return True
