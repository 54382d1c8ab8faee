"""What reads a recorded session back: player, verify, simulate, audit, and `replay.read` for notebooks."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from replay.tables import Session, read

__all__ = ["Session", "read"]


def __getattr__(name: str) -> object:
    """Loads the tables once somebody asks for them: a live session comes through here too, and needs none."""
    if name in __all__:
        return getattr(import_module("replay.tables"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
