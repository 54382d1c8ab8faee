"""A question as it comes to /info, or over the socket: its type and whatever that type needs."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from adapters.loopback.hyperliquid.refusals import malformed
from adapters.loopback.hyperliquid.wire import ADDRESS
from adapters.loopback.market import Market


class CandleSpan(msgspec.Struct, gc=False, rename="camel"):
    coin: str
    interval: str
    start_time: int
    end_time: int | None = None


class Ask(msgspec.Struct, gc=False, rename="camel"):
    """What is not asked for is not looked at."""

    type: str
    user: str | None = None
    coin: str | None = None
    dex: str | None = None
    oid: int | str | None = None
    start_time: int | None = None
    end_time: int | None = None
    n_sig_figs: int | None = None
    mantissa: int | None = None
    req: CandleSpan | None = None

    @property
    def address(self) -> str:
        """The user in lower case; raises RequestRefusedError."""
        address = (self.user or "").lower()
        if not ADDRESS.fullmatch(address):
            raise malformed(f"user is {self.user!r}")
        return address

    def market(self, markets: Mapping[str, Market]) -> Market:
        """The market of the coin; raises RequestRefusedError."""
        found = markets.get(self.coin or "")
        if found is None:
            raise malformed(f"coin is {self.coin!r}")
        return found

    def span(self, now_ms: int) -> tuple[int, int]:
        """Between when; raises RequestRefusedError where there is no beginning."""
        if self.start_time is None:
            raise malformed("startTime is missing")
        return self.start_time, now_ms if self.end_time is None else self.end_time
