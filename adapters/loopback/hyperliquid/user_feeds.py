"""What an account may hear of itself; whoever knows its address may listen."""

from __future__ import annotations

from collections.abc import Iterable

from adapters.loopback.faults import Place
from adapters.loopback.hyperliquid import frames, order_rows
from adapters.loopback.hyperliquid.blocks import Block, fills_of, orders_of
from adapters.loopback.hyperliquid.holdings import Holdings
from adapters.loopback.hyperliquid.market_feeds import Feed
from adapters.loopback.hyperliquid.quotes import Quotes

STATE_MS = 5_000
BY_USER = "canceled"
NOT_BY_USER = frozenset({"selfTradeCanceled", "reduceOnlyCanceled", "scheduledCancel", "siblingFilledCanceled"})


class UserFeed(Feed):
    """A feed of one account."""

    place = Place.PRIVATE

    def __init__(self, holdings: Holdings, address: str) -> None:
        self._holdings, self._address, self._key = holdings, address, holdings.desk(address).account.key
        self.name = self.channel


class OrderUpdatesFeed(UserFeed):
    """`orderUpdates`: each order that a block touched, as it is after it.

    A modify is a cancel and a new order, and the new one is told first.
    """

    channel = "orderUpdates"

    def heard(self, block: Block, now_ms: int) -> Iterable[object]:
        updates = [
            order_rows.update(symbol, order, self._holdings.triggers) for symbol, order in orders_of(block, self._key)
        ]
        updates.sort(key=lambda update: update.status == BY_USER)
        return (updates,) if updates else ()


class FillsFeed(UserFeed):
    """`userFills`: those there have been, then those of each block."""

    channel = "userFills"

    def opening(self, now_ms: int) -> Iterable[object]:
        return (frames.Fills(self._address, self._holdings.last_fills(self._address), True),)

    def heard(self, block: Block, now_ms: int) -> Iterable[object]:
        fills = self._holdings.newest_fills(self._address, _traded(block, self._key))
        return (frames.Fills(self._address, fills),) if fills else ()


class EventsFeed(UserFeed):
    """`userEvents`, which are pushed as `user`: fills, funding, and orders that the venue cancelled."""

    channel = "user"

    def heard(self, block: Block, now_ms: int) -> Iterable[object]:
        traded, funded = _traded(block, self._key), _funded(block, self._key)
        if traded:
            yield frames.UserEvent(fills=self._holdings.newest_fills(self._address, traded))
        for funding in self._holdings.newest_fundings(self._address, funded):
            yield frames.UserEvent(funding=funding)
        gone = [
            frames.CancelledByVenue(symbol, int(order.order_id))
            for symbol, order in orders_of(block, self._key)
            if order_rows.status(order, self._holdings.triggers) in NOT_BY_USER
        ]
        if gone:
            yield frames.UserEvent(non_user_cancel=gone)


class FundingsFeed(UserFeed):
    """`userFundings`: those there have been, then each hour's."""

    channel = "userFundings"

    def opening(self, now_ms: int) -> Iterable[object]:
        return (frames.Fundings(self._address, self._holdings.newest_fundings(self._address), True),)

    def heard(self, block: Block, now_ms: int) -> Iterable[object]:
        paid = self._holdings.newest_fundings(self._address, _funded(block, self._key))
        return (frames.Fundings(self._address, paid),) if paid else ()


class LedgerFeed(UserFeed):
    """`userNonFundingLedgerUpdates`: deposits and withdrawals, of which there are none."""

    channel = "userNonFundingLedgerUpdates"

    def opening(self, now_ms: int) -> Iterable[object]:
        return (frames.LedgerUpdates(self._address, [], True),)


class StateFeed(UserFeed):
    """A whole state: at first, in each block that touched the account, and every five seconds."""

    interval_ms = STATE_MS

    def opening(self, now_ms: int) -> Iterable[object]:
        return self.due(now_ms)

    def heard(self, block: Block, now_ms: int) -> Iterable[object]:
        touched = fills_of(block, self._key) or orders_of(block, self._key)
        return self.due(now_ms) if touched else ()


class ClearinghouseFeed(StateFeed):
    """`clearinghouseState`: positions and margin."""

    channel = "clearinghouseState"

    def due(self, now_ms: int) -> Iterable[object]:
        return (frames.ClearinghouseOf("", self._address, self._holdings.clearinghouse(self._address, now_ms)),)


class OpenOrdersFeed(StateFeed):
    """`openOrders`: every order that rests."""

    channel = "openOrders"

    def due(self, now_ms: int) -> Iterable[object]:
        return (frames.OpenOrdersOf("", self._address, self._holdings.full_open_orders(self._address)),)


class ActiveAssetFeed(StateFeed):
    """`activeAssetData`: what the account could trade of a coin."""

    channel = "activeAssetData"

    def __init__(self, holdings: Holdings, address: str, coin: str) -> None:
        super().__init__(holdings, address)
        self._coin = coin

    def due(self, now_ms: int) -> Iterable[object]:
        return (self._holdings.active_asset_of(self._address, self._coin),)


class SpotStateFeed(StateFeed):
    """`spotState`: the collateral of a unified account; else nothing is held on spot here."""

    channel = "spotState"

    def due(self, now_ms: int) -> Iterable[object]:
        return (frames.SpotStateOf(self._address, self._holdings.spot_balances(self._address)),)


class WebDataFeed(StateFeed):
    """`webData2`: everything at once, for the venue's own page."""

    channel = "webData2"

    def __init__(self, holdings: Holdings, address: str, quotes: Quotes) -> None:
        super().__init__(holdings, address)
        self._quotes = quotes

    def due(self, now_ms: int) -> Iterable[object]:
        agent = self._holdings.unnamed_agent(self._address)
        return (
            frames.WebData(
                clearinghouse_state=self._holdings.clearinghouse(self._address, now_ms),
                leading_vaults=[],
                total_vault_equity="0.0",
                open_orders=self._holdings.full_open_orders(self._address),
                agent_address=agent.address if agent else None,
                agent_valid_until=agent.until_ms if agent else None,
                cum_ledger=self._holdings.deposited(self._address),
                meta=self._quotes.universe(),
                asset_ctxs=self._quotes.contexts(),
                server_time=now_ms,
                is_vault=False,
                user=self._address,
                twap_states=[],
            ),
        )


def _traded(block: Block, key: str) -> int:
    return sum(fill.kind == "trade" for fill in fills_of(block, key))


def _funded(block: Block, key: str) -> int:
    return sum(fill.kind == "funding" for fill in fills_of(block, key))
