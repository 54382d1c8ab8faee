"""Intents and queries → the exact text of a request; REST answers → events.

An action's text is signed as it stands: the order of its keys and the text of its numbers are the Structs' in `wire.py`.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple, TypeAlias

import msgspec

from adapters.base.client import Request
from adapters.base.far import far
from adapters.base.numbers import unpadded
from adapters.base.query import Arguments, Query, of_kind
from adapters.hyperliquid import wire
from adapters.hyperliquid.account import MS, Account, is_perpetual
from adapters.hyperliquid.channels import DEEP, HOUR_S, candle, levels, ticker, trade
from adapters.hyperliquid.endpoints import BATCH, Endpoints
from adapters.hyperliquid.orderid import is_cloid
from adapters.hyperliquid.types import INTERVALS, Types
from state.errors import NotOffered, WrongUse
from state.events import AmendOrder, AnyEvent, CancelAll, CancelOrder, Fill, InstrumentDefined, OrderUpdate, PlaceOrder
from state.instruments import Instrument
from state.market_events import BookSnapshot
from state.words import Side, TimeInForce

DECIMALS = 6  # of a price, less those of the size
SIG_FIGS = 5
MIN_NOTIONAL = Decimal(10)
TEXT_DECIMALS = 8  # in what is signed
A_PAGE = {"executions": 2_000, "funding": 500}  # rows of one answer
END_MS = 9_000_000_000_000

_encode = msgspec.json.Encoder().encode
_meta = msgspec.json.Decoder(wire.Meta_).decode
_contexts = msgspec.json.Decoder(tuple[wire.Meta_, list[wire.Context]], strict=False).decode
_book = msgspec.json.Decoder(wire.Book, strict=False).decode
_trades = msgspec.json.Decoder(list[wire.Trade], strict=False).decode
_candles = msgspec.json.Decoder(list[wire.Candle], strict=False).decode
_one_order = msgspec.json.Decoder(dict[str, wire.OrderStatus | str]).decode
_open_orders = msgspec.json.Decoder(list[wire.Order]).decode
_past_orders = msgspec.json.Decoder(list[wire.OrderStatus]).decode
_fills = msgspec.json.Decoder(list[wire.Fill]).decode
_paid = msgspec.json.Decoder(list[wire.Ledgered]).decode
_state = msgspec.json.Decoder(wire.Clearinghouse).decode
_coins = msgspec.json.Decoder(wire.Coins).decode


class Terms(NamedTuple):
    """What an amendment must say again of its order, and what that has filled."""

    side: Side
    tif: TimeInForce
    reduce_only: bool
    filled: Decimal


TermsOf: TypeAlias = Callable[[str], Terms | None]


class Formats:
    """Requests and answers of one account, whose address is in its questions; `terms_of` knows an order by its client id."""

    def __init__(self, venue: str, user: str = "", terms_of: TermsOf = lambda client_id: None) -> None:
        self.venue, self.user = venue, user
        self.account = Account(venue)
        self.assets: dict[str, int] = {}
        self.rules: dict[str, InstrumentDefined] = {}
        self.isolated: frozenset[str] = frozenset()
        self._terms_of = terms_of

    # --- out ---

    def request(self, action: str, arguments: Arguments) -> Request:
        """The request of an action. Raises `WrongUse` for what the venue does not have or cannot be told."""
        endpoint = Endpoints.ALL.get(action)
        if endpoint is None:
            raise WrongUse(f"{self.venue} has no action {action!r}; known: {', '.join(Endpoints.ALL)}")
        if action in Endpoints.INFO:
            body = _encode(self._asked(action, of_kind(arguments, Query, action)))
            return Request(endpoint, body=body, cost=Endpoints.INFO[action][2])
        if isinstance(arguments, Query):
            return self._setting(action, arguments)
        intents = [arguments] if isinstance(arguments, PlaceOrder | AmendOrder | CancelOrder | CancelAll) else arguments
        return Request(endpoint, body=_encode(self._action(action.removesuffix("_batch"), intents)), cost=len(intents))

    def _asked(self, action: str, query: Query) -> Mapping[str, object]:
        name, mine, _ = Endpoints.INFO[action]
        said: dict[str, object] = {"type": name}
        if mine:
            said["user"] = self.user
        match action:
            case "book" | "trades":
                said["coin"] = self._of_one(action, query)
            case "klines":
                end_ms = END_MS if query.end_ms is None else query.end_ms
                said["req"] = {
                    "coin": self._of_one(action, query), "interval": INTERVALS[query.interval_s],
                    "startTime": query.start_ms or 0, "endTime": end_ms,
                }  # fmt: skip
            case "order":
                word = query.client_id or query.order_id
                said["oid"] = int(word) if word.isdecimal() else word
            case "executions" | "funding":
                said["startTime"] = int(query.cursor) if query.cursor else query.start_ms or 0
                if query.end_ms is not None:
                    said["endTime"] = query.end_ms
        return said

    def _of_one(self, action: str, query: Query) -> str:
        if not query.symbol:
            raise WrongUse(f"hyperliquid wants the symbol for {action}")
        return query.symbol

    def _setting(self, action: str, query: Query) -> Request:
        endpoint = Endpoints.ALL[action]
        if action == "disconnect_cancel_all":  # its time is a point, and set when it is signed
            window = f"{query.window_s * 1_000}" if query.window_s else ""
            return Request(endpoint, window, b'{"type":"scheduleCancel"}')
        asset = self._asset(self._of_one(action, query))
        leverage = query.leverage
        if leverage is None or leverage != int(leverage) or leverage < 1:
            raise WrongUse("set_leverage needs a whole leverage")
        is_cross = query.symbol not in self.isolated
        asked = {"type": "updateLeverage", "asset": asset, "isCross": is_cross, "leverage": int(leverage)}
        return Request(endpoint, body=_encode(asked))

    def cancel_listed(self, orders: Sequence[OrderUpdate]) -> Sequence[Request]:
        """By the venue's numbers, since others may have made them."""
        named = [{"a": self._asset(order.symbol), "o": int(order.order_id or 0)} for order in orders]
        batches, cancel = (named[at : at + BATCH] for at in range(0, len(named), BATCH)), Endpoints.ALL["cancel_batch"]
        return [Request(cancel, "", _encode({"type": "cancel", "cancels": each}), len(each)) for each in batches]

    def _action(self, action: str, intents: Sequence[object]) -> Mapping[str, object]:
        if action == "place":
            orders = [self._place(of_kind(intent, PlaceOrder, action)) for intent in intents]
            return {"type": "order", "orders": orders, "grouping": "na"}
        if action == "amend":
            changes = [self._amend(of_kind(intent, AmendOrder, action)) for intent in intents]
            return {"type": "batchModify", "modifies": changes}
        cancels = [of_kind(intent, CancelOrder, action) for intent in intents]
        named = [(self._asset(cancel.symbol), cancel.client_id) for cancel in cancels]
        if all(is_cloid(name) for _, name in named):
            return {"type": "cancelByCloid", "cancels": [{"asset": asset, "cloid": name} for asset, name in named]}
        if all(name.isdecimal() for _, name in named):
            return {"type": "cancel", "cancels": [{"a": asset, "o": int(name)} for asset, name in named]}
        raise NotOffered("hyperliquid cancels by its client ids of 32 hex digits, or by its own numbers, not by both")

    def _place(self, order: PlaceOrder) -> wire.Row:
        if order.tif == "fok":
            raise NotOffered("hyperliquid has no fill-or-kill")
        price, tif = order.price, order.tif
        if order.kind == "market":
            price, tif = price or self._far(order.symbol, order.side), "ioc"
        if price is None:
            raise NotOffered("a limit order needs a price")
        terms = Terms(order.side, tif, order.reduce_only, Decimal(0))
        return self._row(order.symbol, order.client_id, terms, price, order.size)

    def _amend(self, amend: AmendOrder) -> Mapping[str, object]:
        """A whole new order under the same client id, of the size that is not filled yet."""
        terms = self._terms_of(amend.client_id)
        if terms is None:
            raise NotOffered(f"hyperliquid replaces an order to amend it, and nothing is known of {amend.client_id}")
        if amend.size <= terms.filled:
            raise NotOffered(f"the size {amend.size} is filled already: {terms.filled}")
        row = self._row(amend.symbol, amend.client_id, terms, amend.price, amend.size - terms.filled)
        return {"oid": amend.client_id, "order": row}

    def _row(self, symbol: str, client_id: str, terms: Terms, price: Decimal, size: Decimal) -> wire.Row:
        if client_id and is_cloid(client_id) is None:
            raise NotOffered("hyperliquid's client ids are 0x and 32 hex digits")
        asset, at, much = self._asset(symbol), unpadded(price, TEXT_DECIMALS), unpadded(size, TEXT_DECIMALS)
        return wire.Row(
            asset, terms.side == "buy", at, much, terms.reduce_only,
            {"limit": {"tif": Types.tif.encode(terms.tif)}}, client_id or msgspec.UNSET,
        )  # fmt: skip

    def _asset(self, symbol: str) -> int:
        asset = self.assets.get(symbol)
        if asset is None:
            raise NotOffered(f"hyperliquid's number of {symbol!r} is not known: read its instruments first")
        return asset

    def _far(self, symbol: str, side: Side) -> Decimal:
        """A price that takes whatever there is, within the slippage."""
        price, rules = self.account.marks.get(symbol), self.rules.get(symbol)
        if price is None or rules is None:
            raise NotOffered(f"a market order has a limit at hyperliquid, and no price of {symbol} was heard: give one")
        return Instrument.defined(rules).price(side, far(side, price))

    # --- in ---

    def answer(self, action: str, body: bytes, query: Query | None = None) -> tuple[Sequence[AnyEvent], str]:
        """The events of an answer and the cursor of the next page. Raises `msgspec.DecodeError`, `ValueError`, `UnknownWord`.

        Only an answer that was `ok` is given here.
        """
        asked, read, cursor = query or Query(), _READERS.get(action), ""
        events = () if read is None else read(self, body, asked)
        if len(events) >= A_PAGE.get(action, END_MS):
            first, last = (getattr(events[at], "ts", 0) // MS for at in (0, -1))
            cursor = str(last if last > first else last + 1)  # of the last time not all may have been told
        return [event for event in events if is_perpetual(event.symbol) and asked.symbol in ("", event.symbol)], cursor

    def _instruments(self, body: bytes, query: Query) -> Sequence[AnyEvent]:
        """All are learnt, whichever was asked for: an order names its asset by its place in the list."""
        self._learn(_meta(body))
        return list(self.rules.values())

    def _learn(self, meta: wire.Meta_) -> None:
        self.assets = {asset.name: number for number, asset in enumerate(meta.universe)}
        self.isolated = frozenset(asset.name for asset in meta.universe if asset.onlyIsolated)
        self.rules = {asset.name: self._rules(asset, number) for number, asset in enumerate(meta.universe)}

    def _rules(self, asset: wire.Asset, number: int) -> InstrumentDefined:
        decimals = max(DECIMALS - asset.szDecimals, 0)
        lot = Decimal(1).scaleb(-asset.szDecimals)
        most = None if asset.maxLeverage is None else Decimal(asset.maxLeverage)
        native = _encode({"asset": number, "szDecimals": asset.szDecimals}).decode()
        return InstrumentDefined(
            self.venue, asset.name, None, asset.name, "USD", "USDC", "perpetual", Decimal(1).scaleb(-decimals), lot, lot,
            MIN_NOTIONAL, max_leverage=most, funding_interval_s=HOUR_S,
            status="closed" if asset.isDelisted else "trading", sig_figs=SIG_FIGS, max_decimals=decimals, native=native,
        )  # fmt: skip

    def _tickers(self, body: bytes, query: Query) -> Sequence[AnyEvent]:
        meta, contexts = _contexts(body)
        named = [(asset.name, context) for asset, context in zip(meta.universe, contexts, strict=True)]
        self.account.marks |= {name: context.markPx for name, context in named}
        return [ticker(self.venue, name, context) for name, context in named]

    def _book(self, body: bytes, query: Query) -> Sequence[AnyEvent]:
        said = _book(body)
        bids, asks = (levels(side[: query.limit]) for side in said.levels)
        return [BookSnapshot(self.venue, said.coin, said.time * MS or None, bids, asks, None, DEEP)]

    def _trades(self, body: bytes, query: Query) -> Sequence[AnyEvent]:
        """Oldest first, by the same ids as the stream's."""
        rows = sorted(_trades(body), key=lambda row: row.time)
        return [trade(self.venue, row.coin, row, backfilled=True) for row in rows]

    def _klines(self, body: bytes, query: Query) -> Sequence[AnyEvent]:
        """Oldest first; all but the newest are closed, and whether that one is, nothing says."""
        rows = _candles(body)
        told = [candle(self.venue, row, closed=at < len(rows)) for at, row in enumerate(rows, 1)]
        return told[-query.limit :] if query.limit else told

    def _one_order(self, body: bytes, query: Query) -> Sequence[AnyEvent]:
        found = _one_order(body).get("order")  # not there where the id is unknown
        return [self.account.order(found)] if isinstance(found, wire.OrderStatus) else []

    def _open_orders(self, body: bytes, query: Query) -> Sequence[AnyEvent]:
        rows = [wire.OrderStatus(row, "open", row.timestamp) for row in _open_orders(body)]
        return self._told(rows, query)

    def _order_history(self, body: bytes, query: Query) -> Sequence[AnyEvent]:
        return self._told(_past_orders(body), query)

    def _told(self, rows: Sequence[wire.OrderStatus], query: Query) -> Sequence[AnyEvent]:
        told = [self.account.order(row) for row in rows]
        return [update for update in told if query.client_id in ("", update.client_id)]

    def _order_fills(self, body: bytes, query: Query) -> Sequence[AnyEvent]:
        """Of one order, over all of its ids."""
        fills = self._executions(body, query)
        named = {query.client_id, query.order_id} - {""}
        return [fill for fill in fills if not named.isdisjoint((fill.client_id, fill.order_id))]

    def _positions(self, body: bytes, query: Query) -> Sequence[AnyEvent]:
        return self.account.positions(_state(body))

    def _wallet(self, body: bytes, query: Query) -> Sequence[AnyEvent]:
        return [] if self.account.collateral.is_unified else [self.account.balance(_state(body))]

    def _spot_wallet(self, body: bytes, query: Query) -> Sequence[AnyEvent]:
        return self.account.collateral.balances(_coins(body).balances)

    def _executions(self, body: bytes, query: Query) -> Sequence[Fill]:
        """Oldest first, marked as fetched after the fact; those of spot are among them."""
        rows = sorted(_fills(body), key=lambda row: row.time)
        return [self.account.fill(row, self.user, backfilled=True) for row in rows]

    def _funding(self, body: bytes, query: Query) -> Sequence[AnyEvent]:
        return [self.account.funding(row.time, row.delta) for row in _paid(body) if row.delta.type == "funding"]


_READERS: Mapping[str, Callable[[Formats, bytes, Query], Sequence[AnyEvent]]] = {
    "instruments": Formats._instruments, "tickers": Formats._tickers, "book": Formats._book, "trades": Formats._trades,
    "klines": Formats._klines, "order": Formats._one_order, "open_orders": Formats._open_orders,
    "order_history": Formats._order_history, "order_fills": Formats._order_fills, "positions": Formats._positions,
    "wallet": Formats._wallet, "executions": Formats._executions, "funding": Formats._funding,
    "spot_wallet": Formats._spot_wallet,
    "account_mode": lambda formats, body, query: formats.account.collateral.learn(body),
}  # fmt: skip
