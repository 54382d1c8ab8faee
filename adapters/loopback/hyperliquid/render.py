"""Prices, sizes and words as Hyperliquid writes them, and the market's rows."""

from __future__ import annotations

import hashlib
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from adapters.loopback.hyperliquid import rows
from adapters.loopback.market import DAY_MINUTES, SPANS, Candle, Market, PublicTrade, Span
from adapters.loopback.orders import ZERO, Side

SIDES = {Side.BUY: "B", Side.SELL: "A"}
DEPTH = 20
FAST_DEPTH = 5
INTERVALS: dict[str, Span] = {
    word: Span(word, minutes)
    for word, minutes in {
        "1m": 1, "3m": 3, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "2h": 120, "4h": 240, "8h": 480, "12h": 720,
        "1d": DAY_MINUTES, "3d": 3 * DAY_MINUTES,
    }.items()
} | {"1w": SPANS["W"], "1M": SPANS["M"]}  # fmt: skip


def number(value: Decimal) -> str:
    """A number without trailing zeros or exponent."""
    return f"{value.normalize() + 0:f}" if value else "0"


def text(value: Decimal) -> str:
    """A number as answers carry it: always with a point."""
    said = number(value)
    return said if "." in said else said + ".0"


def rounded(value: Decimal, decimals: int) -> str:
    """A quotient, to so many decimals."""
    return text(value.quantize(Decimal(1).scaleb(-decimals)))


def transaction(name: str) -> str:
    """The hash of the transaction that something came of, made from its name."""
    return "0x" + hashlib.sha256(name.encode()).hexdigest()


def street(name: str) -> str:
    """The address of somebody who has no account here, made from a name."""
    return "0x" + hashlib.sha256(name.encode()).hexdigest()[:40]


def size_decimals(market: Market) -> int:
    return -int(market.contract.lot.as_tuple().exponent)


def level(market: Market, side: Side, price: Decimal, size: Decimal) -> rows.Level:
    return rows.Level(text(price), text(size), len(market.engine.queue(side, price)))


def levels(market: Market, side: Side, limit: int) -> list[rows.Level]:
    return [level(market, side, price, size) for price, size in market.engine.depth(side, limit)]


def best(market: Market, side: Side) -> rows.Level | None:
    top = market.engine.best(side)
    return level(market, side, *top) if top is not None else None


def book(market: Market, now_ms: int, figures: int | None = None, mantissa: int = 1, fast: bool = False) -> rows.Book:
    """The best levels of both sides, whole or summed up to so many significant figures."""
    depth = FAST_DEPTH if fast else DEPTH
    bid = market.engine.best(Side.BUY)
    if figures is None or bid is None:
        sides = levels(market, Side.BUY, depth), levels(market, Side.SELL, depth)
        return rows.Book(market.contract.symbol, now_ms, sides, fast=fast)
    step = Decimal(mantissa).scaleb(bid[0].adjusted() - figures + 1)
    coarse = summed(market, Side.BUY, step, depth), summed(market, Side.SELL, step, depth)
    return rows.Book(market.contract.symbol, now_ms, coarse, spread(market), fast)


def summed(market: Market, side: Side, step: Decimal, depth: int) -> list[rows.Level]:
    """The levels of a side put together on a coarser step, bids down and asks up."""
    rounding = ROUND_FLOOR if side is Side.BUY else ROUND_CEILING
    sizes: dict[Decimal, tuple[Decimal, int]] = {}
    for price, size in market.engine.depth(side):
        at = (price / step).to_integral_value(rounding) * step
        if at not in sizes and len(sizes) == depth:
            break
        before, count = sizes.get(at, (ZERO, 0))
        sizes[at] = before + size, count + len(market.engine.queue(side, price))
    return [rows.Level(text(price), text(size), count) for price, (size, count) in sizes.items()]


def spread(market: Market) -> str:
    bid, ask = market.engine.best(Side.BUY), market.engine.best(Side.SELL)
    return text(ask[0] - bid[0]) if bid and ask else "0.0"


def mid(market: Market) -> str | None:
    bid, ask = market.engine.best(Side.BUY), market.engine.best(Side.SELL)
    return text((bid[0] + ask[0]) / 2) if bid and ask else None


def trade(market: Market, printed: PublicTrade, users: tuple[str, str]) -> rows.Trade:
    return rows.Trade(
        market.contract.symbol,
        SIDES[printed.side],
        text(printed.price),
        text(printed.size),
        printed.ts_ms,
        transaction(printed.trade_id),
        int(printed.trade_id),
        users,
    )


def strangers(trade_id: str) -> tuple[str, str]:
    """Buyer and seller of a trade of which nobody is a customer."""
    return street(f"buyer-{trade_id}"), street(f"seller-{trade_id}")


def candle(market: Market, made: Candle, span: Span, word: str) -> rows.Candle:
    return rows.Candle(
        t=made.start_ms,
        T=span.end(made.start_ms),
        s=market.contract.symbol,
        i=word,
        o=text(made.open),
        c=text(made.close),
        h=text(made.high),
        l=text(made.low),
        v=text(made.volume),
        n=made.trades,
    )


def context(market: Market) -> rows.AssetCtx:
    """Funding, interest, volumes and prices of a market now."""
    day, mark, oracle = market.day(), market.mark_price, market.index_price
    bid, ask = market.engine.best(Side.BUY), market.engine.best(Side.SELL)
    return rows.AssetCtx(
        funding=text(market.funding_rate),
        open_interest=text(market.open_interest),
        prev_day_px=text(day.open),
        day_ntl_vlm=text(day.turnover),
        premium=rounded((mark - oracle) / oracle, 10) if bid and ask else None,
        oracle_px=text(oracle),
        mark_px=text(mark),
        mid_px=mid(market),
        impact_pxs=(text(bid[0]), text(ask[0])) if bid and ask else None,
        day_base_vlm=text(day.volume),
    )
