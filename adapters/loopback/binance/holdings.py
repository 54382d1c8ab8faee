"""What an account may ask of and set about itself: orders, fills, positions, money, modes, the dead man's switch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

import msgspec

from adapters.loopback.binance import codes, private_render, private_rows
from adapters.loopback.binance.actions import Actions
from adapters.loopback.binance.codes import BinanceError
from adapters.loopback.binance.limits import Limiter, RateLimit
from adapters.loopback.binance.params import Params
from adapters.loopback.binance.register import Register
from adapters.loopback.binance.render import plain
from adapters.loopback.binance.rows import Said
from adapters.loopback.desk import Desk
from adapters.loopback.floor import Floor
from adapters.loopback.ledger import Account
from adapters.loopback.market import Market
from adapters.loopback.orders import Reason

WEEK_MS = 7 * 86_400_000
MARGIN_TYPES = {"CROSSED": True, "ISOLATED": False}
INCOME_TYPES = ("TRANSFER", "REALIZED_PNL", "FUNDING_FEE", "COMMISSION", "INSURANCE_CLEAR")
Rows = Sequence[msgspec.Struct]


class Holdings:
    """Answers about an account; `now_ms` is an argument."""

    def __init__(
        self,
        floor: Floor,
        register: Register,
        actions: Actions,
        limiter: Limiter,
        leverage_changed: Callable[[str, str, int], None],
    ) -> None:
        self._floor, self._register, self._actions, self._limiter = floor, register, actions, limiter
        self._leverage_changed = leverage_changed
        self._asset = next(iter(floor.markets.values())).contract.quote
        self._countdowns: dict[tuple[str, str], int] = {}

    # -- orders ------------------------------------------------------------------------------------------------------

    def order(self, account: Account, params: Params, _: int) -> private_rows.Order:
        market, order = self._actions.named(account, params)
        return private_render.order(market.contract.symbol, order, self._register.of(order), market)

    def open_order(self, account: Account, params: Params, now_ms: int) -> private_rows.Order:
        _, order = self._actions.named(account, params)
        if order.status.is_final:
            raise BinanceError(codes.NO_SUCH_ORDER)
        return self.order(account, params, now_ms)

    def open_orders(self, account: Account, params: Params, _: int) -> Rows:
        resting = [
            private_render.order(market.contract.symbol, order, self._register.of(order), market)
            for market in self._selected(params)
            for order in market.engine.resting(account.key)
        ]
        return list(resting)

    def all_orders(self, account: Account, params: Params, now_ms: int) -> Rows:
        """Oldest first: those from `orderId` on, or the newest in the time asked for."""
        market, limit = self._actions.market(params), params.integer("limit", 500, 1, 1000)
        start, end = self._span(params, now_ms)
        first = params.integer("orderId", 0)
        found = [
            private_render.order(symbol, order, self._register.of(order), market)
            for symbol, order in self._desk(account).orders.values()
            if symbol == market.contract.symbol and int(order.order_id) >= first and start <= order.created_ms <= end
        ]
        return list(found[:limit] if first else found[-limit:])

    def amendments(self, account: Account, params: Params, _: int) -> Rows:
        """Newest first."""
        market, order = self._actions.named(account, params)
        limit = params.integer("limit", 50, 1, 100)
        newest = reversed(self._register.of(order).amendments)
        return [private_render.amendment(market.contract.symbol, order, change) for change in newest][:limit]

    def user_trades(self, account: Account, params: Params, now_ms: int) -> Rows:
        """Oldest first: those from `fromId` on, or the newest in the time asked for."""
        market, limit = self._actions.market(params), params.integer("limit", 500, 1, 1000)
        start, end = self._span(params, now_ms)
        first, order_id = params.integer("fromId", 0), params.text("orderId", "")
        found = [
            private_render.user_trade(fill, market.contract.quote)
            for fill in self._desk(account).fills
            if fill.kind == "trade"
            and fill.symbol == market.contract.symbol
            and order_id in ("", fill.order_id)
            and int(fill.exec_id) >= first
            and start <= fill.ts_ms <= end
        ]
        return list(found[:limit] if first or params.has("startTime") else found[-limit:])

    # -- the account -------------------------------------------------------------------------------------------------

    def positions(self, account: Account, params: Params, _: int) -> Rows:
        """Only of symbols with a position or an order."""
        desk = self._desk(account)
        return [
            private_render.position(self._floor, desk, market)
            for market in self._selected(params)
            if desk.book.position(market.contract.symbol).size or market.engine.resting(account.key)
        ]

    def account(self, account: Account, _: Params, now_ms: int) -> private_rows.Account:
        return private_render.account(self._floor, self._desk(account), self._asset, now_ms)

    def balance(self, account: Account, _: Params, now_ms: int) -> Rows:
        seen = private_render.account(self._floor, self._desk(account), self._asset, now_ms)
        wallet, gain = seen.total_wallet_balance, seen.total_unrealized_profit
        free, withdrawable = seen.available_balance, seen.max_withdraw_amount
        return [private_rows.Balance("loopback", self._asset, wallet, wallet, gain, free, withdrawable, True, now_ms)]

    def account_config(self, _: Account, __: Params, ___: int) -> private_rows.AccountConfig:
        return private_rows.AccountConfig(0, True, True, True, False, 0, False, -1)

    def symbol_config(self, account: Account, params: Params, _: int) -> Rows:
        book = self._desk(account).book
        listed: list[msgspec.Struct] = []
        for market in self._selected(params):
            leverage = int(book.position(market.contract.symbol).leverage)
            listed.append(
                private_rows.SymbolConfig(market.contract.symbol, "CROSSED", False, leverage, _max_notional(market))
            )
        return listed

    def commission_rate(self, account: Account, params: Params, _: int) -> private_rows.CommissionRate:
        market = self._actions.market(params)
        maker, taker = format(account.maker_rate, "f"), format(account.taker_rate, "f")
        return private_rows.CommissionRate(market.contract.symbol, maker, taker, maker)

    def income(self, account: Account, params: Params, now_ms: int) -> Rows:
        """Oldest first."""
        kind, limit = params.text("incomeType", ""), params.integer("limit", 100, 1, 1000)
        if kind and kind not in INCOME_TYPES:
            raise codes.invalid("incomeType")
        symbols = {market.contract.symbol for market in self._selected(params)}
        start, end = self._span(params, now_ms)
        statement = self._desk(account).book.statement
        found = [
            line
            for number, entry in enumerate(statement)
            if entry.symbol in symbols and start <= entry.ts_ms <= end
            for line in private_render.incomes(number, entry, self._asset)
            if kind in ("", line.income_type)
        ]
        return list(found[:limit] if params.has("startTime") else found[-limit:])

    def order_limits(self, _: Account, __: Params, ___: int) -> list[RateLimit]:
        return self._limiter.rules()[1:]

    def adl_quantile(self, account: Account, params: Params, _: int) -> Rows:
        book = self._desk(account).book
        held = [m.contract.symbol for m in self._selected(params) if book.position(m.contract.symbol).size]
        return [private_rows.AdlQuantile(symbol, {"BOTH": 0, "LONG": 0, "SHORT": 0}) for symbol in held]

    def force_orders(self, _: Account, __: Params, ___: int) -> Rows:
        """Nobody's account is liquidated here."""
        return []

    def brackets(self, _: Account, params: Params, __: int) -> Rows:
        ratio = float(private_render.MAINTENANCE_RATE)
        return [
            private_rows.Brackets(
                market.contract.symbol,
                [private_rows.Bracket(1, int(market.contract.max_leverage), 10**9, 0, ratio, 0.0)],
            )
            for market in self._selected(params)
        ]

    # -- settings ----------------------------------------------------------------------------------------------------

    def set_leverage(self, account: Account, params: Params, _: int) -> private_rows.Leverage:
        market = self._actions.market(params)
        leverage = params.integer("leverage", low=-(1 << 62))
        if not 1 <= leverage <= market.contract.max_leverage:
            raise BinanceError(codes.LEVERAGE, f"Leverage {leverage} is not valid")
        symbol = market.contract.symbol
        self._desk(account).book.position(symbol).leverage = Decimal(leverage)
        self._leverage_changed(account.key, symbol, leverage)
        return private_rows.Leverage(leverage, _max_notional(market), symbol)

    def set_margin_type(self, _: Account, params: Params, __: int) -> Said:
        """Every symbol is crossed, and stays so: this venue's ledger knows no isolated margin."""
        self._actions.market(params)
        if MARGIN_TYPES[params.word("marginType", MARGIN_TYPES)]:
            raise BinanceError(codes.MARGIN_TYPE_UNCHANGED)
        raise BinanceError(codes.UNKNOWN, "Isolated margin is not served by this venue.")

    def position_mode(self, _: Account, __: Params, ___: int) -> private_rows.PositionMode:
        return private_rows.PositionMode(False)

    def set_position_mode(self, account: Account, params: Params, _: int) -> Said:
        """The account is in one-way mode, and stays so: this venue's ledger knows no hedge mode."""
        params.text("dualSidePosition")
        if not params.flag("dualSidePosition"):
            raise BinanceError(codes.POSITION_MODE_UNCHANGED)
        if any(market.engine.resting(account.key) for market in self._floor.markets.values()):
            raise BinanceError(codes.MODE_HAS_ORDERS)
        if any(position.size for position in self._desk(account).book.positions.values()):
            raise BinanceError(codes.MODE_HAS_POSITION)
        raise BinanceError(codes.UNKNOWN, "Hedge mode is not served by this venue.")

    def margin_mode(self, _: Account, __: Params, ___: int) -> private_rows.MarginMode:
        return private_rows.MarginMode(False)

    def countdown(self, account: Account, params: Params, now_ms: int) -> private_rows.Countdown:
        """https://developers.binance.com/docs/derivatives/usds-margined-futures/trade/rest-api/Auto-Cancel-All-Open-Orders"""
        symbol = self._actions.market(params).contract.symbol
        left_ms = params.integer("countdownTime")
        if left_ms:
            self._countdowns[account.key, symbol] = now_ms + left_ms
        else:
            self._countdowns.pop((account.key, symbol), None)
        return private_rows.Countdown(symbol, str(left_ms))

    def tick(self, now_ms: int) -> None:
        """Cancels the orders whose countdown, or whose own time, is over."""
        for (key, symbol), at_ms in list(self._countdowns.items()):
            if at_ms <= now_ms:
                del self._countdowns[key, symbol]
                self._floor.cancel_all(key, now_ms, [symbol], Reason.DISCONNECTED)
        for key, order_id in self._register.due(now_ms):
            if not self._desk_of(key).orders[order_id][1].status.is_final:
                self._floor.cancel(key, order_id, now_ms, Reason.EXPIRED)

    # -- within ------------------------------------------------------------------------------------------------------

    def _desk(self, account: Account) -> Desk:
        return self._desk_of(account.key)

    def _desk_of(self, key: str) -> Desk:
        return self._floor.desks[key]

    def _selected(self, params: Params) -> list[Market]:
        return [self._actions.market(params)] if params.has("symbol") else list(self._floor.markets.values())

    @staticmethod
    def _span(params: Params, now_ms: int) -> tuple[int, int]:
        """The time asked for, a week at most."""
        start, end = params.integer("startTime", 0), params.integer("endTime", now_ms)
        if start and params.has("endTime") and end - start > WEEK_MS:
            raise BinanceError(-4166, "Search window is restricted to recent 7 days only.")
        return start, end


def _max_notional(market: Market) -> str:
    return plain(market.contract.max_size * market.last_price)
