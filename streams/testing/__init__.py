"""For tests of operators and strategies: marbles on a line of virtual time, builders of events, a session in memory.

Nothing of the running system imports this. Every builder speaks of one made-up market, `(VENUE, SYMBOL)`.
"""

from streams.testing.builders import (
    LOT,
    READY,
    SYMBOL,
    TICK,
    VENUE,
    book,
    delta,
    fill,
    funding,
    instrument,
    levels,
    live,
    ticker,
    trade,
    update,
)
from streams.testing.marbles import Marble, close, hear, marbles
from streams.testing.session import SECOND, START, Session

__all__ = [
    "LOT",
    "READY",
    "SECOND",
    "START",
    "SYMBOL",
    "TICK",
    "VENUE",
    "Marble",
    "Session",
    "book",
    "close",
    "delta",
    "fill",
    "funding",
    "hear",
    "instrument",
    "levels",
    "live",
    "marbles",
    "ticker",
    "trade",
    "update",
]
