"""What an operator that may drop has dropped."""

from typing import cast


class Losses:
    """Counts of one lossy operator: at every moment `taken == given + lost + held`, and `held` is 0 once it has ended."""

    __slots__ = ("given", "lost", "taken")

    def __init__(self) -> None:
        self.taken = 0
        self.given = 0
        self.lost = 0

    @property
    def held(self) -> int:
        """Values that wait for their fate."""
        return self.taken - self.given - self.lost

    def dump(self) -> tuple[int, int, int]:
        return self.taken, self.given, self.lost

    def load(self, state: object, /) -> None:
        self.taken, self.given, self.lost = cast("tuple[int, int, int]", state)

    def __repr__(self) -> str:
        return f"Losses(taken={self.taken}, given={self.given}, lost={self.lost}, held={self.held})"
