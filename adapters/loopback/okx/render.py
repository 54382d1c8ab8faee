"""From the floor's words to OKX's public rows: sizes in contracts, numbers as text without zeros at their end."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from adapters.loopback.market import SPANS, Candle, Liquidated, Market, PublicTrade, Span
from adapters.loopback.okx import rows
from adapters.loopback.okx.listings import SPOT, Instrument
from adapters.loopback.orders import ZERO, Side

DEPTH = 400
CHECKED = 25
"""Levels a side that a checksum covers."""
MAINTENANCE_RATE = Decimal("0.004")
EIGHT_HOURS_MS = 28_800_000
_PLACES = Decimal("1E-16")


def plain(number: Decimal) -> str:
    """A decimal without exponent and without zeros at its end; sixteen places at most."""
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -16:
        number = number.quantize(_PLACES)
    return format(number.normalize(), "f") if number else "0"


# -- the book --------------------------------------------------------------------------------------------------------


def levels(instrument: Instrument, ranks: Iterable[tuple[Decimal, Decimal, int]]) -> list[rows.Level]:
    return [(plain(price), plain(instrument.contracts(size)), "0", str(count)) for price, size, count in ranks]


def sides(instrument: Instrument, market: Market, depth: int) -> tuple[list[rows.Level], list[rows.Level]]:
    """Asks and bids, best first."""
    engine = market.engine
    return levels(instrument, engine.ranks(Side.SELL, depth)), levels(instrument, engine.ranks(Side.BUY, depth))


def checksum(asks: Sequence[rows.Level], bids: Sequence[rows.Level]) -> int:
    """The signed CRC32 that the venue sent until 2026-06-23."""
    parts: list[str] = []
    for rank in range(CHECKED):
        for side in (bids, asks):
            if rank < len(side):
                parts += side[rank][:2]
    number = zlib.crc32(":".join(parts).encode())
    return number - (1 << 32) if number >= 1 << 31 else number


# -- trades ----------------------------------------------------------------------------------------------------------


def trade(instrument: Instrument, printed: PublicTrade) -> rows.Trade:
    return rows.Trade(
        instrument.inst_id,
        printed.trade_id,
        plain(printed.price),
        plain(instrument.contracts(printed.size)),
        printed.side.value,
        str(printed.ts_ms),
    )


def single_trade(instrument: Instrument, printed: PublicTrade) -> rows.SingleTrade:
    row = trade(instrument, printed)
    return rows.SingleTrade(row.inst_id, row.trade_id, row.px, row.sz, row.side, row.ts)


def merged_trade(instrument: Instrument, alike: Sequence[PublicTrade], seq: int) -> rows.MergedTrade:
    """What one order took at one price, under the id of the last of them."""
    last = alike[-1]
    return rows.MergedTrade(
        instrument.inst_id,
        last.trade_id,
        plain(last.price),
        plain(instrument.contracts(sum((printed.size for printed in alike), ZERO))),
        last.side.value,
        str(last.ts_ms),
        str(len(alike)),
        seq,
    )


def liquidation(instrument: Instrument, event: Liquidated) -> rows.Liquidation:
    detail = rows.LiquidationDetail(
        side=event.side.opposite.value,
        pos_side="long" if event.side is Side.BUY else "short",
        bk_px=plain(event.price),
        sz=plain(instrument.contracts(event.size)),
        ts=str(event.ts_ms),
    )
    return rows.Liquidation(instrument.inst_type, instrument.inst_id, instrument.pair, instrument.pair, [detail])


# -- candles ---------------------------------------------------------------------------------------------------------


class HongKongSpan(Span):
    """A span of the calendar whose days begin at midnight in Hong Kong."""

    __slots__ = ()

    def start(self, ts_ms: int) -> int:
        return Span.start(self, ts_ms + EIGHT_HOURS_MS) - EIGHT_HOURS_MS

    def end(self, start_ms: int) -> int:
        return Span.end(self, start_ms + EIGHT_HOURS_MS) - EIGHT_HOURS_MS


_LONG = {"6H": "360", "12H": "720", "1D": "D", "1W": "W", "1M": "M"}
BARS: dict[str, Span] = (
    {f"{m}m": SPANS[str(m)] for m in (1, 3, 5, 15, 30)}
    | {f"{h}H": SPANS[str(h * 60)] for h in (1, 2, 4)}
    | {word: HongKongSpan(SPANS[name].word, SPANS[name].minutes) for word, name in _LONG.items()}
    | {f"{word}utc": SPANS[name] for word, name in _LONG.items()}
)
"""The intervals by the venue's words; long ones begin by Hong Kong's calendar unless they say utc."""


def candle(instrument: Instrument, candle: Candle, span: Span, now_ms: int) -> rows.Candle:
    volume, in_currency = instrument.volumes(candle.volume, candle.turnover)
    return (
        str(candle.start_ms),
        plain(candle.open),
        plain(candle.high),
        plain(candle.low),
        plain(candle.close),
        plain(volume),
        plain(in_currency),
        plain(candle.turnover),
        "1" if now_ms > span.end(candle.start_ms) else "0",
    )


def price_candle(drawn: rows.Candle) -> rows.PriceCandle:
    return (*drawn[:5], drawn[8])


# -- prices ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Days:
    """The opening prices of the current day by two calendars."""

    utc0: Decimal
    utc8: Decimal


def days(market: Market) -> Days:
    opened = [market.candle(BARS[word], BARS[word].start(market.minutes[-1].start_ms)) for word in ("1Dutc", "1D")]
    utc0, utc8 = (found.open if found else market.last_price for found in opened)
    return Days(utc0, utc8)


def ticker(instrument: Instrument, market: Market, now_ms: int) -> rows.Ticker:
    day, since = market.day(), days(market)
    volume, in_currency = instrument.volumes(day.volume, day.turnover)
    bid, ask = market.engine.best(Side.BUY), market.engine.best(Side.SELL)
    last_size = market.trades[-1].size if market.trades else ZERO
    return rows.Ticker(
        inst_type=instrument.inst_type,
        inst_id=instrument.inst_id,
        last=plain(market.last_price),
        last_sz=plain(instrument.contracts(last_size)),
        ask_px=plain(ask[0]) if ask else "",
        ask_sz=plain(instrument.contracts(ask[1])) if ask else "",
        bid_px=plain(bid[0]) if bid else "",
        bid_sz=plain(instrument.contracts(bid[1])) if bid else "",
        open24h=plain(day.open),
        high24h=plain(day.high),
        low24h=plain(day.low),
        vol_ccy24h=plain(in_currency),
        vol24h=plain(volume),
        sod_utc0=plain(since.utc0),
        sod_utc8=plain(since.utc8),
        ts=str(now_ms),
    )


def mark_price(instrument: Instrument, market: Market, now_ms: int) -> rows.MarkPrice:
    kind = instrument.inst_type if instrument.is_swap else "MARGIN"
    return rows.MarkPrice(kind, instrument.inst_id, plain(market.mark_price), str(now_ms))


def index_ticker(instrument: Instrument, market: Market, now_ms: int) -> rows.IndexTicker:
    """The index now; its day is that of the trades, since the floor keeps no index of the past."""
    day, since, now = market.day(), days(market), market.index_price
    return rows.IndexTicker(
        inst_id=instrument.pair,
        idx_px=plain(now),
        high24h=plain(max(day.high, now)),
        low24h=plain(min(day.low, now)),
        open24h=plain(day.open),
        sod_utc0=plain(since.utc0),
        sod_utc8=plain(since.utc8),
        ts=str(now_ms),
    )


def funding_rate(instrument: Instrument, market: Market, now_ms: int) -> rows.FundingRate:
    contract, history = market.contract, market.funding_history
    premium = (market.mark_price - market.index_price) / market.index_price
    return rows.FundingRate(
        inst_type=instrument.inst_type,
        inst_id=instrument.inst_id,
        funding_rate=plain(market.funding_rate),
        funding_time=str(market.next_funding_ms),
        next_funding_time=str(market.next_funding_ms + contract.funding_interval_min * 60_000),
        min_funding_rate=plain(-contract.funding_cap),
        max_funding_rate=plain(contract.funding_cap),
        premium=plain(premium),
        sett_funding_rate=plain(history[-1][1]) if history else "",
        ts=str(now_ms),
    )


def open_interest(instrument: Instrument, market: Market, now_ms: int) -> rows.OpenInterest:
    interest = market.open_interest
    return rows.OpenInterest(
        instrument.inst_type,
        instrument.inst_id,
        plain(instrument.contracts(interest)),
        plain(interest),
        plain(interest * market.mark_price),
        str(now_ms),
    )


def price_limit(instrument: Instrument, market: Market, now_ms: int) -> rows.PriceLimit:
    highest, lowest = market.price_band()
    return rows.PriceLimit(instrument.inst_type, instrument.inst_id, plain(highest), plain(lowest), str(now_ms))


def tier(instrument: Instrument) -> rows.Tier:
    most = instrument.contract.max_leverage
    return rows.Tier(
        inst_family=instrument.pair,
        uly=instrument.pair,
        max_lever=plain(most),
        max_sz=plain(instrument.contracts(instrument.contract.max_size)),
        imr=plain(1 / most),
        mmr=plain(MAINTENANCE_RATE),
    )


def instrument(listed: Instrument) -> rows.Instrument:
    contract, swap = listed.contract, listed.is_swap
    most, at_market = plain(listed.contracts(contract.max_size)), plain(listed.contracts(contract.max_market_size))
    lot = plain(listed.contracts(contract.lot))
    return rows.Instrument(
        inst_type=listed.inst_type,
        inst_id=listed.inst_id,
        inst_id_code=listed.code,
        inst_family=listed.pair if swap else "",
        uly=listed.pair if swap else "",
        base_ccy="" if swap else contract.base,
        quote_ccy="" if swap else contract.quote,
        settle_ccy=contract.quote if swap else "",
        ct_type="linear" if swap else "",
        ct_val=plain(listed.contract_size) if swap else "",
        ct_mult="1" if swap else "",
        ct_val_ccy=contract.base if swap else "",
        tick_sz=plain(contract.tick),
        lot_sz=lot,
        min_sz=lot,
        lever=plain(contract.max_leverage) if swap else "10",
        max_lmt_sz=most,
        max_mkt_sz=at_market,
        max_iceberg_sz=most,
        max_trigger_sz=most,
        max_twap_sz=most,
        max_stop_sz=at_market,
        list_time=str(contract.launched_ms),
        max_mkt_amt="" if listed.inst_type != SPOT else "1000000",
    )
