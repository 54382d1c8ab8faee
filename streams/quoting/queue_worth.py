"""What a place in a queue is worth, and whether a level that should move had better stay. Pure functions of floats.

The model: market orders come to a level at a rate and take an exponentially distributed size each; the price goes away from
the level at another rate. Whichever comes first decides: the queue before our order is taken, or the level is gone.
"""

from math import exp
from typing import NamedTuple

from state.errors import WrongUse


class Flow(NamedTuple):
    """What happens at a level: market orders a second, their mean size in base units, moves of the price away a second."""

    arrivals_per_s: float
    mean_size: float
    away_per_s: float


def fill_chance(ahead: float, flow: Flow) -> float:
    """The probability that all that stands `ahead` (base units) is taken, and one more order comes, before the price goes away.

        p = mu / (mu + theta),   P = p exp(-(1 - p) ahead / m)

    mu arrivals, theta moves away, m the mean size: the sum of a geometric number of exponential sizes is exponential.
    """
    if flow.mean_size <= 0 or flow.arrivals_per_s < 0 or flow.away_per_s < 0 or ahead < 0:
        raise WrongUse(f"rates and the size ahead must not be negative, the mean size above zero: {flow}, {ahead}")
    both = flow.arrivals_per_s + flow.away_per_s
    if both <= 0:
        return 0.0
    next_comes = flow.arrivals_per_s / both
    return next_comes * exp(-(1 - next_comes) * ahead / flow.mean_size)


def place_value(edge_bps: float, ahead: float, flow: Flow) -> float:
    """What a place is expected to earn, in bps of the order's size; a place with a negative edge costs as it fills."""
    return edge_bps * fill_chance(ahead, flow)


def place_lead(edge_bps: float, ahead: float, behind: float, flow: Flow) -> float:
    """What a place is worth above the end of its own queue, with `behind` before it there, in bps of the order's size."""
    if edge_bps <= 0:
        return 0.0
    return max(0.0, place_value(edge_bps, ahead, flow) - place_value(edge_bps, behind, flow))


def stays(
    here_bps: float, ahead_here: float, there_bps: float, ahead_there: float, flow: Flow, message_bps: float = 0.0
) -> bool:
    """True while the present place is worth no less than the wished one at the end of its queue, after the message's cost.

    Edges are distances from the fair price, in bps; a place whose edge is gone never stays.
    """
    if here_bps <= 0:
        return False
    return place_value(here_bps, ahead_here, flow) >= place_value(there_bps, ahead_there, flow) - message_bps
