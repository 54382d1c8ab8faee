"""Reading an order: which market it means, and whether price, size and value are of the venue's form."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from adapters.loopback.floor import Floor, Ticket
from adapters.loopback.hyperliquid import refusals, wire
from adapters.loopback.hyperliquid.contracts import UNIVERSE, price_fits, size_fits
from adapters.loopback.hyperliquid.refusals import about
from adapters.loopback.market import Market
from adapters.loopback.orders import Kind, SelfMatch, Side, Tif

TIFS = {"Gtc": Tif.GTC, "Ioc": Tif.IOC, "FrontendMarket": Tif.IOC, "Alo": Tif.POST_ONLY}


class Forms:
    """What an order must be like; everything here raises ItemRefusedError."""

    def __init__(self, floor: Floor) -> None:
        self._markets = floor.markets

    def market(self, asset: int) -> Market:
        """The market that an asset's number means."""
        name = UNIVERSE[asset].name if 0 <= asset < len(UNIVERSE) else ""
        market = self._markets.get(name)
        if market is None:
            raise about(refusals.NOT_LISTED, asset)
        return market

    def ticket(self, asked: wire.OrderWire, cloid: str, whole: bool = False) -> Ticket:
        """The order as the floor wants it; `whole` is one that may be of size zero, for a whole position."""
        market, asset = self.market(asked.a), asked.a
        price, size = Decimal(asked.p), Decimal(asked.s)
        self._check_price(market, price, asset)
        if size <= 0 and not whole:
            raise about(refusals.ZERO_SIZE, asset)
        if not size_fits(size, UNIVERSE[asset].size_decimals) or size > market.contract.max_size:
            raise about(refusals.INVALID_SIZE, asset)
        if not asked.r and price * size < market.contract.min_notional:
            raise about(refusals.TOO_SMALL, asset)
        tif = TIFS[asked.t.limit.tif] if asked.t.limit else Tif.GTC
        side = Side.BUY if asked.b else Side.SELL
        return Ticket(
            market.contract.symbol, side, Kind.LIMIT, tif, price, size, cloid, asked.r, SelfMatch.CANCEL_MAKER
        )

    def trigger_price(self, asked: wire.OrderWire, trigger: wire.Trigger) -> Decimal:
        price = Decimal(trigger.triggerPx)
        self._check_price(self.market(asked.a), price, asked.a)
        return price

    @staticmethod
    def _check_price(market: Market, price: Decimal, asset: int) -> None:
        if price <= 0 or price > market.contract.max_price or not price_fits(price, UNIVERSE[asset].size_decimals):
            raise about(refusals.TICK, asset)
        mark = market.mark_price
        if abs(price - mark) > mark * market.contract.price_limit_ratio:
            raise about(refusals.TOO_FAR, asset)


def resting(asked: wire.OrderWire) -> wire.OrderWire:
    """What a modified order becomes: post-only. Raises ItemRefusedError for one that never rests, or waits for a price."""
    if asked.t.limit is None or TIFS[asked.t.limit.tif] is Tif.IOC:
        raise about(refusals.MUST_REST, asked.a)
    return msgspec.structs.replace(asked, t=msgspec.structs.replace(asked.t, limit=wire.Limit("Alo")))
