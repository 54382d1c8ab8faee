"""What anybody may ask: the universe, books, trades, candles, prices, funding."""

from __future__ import annotations

from decimal import Decimal

from adapters.loopback.floor import Floor
from adapters.loopback.hyperliquid import render, rows
from adapters.loopback.hyperliquid.ask import Ask
from adapters.loopback.hyperliquid.contracts import UNIVERSE
from adapters.loopback.hyperliquid.refusals import malformed
from adapters.loopback.hyperliquid.render import text
from adapters.loopback.market import Market

TRADES, TRADES_AT_FIRST = 10, 30  # by REST, and in the first message of a socket, as recorded
CANDLES = 5_000
FUNDINGS = 500
INTEREST = Decimal("0.0001")
"""What the floor's funding rate is where mark and index agree."""
MANTISSAS = (None, 1, 2, 5)
TIERS: dict[int, list[tuple[int, int]]] = {
    5: [(0, 5)], 20: [(0, 20)], 54: [(0, 20), (40_000_000, 10)], 55: [(0, 25), (100_000_000, 15)],
    56: [(0, 40), (150_000_000, 20)],
}  # fmt: skip
"""Margin tables of the assets in the universe: from which notional on which leverage is the highest."""
USDC = rows.Token("USDC", 8, 8, 0, "0x6d1e7cde53ba9467b783cb7c530ce054", True, None, None, "0.0")
UNTRADED = rows.AssetCtx("0.0", "0.0", "1.0", "0.0", None, "1.0", "1.0", None, None, "0.0")


class Quotes:
    """The public answers."""

    def __init__(self, floor: Floor) -> None:
        self._markets = floor.markets

    def meta(self, ask: Ask, _: int) -> rows.Meta:
        self._check_dex(ask)
        return self.universe()

    def universe(self) -> rows.Meta:
        universe = [
            rows.UniverseAsset(a.size_decimals, a.name, a.max_leverage, a.margin_table, a.name not in self._markets)
            for a in UNIVERSE
        ]
        tables = [
            (number, rows.MarginTable(_described(tiers), [rows.MarginTier(f"{at}.0", most) for at, most in tiers]))
            for number, tiers in TIERS.items()
        ]
        return rows.Meta(universe, tables)

    def meta_and_contexts(self, ask: Ask, _: int) -> tuple[rows.Meta, list[rows.AssetCtx]]:
        self._check_dex(ask)
        return self.universe(), self.contexts()

    def contexts(self) -> list[rows.AssetCtx]:
        """One for each asset of the universe, in its order."""
        found = [self._markets.get(asset.name) for asset in UNIVERSE]
        return [render.context(market) if market else UNTRADED for market in found]

    def mids(self, ask: Ask, _: int) -> dict[str, str]:
        self._check_dex(ask)
        return self.all_mids()

    def all_mids(self) -> dict[str, str]:
        mids = {symbol: render.mid(market) for symbol, market in self._markets.items()}
        return {symbol: mid for symbol, mid in mids.items() if mid is not None}

    def book(self, ask: Ask, now_ms: int) -> rows.Book:
        check_figures(ask.n_sig_figs, ask.mantissa)
        return render.book(ask.market(self._markets), now_ms, ask.n_sig_figs, ask.mantissa or 1)

    def trades(self, ask: Ask, _: int) -> list[rows.Trade]:
        """The newest first."""
        return self.recent(ask.market(self._markets), TRADES)[::-1]

    @staticmethod
    def recent(market: Market, most: int = TRADES_AT_FIRST) -> list[rows.Trade]:
        """The oldest first."""
        printed = list(market.trades)[-most:]
        return [render.trade(market, each, render.strangers(each.trade_id)) for each in printed]

    def candles(self, ask: Ask, now_ms: int) -> list[rows.Candle]:
        """Those that begin between two times, oldest first."""
        if ask.req is None or ask.req.interval not in render.INTERVALS or ask.req.coin not in self._markets:
            raise malformed(f"req is {ask.req}")
        word = ask.req.interval
        market, span = self._markets[ask.req.coin], render.INTERVALS[word]
        end = now_ms if ask.req.end_time is None else ask.req.end_time
        made = [c for c in market.candles(span) if span.start(ask.req.start_time) <= c.start_ms <= end]
        return [render.candle(market, candle, span, word) for candle in made[-CANDLES:]]

    def funding_history(self, ask: Ask, now_ms: int) -> list[rows.FundingRate]:
        """What was settled between two times, oldest first."""
        market, (start, end) = ask.market(self._markets), ask.span(now_ms)
        settled = [(ts, rate) for ts, rate in market.funding_history if start <= ts <= end][:FUNDINGS]
        symbol = market.contract.symbol
        return [rows.FundingRate(symbol, text(rate), text(rate - INTEREST), ts) for ts, rate in settled]

    def spot_meta(self, ask: Ask, _: int) -> rows.SpotMeta:
        """Spot has its coin of account and no market here."""
        del ask
        return rows.SpotMeta([], [USDC])

    def spot_meta_and_contexts(self, ask: Ask, now_ms: int) -> tuple[rows.SpotMeta, list[None]]:
        return self.spot_meta(ask, now_ms), []

    def dexes(self, ask: Ask, _: int) -> list[None]:
        """The first is the venue's own; builders have none here."""
        del ask
        return [None]

    def status(self, ask: Ask, now_ms: int) -> dict[str, int | None]:
        del ask
        return {"time": now_ms, "specialStatuses": None}

    @staticmethod
    def _check_dex(ask: Ask) -> None:
        if ask.dex:
            raise malformed(f"there is no dex {ask.dex!r}")


def check_figures(figures: int | None, mantissa: int | None) -> None:
    """Two to five figures, and at five every second or fifth number too; raises RequestRefusedError."""
    if figures not in (None, 2, 3, 4, 5) or mantissa not in MANTISSAS or (mantissa not in (None, 1) and figures != 5):
        raise malformed(f"nSigFigs is {figures}, mantissa {mantissa}")


def _described(tiers: list[tuple[int, int]]) -> str:
    return f"tiered {tiers[0][1]}x" if len(tiers) > 1 else ""
