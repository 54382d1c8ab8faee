"""A bounded memory of what was told, so that what is repeated is told once."""

from collections import OrderedDict


class Once:
    """The oldest is forgotten first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._told: OrderedDict[tuple[str, ...], None] = OrderedDict()

    def __contains__(self, key: tuple[str, ...]) -> bool:
        return key in self._told

    def is_new(self, *key: str) -> bool:
        """Whether this was not told before; from now on it was."""
        if key in self._told:
            return False
        self._told[key] = None
        if len(self._told) > self._most:
            self._told.popitem(last=False)
        return True
