"""Quoting: ladders of wished quotes, and the fewest intents that lead to them."""

from streams.quoting.counts import QuoteCounts
from streams.quoting.ladder import Quote, ladder
from streams.quoting.to_intents import to_intents

__all__ = ["Quote", "QuoteCounts", "ladder", "to_intents"]
