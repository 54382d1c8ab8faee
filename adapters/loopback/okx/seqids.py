"""`seqId`: one series for each instrument, the same for every channel and every connection, and started anew by maintenance."""

from __future__ import annotations

from adapters.loopback.market import Market


class SeqIds:
    """The engines' own sequences, less what each was moved back by."""

    def __init__(self) -> None:
        self._moved: dict[str, int] = {}

    def now(self, market: Market) -> int:
        """The number of the book as it is."""
        return market.engine.seq - self._moved.get(market.contract.symbol, 0)

    def restart(self, market: Market, at: int = 1) -> None:
        """Makes the next number start low, as the venue's maintenance does."""
        self._moved[market.contract.symbol] = market.engine.seq - at
