"""Quoting: ladders of wished quotes, and the fewest intents that lead to them."""

from streams.quoting.budgets import Budget, Budgets
from streams.quoting.counts import QuoteCounts
from streams.quoting.intensity import Intensity, arrival_intensity
from streams.quoting.ladder import Quote, ladder
from streams.quoting.optimal import Distances, avellaneda_stoikov, glft
from streams.quoting.plan_budgeted import Costs
from streams.quoting.queue_aware import keep_places
from streams.quoting.queue_worth import Flow
from streams.quoting.quote_when import quote_when
from streams.quoting.shapes import Rung, by_exposure, by_volatility, geometric, linear, stand
from streams.quoting.skew import adding_scaled, at_extreme, linear_skew, quadratic_skew, shifted, within_position
from streams.quoting.to_intents import to_intents

__all__ = [
    "Budget",
    "Budgets",
    "Costs",
    "Distances",
    "Flow",
    "Intensity",
    "Quote",
    "QuoteCounts",
    "Rung",
    "adding_scaled",
    "arrival_intensity",
    "at_extreme",
    "avellaneda_stoikov",
    "by_exposure",
    "by_volatility",
    "geometric",
    "glft",
    "keep_places",
    "ladder",
    "linear",
    "linear_skew",
    "quadratic_skew",
    "quote_when",
    "shifted",
    "stand",
    "to_intents",
    "within_position",
]
