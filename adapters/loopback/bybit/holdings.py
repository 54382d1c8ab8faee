"""The private REST calls that are not about entering orders: orders kept, executions, positions, wallet, account settings."""

# ruff: noqa: N815
# The field names are the venue's own.

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TypeVar

import msgspec

from adapters.loopback.bybit import codes, render, rows
from adapters.loopback.bybit.actions import Actions, require_linear
from adapters.loopback.bybit.codes import BybitError, parameter
from adapters.loopback.bybit.params import Params, cursor
from adapters.loopback.desk import Desk
from adapters.loopback.floor import Fill, Floor
from adapters.loopback.ledger import Account
from adapters.loopback.orders import Order

WEEK_MS = 7 * 86_400_000
CLOSED_KEPT = 500
EXEC_TYPES = frozenset({"Trade", "Funding", "AdlTrade", "BustTrade", "Settle", "Delivery"})
STATUS_WORDS = frozenset(render.STATUSES.values()) | {"Rejected", "Deactivated", "Untriggered", "Triggered"}

RowT = TypeVar("RowT")


class Orders(msgspec.Struct, gc=False):
    list: list[rows.Order]
    nextPageCursor: str
    category: str = "linear"


class Executions(msgspec.Struct, gc=False):
    list: list[rows.Execution]
    nextPageCursor: str
    category: str = "linear"


class Positions(msgspec.Struct, gc=False):
    list: list[rows.Position]
    nextPageCursor: str
    category: str = "linear"


class Wallets(msgspec.Struct, gc=False):
    list: list[rows.Wallet]


class AccountInfo(msgspec.Struct, gc=False):
    updatedTime: str
    unifiedMarginStatus: int = 5
    marginMode: str = "REGULAR_MARGIN"
    spotHedgingStatus: str = "OFF"
    isMasterTrader: bool = False
    dcpStatus: str = "OFF"
    timeWindow: int = 10
    smpGroup: int = 0


class FeeRate(msgspec.Struct, gc=False):
    symbol: str
    takerFeeRate: str
    makerFeeRate: str
    baseCoin: str = ""


class FeeRates(msgspec.Struct, gc=False):
    list: list[FeeRate]
    category: str = "linear"


class Statement(msgspec.Struct, gc=False):
    list: list[rows.LogLine]
    nextPageCursor: str


class KeyInfo(msgspec.Struct, gc=False):
    """https://bybit-exchange.github.io/docs/v5/user/apikey-info"""

    apiKey: str
    userID: int
    permissions: dict[str, list[str]]
    readOnly: int = 0
    uta: int = 1
    unified: int = 0
    isMaster: bool = True
    kycRegion: str = ""
    type: int = 1


class Nothing(msgspec.Struct, gc=False):
    """The empty object."""


class DcpInfo(msgspec.Struct, gc=False):
    product: str
    dcpStatus: str
    timeWindow: str


class DcpInfos(msgspec.Struct, gc=False):
    dcpInfos: list[DcpInfo]


def window(params: Params, now_ms: int) -> tuple[int, int]:
    """The time span asked for, a week at most; without bounds the last week."""
    if params.has("startTime"):
        start = params.integer("startTime")
        end = params.integer("endTime", start + WEEK_MS)
    else:
        end = params.integer("endTime", now_ms)
        start = end - WEEK_MS
    if end < start or end - start > WEEK_MS:
        raise parameter("the time range between startTime and endTime cannot exceed 7 days")
    return start, end


def page(found: Sequence[RowT], params: Params, default: int, most: int) -> tuple[Sequence[RowT], str]:
    limit, offset = params.integer("limit", default, 1, most), params.offset()
    shown = found[offset : offset + limit]
    return shown, cursor(offset, len(shown), len(found))


