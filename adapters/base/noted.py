"""What was told before, as far back as anything could repeat it."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Bounded(OrderedDict[Key, Value], Generic[Key, Value]):
    """Keeps so many; what was set longest ago leaves first."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def __setitem__(self, key: Key, value: Value) -> None:
        super().__setitem__(key, value)
        self.move_to_end(key)
        if len(self) > self._most:
            self.popitem(last=False)


class Noted:
    """Remembers so many; the oldest leave first."""

    __slots__ = ("_known",)

    def __init__(self, most: int) -> None:
        self._known: Bounded[Hashable, None] = Bounded(most)

    def __contains__(self, what: Hashable) -> bool:
        return what in self._known

    def is_new(self, what: Hashable) -> bool:
        """True the first time."""
        if what in self._known:
            return False
        self._known[what] = None
        return True
