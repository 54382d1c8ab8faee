"""What became of the quotes that a strategy wished for."""

from typing import cast


class QuoteCounts:
    """Numbers of one `to_intents`; `left_out` quotes had no place on the venue's grid, `why` is the last reason."""

    __slots__ = ("amended", "cancelled", "crossed", "deferred", "left_out", "placed", "why")

    def __init__(self) -> None:
        self.placed = 0
        self.amended = 0
        self.cancelled = 0
        self.left_out = 0
        self.crossed = 0  # wished quotes that would have crossed each other
        self.deferred = 0  # levels that a budget made wait, counted each time
        self.why = ""

    def dump(self) -> tuple[int, int, int, int, int, int, str]:
        return self.placed, self.amended, self.cancelled, self.left_out, self.crossed, self.deferred, self.why

    def load(self, state: object, /) -> None:
        self.placed, self.amended, self.cancelled, self.left_out, self.crossed, self.deferred, self.why = cast(
            "tuple[int, int, int, int, int, int, str]", state
        )

    def __repr__(self) -> str:
        return (
            f"QuoteCounts(placed={self.placed}, amended={self.amended}, cancelled={self.cancelled}, "
            f"left_out={self.left_out}, crossed={self.crossed}, deferred={self.deferred}, why={self.why!r})"
        )
