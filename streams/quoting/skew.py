"""How quotes lean against a position: by how much, and what is left of them at the extreme.

`lean` is position / max_position: 1 is full long, -1 full short, as `op.utilisation` says it.
"""

from collections.abc import Sequence
from math import copysign

from state.errors import WrongUse
from streams.quoting.ladder import Quote


def linear_skew(lean: float, skew_bps: float) -> float:
    """-lean x skew_bps, `lean` within [-1, 1]: how far the centre moves, in bps; long leans down."""
    return -_within(lean) * skew_bps


def quadratic_skew(lean: float, skew_bps: float) -> float:
    """-lean |lean| x skew_bps: lets a small position be, and sheds a large one as fast as the linear skew does."""
    lean = _within(lean)
    return -lean * abs(lean) * skew_bps


def shifted(centre: float, skew_bps: float) -> float:
    """The centre of the ladder after a skew in bps."""
    return centre * (1 + skew_bps / 10_000)


def at_extreme(quotes: Sequence[Quote], lean: float, position: float, extreme: float = 1.0) -> tuple[Quote, ...]:
    """From |lean| >= extreme on, the reducing side alone, reduce-only, and in sum no larger than the position.

    `position` is signed, base units. Inner quotes take first what there is to reduce. Below the extreme the quotes are
    as they were. A limit never blocks what reduces the risk it limits: this side passes every gate.
    """
    if not extreme > 0:
        raise WrongUse(f"extreme must be above zero, not {extreme}")
    if abs(lean) < extreme or not position or copysign(1, lean) != copysign(1, position):
        return tuple(quotes)
    side = "sell" if position > 0 else "buy"
    left = abs(position)
    kept: list[Quote] = []
    for quote in quotes:
        if quote.side == side and left > 0:
            size = min(quote.size, left)
            left = float(f"{left - size:.12g}")
            kept.append(quote._replace(size=size, reduce_only=True))
    return tuple(kept)


def adding_scaled(quotes: Sequence[Quote], lean: float) -> tuple[Quote, ...]:
    """The side that adds to the position with (1 - |lean|) of its size, none at full position."""
    share = 1 - abs(_within(lean))
    adding = "buy" if lean > 0 else "sell"
    if not lean:
        return tuple(quotes)
    return tuple(
        quote if quote.side != adding else quote._replace(size=quote.size * share)
        for quote in quotes
        if quote.side != adding or share > 0
    )


def within_position(quotes: Sequence[Quote], position: float, max_position: float) -> tuple[Quote, ...]:
    """Sizes such that a side that fills whole ends at `max_position` and no further; inner quotes take what room there is."""
    room = {"buy": max_position - position, "sell": max_position + position}
    kept: list[Quote] = []
    for quote in quotes:
        size = min(quote.size, room[quote.side])
        if size > quote.size * 1e-9:
            room[quote.side] -= size
            kept.append(quote._replace(size=float(f"{size:.12g}")))
    return tuple(kept)


def _within(lean: float) -> float:
    return -1.0 if lean < -1.0 else min(lean, 1.0)
