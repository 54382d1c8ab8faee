"""Libraries that few tests need and that take long to import: every worker imports every test file, and few run such a test."""

from importlib import import_module
from typing import Any


class Later:
    """A module that is imported when something of it is first asked for; for `from x import y`, write `x.y` at its use.

    No private name is: pytest asks every name of a file for several (`__test__`, `__wrapped__`) when it collects.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("_"):
            raise AttributeError(attribute)
        return getattr(import_module(self._name), attribute)
