"""Intents and queries → the exact text of a request; REST answers → events.

Numbers go out as plain decimal text, names in the documentation's order: what is signed is what is sent.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TypeAlias
from urllib.parse import quote

import msgspec

from adapters.base.client import Request
from adapters.base.endpoints import Endpoint
from adapters.base.numbers import money, owed, text
from adapters.base.orderid import alphanumeric
from adapters.base.query import Arguments, Query, of_kind, said
from adapters.okx import wire
from adapters.okx.account import Account, read_bills, read_fills, read_orders
from adapters.okx.book import snapshot
from adapters.okx.channels import candle, rows, ticker, trade
from adapters.okx.contracts import Contracts
from adapters.okx.endpoints import Endpoints
from adapters.okx.types import INSTRUMENT_STATUS, INTERVALS, KINDS, MARKETS, SPOT, Types, kind_of, named
from state.errors import WrongUse
from state.events import AmendOrder, AnyEvent, CancelAll, CancelOrder, OrderUpdate, PlaceOrder
from state.market_events import InstrumentDefined

Field: TypeAlias = str | int | bool
Row: TypeAlias = Mapping[str, Field]
Page: TypeAlias = tuple[Sequence[AnyEvent], str]

BATCH, ID_MOST = 20, 32  # orders a request, characters of a client id
SWITCH_S = range(10, 121)
USUAL_PAGE = 100
_PAGE_MOST = {"book": 400, "trades": 500, "klines": 300}  # of all others, `USUAL_PAGE`

_encode = msgspec.json.Encoder().encode
_books, _trades = rows(wire.BookRow), rows(wire.TradeRow)
_tickers, _candles = rows(wire.TickerRow), rows(wire.CandleRow)
_instruments, _fees = rows(wire.InstrumentRow), rows(wire.FeeRow)


class Formats:
    """One market's requests and answers."""

    def __init__(self, venue: str, market: str, contracts: Contracts | None = None) -> None:
        self.venue = venue
        self.kind = MARKETS[market]
        self.contracts = contracts if contracts is not None else Contracts()
        self.account = Account(venue, self.contracts)
        self._endpoints: dict[tuple[str, str], Endpoint] = {}
        self._fee_groups: dict[str, str] = {}  # by symbol

    # --- out ---

    def request(self, action: str, arguments: Arguments) -> Request:
        """The request of an action. Raises `WrongUse` for an unknown action or arguments of the wrong kind."""
        if action == "tickers" and isinstance(arguments, Query) and arguments.symbol:
            action = "ticker"
        endpoint = Endpoints.ALL.get(action)
        if endpoint is None:
            raise WrongUse(f"okx has no action {action!r}; known: {', '.join(Endpoints.ALL)}")
        if endpoint.method == "GET":
            query = of_kind(arguments, Query, action)
            fields = said(self._query(action, query))
            form = "&".join(f"{name}={quote(str(word), safe='')}" for name, word in fields.items())
            return Request(self._at(action, [query.symbol] if action == "order" else ()), form)
        if action.endswith("_batch"):
            if isinstance(arguments, Query | PlaceOrder | AmendOrder | CancelOrder | CancelAll):
                raise WrongUse(f"{action} takes a list of intents")
            told = [self._row(action.removesuffix("_batch"), intent) for intent in arguments]
            return Request(self._at(action, [i.symbol for i in arguments]), "", _encode(told), len(told))
        if action in ("place", "amend", "cancel"):
            row = self._row(action, arguments)
            return Request(self._at(action, [str(row["instId"])]), "", _encode(row))
        return Request(endpoint, "", _encode(self._setting(action, of_kind(arguments, Query, action))))

    def cancel_listed(self, orders: Sequence[OrderUpdate]) -> Sequence[Request]:
        """Cancels of what the venue listed, by its own ids: some orders have no other."""
        rows = [{"instId": order.symbol, "ordId": order.order_id or ""} for order in orders]
        listed = {at: [row for row in rows if row["instId"] == at] for at in dict.fromkeys(o.symbol for o in orders)}
        chunks = [(at, told[n : n + BATCH]) for at, told in listed.items() for n in range(0, len(told), BATCH)]
        return [Request(self._at("cancel_batch", [at]), "", _encode(chunk), len(chunk)) for at, chunk in chunks]

    def _at(self, action: str, symbols: Sequence[str]) -> Endpoint:
        """The endpoint, whose budget is the market's; it has no order socket where nobody told the market's code."""
        symbol = symbols[0] if symbols and symbols.count(symbols[0]) == len(symbols) else ""
        op = Endpoints.ALL[action].op if all(each in self.contracts.codes for each in symbols) else ""
        made = self._endpoints.get((action, symbol))
        if made is None or made.op != op:
            pool = Endpoints.ALL[action].pool
            made = replace(Endpoints.ALL[action], pool=f"{pool}@{symbol}" if symbol else pool, op=op)
            self._endpoints[action, symbol] = made
        return made

    def _row(self, action: str, arguments: Arguments) -> Row:
        match action:
            case "place":
                return self._place(of_kind(arguments, PlaceOrder, action))
            case "amend":
                amend = of_kind(arguments, AmendOrder, action)
                size, price = text(self.contracts.of(amend.symbol).count(amend.size)), text(amend.price)
                client_id = alphanumeric(amend.client_id, ID_MOST)
                return {"instId": amend.symbol, "clOrdId": client_id, "newSz": size, "newPx": price}
            case _:
                cancel = of_kind(arguments, CancelOrder, action)
                return {"instId": cancel.symbol, "clOrdId": alphanumeric(cancel.client_id, ID_MOST)}

    def _place(self, order: PlaceOrder) -> Row:
        """Net mode, so no position side; the margin is shared. A market order is an IOC, whatever else was asked."""
        if order.kind == "limit" and order.price is None:
            raise WrongUse("a limit order needs a price")
        return said(
            {
                "instId": order.symbol, "tdMode": "cash" if kind_of(order.symbol) == SPOT else "cross",
                "clOrdId": alphanumeric(order.client_id, ID_MOST), "side": Types.side.encode(order.side),
                "ordType": "market" if order.kind == "market" else Types.tif.encode(order.tif),
                "px": text(order.price) if order.kind == "limit" and order.price is not None else None,
                "sz": text(self.contracts.of(order.symbol).count(order.size)), "reduceOnly": True if order.reduce_only else None,
            }
        )  # fmt: skip

    def _setting(self, action: str, query: Query) -> Row:
        match action:
            case "set_leverage":
                if query.leverage is None or not query.symbol:
                    raise WrongUse("set_leverage needs a symbol and a leverage")
                return {"instId": query.symbol, "lever": text(query.leverage), "mgnMode": "cross"}
            case "set_position_mode":
                return {"posMode": "long_short_mode" if query.hedge else "net_mode"}
            case _:
                if query.window_s and query.window_s not in SWITCH_S:
                    raise WrongUse(f"okx cancels all after {SWITCH_S[0]} to {SWITCH_S[-1]} s, or never where that is 0")
                return {"timeOut": str(query.window_s)}

    def _query(self, action: str, query: Query) -> Mapping[str, Field | None]:
        if action in _OF_ONE and not query.symbol:
            raise WrongUse(f"okx wants the symbol for {action}")
        interval = INTERVALS[query.interval_s] if action == "klines" else None
        index, start, end = query.symbol.removesuffix("-SWAP"), query.start_ms, query.end_ms
        limit = None if query.limit is None else min(query.limit, _PAGE_MOST.get(action, USUAL_PAGE))
        words: dict[str, Field | None] = {
            "instType": kind_of(query.symbol) if query.symbol else self.kind, "instId": query.symbol, "ccy": query.coin,
            "ordId": query.order_id, "clOrdId": query.client_id, "after": query.cursor, "begin": start, "end": end,
            "limit": limit, "sz": limit, "bar": interval, "type": 8,
        }  # fmt: skip
        if action == "klines":  # those beyond the two
            words |= {"after": None if end is None else end + 1, "before": None if start is None else start - 1}
        if action == "fee_rates" and self.kind != SPOT:
            words |= {"instId": None, "instFamily": index}
        if action == "index_tickers":
            words["instId"] = index
        return {name: words.get(name) for name in _FIELDS[action]}

    # --- in ---

    def answer(self, action: str, body: bytes, query: Query | None = None) -> Page:
        """The events of an `ok` answer and its next page's cursor. Raises `msgspec.DecodeError`, `ValueError`, `UnknownWord`."""
        read, asked = _READERS.get(action), query or Query()
        if read is not None:
            return read(self, body, asked), ""
        return _PAGED[action](self, body, asked) if action in _PAGED else ((), "")

    def define(self, instrument: InstrumentDefined) -> None:
        """Learns how much a contract is, from whoever read the instruments."""
        units = Decimal(1) if instrument.inverse else instrument.contract_size
        self.contracts.learn(instrument.symbol, units, instrument.lot / units)
        self.account.settle[instrument.symbol] = instrument.settle

    def _instruments(self, body: bytes, query: Query) -> Sequence[AnyEvent]:
        return [event for event in map(self._instrument, _instruments(body).data) if event is not None]

    def _instrument(self, row: wire.InstrumentRow) -> InstrumentDefined | None:
        """None for one that is not open yet and has no grid."""
        kind = KINDS.get(row.instType)
        if kind is None or not (row.tickSz and row.lotSz and row.minSz):
            return None
        base, quoted, *_ = row.instId.split("-")
        quoted, settle = row.quoteCcy or quoted, row.settleCcy or row.quoteCcy or quoted
        size, inverse = (money(row.ctVal) or Decimal(1)) * (money(row.ctMult) or Decimal(1)), row.ctType == "inverse"
        units, lot = Decimal(1) if inverse or kind == "spot" else size, owed(row.lotSz)
        self.contracts.learn(row.instId, units, lot, row.instIdCode)
        self.account.settle[row.instId], self._fee_groups[row.instId] = settle, row.groupId
        most = money(row.maxLmtSz)
        return InstrumentDefined(
            named(self.venue, row.instId), row.instId, None, row.baseCcy or base, quoted, settle, kind, owed(row.tickSz),
            lot * units, owed(row.minSz) * units, Decimal(0), None if most is None else most * units, size, inverse,
            max_leverage=money(row.lever), status=INSTRUMENT_STATUS.get(row.state, "halted"),
            native="" if row.instIdCode is None else _encode({"instIdCode": row.instIdCode}).decode(),
        )  # fmt: skip

    def with_fees(self, instrument: InstrumentDefined, body: bytes) -> InstrumentDefined:
        """What is paid is negative on the wire. The rates are those of the instrument's group."""
        (row, *_) = _fees(body).data
        own, told = self._fee_groups.get(instrument.symbol, ""), row.feeGroup
        found = next((group for group in told if own and group.groupId == own), told[0] if len(told) == 1 else None)
        maker, taker = (found.maker, found.taker) if found is not None and found.taker else _ungrouped(row, instrument)
        rates = (None if rate is None else -rate for rate in map(money, (maker, taker)))
        return msgspec.structs.replace(instrument, **dict(zip(("maker_fee", "taker_fee"), rates, strict=True)))

    def _book(self, body: bytes, query: Query) -> Sequence[AnyEvent]:
        venue, contract = named(self.venue, query.symbol), self.contracts.of(query.symbol)
        return [snapshot(venue, query.symbol, row, contract, query.limit or 1) for row in _books(body).data]

    def _trades(self, body: bytes, query: Query) -> Sequence[AnyEvent]:
        """Oldest first, as a stream would have told them."""
        told = [(row, named(self.venue, row.instId), self.contracts.of(row.instId)) for row in _trades(body).data]
        return [trade(venue, row, contract, backfilled=True) for row, venue, contract in reversed(told)]

    def _klines(self, body: bytes, query: Query) -> Sequence[AnyEvent]:
        venue, contract, told = named(self.venue, query.symbol), self.contracts.of(query.symbol), _candles(body).data
        return [candle(venue, query.symbol, row, contract, query.interval_s) for row in reversed(told)]

    def _tickers(self, body: bytes, query: Query, ending: str = "") -> Sequence[AnyEvent]:
        told = [(row.instId + ending, row) for row in _tickers(body).data]
        return [ticker(named(self.venue, name), name, row, self.contracts.of(name)) for name, row in told]

    def _orders(self, body: bytes, query: Query) -> Page:
        told = read_orders(body).data
        return [self.account.order(row) for row in told], _following(query, [row.ordId for row in told])

    def _executions(self, body: bytes, query: Query) -> Page:
        """Oldest first, marked as fetched after the fact."""
        told = read_fills(body).data
        return [self.account.fill(row) for row in reversed(told)], _following(query, [row.billId for row in told])

    def _fundings(self, body: bytes, query: Query) -> Page:
        told = read_bills(body).data
        return [self.account.bill(row) for row in reversed(told)], _following(query, [row.billId for row in told])


