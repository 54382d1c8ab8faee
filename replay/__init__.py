"""What reads a recorded session back: player, verify, simulate, audit, and `replay.read` for notebooks."""

from replay.tables import Session, read

__all__ = ["Session", "read"]
