"""What a market maker would like to stand in the market with, as floats; `to_intents` makes orders of it."""

from typing import NamedTuple

from state.errors import WrongUse
from state.words import Side


class Quote(NamedTuple):
    """One wished order: price in quote per base, size in base. Its `label` names the level and is what orders are known by.

    A reduce-only quote closes and never opens.
    """

    side: Side
    price: float
    size: float
    label: str
    reduce_only: bool = False


EXECUTION = "~"  # labels that begin so belong to an execution, and are no level of a ladder


def is_level(label: str) -> bool:
    """True for the label of a quote."""
    return bool(label) and not label.startswith(EXECUTION)


def ladder(
    fair: float,
    half_width_bps: float,
    lean: float = 0.0,
    *,
    size: float,
    levels: int = 1,
    spacing_bps: float = 0.0,
    skew_bps: float = 0.0,
    max_position: float | None = None,
) -> tuple[Quote, ...]:
    """A symmetric ladder around a centre that leans against the position, inner levels first, labelled b0 a0 b1 a1 …

        centre = fair x (1 - lean x skew_bps / 1e4)            lean = position / max_position, taken within [-1, 1]
        bid_i, ask_i = centre x (1 -+ (half_width_bps + i x spacing_bps) / 1e4)

    The first-order inventory skew of Avellaneda, Stoikov (2008) with a width of one's own. Where `max_position` (base
    units) is given, inner levels take what room there is, so that a side that fills whole ends at the limit and no
    further; at or beyond the limit the adding side is not quoted at all. Raises `WrongUse` for no levels, or a size that is
    not above zero: nothing would ever be quoted.
    """
    if levels < 1 or not size > 0:
        raise WrongUse(f"a ladder has at least one level, not {levels}, of a size above zero, not {size}")
    lean = -1.0 if lean < -1.0 else min(lean, 1.0)
    centre = fair * (1 - lean * skew_bps / 10_000)
    if max_position is None:
        bid_room = size * levels if lean < 1 else 0.0
        ask_room = size * levels if lean > -1 else 0.0
    else:
        bid_room = max_position * (1 - lean)
        ask_room = max_position * (1 + lean)
    quotes: list[Quote] = []
    for level in range(levels):
        away = (half_width_bps + level * spacing_bps) / 10_000
        bid_size, bid_room = _part(size, bid_room)
        ask_size, ask_room = _part(size, ask_room)
        if bid_size:
            quotes.append(Quote("buy", centre * (1 - away), bid_size, f"b{level}"))
        if ask_size:
            quotes.append(Quote("sell", centre * (1 + away), ask_size, f"a{level}"))
    return tuple(quotes)


def _part(size: float, room: float) -> tuple[float, float]:
    """What of `size` fits into `room`, and the room that is left."""
    if size <= room:
        return size, room - size
    # Twelve digits: the residue of a subtraction must not become a lot less.
    return (float(f"{room:.12g}"), 0.0) if room > size * 1e-9 else (0.0, 0.0)
