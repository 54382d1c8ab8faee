"""Closed-form optimal quotes: Avellaneda and Stoikov, and Guéant, Lehalle and Fernandez-Tapia. Pure functions of floats.

Both assume that the price is a Brownian motion and that a quote at distance d is hit at the rate A exp(-k d). Any unit of price
will do, as long as it is one: volatility in it per square root of a second, k and risk aversion per unit of it, distances in it.
The strategies here use bps of the price, and units of one order for the inventory.
"""

from math import exp, log, log1p, sqrt
from typing import NamedTuple

from state.errors import WrongUse


class Distances(NamedTuple):
    """Of the best bid and ask from the fair price, in the unit of price; negative where a side crosses it."""

    bid: float
    ask: float


def avellaneda_stoikov(
    inventory: float, volatility: float, risk_aversion: float, k: float, horizon_s: float
) -> Distances:
    """Distances of bid and ask from the mid with `horizon_s` left to trade.

        r - s = -q gamma sigma^2 (T - t)                                     the reservation price, from the mid
        ask - bid = gamma sigma^2 (T - t) + (2 / gamma) ln(1 + gamma / k)

    Avellaneda, Stoikov: High-frequency trading in a limit order book, Quantitative Finance 8(3), 2008, (3.8) to (3.12):
    their approximation for a small inventory, symmetric arrivals.
    """
    _check(volatility, risk_aversion, k)
    if horizon_s < 0:
        raise WrongUse(f"horizon_s must not be negative, is {horizon_s}")
    risk = risk_aversion * volatility * volatility * horizon_s
    half = risk / 2 + log1p(risk_aversion / k) / risk_aversion
    return Distances(half + inventory * risk, half - inventory * risk)


def glft(
    inventory: float, volatility: float, risk_aversion: float, a_per_s: float, k: float, size: float = 1.0
) -> Distances:
    """Distances of bid and ask from the mid far from any end of trading, for orders of `size` in units of the inventory.

        c1 = ln(1 + gamma D / k) / (gamma D)
        c2 = sqrt(gamma / (2 A D k) (1 + gamma D / k)^(1 + k / (gamma D)))
        bid = c1 + (D / 2 + q) sigma c2,   ask = c1 + (D / 2 - q) sigma c2

    Guéant, Lehalle, Fernandez-Tapia: Dealing with the inventory risk, Mathematics and Financial Economics 7(4), 2013,
    section 4 (D = 1); for any size Guéant: Optimal market making, arXiv:1605.01862, (4.6) and (4.7) with xi = gamma.
    """
    half, per_unit = glft_terms(volatility, risk_aversion, a_per_s, k, size)
    return Distances(half + inventory * per_unit, half - inventory * per_unit)


def glft_terms(
    volatility: float, risk_aversion: float, a_per_s: float, k: float, size: float = 1.0
) -> tuple[float, float]:
    """Half the spread of a flat book, and the skew per unit of inventory."""
    _check(volatility, risk_aversion, k)
    if not (a_per_s > 0 and size > 0):
        raise WrongUse(f"a_per_s and size must be above zero, are {a_per_s} and {size}")
    aversion = risk_aversion * size
    growth = log1p(aversion / k)
    per_unit = volatility * sqrt(risk_aversion / (2 * a_per_s * size * k) * exp(growth * (1 + k / aversion)))
    return growth / aversion + size / 2 * per_unit, per_unit


def fill_rate(distance: float, a_per_s: float, k: float) -> float:
    """A exp(-k d): hits a second of a quote at a distance."""
    return exp(log(a_per_s) - k * distance)


def _check(volatility: float, risk_aversion: float, k: float) -> None:
    if not (volatility >= 0 and risk_aversion > 0 and k > 0):
        raise WrongUse(
            f"volatility {volatility} must not be negative, risk aversion {risk_aversion} and k {k} be above zero"
        )