def _ungrouped(row: wire.FeeRow, instrument: InstrumentDefined) -> tuple[str, str]:
    """As it was told before there were groups: contracts that settle in USDT or USDC have rates of their own."""
    own = {"USDT": (row.makerU, row.takerU), "USDC": (row.makerUSDC, row.takerUSDC)}.get(instrument.settle, ("", ""))
    return own if instrument.kind != "spot" and own[0] else (row.maker, row.taker)


def _following(query: Query, ids: Sequence[str]) -> str:
    """The cursor of what is older, where a page is full."""
    return ids[-1] if len(ids) >= min(query.limit or USUAL_PAGE, USUAL_PAGE) else ""


_OF_ONE = frozenset({"book", "trades", "klines", "ticker", "funding_rate", "order", "fee_rates"})
_TIMED = ("after", "begin", "end", "limit")
_FIELDS: Mapping[str, Iterable[str]] = {
    "server_time": (), "book": ("instId", "sz"), "trades": ("instId", "limit"), "ticker": ("instId",),
    "tickers": ("instType",), "index_tickers": ("instId",), "funding_rate": ("instId",), "wallet": ("ccy",),
    "klines": ("instId", "bar", "after", "before", "limit"),
    **dict.fromkeys(("instruments", "mark_prices", "open_interest", "positions"), ("instType", "instId")),
    "order": ("instId", "ordId", "clOrdId"), "open_orders": ("instType", "instId", "after", "limit"),
    "order_history": ("instType", "instId", *_TIMED),
    **dict.fromkeys(("executions", "execution_archive"), ("instType", "instId", "ordId", *_TIMED)),
    **dict.fromkeys(("funding", "funding_archive"), ("instType", "ccy", "type", *_TIMED)),
    "fee_rates": ("instType", "instId", "instFamily"),
}  # fmt: skip

_READERS: Mapping[str, Callable[[Formats, bytes, Query], Sequence[AnyEvent]]] = {
    "instruments": Formats._instruments, "book": Formats._book, "trades": Formats._trades,
    "klines": Formats._klines,
    "index_tickers": lambda formats, body, query: formats._tickers(body, query, "-SWAP"),
    **dict.fromkeys(("ticker", "tickers", "mark_prices", "funding_rate", "open_interest"), Formats._tickers),
    "order": lambda formats, body, query: formats._orders(body, query)[0],
    "positions": lambda formats, body, query: formats.account.positions(body),
    "wallet": lambda formats, body, query: formats.account.balances(body),
}  # fmt: skip
_PAGED: Mapping[str, Callable[[Formats, bytes, Query], Page]] = {
    "open_orders": Formats._orders, "order_history": Formats._orders, "executions": Formats._executions,
    "execution_archive": Formats._executions, "funding": Formats._fundings, "funding_archive": Formats._fundings,
}  # fmt: skip
