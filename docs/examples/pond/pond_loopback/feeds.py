"""What Pond tells: books by their changes, trades, tickers, and each account what happened to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal

from adapters.loopback.connection import Connection
from adapters.loopback.floor import Change, Fill, Floor
from adapters.loopback.market import PublicTrade
from adapters.loopback.orders import Kind, Order, Reason, Side, Status, Tif

DEPTH = 200
KINDS = ("book", "trades", "ticker")
STATES = {Status.NEW: "resting", Status.PARTIALLY_FILLED: "part", Status.FILLED: "done", Status.CANCELLED: "ended"}
LIVES = {Tif.GTC: "rest", Tif.IOC: "now", Tif.POST_ONLY: "rest_only"}
WHYS = {Reason.WOULD_TAKE: "would_take", Reason.NO_LIQUIDITY: "found_nothing", Reason.SELF_MATCH: "self_trade"}

Levels = dict[Decimal, Decimal]


class Feeds:
    """Topics with their listeners, and the view of each book that was told last."""

    def __init__(self, floor: Floor, clock: Callable[[], int]) -> None:
        self.owners: dict[str, Connection] = {}  # who logged in
        self._floor, self._clock = floor, clock
        self._listeners: dict[str, dict[str, Connection]] = {}
        self._books: dict[str, tuple[Levels, Levels]] = {}
        self._seqs = dict.fromkeys(floor.markets, 1000)
        self._numbers: dict[str, int] = {}  # of trades
        self._versions = 0

    def has(self, topic: str) -> bool:
        kind, _, symbol = topic.partition(":")
        return kind in KINDS and symbol in self._floor.markets

    def join(self, connection: Connection, topic: str) -> None:
        """The others are brought up to date first, so that the newcomer's whole and their view are one."""
        kind, _, symbol = topic.partition(":")
        if kind == "book":
            self._publish(symbol)
        self._listeners.setdefault(topic, {})[connection.conn_id] = connection
        if kind == "book":
            self._send([connection], topic, self.book(symbol))
        elif kind == "ticker":
            self._send([connection], topic, self.ticker(symbol))

    def leave(self, connection: Connection, topic: str = "") -> None:
        self.owners.pop(connection.conn_id, None) if not topic else None
        for there in [self._listeners.get(topic, {})] if topic else self._listeners.values():
            there.pop(connection.conn_id, None)

    # --- books ---

    def publish(self) -> None:
        for symbol in self._floor.markets:
            self._publish(symbol)

    def _publish(self, symbol: str) -> None:
        bids, asks = self._books.get(symbol, ({}, {}))
        now_bids, now_asks = self._levels(symbol)
        changes = _changes(bids, now_bids), _changes(asks, now_asks)
        self._books[symbol] = now_bids, now_asks
        if not any(changes):
            return
        before, self._seqs[symbol] = self._seqs[symbol], self._seqs[symbol] + 3
        told = {"market": symbol, "seq": before + 3, "before": before, "ms": self._clock()}
        self._tell(f"book:{symbol}", told | {"bids": changes[0], "asks": changes[1]})
        self._tell(f"ticker:{symbol}", self.ticker(symbol))

    def book(self, symbol: str) -> dict[str, object]:
        """The whole, as it was told last."""
        bids, asks = self._books.get(symbol) or self._levels(symbol)
        told = {"market": symbol, "seq": self._seqs[symbol], "ms": self._clock()}
        return told | {"bids": _changes({}, bids), "asks": _changes({}, asks)}

    def _levels(self, symbol: str) -> tuple[Levels, Levels]:
        engine = self._floor.markets[symbol].engine
        return dict(engine.depth(Side.BUY, DEPTH)), dict(engine.depth(Side.SELL, DEPTH))

    def ticker(self, symbol: str) -> dict[str, object]:
        market = self._floor.markets[symbol]
        bids, asks = market.engine.best(Side.BUY), market.engine.best(Side.SELL)
        assert bids is not None
        assert asks is not None
        return {
            "market": symbol, "ms": self._clock(), "last": str(market.last_price), "bid": str(bids[0]),
            "ask": str(asks[0]), "mark": str(market.mark_price),
        }  # fmt: skip

    # --- trades and accounts ---

    def heard(self, change: Change) -> None:
        """Pushes what one command brought about."""
        symbol = change.market.contract.symbol
        for trade in change.trades:
            self._numbers.setdefault(trade.trade_id, len(self._numbers) + 1)
        if change.trades:
            self._tell(f"trades:{symbol}", {"market": symbol, "trades": [self.trade(t) for t in change.trades]})
        for key in dict.fromkeys([fill.account for fill in change.fills] + [order.account for order in change.orders]):
            if key in self._floor.desks:
                self._tell_owner(key, symbol, change)

    def _tell_owner(self, key: str, symbol: str, change: Change) -> None:
        there = [each for each in self.owners.values() if each.account is not None and each.account.key == key]
        fills = [self.fill(fill) for fill in change.fills if fill.account == key and fill.kind == "trade"]
        orders = [self.order(symbol, order) for order in change.orders if order.account == key]
        rows: dict[str, list[dict[str, object]]] = {"fills": fills, "orders": orders}
        if fills:
            rows |= {"positions": [self.position(key, symbol)], "balances": [self.balance(key)]}
        for name, told in rows.items():
            if told:
                self._send(there, "account", {name: told})

    def trade(self, trade: PublicTrade) -> dict[str, object]:
        return {
            "id": self._numbers[trade.trade_id], "ms": trade.ts_ms, "side": _side(trade.side),
            "price": str(trade.price), "size": str(trade.size),
        }  # fmt: skip

    def fill(self, fill: Fill) -> dict[str, object]:
        return {
            "market": fill.symbol, "id": fill.exec_id, "order": fill.order_id, "client_id": fill.client_id,
            "side": _side(fill.side), "price": str(fill.price), "size": str(fill.size), "fee": f"{fill.fee:f}",
            "asset": self._floor.markets[fill.symbol].contract.quote, "maker": fill.is_maker, "ms": fill.ts_ms,
        }  # fmt: skip

    def order(self, symbol: str, order: Order) -> dict[str, object]:
        self._versions += 1
        return {
            "market": symbol, "id": order.order_id, "client_id": order.client_id, "side": _side(order.side),
            "type": "market" if order.kind is Kind.MARKET else "limit", "life": LIVES[order.tif],
            "price": str(order.price) if order.price else "", "size": str(order.size), "filled": str(order.filled),
            "average": f"{order.average:f}" if order.filled else "", "state": STATES[order.status],
            "reduce_only": order.reduce_only, "why": WHYS.get(order.reason, ""), "ms": order.updated_ms,
            "version": self._versions,
        }  # fmt: skip

    def position(self, key: str, symbol: str) -> dict[str, object]:
        self._versions += 1
        held = self._floor.desks[key].book.position(symbol)
        entry = f"{held.average:f}" if held.size else ""
        return {
            "market": symbol, "size": str(held.size), "entry": entry, "ms": held.updated_ms, "version": self._versions,
        }  # fmt: skip

    def balance(self, key: str) -> dict[str, object]:
        desk = self._floor.desks[key]
        held, resting = self._floor.margins(desk)
        wallet = desk.book.wallet
        return {"asset": "USDT", "total": f"{wallet:f}", "free": f"{wallet - held - resting:f}", "ms": self._clock()}

    # --- sending ---

    def _tell(self, topic: str, told: dict[str, object]) -> None:
        self._send(list(self._listeners.get(topic, {}).values()), topic, told)

    @staticmethod
    def _send(there: list[Connection], topic: str, told: dict[str, object]) -> None:
        if there:
            frame = json.dumps({"topic": topic, **told}, separators=(",", ":")).encode()
            for connection in there:
                connection.send(topic, frame)


def _side(side: Side) -> str:
    return "B" if side is Side.BUY else "S"


def _changes(before: Levels, now: Levels) -> list[tuple[str, str]]:
    """What changed with its size, and what is gone with size 0."""
    changed = [(str(price), str(size)) for price, size in now.items() if before.get(price) != size]
    return changed + [(str(price), "0") for price in before if price not in now]
