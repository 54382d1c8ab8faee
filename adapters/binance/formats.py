"""Intents and queries → the exact text of a request; REST answers → events.

Numbers go out as plain decimal text, names in the documentation's order: what is signed is what is sent.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TypeAlias, TypeVar
from urllib.parse import quote

import msgspec

from adapters.base.client import Request
from adapters.base.query import Arguments, Query
from adapters.binance import wire
from adapters.binance.account import MS, Account, money, owed
from adapters.binance.book import SNAPSHOT_LEVELS
from adapters.binance.channels import aggregate
from adapters.binance.endpoints import Endpoints, depth_weight
from adapters.binance.types import INSTRUMENT_STATUS, INTERVALS, SELF_TRADE, Types
from state.errors import WrongUse
from state.events import (
    AmendOrder,
    AnyEvent,
    BookSnapshot,
    CancelAll,
    CancelOrder,
    Candle,
    InstrumentDefined,
    PlaceOrder,
    Ticker,
    Trade,
)
from state.words import Side

Field: TypeAlias = str | int
T = TypeVar("T")

PERPETUAL = "PERPETUAL"
FUNDING_S = 8 * 3_600  # where the venue does not name another
PAGE = 1_000

_encode = msgspec.json.Encoder().encode
_info = msgspec.json.Decoder(wire.ExchangeInfo).decode
_funding = msgspec.json.Decoder(list[wire.FundingInfo]).decode
_book = msgspec.json.Decoder(wire.Book, strict=False).decode
_aggregates = msgspec.json.Decoder(list[wire.AggregateTrade], strict=False).decode
_trades = msgspec.json.Decoder(list[wire.RecentTrade], strict=False).decode
_candles = msgspec.json.Decoder(list[wire.Candle], strict=False).decode
_tickers = msgspec.json.Decoder(wire.TickerRow | list[wire.TickerRow], strict=False).decode
_order = msgspec.json.Decoder(wire.Order).decode
_orders = msgspec.json.Decoder(list[wire.Order]).decode
_user_trades = msgspec.json.Decoder(list[wire.UserTrade]).decode
_positions = msgspec.json.Decoder(list[wire.Position]).decode
_balances = msgspec.json.Decoder(list[wire.Balance]).decode
_incomes = msgspec.json.Decoder(list[wire.Income]).decode

Page: TypeAlias = tuple[Sequence[AnyEvent], str]


def text(number: Decimal) -> str:
    """Plain decimal text: never an exponent."""
    return format(number, "f")


class Formats:
    """One market's requests and answers; `side_of` knows the side of an order by its client id."""

    def __init__(self, venue: str, market: str, side_of: Callable[[str], Side | None] = lambda client_id: None) -> None:
        self.venue = venue
        self.market = market
        self.account = Account(venue)
        self.endpoints = Endpoints.ALL if market == "linear" else Endpoints.SPOT
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
        if action == "book":
            return depth_weight(self.market, arguments.limit or 500)
        if action == "klines" and self.market == "linear":
            limit = arguments.limit or 500
            return 1 if limit < 100 else 2 if limit < 500 else 5 if limit <= 1_000 else 10
        one, all_ = self._weights.get(action, (1, 1))
        return one if arguments.symbol else all_

    def _fields(self, action: str, arguments: Arguments) -> Mapping[str, Field]:
        match action:
            case "place":
                return self._place(_of(arguments, PlaceOrder, action))
            case "amend":
                return self._amend(_of(arguments, AmendOrder, action))
            case "cancel":
                cancel = _of(arguments, CancelOrder, action)
                return {"symbol": cancel.symbol, "origClientOrderId": cancel.client_id}
            case "cancel_all" if isinstance(arguments, CancelAll):
                arguments = Query(symbol=arguments.symbol)
        query = _of(arguments, Query, action)
        return _said(
            self._setting(action, query) if self.endpoints[action].method != "GET" else self._query(action, query)
        )

    def _batch(self, action: str, intents: Sequence[object]) -> Mapping[str, Field]:
        if action == "cancel_batch":
            cancels = [_of(intent, CancelOrder, action) for intent in intents]
            if len({cancel.symbol for cancel in cancels}) > 1:
                raise WrongUse("binance cancels a batch of one symbol only")
            ids = _encode([cancel.client_id for cancel in cancels]).decode()
            return {"symbol": cancels[0].symbol if cancels else "", "origClientOrderIdList": ids}
        if action == "place_batch":
            rows = [self._place(_of(intent, PlaceOrder, action)) for intent in intents]
        else:
            rows = [self._amend(_of(intent, AmendOrder, action)) for intent in intents]
        return {"batchOrders": _encode(rows).decode()}

    def _place(self, order: PlaceOrder) -> dict[str, Field]:
        """One-way mode, so no position side; a market order has no time in force."""
        row: dict[str, Field] = {
            "symbol": order.symbol,
            "side": Types.side.encode(order.side),
            "type": Types.kind.encode(order.kind),
        }
        if order.kind == "limit":
            if order.price is None:
                raise WrongUse("a limit order needs a price")
            row |= {
                "timeInForce": Types.tif.encode(order.tif), "quantity": text(order.size), "price": text(order.price),
            }  # fmt: skip
        else:
            row["quantity"] = text(order.size)
        if order.reduce_only:
            row["reduceOnly"] = "true"
        if order.client_id:
            row["newClientOrderId"] = order.client_id
        row["selfTradePreventionMode"] = SELF_TRADE
        return row

    def _amend(self, amend: AmendOrder) -> dict[str, Field]:
        """The venue wants the side, too; where nobody knows it, it is left to the venue to refuse."""
        side = self._side_of(amend.client_id)
        row: dict[str, Field] = {"symbol": amend.symbol}
        if side is not None:
            row["side"] = Types.side.encode(side)
        return row | {
            "quantity": text(amend.size), "price": text(amend.price), "origClientOrderId": amend.client_id,
        }  # fmt: skip

    def _setting(self, action: str, query: Query) -> Mapping[str, Field | None]:
        if action in ("listen_key", "extend_listen_key"):
            return {}
        if action == "set_position_mode":
            return {"dualSidePosition": "true" if query.hedge else "false"}
        if not query.symbol:
            raise WrongUse(f"binance wants the symbol for {action}")
        if action == "set_leverage":
            if query.leverage is None:
                raise WrongUse("set_leverage needs a leverage")
            return {"symbol": query.symbol, "leverage": text(query.leverage)}
        countdown = query.window_s * 1_000 if action == "disconnect_cancel_all" else None
        return {"symbol": query.symbol, "countdownTime": countdown}

    def _query(self, action: str, query: Query) -> Mapping[str, Field | None]:
        symbol: dict[str, Field | None] = {"symbol": query.symbol}
        times: dict[str, Field | None] = {"startTime": query.start_ms, "endTime": query.end_ms}
        match action:
            case "server_time" | "funding_info" | "wallet":
                return {}
            case "instruments":
                return symbol if self.market == "spot" else {}
            case "book":
                return symbol | {"limit": query.limit}
            case "trades":
                return symbol | (times if self.market == "linear" else {}) | {"limit": query.limit}
            case "klines":
                if query.interval_s not in INTERVALS:
                    raise WrongUse(f"binance has no candles of {query.interval_s} s; known: {sorted(INTERVALS)}")
                return symbol | {"interval": INTERVALS[query.interval_s]} | times | {"limit": query.limit}
            case "order":
                return symbol | {"orderId": query.order_id, "origClientOrderId": query.client_id}
            case "order_history":
                page = {"orderId": query.cursor} if query.cursor else {"orderId": query.order_id} | times
                return symbol | page | {"limit": query.limit}
            case "executions":  # a page further on is asked for by trade id, and then without times
                page = {"fromId": query.cursor} if query.cursor else {"orderId": query.order_id} | times
                return symbol | page | {"limit": query.limit}
            case "funding":
                start = {"startTime": query.cursor or query.start_ms, "endTime": query.end_ms}
                return symbol | {"incomeType": "FUNDING_FEE"} | start | {"limit": query.limit}
            case _:
                return symbol

    # --- in ---

    def answer(self, action: str, body: bytes, query: Query | None = None) -> Page:
        """The events of an answer and the cursor of the next page. Raises `msgspec.DecodeError`, `ValueError`, `UnknownWord`.

        Only an answer that was `ok` is given here.
        """
        read = _READERS.get(action)
        return ((), "") if read is None else read(self, body, query or Query())

    def _instruments(self, body: bytes, query: Query) -> Page:
        """Futures tell all symbols whatever was asked for."""
        info = _info(body)
        self.limits = info.rateLimits
        wanted = [symbol for symbol in info.symbols if query.symbol in ("", symbol.symbol)]
        return [event for event in (self._instrument(each, info.serverTime) for each in wanted) if event], ""

    def _instrument(self, each: wire.Symbol, time_ms: int) -> InstrumentDefined | None:
        """None for a symbol without a price grid, which nobody can trade."""
        rules = {rule.filterType: rule for rule in each.filters}
        price, lot = rules.get("PRICE_FILTER"), rules.get("LOT_SIZE")
        if price is None or lot is None:
            return None
        notional = rules.get("MIN_NOTIONAL") or rules.get("NOTIONAL")
        settle = each.marginAsset or each.quoteAsset
        self.account.settle[each.symbol] = settle
        perpetual = PERPETUAL in each.contractType
        return InstrumentDefined(
            self.venue,
            each.symbol,
            time_ms * MS or None,
            each.baseAsset,
            each.quoteAsset,
            settle,
            "spot" if self.market == "spot" else "perpetual" if perpetual else "future",
            owed(price.tickSize),
            owed(lot.stepSize),
            owed(lot.minQty),
            (money(notional.notional or notional.minNotional) if notional else None) or Decimal(0),
            money(lot.maxQty),
            funding_interval_s=self._funding_s.get(each.symbol, FUNDING_S) if perpetual else None,
            status=INSTRUMENT_STATUS.get(each.status, "halted"),
        )

    def _funding_info(self, body: bytes, query: Query) -> Page:
        """Tells no event: the instruments have it, once they are read."""
        self._funding_s = {row.symbol: row.fundingIntervalHours * 3_600 for row in _funding(body)}
        return (), ""

    def _book(self, body: bytes, query: Query) -> Page:
        book = _book(body)
        ts = (book.T or book.E) * MS or None
        depth = query.limit or SNAPSHOT_LEVELS // 2
        return [BookSnapshot(self.venue, query.symbol, ts, book.bids, book.asks, book.lastUpdateId, depth)], ""

    def _trades(self, body: bytes, query: Query) -> Page:
        """Oldest first, by the same ids as the stream's."""
        if self.market == "linear":
            return [aggregate(self.venue, query.symbol, row, backfilled=True) for row in _aggregates(body)], ""
        return [
            Trade(
                self.venue, query.symbol, row.time * MS, str(row.id), row.price, row.qty,
                "sell" if row.isBuyerMaker else "buy", backfilled=True,
            )
            for row in _trades(body)
        ], ""  # fmt: skip

    def _klines(self, body: bytes, query: Query) -> Page:
        """Oldest first; all but the newest are closed, and whether that one is, nothing says."""
        rows = _candles(body)
        return [
            Candle(
                self.venue, query.symbol, None, row.start * MS, (row.end + 1 - row.start) // 1000, row.open, row.high,
                row.low, row.close, row.volume, row.turnover, row.trades, n < len(rows),
            )
            for n, row in enumerate(rows, 1)
        ], ""  # fmt: skip

    def _tickers(self, body: bytes, query: Query) -> Page:
        said = _tickers(body)
        return [
            Ticker(
                self.venue,
                row.symbol,
                (row.time or row.closeTime) * MS or None,
                row.lastPrice,
                row.bidPrice,
                row.bidQty,
                row.askPrice,
                row.askQty,
                row.markPrice,
                row.indexPrice,
                None if row.lastFundingRate == "" else row.lastFundingRate,
                None,
                row.nextFundingTime * MS or None,
                row.openInterest,
                row.volume,
            )
            for row in (said if isinstance(said, list) else [said])
        ], ""

    def _one_order(self, body: bytes, query: Query) -> Page:
        return [self.account.order(_order(body))], ""

    def _orders(self, body: bytes, query: Query) -> Page:
        rows = _orders(body)
        if query.client_id:
            rows = [row for row in rows if row.clientOrderId == query.client_id]
        return [self.account.order(row) for row in rows], ""

    def _order_history(self, body: bytes, query: Query) -> Page:
        rows = _orders(body)
        following = str(rows[-1].orderId + 1) if rows and len(rows) >= (query.limit or 500) else ""
        return [self.account.order(row) for row in rows], following

    def _executions(self, body: bytes, query: Query) -> Page:
        """Oldest first, marked as fetched after the fact; pages by trade id go on beyond the end that was asked for."""
        rows = _user_trades(body)
        end = query.end_ms if query.end_ms is not None else 2**63
        following = str(rows[-1].id + 1) if len(rows) >= (query.limit or 500) and rows[-1].time <= end else ""
        return [self.account.fill(row) for row in rows if row.time <= end], following

    def _positions(self, body: bytes, query: Query) -> Page:
        return [self.account.position(row) for row in _positions(body)], ""

    def _wallet(self, body: bytes, query: Query) -> Page:
        return [self.account.balance(row) for row in _balances(body)], ""

    def _fundings(self, body: bytes, query: Query) -> Page:
        rows = _incomes(body)
        events = [self.account.funding(row.symbol, row.time, owed(row.income), row.asset) for row in rows]
        following = str(rows[-1].time + 1) if rows and len(rows) >= (query.limit or 100) else ""
        return events, following


_Reader = Callable[[Formats, bytes, Query], Page]
_READERS: Mapping[str, _Reader] = {
    "instruments": Formats._instruments,
    "funding_info": Formats._funding_info,
    "book": Formats._book,
    "trades": Formats._trades,
    "klines": Formats._klines,
    "tickers": Formats._tickers,
    "book_tickers": Formats._tickers,
    "mark_prices": Formats._tickers,
    "open_interest": Formats._tickers,
    "order": Formats._one_order,
    "open_orders": Formats._orders,
    "order_history": Formats._order_history,
    "executions": Formats._executions,
    "positions": Formats._positions,
    "wallet": Formats._wallet,
    "funding": Formats._fundings,
}


def _said(fields: Mapping[str, Field | None]) -> dict[str, Field]:
    """Without what was left open."""
    return {name: word for name, word in fields.items() if word is not None and word != ""}


def _of(arguments: object, kind: type[T], action: str) -> T:
    if not isinstance(arguments, kind):
        raise WrongUse(f"{action} takes a {kind.__name__}, not {type(arguments).__name__}")
    return arguments