class Holdings:
    """What an account may ask about itself, and its settings."""

    def __init__(self, floor: Floor, actions: Actions, settings_changed: Callable[[str, str], None]) -> None:
        self._floor, self._actions = floor, actions
        self._settings_changed = settings_changed
        self.cancel_window_s: dict[str, int] = {}
        """Accounts whose orders go when their protected sockets are gone for so many seconds."""

    def _desk(self, account: Account) -> Desk:
        return self._floor.desks[account.key]

    # -- orders and executions ---------------------------------------------------------------------------------------

    def realtime(self, account: Account, params: Params, _: int) -> Orders:
        """https://bybit-exchange.github.io/docs/v5/order/open-order"""
        closed = params.integer("openOnly", 0, 0, 1) == 1
        found = [
            (s, o) for s, o in self._selected_orders(account, params, resting=not closed) if closed == o.status.is_final
        ]
        shown, after = page(found[:CLOSED_KEPT] if closed else found, params, 20, 50)
        return Orders([render.order(symbol, order) for symbol, order in shown], after)

    def history(self, account: Account, params: Params, now_ms: int) -> Orders:
        """https://bybit-exchange.github.io/docs/v5/order/order-list"""
        start, end = window(params, now_ms)
        status = params.word("orderStatus", STATUS_WORDS, "") if params.has("orderStatus") else ""
        found = [
            (symbol, order)
            for symbol, order in self._selected_orders(account, params, everywhere=True)
            if order.status.is_final
            and start <= order.created_ms <= end
            and status in ("", render.STATUSES[order.status])
        ]
        shown, after = page(found, params, 20, 50)
        return Orders([render.order(symbol, order) for symbol, order in shown], after)

    def executions(self, account: Account, params: Params, now_ms: int) -> Executions:
        """https://bybit-exchange.github.io/docs/v5/order/execution"""
        require_linear(params)
        start, end = window(params, now_ms)
        wanted = params.word("execType", EXEC_TYPES) if params.has("execType") else ""

        def fits(fill: Fill) -> bool:
            return (
                start <= fill.ts_ms <= end
                and (not params.has("symbol") or fill.symbol == params.text("symbol"))
                and (not params.has("orderId") or fill.order_id == params.text("orderId"))
                and (not params.has("orderLinkId") or fill.client_id == params.text("orderLinkId"))
                and wanted in ("", "Funding" if fill.kind == "funding" else "Trade")
            )

        found = [fill for fill in reversed(self._desk(account).fills) if fits(fill)]
        shown, after = page(found, params, 50, 100)
        return Executions([render.execution(fill) for fill in shown], after)

    def _selected_orders(
        self, account: Account, params: Params, everywhere: bool = False, resting: bool = False
    ) -> list[tuple[str, Order]]:
        """The account's orders that the selectors mean, newest first."""
        require_linear(params)
        chosen = any(params.has(name) for name in ("symbol", "baseCoin", "settleCoin"))
        symbols = set(self._floor.markets) if everywhere and not chosen else set(self._actions.selected(params))
        order_id, link_id = params.text("orderId", ""), params.text("orderLinkId", "")
        desk = self._desk(account)
        if resting:
            engines = (self._floor.markets[symbol].engine for symbol in symbols)
            ids = [order.order_id for engine in engines for order in engine.resting(account.key)]
            kept = sorted((desk.orders[i] for i in ids), key=lambda row: row[1].number, reverse=True)
        else:
            kept = list(reversed(desk.orders.values()))
        return [
            (symbol, order)
            for symbol, order in kept
            if symbol in symbols and order_id in ("", order.order_id) and (order_id or link_id in ("", order.client_id))
        ]

    # -- money -------------------------------------------------------------------------------------------------------

    def positions(self, account: Account, params: Params, _: int) -> Positions:
        """https://bybit-exchange.github.io/docs/v5/position"""
        require_linear(params)
        symbols, book = self._actions.selected(params), self._desk(account).book
        held = [book.position(symbol) for symbol in symbols]
        if not params.has("symbol"):
            held = [position for position in held if position.size]
        shown, after = page(held, params, 20, 200)
        return Positions(
            [render.listed_position(position, self._floor.markets[position.symbol].mark_price) for position in shown],
            after,
        )

    def wallet(self, account: Account, params: Params, _: int) -> Wallets:
        """https://bybit-exchange.github.io/docs/v5/account/wallet-balance"""
        params.word("accountType", frozenset({"UNIFIED"}))
        listed = render.wallet(self._floor, self._desk(account))
        if params.has("coin"):
            coins = params.text("coin").split(",")
            listed.coin = [coin for coin in listed.coin if coin.coin in coins]
        return Wallets([listed])

    def statement(self, account: Account, params: Params, now_ms: int) -> Statement:
        """https://bybit-exchange.github.io/docs/v5/account/transaction-log"""
        start, end = window(params, now_ms)
        kind = params.text("type", "")
        found = [
            entry
            for entry in reversed(self._desk(account).book.statement)
            if start <= entry.ts_ms <= end and kind in ("", entry.kind)
        ]
        shown, after = page(found, params, 20, 50)
        return Statement([render.log_line(entry) for entry in shown], after)

    def fee_rate(self, account: Account, params: Params, _: int) -> FeeRates:
        """https://bybit-exchange.github.io/docs/v5/account/fee-rate"""
        require_linear(params)
        symbols = [self._actions.market(params).contract.symbol] if params.has("symbol") else list(self._floor.markets)
        taker, maker = render.plain(account.taker_rate), render.plain(account.maker_rate)
        return FeeRates([FeeRate(symbol, taker, maker) for symbol in symbols])

    # -- account and settings ----------------------------------------------------------------------------------------

    def info(self, account: Account, _: Params, now_ms: int) -> AccountInfo:
        """https://bybit-exchange.github.io/docs/v5/account/account-info"""
        seconds = self.cancel_window_s.get(account.key)
        return AccountInfo(str(now_ms), dcpStatus="ON" if seconds else "OFF", timeWindow=seconds or 10)

    def key_info(self, account: Account, _: Params, __: int) -> KeyInfo:
        return KeyInfo(
            account.key, account.uid, {"ContractTrade": ["Order", "Position"], "Derivatives": ["DerivativesTrade"]}
        )

    def set_leverage(self, account: Account, params: Params, now_ms: int) -> Nothing:
        """https://bybit-exchange.github.io/docs/v5/position/leverage"""
        require_linear(params)
        market = self._actions.market(params)
        buy, sell = params.decimal("buyLeverage"), params.decimal("sellLeverage")
        if buy != sell:
            raise parameter("buyLeverage must equal sellLeverage")
        if not Decimal(1) <= buy <= market.contract.max_leverage:
            raise parameter("leverage invalid")
        position = self._desk(account).book.position(market.contract.symbol)
        if position.leverage == buy:
            raise BybitError(codes.LEVERAGE_UNCHANGED, "leverage not modified")
        position.leverage, position.updated_ms = buy, now_ms
        self._settings_changed(account.key, market.contract.symbol)
        return Nothing()

    def switch_mode(self, account: Account, params: Params, _: int) -> Nothing:
        """One-way is the only mode here. https://bybit-exchange.github.io/docs/v5/position/position-mode"""
        require_linear(params)
        if params.has("symbol"):
            symbols = [self._actions.market(params).contract.symbol]
        else:
            coin = params.text("coin")
            symbols = [s for s, m in self._floor.markets.items() if m.contract.quote == coin]
        mode = params.integer("mode", None, 0, 3)
        if mode == 0:
            raise BybitError(codes.MODE_UNCHANGED, "Position mode is not modified")
        if mode != 3:
            raise parameter("mode invalid")
        if any(self._desk(account).book.position(symbol).size for symbol in symbols):
            raise BybitError(
                codes.MODE_HAS_POSITION, "You have an existing position, so position mode cannot be switched"
            )
        if any(self._floor.markets[symbol].engine.resting(account.key) for symbol in symbols):
            raise BybitError(codes.MODE_HAS_ORDERS, "You have existing orders, so position mode cannot be switched")
        raise parameter("hedge mode is not served by this venue")

    def set_cancel_window(self, account: Account, params: Params, _: int) -> Nothing:
        """https://bybit-exchange.github.io/docs/v5/order/dcp"""
        seconds = params.integer("timeWindow", None, 3, 300)
        product = params.word("product", frozenset({"OPTIONS", "SPOT", "DERIVATIVES"}), "OPTIONS")
        if product == "DERIVATIVES":
            self.cancel_window_s[account.key] = seconds
        return Nothing()

    def cancel_windows(self, account: Account, _: Params, __: int) -> DcpInfos:
        """https://bybit-exchange.github.io/docs/v5/account/dcp-info"""
        seconds = self.cancel_window_s.get(account.key)
        return DcpInfos([DcpInfo("DERIVATIVES", "ON", str(seconds))] if seconds else [])
