"""Intents and queries → the exact text of a request; REST answers → events.

Numbers go out as plain decimal text, names in the documentation's order: what is signed is what is sent.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TypeAlias, TypeVar
from urllib.parse import quote

import msgspec

from adapters.base.client import Request
from adapters.base.numbers import money, owed, text
from adapters.base.query import Arguments, Query, of_kind, said
from adapters.binance import wire
from adapters.binance.account import MS, Account
from adapters.binance.channels import ticker, trade
from adapters.binance.endpoints import ENDPOINTS, Endpoints, weight_of_levels
from adapters.binance.types import INSTRUMENT_STATUS, INTERVALS, SELF_TRADE, Types
from state.errors import WrongUse
from state.events import AmendOrder, AnyEvent, CancelAll, CancelOrder, PlaceOrder
from state.market_events import BookSnapshot, Candle, InstrumentDefined
from state.words import Side

Field: TypeAlias = str | int
Page: TypeAlias = tuple[Sequence[AnyEvent], str]
T = TypeVar("T")

FUNDING_S = 8 * 3_600  # where the venue does not name another
USUAL_PAGE, USUAL_INCOMES = 500, 100  # what is sent where no limit was asked for


def rows(shape: type[T], *, strict: bool = True) -> Callable[[bytes], list[T]]:
    """Reads a list; not `strict` where numbers stand in quotes."""
    return msgspec.json.Decoder(list[shape], strict=strict).decode  # type: ignore[valid-type]


_encode = msgspec.json.Encoder().encode
_info = msgspec.json.Decoder(wire.ExchangeInfo).decode
_book = msgspec.json.Decoder(wire.Book, strict=False).decode
_order = msgspec.json.Decoder(wire.OrderRow).decode
_ticker = msgspec.json.Decoder(wire.TickerRow, strict=False).decode
_tickers = rows(wire.TickerRow, strict=False)
_aggregates, _trades = rows(wire.Trade, strict=False), rows(wire.RecentTrade, strict=False)
_klines = msgspec.json.Decoder(list[wire.KlineRow], strict=False).decode
_orders, _user_trades, _positions = rows(wire.OrderRow), rows(wire.UserTrade), rows(wire.PositionRow)
_balances, _incomes, _funding = rows(wire.BalanceRow), rows(wire.Income), rows(wire.FundingInfo)


class Formats:
    """One market's requests and answers; `side_of` knows the side of an order by its client id."""

    def __init__(self, venue: str, market: str, side_of: Callable[[str], Side | None] = lambda client_id: None) -> None:
        self.venue = venue
        self.market = market
        self.account = Account(venue)
        self.endpoints = ENDPOINTS[market]
        self.limits: list[wire.RateLimit] = []  # as the instruments' answer last told
        self._weights = Endpoints.WEIGHTS if market == "linear" else Endpoints.SPOT_WEIGHTS
        self._side_of = side_of
        self._funding_s: dict[str, int] = {}

    # --- out ---

    def request(self, action: str, arguments: Arguments) -> Request:
        """The request of an action. Raises `WrongUse` for an unknown action or arguments of the wrong kind."""
        endpoint = self.endpoints.get(action)
        if endpoint is None:
            raise WrongUse(f"{self.venue} has no action {action!r}; known: {', '.join(self.endpoints)}")
        if action.endswith("_batch"):
            if isinstance(arguments, Query | PlaceOrder | AmendOrder | CancelOrder | CancelAll):
                raise WrongUse(f"{action} takes a list of intents")
            fields, cost = self._batch(action, arguments), len(arguments)
        else:
            fields, cost = self._fields(action, arguments), self._weight(action, arguments)
        form = "&".join(f"{name}={quote(str(word), safe='')}" for name, word in fields.items())
        if endpoint.method in ("GET", "DELETE"):
            return Request(endpoint, form, cost=cost)
        return Request(endpoint, "", form.encode(), cost)

    def _weight(self, action: str, arguments: Arguments) -> int:
        if not isinstance(arguments, Query):
            return 1
        limit = arguments.limit or USUAL_PAGE
        if action == "book":
            return weight_of_levels(self.market, limit)
        if action == "klines" and self.market == "linear":
            return 1 if limit < 100 else 2 if limit < 500 else 5 if limit <= 1_000 else 10
        one, every = self._weights.get(action, (1, 1))
        return one if arguments.symbol else every

    def _fields(self, action: str, arguments: Arguments) -> Mapping[str, Field]:
        match action:
            case "place":
                return self._place(of_kind(arguments, PlaceOrder, action))
            case "amend":
                return self._amend(of_kind(arguments, AmendOrder, action))
            case "cancel":
                cancel = of_kind(arguments, CancelOrder, action)
                return {"symbol": cancel.symbol, "origClientOrderId": cancel.client_id}
            case "cancel_all" if isinstance(arguments, CancelAll):
                arguments = Query(symbol=arguments.symbol)
        return said(self._asked(action, of_kind(arguments, Query, action)))

    def _batch(self, action: str, intents: Sequence[object]) -> Mapping[str, Field]:
        if action == "cancel_batch":
            cancels = [of_kind(intent, CancelOrder, action) for intent in intents]
            symbols = list(dict.fromkeys(cancel.symbol for cancel in cancels))
            if len(symbols) > 1:
                raise WrongUse("binance cancels a batch of one symbol only")
            ids = _encode([cancel.client_id for cancel in cancels]).decode()
            return {"symbol": "".join(symbols), "origClientOrderIdList": ids}
        if action == "place_batch":
            rows = [self._place(of_kind(intent, PlaceOrder, action)) for intent in intents]
        else:
            rows = [self._amend(of_kind(intent, AmendOrder, action)) for intent in intents]
        return {"batchOrders": _encode(rows).decode()}

    def _place(self, order: PlaceOrder) -> Mapping[str, Field]:
        """One-way mode, so no position side; a market order has no time in force."""
        if order.kind == "limit" and order.price is None:
            raise WrongUse("a limit order needs a price")
        rests, price = order.kind == "limit", order.price
        return said(
            {
                "symbol": order.symbol, "side": Types.side.encode(order.side), "type": Types.kind.encode(order.kind),
                "timeInForce": Types.tif.encode(order.tif) if rests else None, "quantity": text(order.size),
                "price": text(price) if rests and price is not None else None,
                "reduceOnly": "true" if order.reduce_only else None, "newClientOrderId": order.client_id,
                "selfTradePreventionMode": SELF_TRADE,
            }
        )  # fmt: skip

    def _amend(self, amend: AmendOrder) -> Mapping[str, Field]:
        """The venue wants the side, too; where nobody knows it, it is left to the venue to refuse."""
        side = self._side_of(amend.client_id)
        return said(
            {
                "symbol": amend.symbol, "side": None if side is None else Types.side.encode(side),
                "quantity": text(amend.size), "price": text(amend.price), "origClientOrderId": amend.client_id,
            }
        )  # fmt: skip

    def _asked(self, action: str, query: Query) -> Mapping[str, Field | None]:
        """What a query says, in the venue's words; a page further on is asked for by id, and then without times."""
        interval = INTERVALS[query.interval_s] if action == "klines" else None
        if action in _OF_ONE and not query.symbol:
            raise WrongUse(f"binance wants the symbol for {action}")
        if action == "set_leverage" and query.leverage is None:
            raise WrongUse("set_leverage needs a leverage")
        words: dict[str, Field | None] = {
            "symbol": query.symbol, "limit": query.limit, "startTime": query.start_ms, "endTime": query.end_ms,
            "orderId": query.order_id, "origClientOrderId": query.client_id, "interval": interval,
            "incomeType": "FUNDING_FEE", "dualSidePosition": "true" if query.hedge else "false",
            "leverage": None if query.leverage is None else text(query.leverage), "countdownTime": query.window_s * 1_000,
        }  # fmt: skip
        names = (_FIELDS | (_SPOT_FIELDS if self.market == "spot" else {})).get(action, ("symbol",))
        if query.cursor and action in _CURSORS:
            words |= {"startTime": None, "endTime": None, "orderId": None, _CURSORS[action]: query.cursor}
            names = (names[0], _CURSORS[action], *names[1:])
        return {name: words[name] for name in names}

    # --- in ---

    def answer(self, action: str, body: bytes, query: Query | None = None) -> Page:
        """The events of an answer and the cursor of the next page. Raises `msgspec.DecodeError`, `ValueError`, `UnknownWord`.

        Only an answer that was `ok` is given here.
        """
        read, asked = _READERS.get(action), query or Query()
        if read is not None:
            return read(self, body, asked), ""
        return _PAGED[action](self, body, asked) if action in _PAGED else ((), "")

    def _instruments(self, body: bytes, query: Query) -> Sequence[AnyEvent]:
        """Futures tell all symbols whatever was asked for."""
        info = _info(body)
        self.limits = info.rateLimits
        wanted = [symbol for symbol in info.symbols if query.symbol in ("", symbol.symbol)]
        return [event for event in (self._instrument(each, info.serverTime) for each in wanted) if event]

    def _instrument(self, each: wire.Symbol, time_ms: int) -> InstrumentDefined | None:
        """None for a symbol without a price grid, which nobody can trade."""
        rules = {rule.filterType: rule for rule in each.filters}
        price, lot = rules.get("PRICE_FILTER"), rules.get("LOT_SIZE")
        if price is None or lot is None:
            return None
        notional = rules.get("MIN_NOTIONAL") or rules.get("NOTIONAL") or wire.Filter("")
        least = money(notional.notional or notional.minNotional) or Decimal(0)
        settle, perpetual = each.marginAsset or each.quoteAsset, "PERPETUAL" in each.contractType
        self.account.settle[each.symbol] = settle
        return InstrumentDefined(
            self.venue, each.symbol, time_ms * MS or None, each.baseAsset, each.quoteAsset, settle,
            "spot" if self.market == "spot" else "perpetual" if perpetual else "future",
            owed(price.tickSize), owed(lot.stepSize), owed(lot.minQty), least, money(lot.maxQty),
            funding_interval_s=self._funding_s.get(each.symbol, FUNDING_S) if perpetual else None,
            status=INSTRUMENT_STATUS.get(each.status, "halted"),
        )  # fmt: skip

    def _funding_info(self, body: bytes, query: Query) -> Sequence[AnyEvent]:
        """Tells no event: the instruments have it, once they are read."""
        self._funding_s = {row.symbol: row.fundingIntervalHours * 3_600 for row in _funding(body)}
        return ()

    def _book(self, body: bytes, query: Query) -> Sequence[AnyEvent]:
        book = _book(body)
        ts, depth = (book.T or book.E) * MS or None, query.limit or USUAL_PAGE
        return [BookSnapshot(self.venue, query.symbol, ts, book.bids, book.asks, book.lastUpdateId, depth)]

    def _trades(self, body: bytes, query: Query) -> Sequence[AnyEvent]:
        """Oldest first, by the same ids as the stream's."""
        told = _aggregates(body) if self.market == "linear" else _trades(body)
        return [trade(self.venue, query.symbol, row, backfilled=True) for row in told]

    def _klines(self, body: bytes, query: Query) -> Sequence[AnyEvent]:
        """Oldest first; all but the newest are closed, and whether that one is, nothing says."""
        told = _klines(body)
        return [
            Candle(self.venue, query.symbol, None, t * MS, (end + 1 - t) // 1000, o, h, low, c, v, q, n, at < len(told))
            for at, (t, o, h, low, c, v, end, q, n, *_) in enumerate(told, 1)
        ]

    def _tickers(self, body: bytes, query: Query) -> Sequence[AnyEvent]:
        told = _tickers(body) if body.lstrip()[:1] == b"[" else [_ticker(body)]
        return [ticker(self.venue, row.symbol, row) for row in told]

    def _one_order(self, body: bytes, query: Query) -> Sequence[AnyEvent]:
        return [self.account.order(_order(body))]

    def _orders(self, body: bytes, query: Query) -> Sequence[AnyEvent]:
        return [self.account.order(row) for row in _orders(body) if query.client_id in ("", row.client_id)]

    def _positions(self, body: bytes, query: Query) -> Sequence[AnyEvent]:
        return [self.account.position(row) for row in _positions(body)]

    def _wallet(self, body: bytes, query: Query) -> Sequence[AnyEvent]:
        return [self.account.balance(row) for row in _balances(body)]

    def _order_history(self, body: bytes, query: Query) -> Page:
        told = _orders(body)
        following = str(told[-1].order_id + 1) if told and len(told) >= (query.limit or USUAL_PAGE) else ""
        return [self.account.order(row) for row in told], following

    def _executions(self, body: bytes, query: Query) -> Page:
        """Oldest first, marked as fetched after the fact; pages by trade id go on beyond the end that was asked for."""
        told, end = _user_trades(body), query.end_ms if query.end_ms is not None else 2**63
        full = len(told) >= (query.limit or USUAL_PAGE) and told[-1].time <= end
        return [self.account.fill(row) for row in told if row.time <= end], str(told[-1].id + 1) if full else ""

    def _fundings(self, body: bytes, query: Query) -> Page:
        told = _incomes(body)
        events = [self.account.funding(row.symbol, row.time, owed(row.income), row.asset) for row in told]
        return events, str(told[-1].time + 1) if told and len(told) >= (query.limit or USUAL_INCOMES) else ""


_TIMES = ("startTime", "endTime")
_FIELDS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("server_time", "funding_info", "wallet", "instruments", "listen_key", "extend_listen_key"), ()),
    **dict.fromkeys(("order_history", "executions"), ("symbol", "orderId", *_TIMES, "limit")),
    "book": ("symbol", "limit"), "order": ("symbol", "orderId", "origClientOrderId"),
    "trades": ("symbol", *_TIMES, "limit"), "klines": ("symbol", "interval", *_TIMES, "limit"),
    "funding": ("symbol", "incomeType", *_TIMES, "limit"), "set_leverage": ("symbol", "leverage"),
    "set_position_mode": ("dualSidePosition",), "disconnect_cancel_all": ("symbol", "countdownTime"),
}  # fmt: skip
_SPOT_FIELDS: dict[str, tuple[str, ...]] = {"instruments": ("symbol",), "trades": ("symbol", "limit")}
_CURSORS = {"order_history": "orderId", "executions": "fromId", "funding": "startTime"}
_OF_ONE = frozenset({"cancel_all", "set_leverage", "disconnect_cancel_all"})

_READERS: Mapping[str, Callable[[Formats, bytes, Query], Sequence[AnyEvent]]] = {
    "instruments": Formats._instruments, "funding_info": Formats._funding_info, "book": Formats._book,
    "trades": Formats._trades, "klines": Formats._klines, "order": Formats._one_order, "open_orders": Formats._orders,
    "positions": Formats._positions, "wallet": Formats._wallet,
    **dict.fromkeys(("tickers", "book_tickers", "mark_prices", "open_interest"), Formats._tickers),
}  # fmt: skip
_PAGED: Mapping[str, Callable[[Formats, bytes, Query], Page]] = {
    "order_history": Formats._order_history, "executions": Formats._executions, "funding": Formats._fundings,
}  # fmt: skip
