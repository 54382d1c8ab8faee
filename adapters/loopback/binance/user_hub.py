"""The user data stream: listen keys with their life cycle, and what happens to an account pushed to those who hold one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from adapters.loopback.binance import codes, private_render, user_events
from adapters.loopback.binance.codes import BinanceError
from adapters.loopback.binance.private_rows import ListenKey
from adapters.loopback.binance.register import Register
from adapters.loopback.binance.render import KINDS, SIDES, exact, money, plain
from adapters.loopback.binance.rows import Empty
from adapters.loopback.binance.streams import Lane
from adapters.loopback.binance.subscriptions import Session
from adapters.loopback.connection import Connection
from adapters.loopback.floor import Change, Fill, Floor
from adapters.loopback.ledger import Account
from adapters.loopback.market import Market
from adapters.loopback.orders import ZERO, Order, Reason

KEY_LIFE_MS = 3_600_000
Event = user_events.AccountUpdate | user_events.ConfigUpdate | user_events.AlgoUpdate | user_events.ListenKeyExpired


@dataclass(slots=True)
class _Key:
    account: str
    ends_ms: int


class UserHub:
    """The private sockets of all accounts."""

    def __init__(
        self,
        floor: Floor,
        register: Register,
        accounts: Mapping[str, Account],
        clock: Callable[[], int],
        messages_per_s: int,
    ) -> None:
        self._floor, self._register, self._accounts, self._clock = floor, register, accounts, clock
        self._messages_per_s = messages_per_s
        self._keys: dict[str, _Key] = {}
        self._made = 0
        self._wanted: dict[str, frozenset[str]] = {}
        """The events that a socket asked for; a socket that is not named here hears all."""
        self.sessions: dict[str, Session] = {}

    # -- listen keys -------------------------------------------------------------------------------------------------

    def open_key(self, account: Account, now_ms: int) -> ListenKey:
        """The account's key, the one that it has or a new one, good for an hour from now."""
        name = self._held(account)
        if name is None:
            self._made += 1
            name = hashlib.sha256(f"{account.key}-{self._made}".encode()).hexdigest()
        self._keys[name] = _Key(account.key, now_ms + KEY_LIFE_MS)
        return ListenKey(name)

    def extend_key(self, account: Account, now_ms: int) -> ListenKey:
        """Raises BinanceError -1125 where the account has none."""
        name = self._held(account)
        if name is None:
            raise BinanceError(codes.NO_LISTEN_KEY)
        self._keys[name].ends_ms = now_ms + KEY_LIFE_MS
        return ListenKey(name)

    def close_key(self, account: Account, _: int) -> Empty:
        name = self._held(account)
        if name is None:
            raise BinanceError(codes.NO_LISTEN_KEY)
        del self._keys[name]
        return Empty()

    def _held(self, account: Account) -> str | None:
        return next((name for name, key in self._keys.items() if key.account == account.key), None)

    def expire(self, now_ms: int) -> None:
        """Ends the keys whose hour is over, and says so to those who listen."""
        for name, key in list(self._keys.items()):
            if key.ends_ms <= now_ms:
                self.push(key.account, user_events.ListenKeyExpired("listenKeyExpired", now_ms, name))
                del self._keys[name]

    # -- customers ---------------------------------------------------------------------------------------------------

    def join(self, connection: Connection, combined: bool, keys: Iterable[str], events: Iterable[str]) -> None:
        self.sessions[connection.conn_id] = Session(connection, Lane.PRIVATE, combined)
        connection.topics.update(keys)
        wanted = frozenset(events)
        if wanted:
            self._wanted[connection.conn_id] = wanted

    def leave(self, connection: Connection) -> None:
        self.sessions.pop(connection.conn_id, None)
        self._wanted.pop(connection.conn_id, None)

    def receive(self, connection: Connection, frame: bytes) -> None:
        """Answers one message of a customer; a listen key is subscribed to like a stream."""
        session = self.sessions[connection.conn_id]
        if session.talks_too_much(self._messages_per_s, self._clock()):
            connection.cut()
            return
        session.answer(frame, connection.topics.add, connection.topics.discard)

    def listeners(self, account: str) -> list[tuple[str, Session]]:
        """Each socket that holds a living key of the account, with the key."""
        return [
            (name, session)
            for name, key in self._keys.items()
            if key.account == account
            for session in list(self.sessions.values())
            if name in session.connection.topics
        ]

    # -- pushing -----------------------------------------------------------------------------------------------------

    def heard(self, change: Change) -> None:
        """Pushes a command's consequences to the accounts concerned: orders and fills as they came, then the account."""
        keys = dict.fromkeys([order.account for order in change.orders] + [fill.account for fill in change.fills])
        for key in keys:
            self._tell(key, change)

    def leverage_changed(self, account: str, symbol: str, leverage: int) -> None:
        now_ms = self._clock()
        fields = user_events.LeverageFields(symbol, leverage)
        self.push(account, user_events.ConfigUpdate("ACCOUNT_CONFIG_UPDATE", now_ms, now_ms, fields))

    def _tell(self, key: str, change: Change) -> None:
        orders = {order.order_id: order for order in change.orders if order.account == key}
        fills = [fill for fill in change.fills if fill.account == key]
        trades = [fill for fill in fills if fill.kind == "trade"]
        for order in orders.values():
            self._begin(order, change, [fill for fill in trades if fill.order_id == order.order_id])
        values = {order.order_id: order.value - _traded(order, trades) for order in orders.values()}
        for fill in trades:
            values[fill.order_id] += fill.price * fill.size
            self._filled(orders[fill.order_id], fill, values[fill.order_id], change)
        for order in orders.values():
            if order.reason is not Reason.NONE:
                status = private_render.status(order)
                execution = "CANCELED" if status == "CANCELED" else "EXPIRED"
                self._order_event(order, change, execution, status, order.filled, order.value)
        if fills:
            self._account_event(key, change.market, fills)

    def _begin(self, order: Order, change: Change, fills: list[Fill]) -> None:
        """What an order was before anything of this command happened to it."""
        terms = self._register.of(order)
        filled = order.filled - sum((fill.size for fill in fills), ZERO)
        if not terms.announced:
            terms.announced = True
            self._order_event(order, change, "NEW", "NEW")
        elif terms.amending and order.reason is not Reason.WOULD_TAKE:
            value = order.value - _traded(order, fills)
            status = "PARTIALLY_FILLED" if filled else "NEW"
            self._order_event(order, change, "AMENDMENT", status, filled, value)

    def _order_event(
        self,
        order: Order,
        change: Change,
        execution: str,
        status: str,
        filled: Decimal = ZERO,
        value: Decimal = ZERO,
    ) -> None:
        def draw() -> msgspec.Struct:
            fields = self._fields(order, change.market, execution, status)
            fields.z, fields.ap = exact(filled + order.size * 0), plain(value / filled) if filled else "0"
            if execution == "AMENDMENT":
                modify_id = self._register.of(order).modify_id
                fields.M = str(modify_id) if modify_id else None
            elif execution != "NEW":
                fields.er = private_render.expiry_reason(order)
            return user_events.OrderTradeUpdate("ORDER_TRADE_UPDATE", self._clock(), order.updated_ms, fields)

        self._push(order.account, "ORDER_TRADE_UPDATE", draw)

    def _filled(self, order: Order, fill: Fill, value: Decimal, change: Change) -> None:
        market, filled = change.market, fill.order_size - fill.leaves

        def draw() -> msgspec.Struct:
            fields = self._fields(order, market, "TRADE", "PARTIALLY_FILLED" if fill.leaves else "FILLED")
            fields.z, fields.l, fields.L = exact(filled), exact(fill.size), exact(fill.price)
            fields.q, fields.ap = exact(fill.order_size), plain(value / filled)
            fields.N, fields.n = market.contract.quote, money(fill.fee)
            fields.t, fields.m, fields.rp = int(fill.exec_id), fill.is_maker, plain(fill.pnl)
            return user_events.OrderTradeUpdate("ORDER_TRADE_UPDATE", self._clock(), fill.ts_ms, fields)

        def draw_lite() -> msgspec.Struct:
            return user_events.TradeLite(
                "TRADE_LITE",
                self._clock(),
                fill.ts_ms,
                fill.symbol,
                exact(fill.order_size),
                exact(fill.order_price),
                fill.is_maker,
                fill.client_id,
                SIDES[fill.side],
                exact(fill.price),
                exact(fill.size),
                int(fill.exec_id),
                int(fill.order_id),
            )

        self._push(fill.account, "TRADE_LITE", draw_lite)
        self._push(fill.account, "ORDER_TRADE_UPDATE", draw)

    def _fields(self, order: Order, market: Market, execution: str, status: str) -> user_events.OrderFields:
        terms = self._register.of(order)
        kind = KINDS[order.kind]
        buys, sells = private_render.resting_value(market, order.account)
        return user_events.OrderFields(
            s=market.contract.symbol, c=order.client_id, S=SIDES[order.side], o=kind, f=terms.tif,
            q=exact(order.size), p=exact(order.price), ap=plain(order.average), sp="0", x=execution, X=status,
            i=int(order.order_id), l="0", z=exact(order.filled + order.size * 0), L="0", T=order.updated_ms, t=0,
            b=plain(buys), a=plain(sells), m=False, R=order.reduce_only, wt="CONTRACT_PRICE", ot=terms.asked_type or kind,
            ps="BOTH", cp=False, rp="0", pP=False, si=0, ss=0, V=terms.self_match, pm=terms.price_match,
            gtd=terms.good_till_ms, er="0",
        )  # fmt: skip

    def _account_event(self, key: str, market: Market, fills: list[Fill]) -> None:
        """Wallet and position after fills; only the wallet after a funding settlement."""
        book, symbol = self._floor.desks[key].book, market.contract.symbol
        is_funding = fills[0].kind == "funding"
        change = -fills[0].fee if is_funding else ZERO
        held = book.position(symbol)
        position = user_events.Position(
            symbol,
            exact(held.size + market.contract.lot * 0),
            plain(held.average),
            plain(private_render.break_even(held)),
            plain(held.realized_ever),
            plain(held.unrealized(market.mark_price)),
            "cross",
            "0",
            "BOTH",
        )
        balance = user_events.Balance(market.contract.quote, money(book.wallet), money(book.wallet), plain(change))
        fields = user_events.AccountFields(
            "FUNDING_FEE" if is_funding else "ORDER",
            [balance],
            [] if is_funding else [position],
            symbol if is_funding else None,
        )
        self.push(key, user_events.AccountUpdate("ACCOUNT_UPDATE", self._clock(), fills[-1].ts_ms, fields))

    def push(self, account: str, event: Event) -> None:
        """Pushes an event that is the same for everybody who hears it."""
        self._push(account, event.e, lambda: event)

    def _push(self, account: str, kind: str, draw: Callable[[], msgspec.Struct]) -> None:
        """Draws an event once, for every socket that wants its kind."""
        there = [
            (name, session)
            for name, session in self.listeners(account)
            if kind in self._wanted.get(session.connection.conn_id, (kind,))
        ]
        if there:
            frame = msgspec.json.encode(draw())
            for name, session in there:
                session.push(name, frame, kind)


def _traded(order: Order, fills: list[Fill]) -> Decimal:
    return sum((fill.price * fill.size for fill in fills if fill.order_id == order.order_id), ZERO)
