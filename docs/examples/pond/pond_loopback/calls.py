"""Pond's REST calls: who asks, what is checked, what is answered."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation

from aiohttp import web

from adapters.loopback.floor import Floor, Ticket
from adapters.loopback.ledger import Account
from adapters.loopback.orders import Kind, Order, Refusal, RefusedError, SelfMatch, Side, Tif
from adapters.loopback.symbols import Contract
from pond_loopback.feeds import Feeds

WINDOW_MS = 2_000
SIDES = {"B": Side.BUY, "S": Side.SELL}
LIVES = {"rest": Tif.GTC, "now": Tif.IOC, "rest_only": Tif.POST_ONLY}
CODES = {
    Refusal.UNKNOWN_ORDER: "no_such_order",
    Refusal.ALREADY_FINAL: "order_has_ended",
    Refusal.NOTHING_TO_REDUCE: "nothing_to_reduce",
    Refusal.WRONG_SIDE_TO_REDUCE: "nothing_to_reduce",
    Refusal.INSUFFICIENT_FUNDS: "no_funds",
    Refusal.TOO_MANY_ORDERS: "bad_request",
    Refusal.DUPLICATE_CLIENT_ID: "client_id_taken",
}


class PondError(Exception):
    """A request that is refused."""

    def __init__(self, code: str, text: str = "", status: int = 400) -> None:
        super().__init__(code)
        self.code, self.text, self.status = code, text or code.replace("_", " "), status


class Calls:
    """One method a call; what is asked for stands in the query, an order in the body."""

    def __init__(self, floor: Floor, customers: Mapping[str, Account], feeds: Feeds, clock: Callable[[], int]) -> None:
        self._floor, self._customers, self._feeds, self._clock = floor, customers, feeds, clock
        self._public: Mapping[tuple[str, str], Callable[[Mapping[str, str]], object]] = {
            ("GET", "/time"): lambda _: {"ms": clock()},
            ("GET", "/markets"): self._markets,
            ("GET", "/book"): lambda query: feeds.book(self._market(query)),
            ("GET", "/trades"): self._trades,
            ("GET", "/ticker"): lambda query: feeds.ticker(self._market(query)),
        }
        self._private: Mapping[tuple[str, str], Callable[[str, Mapping[str, str]], object]] = {
            ("POST", "/orders"): self._place,
            ("DELETE", "/orders"): self._cancel,
            ("DELETE", "/orders/all"): self._cancel_all,
            ("GET", "/orders/one"): lambda key, query: feeds.order(*self._found(key, query)),
            ("GET", "/orders"): self._open_orders,
            ("GET", "/fills"): self._fills,
            ("GET", "/positions"): self._positions,
            ("GET", "/balances"): lambda key, _: [feeds.balance(key)],
            ("GET", "/fees"): self._fees,
        }

    def carry_out(self, request: web.Request, body: bytes) -> object:
        """The result of a call; raises PondError."""
        call = (request.method, request.path)
        if call in self._public:
            return self._public[call](request.query)
        if call not in self._private:
            raise PondError("bad_request", "no such path", 404)
        heads = request.headers
        signed = f"{request.method}{request.raw_path}"
        account = self.who(
            heads.get("Pond-Key", ""), heads.get("Pond-Time", ""), signed, body, heads.get("Pond-Sign", "")
        )
        try:
            return self._private[call](account.key, json.loads(body) if body else request.query)
        except RefusedError as refused:
            raise PondError(CODES[refused.refusal]) from refused

    def who(self, key: str, stamp: str, target: str, body: bytes, sign: str) -> Account:
        """Who signed; raises PondError."""
        account = self._customers.get(key)
        if account is None:
            raise PondError("no_such_key", status=401)
        if not stamp.isdecimal() or abs(int(stamp) - self._clock()) > WINDOW_MS:
            raise PondError("time_too_far_off")
        expected = hmac.new(account.secret.encode(), f"{stamp}{target}".encode() + body, "sha256").hexdigest()
        if not hmac.compare_digest(expected, sign):
            raise PondError("bad_signature", status=401)
        return account

    # --- public ---

    def _market(self, query: Mapping[str, str]) -> str:
        symbol = str(query.get("market", ""))
        if symbol not in self._floor.markets:
            raise PondError("no_such_market")
        return symbol

    def _markets(self, query: Mapping[str, str]) -> list[dict[str, str]]:
        symbols = [self._market(query)] if query.get("market") else self._floor.markets
        terms = [self._floor.markets[symbol].contract for symbol in symbols]
        return [
            {
                "market": each.symbol, "base": each.base, "quote": each.quote, "tick": str(each.tick),
                "lot": str(each.lot), "least": str(each.lot), "least_value": str(each.min_notional), "state": "open",
            }
            for each in terms
        ]  # fmt: skip

    def _trades(self, query: Mapping[str, str]) -> dict[str, object]:
        symbol, limit = self._market(query), int(query.get("limit", "100"))
        return {
            "market": symbol,
            "trades": [self._feeds.trade(t) for t in list(self._floor.markets[symbol].trades)[-limit:]],
        }

    # --- private ---

    def _place(self, key: str, asked: Mapping[str, str]) -> dict[str, object]:
        symbol = self._market(asked)
        contract = self._floor.markets[symbol].contract
        try:
            price, size = Decimal(asked.get("price", "0")), Decimal(asked["size"])
            side, life, kind = SIDES[asked["side"]], LIVES[asked["life"]], Kind(asked["type"])
        except (KeyError, ValueError, InvalidOperation) as error:
            raise PondError("bad_request", str(error)) from error
        _check(contract, price, size)
        ticket = Ticket(
            symbol, side, kind, life, price, size, asked.get("client_id", ""), bool(asked.get("reduce_only")),
            SelfMatch.CANCEL_MAKER,
        )  # fmt: skip
        order = self._floor.place(key, ticket, self._clock())
        return {"id": order.order_id, "ms": order.created_ms}

    def _found(self, key: str, query: Mapping[str, str]) -> tuple[str, Order]:
        desk = self._floor.desks[key]
        order_id = desk.by_client_id.get(str(query.get("client_id", "")))
        if order_id is None:
            raise PondError("no_such_order")
        return desk.orders[order_id]

    def _cancel(self, key: str, query: Mapping[str, str]) -> None:
        order_id = self._floor.desks[key].by_client_id.get(str(query.get("client_id", "")))
        if order_id is None:
            raise PondError("no_such_order")
        self._floor.cancel(key, order_id, self._clock())

    def _cancel_all(self, key: str, query: Mapping[str, str]) -> None:
        symbols = [self._market(query)] if query.get("market") else list(self._floor.markets)
        self._floor.cancel_all(key, self._clock(), symbols)

    def _open_orders(self, key: str, query: Mapping[str, str]) -> list[dict[str, object]]:
        resting = [(s, order) for s, order in self._floor.desks[key].orders.values() if not order.status.is_final]
        return [self._feeds.order(s, order) for s, order in resting if query.get("market", s) == s]

    def _fills(self, key: str, query: Mapping[str, str]) -> list[dict[str, object]]:
        wanted = query.get("client_id"), query.get("market"), int(query.get("since", "0"))
        return [
            self._feeds.fill(fill)
            for fill in self._floor.desks[key].fills
            if wanted[0] in (None, fill.client_id) and wanted[1] in (None, fill.symbol) and fill.ts_ms >= wanted[2]
            if fill.kind == "trade"
        ]

    def _positions(self, key: str, query: Mapping[str, str]) -> list[dict[str, object]]:
        return [self._feeds.position(key, symbol) for symbol in self._floor.markets]

    def _fees(self, key: str, query: Mapping[str, str]) -> dict[str, str]:
        account = self._customers[key]
        return {"maker": str(account.maker_rate), "taker": str(account.taker_rate)}


def _check(contract: Contract, price: Decimal, size: Decimal) -> None:
    """Raises PondError where price or size is not on the market's grid."""
    if price % contract.tick:
        raise PondError("off_tick")
    if size % contract.lot or size <= 0:
        raise PondError("off_lot")
    if price and price * size < contract.min_notional:
        raise PondError("too_small")
