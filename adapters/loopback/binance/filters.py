"""The filters that a price and a quantity must pass, each with its own code.

https://developers.binance.com/docs/derivatives/usds-margined-futures/common-definition
"""

from __future__ import annotations

from decimal import Decimal

from adapters.loopback.binance import codes
from adapters.loopback.binance.codes import BinanceError
from adapters.loopback.binance.params import Params
from adapters.loopback.binance.render import exact, places, plain
from adapters.loopback.market import Market
from adapters.loopback.orders import Kind, Side
from adapters.loopback.symbols import Contract


def price_of(params: Params, market: Market, side: Side, in_band: bool = True) -> Decimal:
    """The price asked for, on the tick and, where it is to trade at, inside the band; raises BinanceError."""
    contract, price = market.contract, params.decimal("price")
    if places(price.normalize()) > contract.price_scale:
        raise BinanceError(codes.PRECISION)
    if price < contract.tick:
        raise BinanceError(codes.PRICE_BELOW_MIN)
    if price > contract.max_price:
        raise BinanceError(codes.PRICE_ABOVE_MAX)
    if price % contract.tick:
        raise BinanceError(codes.TICK_SIZE)
    highest, lowest = market.price_band()
    if in_band and side is Side.BUY and price > highest:
        raise BinanceError(codes.PRICE_TOO_HIGH, f"Limit price can't be higher than {exact(highest)}.")
    if in_band and side is Side.SELL and price < lowest:
        raise BinanceError(codes.PRICE_TOO_LOW, f"Limit price can't be lower than {exact(lowest)}.")
    return price // contract.tick * contract.tick


def size_of(params: Params, contract: Contract, kind: Kind) -> Decimal:
    """The quantity asked for, on the step and inside the limits of its order type; raises BinanceError."""
    size = params.decimal("quantity")
    if size <= 0:
        raise BinanceError(codes.QTY_NOT_POSITIVE)
    if places(size.normalize()) > places(contract.lot):
        raise BinanceError(codes.PRECISION)
    if size < contract.lot:
        raise BinanceError(codes.QTY_BELOW_MIN)
    if size > (contract.max_market_size if kind is Kind.MARKET else contract.max_size):
        raise BinanceError(codes.QTY_ABOVE_MAX)
    if size % contract.lot:
        raise BinanceError(codes.STEP_SIZE)
    return size // contract.lot * contract.lot


def check_notional(contract: Contract, notional: Decimal, reduce_only: bool) -> None:
    if not reduce_only and notional < contract.min_notional:
        words = (
            f"Order's notional must be no smaller than {plain(contract.min_notional)} (unless you choose reduce only)."
        )
        raise BinanceError(codes.MIN_NOTIONAL, words)
