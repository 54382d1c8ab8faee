"""Bounded memories: of what was told, so that what is repeated is told once, and of anything else by its key."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Bounded(OrderedDict[Key, Value], Generic[Key, Value]):
    """What was set longest ago is forgotten first."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def __setitem__(self, key: Key, value: Value) -> None:
        super().__setitem__(key, value)
        self.move_to_end(key)
        if len(self) > self._most:
            self.popitem(last=False)


class Once:
    """The oldest is forgotten first."""

    def __init__(self, most: int) -> None:
        self._told: Bounded[tuple[Hashable, ...], None] = Bounded(most)

    def __contains__(self, key: tuple[Hashable, ...]) -> bool:
        return key in self._told

    def is_new(self, *key: Hashable) -> bool:
        """Whether this was not told before; from now on it was."""
        if key in self._told:
            return False
        self._told[key] = None
        return True
