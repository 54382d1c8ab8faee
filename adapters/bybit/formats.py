"""Intents and queries → the exact text of a request; REST answers → events.

Numbers go out as plain decimal text, keys in the documentation's order: what is signed is what is sent.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TypeAlias
from urllib.parse import quote

import msgspec

from adapters.base.client import Request
from adapters.base.numbers import money, owed, text
from adapters.base.query import Arguments, Query, of_kind, said
from adapters.bybit import wire
from adapters.bybit.account import MS, Account
from adapters.bybit.channels import ticker
from adapters.bybit.endpoints import Endpoints
from adapters.bybit.rows import ROWS
from adapters.bybit.types import INSTRUMENT_STATUS, INTERVALS
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
    Trade,
)  # fmt: skip

Field: TypeAlias = str | int | bool

_encode = msgspec.json.Encoder().encode
_answer = msgspec.json.Decoder(wire.Answer).decode
_instruments = msgspec.json.Decoder(wire.Page[wire.InstrumentItem]).decode
_book = msgspec.json.Decoder(wire.BookResult, strict=False).decode
_trades = msgspec.json.Decoder(wire.Page[wire.RecentTrade], strict=False).decode
_klines = msgspec.json.Decoder(wire.KlineList, strict=False).decode
_tickers = msgspec.json.Decoder(wire.Page[dict[str, str | int | None]]).decode
_orders = msgspec.json.Decoder(wire.Page[wire.Order]).decode
_executions = msgspec.json.Decoder(wire.Page[wire.Execution]).decode
_positions = msgspec.json.Decoder(wire.Page[wire.Position]).decode
_wallet = msgspec.json.Decoder(wire.Page[wire.Wallet]).decode


class Formats:
    """One market's requests and answers."""

    def __init__(self, venue: str, market: str, settle: Sequence[str] = ("USDT",)) -> None:
        self.venue = venue
        self.market = market
        self.account = Account(venue, market)
        self._coin = settle[0] if settle else "USDT"

    # --- out ---

    def request(self, action: str, arguments: Arguments) -> Request:
        """The request of an action. Raises `WrongUse` for an unknown action or arguments of the wrong kind."""
        endpoint = Endpoints.ALL.get(action)
        if endpoint is None:
            raise WrongUse(f"bybit has no action {action!r}; known: {', '.join(Endpoints.ALL)}")
        row = ROWS.get(action)
        if row is not None:
            return Request(endpoint, "", _encode(row(arguments, self.market)))
        if endpoint.method == "GET":
            fields = self._query(action, of_kind(arguments, Query, action))
            return Request(endpoint, "&".join(f"{name}={quote(str(word), safe='')}" for name, word in fields.items()))
        if action.endswith("_batch"):
            if isinstance(arguments, Query | PlaceOrder | AmendOrder | CancelOrder | CancelAll):
                raise WrongUse(f"{action} takes a list of intents")
            row = ROWS[action.removesuffix("_batch")]
            rows = [row(intent, msgspec.UNSET) for intent in arguments]
            return Request(endpoint, "", _encode({"category": self.market, "request": rows}), len(rows))
        return Request(endpoint, "", _encode(self._setting(action, arguments)))

    def _setting(self, action: str, arguments: Arguments) -> dict[str, Field]:
        if isinstance(arguments, CancelAll):
            arguments = Query(symbol=arguments.symbol)
        query = of_kind(arguments, Query, action)
        match action:
            case "cancel_all":
                scope = {"symbol": query.symbol} if query.symbol else {"settleCoin": query.coin or self._coin}
                return {"category": self.market, **scope}
            case "set_leverage":
                if query.leverage is None:
                    raise WrongUse("set_leverage needs a leverage")
                leverage = text(query.leverage)
                return {
                    "category": self.market,
                    "symbol": query.symbol,
                    "buyLeverage": leverage,
                    "sellLeverage": leverage,
                }
            case "set_position_mode":
                scope = {"symbol": query.symbol} if query.symbol else {"coin": query.coin or self._coin}
                return {"category": self.market, **scope, "mode": 3 if query.hedge else 0}
            case _:
                return {"product": "DERIVATIVES", "timeWindow": query.window_s}

    def _query(self, action: str, query: Query) -> dict[str, Field]:
        if action == "server_time":
            return {}
        if action == "wallet":
            return said({"accountType": "UNIFIED", "coin": query.coin})
        fields: dict[str, Field | None] = {"category": self.market, "symbol": query.symbol}
        match action:
            case "klines":
                fields |= {"interval": INTERVALS[query.interval_s], "start": query.start_ms, "end": query.end_ms}
            case "open_orders" | "positions":
                coin = query.coin or ("" if query.symbol else self._coin)
                fields |= {"settleCoin": "" if query.symbol else coin}
            case "order_history" | "executions":
                fields |= {"startTime": query.start_ms, "endTime": query.end_ms}
        if action in ("open_orders", "order_history", "executions"):
            fields |= {"orderId": query.order_id, "orderLinkId": query.client_id}
        if action == "open_orders":
            fields |= {"openOnly": 1 if query.closed else 0}
        if action not in ("tickers", "fee_rates"):
            fields |= {"limit": query.limit, "cursor": query.cursor}
        return said(fields)

    # --- in ---

    def answer(self, action: str, body: bytes, query: Query | None = None) -> tuple[Sequence[AnyEvent], str]:
        """The events of an answer and the cursor of the next page. Raises `msgspec.DecodeError`, `ValueError`, `UnknownWord`.

        Only an answer that was `ok` is given here.
        """
        answer = _answer(body)
        read = _READERS.get(action)
        return ((), "") if read is None else read(self, answer.result, answer.time, query or Query())

    def _instruments(self, result: msgspec.Raw, time_ms: int, query: Query) -> tuple[Sequence[AnyEvent], str]:
        page = _instruments(result)
        return [self._instrument(item, time_ms) for item in page.rows], page.nextPageCursor or ""

    def _instrument(self, item: wire.InstrumentItem, time_ms: int) -> InstrumentDefined:
        lot, spot = item.lotSizeFilter, not item.contractType
        settle = item.settleCoin or item.quoteCoin
        self.account.settle[item.symbol] = settle
        minutes = item.fundingInterval
        native = {} if item.symbolId is None else {"symbolId": item.symbolId}
        return InstrumentDefined(
            self.venue, item.symbol, time_ms * MS or None, item.baseCoin, item.quoteCoin, settle,
            "spot" if spot else "perpetual" if item.contractType.endswith("Perpetual") else "future",
            owed(item.priceFilter.tickSize), owed(lot.qtyStep or lot.basePrecision), owed(lot.minOrderQty),
            money(lot.minNotionalValue or lot.minOrderAmt) or Decimal(0),
            money(lot.maxOrderQty or lot.maxLimitOrderQty), inverse=item.contractType.startswith("Inverse"),
            max_leverage=money(item.leverageFilter.maxLeverage) if item.leverageFilter else None,
            funding_interval_s=None if minutes is None else minutes * 60,
            status=INSTRUMENT_STATUS.get(item.status, "halted"), native=_encode(native).decode() if native else "",
        )  # fmt: skip

    def _book(self, result: msgspec.Raw, time_ms: int, query: Query) -> tuple[Sequence[AnyEvent], str]:
        book = _book(result)
        ts = (book.cts or book.ts) * MS
        return [BookSnapshot(self.venue, book.s, ts, book.b, book.a, book.u, query.limit or 25)], ""

    def _trades(self, result: msgspec.Raw, time_ms: int, query: Query) -> tuple[Sequence[AnyEvent], str]:
        """Oldest first, as a stream would have told them."""
        rows = _trades(result).rows
        return [
            Trade(
                self.venue,
                row.symbol,
                row.time * MS,
                row.execId,
                row.price,
                row.size,
                "buy" if row.side == "Buy" else "sell",
                "block" if row.isBlockTrade else "rpi" if row.isRPITrade else "normal",
                backfilled=True,
            )
            for row in reversed(rows)
        ], ""

    def _klines(self, result: msgspec.Raw, time_ms: int, query: Query) -> tuple[Sequence[AnyEvent], str]:
        """Oldest first; the newest is closed only if its time is over."""
        page = _klines(result)
        symbol, seconds = page.symbol or query.symbol, query.interval_s
        return [
            Candle(
                self.venue,
                symbol,
                time_ms * MS or None,
                row.start * MS,
                seconds,
                row.open,
                row.high,
                row.low,
                row.close,
                row.volume,
                row.turnover,
                closed=row.start + seconds * 1000 <= time_ms,
            )
            for row in reversed(page.rows)
        ], ""

    def _tickers(self, result: msgspec.Raw, time_ms: int, query: Query) -> tuple[Sequence[AnyEvent], str]:
        events = []
        for row in _tickers(result).rows:
            said = {name: word for name, word in row.items() if word != ""}
            data = msgspec.convert(said, wire.TickerData, strict=False)
            events.append(ticker(self.venue, str(row.get("symbol", "")), time_ms, data))
        return events, ""

    def _orders(self, result: msgspec.Raw, time_ms: int, query: Query) -> tuple[Sequence[AnyEvent], str]:
        page = _orders(result)
        return [self.account.order(row) for row in page.rows], page.nextPageCursor or ""

    def _executions(self, result: msgspec.Raw, time_ms: int, query: Query) -> tuple[Sequence[AnyEvent], str]:
        """Oldest first, marked as fetched after the fact."""
        page = _executions(result)
        events = [self.account.execution(row, backfilled=True) for row in reversed(page.rows)]
        return events, page.nextPageCursor or ""

    def _positions(self, result: msgspec.Raw, time_ms: int, query: Query) -> tuple[Sequence[AnyEvent], str]:
        page = _positions(result)
        return [self.account.position(row) for row in page.rows], page.nextPageCursor or ""

    def _wallet(self, result: msgspec.Raw, time_ms: int, query: Query) -> tuple[Sequence[AnyEvent], str]:
        return self.account.wallet(_wallet(result).rows, time_ms), ""


_Reader = Callable[[Formats, msgspec.Raw, int, Query], tuple[Sequence[AnyEvent], str]]
_READERS: Mapping[str, _Reader] = {
    "instruments": Formats._instruments, "book": Formats._book, "trades": Formats._trades, "klines": Formats._klines,
    "tickers": Formats._tickers, "open_orders": Formats._orders, "order_history": Formats._orders,
    "executions": Formats._executions, "positions": Formats._positions, "wallet": Formats._wallet,
}  # fmt: skip
