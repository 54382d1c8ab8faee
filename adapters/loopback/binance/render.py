"""From the floor's words to Binance's public rows, and the spelling of every word and number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from adapters.loopback.binance import rows
from adapters.loopback.market import SPANS, Candle, Market, PublicTrade, Span
from adapters.loopback.orders import Kind, SelfMatch, Side, Tif
from adapters.loopback.symbols import Contract

SIDES = {Side.BUY: "BUY", Side.SELL: "SELL"}
KINDS = {Kind.LIMIT: "LIMIT", Kind.MARKET: "MARKET"}
TIFS = {"GTC": Tif.GTC, "IOC": Tif.IOC, "FOK": Tif.FOK, "GTX": Tif.POST_ONLY, "GTD": Tif.GTC}
SELF_MATCHES = {
    "NONE": SelfMatch.ALLOW,
    "EXPIRE_TAKER": SelfMatch.CANCEL_TAKER,
    "EXPIRE_MAKER": SelfMatch.CANCEL_MAKER,
    "EXPIRE_BOTH": SelfMatch.CANCEL_BOTH,
}
INTERVALS: Mapping[str, Span] = (
    {f"{m}m": SPANS[str(m)] for m in (1, 3, 5, 15, 30)}
    | {f"{h}h": SPANS[str(h * 60)] for h in (1, 2, 4, 6, 12)}
    | {"8h": Span("480", 480), "1d": SPANS["D"], "3d": Span("3D", 3 * 1_440), "1w": SPANS["W"], "1M": SPANS["M"]}
)
PERPETUAL_END_MS = 4_133_404_800_000
ORDER_TYPES = ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET"]
MAX_OPEN_ORDERS, MAX_ALGO_ORDERS = 500, 100
_PLACES = Decimal("1E-8")


def plain(number: Decimal) -> str:
    """A computed amount: eight places at most, no exponent, no trailing zeros."""
    rounded = number.quantize(_PLACES)
    return format(rounded.normalize(), "f") if rounded else "0"


def exact(number: Decimal) -> str:
    """A decimal with all its places: prices on the tick, sizes on the lot."""
    return format(number, "f")


def money(number: Decimal) -> str:
    return format(number.quantize(_PLACES), "f")


def places(step: Decimal) -> int:
    """How many decimals a step has."""
    return max(0, -int(step.as_tuple().exponent))


def levels(depth: Iterable[tuple[Decimal, Decimal]]) -> list[rows.Level]:
    return [(exact(price), exact(size)) for price, size in depth]


def best(market: Market, side: Side) -> rows.Level:
    """Price and size of the best level of a side, zeros where it is empty."""
    found = market.engine.best(side)
    return (exact(found[0]), exact(found[1])) if found else ("0", "0")


# -- the public -------------------------------------------------------------------------------------------------------


def symbol(contract: Contract) -> rows.Symbol:
    lot, ratio = exact(contract.lot), contract.price_limit_ratio
    filters = [
        rows.Filter(
            "PRICE_FILTER",
            min_price=exact(contract.tick),
            max_price=exact(contract.max_price),
            tick_size=exact(contract.tick),
        ),
        rows.Filter("LOT_SIZE", min_qty=lot, max_qty=exact(contract.max_size), step_size=lot),
        rows.Filter("MARKET_LOT_SIZE", min_qty=lot, max_qty=exact(contract.max_market_size), step_size=lot),
        rows.Filter("MAX_NUM_ORDERS", limit=MAX_OPEN_ORDERS),
        rows.Filter("MAX_NUM_ALGO_ORDERS", limit=MAX_ALGO_ORDERS),
        rows.Filter("MIN_NOTIONAL", notional=plain(contract.min_notional)),
        rows.Filter(
            "PERCENT_PRICE",
            multiplier_up=f"{1 + ratio:.4f}",
            multiplier_down=f"{1 - ratio:.4f}",
            multiplier_decimal="4",
        ),
    ]
    return rows.Symbol(
        contract.symbol,
        contract.symbol,
        "PERPETUAL",
        PERPETUAL_END_MS,
        contract.launched_ms,
        "TRADING",
        contract.base,
        contract.quote,
        contract.quote,
        price_precision=contract.price_scale,
        quantity_precision=places(contract.lot),
        base_asset_precision=8,
        quote_precision=8,
        underlying_type="COIN",
        trigger_protect="0.0500",
        liquidation_fee="0.012500",
        market_take_bound="0.05",
        maint_margin_percent="2.5000",
        required_margin_percent="5.0000",
        filters=filters,
        order_types=ORDER_TYPES,
        time_in_force=["GTC", "IOC", "FOK", "GTX", "GTD"],
    )


def spot_symbol(contract: Contract) -> rows.SpotSymbol:
    lot = exact(contract.lot)
    filters = [
        rows.Filter(
            "PRICE_FILTER",
            min_price=exact(contract.tick),
            max_price=exact(contract.max_price),
            tick_size=exact(contract.tick),
        ),
        rows.Filter("LOT_SIZE", min_qty=lot, max_qty=exact(contract.max_size), step_size=lot),
        rows.Filter("NOTIONAL", min_notional=plain(contract.min_notional), apply_min_to_market=True, avg_price_mins=5),
    ]
    return rows.SpotSymbol(
        contract.symbol,
        "TRADING",
        contract.base,
        8,
        contract.quote,
        8,
        8,
        order_types=["LIMIT", "LIMIT_MAKER", "MARKET"],
        filters=filters,
        permissions=[],
        permission_sets=[["SPOT"]],
    )


def trade(printed: PublicTrade, spot: bool) -> rows.Trade:
    row = rows.Trade(
        int(printed.trade_id),
        exact(printed.price),
        exact(printed.size),
        plain(printed.price * printed.size),
        printed.ts_ms,
        is_buyer_maker=printed.side is Side.SELL,
    )
    if spot:
        row.is_best_match = True
    else:
        row.is_rpi_trade = False
    return row


def kline(candle: Candle, span: Span) -> rows.KlineRow:
    return (
        candle.start_ms,
        exact(candle.open),
        exact(candle.high),
        exact(candle.low),
        exact(candle.close),
        exact(candle.volume),
        span.end(candle.start_ms),
        plain(candle.turnover),
        candle.trades,
        exact(candle.bought),
        plain(candle.bought_turnover),
        "0",
    )


def premium(market: Market, now_ms: int) -> rows.Premium:
    mark, index = exact(market.mark_price), exact(market.index_price)
    rate = money(market.funding_rate)
    return rows.Premium(market.contract.symbol, mark, index, index, rate, "0.00010000", market.next_funding_ms, now_ms)


def day(market: Market, now_ms: int) -> rows.Day:
    seen, last = market.day(), market.trades[-1] if market.trades else None
    change = market.last_price - seen.open
    average = seen.turnover / seen.volume if seen.volume else market.last_price
    return rows.Day(
        market.contract.symbol,
        exact(change),
        f"{change / seen.open * 100:.3f}",
        exact(market.snap(average)),
        exact(market.last_price),
        exact(last.size) if last else "0",
        exact(seen.open),
        exact(seen.high),
        exact(seen.low),
        exact(seen.volume),
        plain(seen.turnover),
        open_time=now_ms - 86_400_000,
        close_time=now_ms,
        first_id=int(market.trades[0].trade_id) if market.trades else -1,
        last_id=int(last.trade_id) if last else -1,
        count=sum(candle.trades for candle in market.minutes),
    )
