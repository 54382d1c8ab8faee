"""Which subscription opens which feed, and how it is acknowledged."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.loopback.hyperliquid import market_feeds, render, user_feeds
from adapters.loopback.hyperliquid.frames import Subscription
from adapters.loopback.hyperliquid.holdings import Holdings
from adapters.loopback.hyperliquid.market_feeds import Feed
from adapters.loopback.hyperliquid.quotes import Quotes, check_figures
from adapters.loopback.hyperliquid.refusals import RequestRefusedError
from adapters.loopback.hyperliquid.wire import ADDRESS
from adapters.loopback.market import Market

USER_FEEDS: Mapping[str, type[user_feeds.UserFeed]] = {
    "orderUpdates": user_feeds.OrderUpdatesFeed,
    "userFills": user_feeds.FillsFeed,
    "userEvents": user_feeds.EventsFeed,
    "userFundings": user_feeds.FundingsFeed,
    "userNonFundingLedgerUpdates": user_feeds.LedgerFeed,
    "clearinghouseState": user_feeds.ClearinghouseFeed,
    "openOrders": user_feeds.OpenOrdersFeed,
    "spotState": user_feeds.SpotStateFeed,
}
WITH_DEX = frozenset({"clearinghouseState", "openOrders"})


class NoSuchChannelError(Exception):
    """A subscription that the venue does not know, or that names nothing."""


class Channels:
    """Opens feeds."""

    def __init__(self, markets: Mapping[str, Market], quotes: Quotes, holdings: Holdings) -> None:
        self._markets, self._quotes, self._holdings = markets, quotes, holdings

    def open(self, wanted: Subscription) -> Feed:
        """Raises NoSuchChannelError."""
        if wanted.dex:
            raise NoSuchChannelError
        if wanted.type == "allMids":
            return market_feeds.MidsFeed(self._quotes)
        if wanted.type in USER_FEEDS:
            return USER_FEEDS[wanted.type](self._holdings, self._address(wanted))
        if wanted.type == "webData2":
            return user_feeds.WebDataFeed(self._holdings, self._address(wanted), self._quotes)
        market = self._markets.get(wanted.coin or "")
        if market is None:
            raise NoSuchChannelError
        return self._of_market(wanted, market)

    def _of_market(self, wanted: Subscription, market: Market) -> Feed:
        match wanted.type:
            case "l2Book":
                try:
                    check_figures(wanted.n_sig_figs, wanted.mantissa)
                except RequestRefusedError as error:
                    raise NoSuchChannelError from error
                return market_feeds.BookFeed(market, wanted.n_sig_figs, wanted.mantissa, bool(wanted.fast))
            case "bbo":
                return market_feeds.BestFeed(market)
            case "trades":
                return market_feeds.TradesFeed(market, self._quotes)
            case "activeAssetCtx":
                return market_feeds.ContextFeed(market)
            case "activeAssetData":
                return user_feeds.ActiveAssetFeed(self._holdings, self._address(wanted), market.contract.symbol)
            case "candle" if wanted.interval in render.INTERVALS:
                return market_feeds.CandleFeed(market, render.INTERVALS[wanted.interval], wanted.interval)
        raise NoSuchChannelError

    @staticmethod
    def _address(wanted: Subscription) -> str:
        address = (wanted.user or "").lower()
        if not ADDRESS.fullmatch(address):
            raise NoSuchChannelError
        return address


def canonical(wanted: Subscription) -> Subscription:
    """The subscription as the venue knows it: only what its type needs, addresses in lower case."""
    kind = wanted.type
    said = Subscription(kind)
    if kind in ("l2Book", "bbo", "trades", "candle", "activeAssetCtx", "activeAssetData"):
        said.coin = wanted.coin
    if kind in USER_FEEDS or kind in ("webData2", "activeAssetData"):
        said.user = (wanted.user or "").lower()
    if kind == "candle":
        said.interval = wanted.interval
    if kind == "l2Book":
        said.n_sig_figs, said.mantissa, said.fast = wanted.n_sig_figs, wanted.mantissa, wanted.fast or None
    said.dex = wanted.dex or None
    return said


def echo(said: Subscription) -> dict[str, object]:
    """The subscription as it is acknowledged, with what the venue adds."""
    named = {"type": said.type, "user": said.user, "coin": said.coin, "interval": said.interval}
    shown: dict[str, object] = {name: value for name, value in named.items() if value is not None}
    if said.type == "l2Book":
        shown |= {"nSigFigs": said.n_sig_figs, "mantissa": said.mantissa}
        if said.fast:
            shown["fast"] = True
    if said.type in WITH_DEX:
        shown["dex"] = said.dex or ""
    return shown
