"""Intents and queries → requests; rows, by stream and REST alike → events."""

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlencode

import msgspec

from adapters.base.client import Request
from adapters.base.numbers import money, owed, text
from adapters.base.query import Arguments, Query, of_kind, said
from pond import wire
from pond.endpoints import Endpoints
from pond.types import MARKET_STATES, Types
from state.errors import NotOffered, WrongUse
from state.events import (
    AnyEvent,
    BalanceUpdate,
    BookSnapshot,
    CancelAll,
    CancelOrder,
    Fill,
    InstrumentDefined,
    OrderUpdate,
    PlaceOrder,
    PositionUpdate,
    Ticker,
    Trade,
)
from state.words import Refusal

MS = 1_000_000  # ns
DEPTH = 200

_answer = msgspec.json.Decoder(wire.Answer).decode
_encode = msgspec.json.Encoder().encode

# Why the venue ended an order by itself.
REFUSALS: dict[str, Refusal] = {"would_take": "post_only", "found_nothing": "would_not_fill"}


class Formats:
    """What is sent, and what rows mean."""

    def __init__(self, venue: str) -> None:
        self.venue = venue
        self._rows: Mapping[str, Callable[[bytes], Sequence[AnyEvent]]] = {
            "instruments": self._each(wire.Market, self.instrument),
            "book": lambda body: [self.book(msgspec.json.decode(body, type=wire.Book, strict=False))],
            "trades": lambda body: self.trades(msgspec.json.decode(body, type=wire.Trades, strict=False), late=True),
            "tickers": lambda body: [self.ticker(msgspec.json.decode(body, type=wire.Ticker, strict=False))],
            "order": lambda body: [self.order(msgspec.json.decode(body, type=wire.Order))],
            "open_orders": self._each(wire.Order, self.order),
            "executions": self._each(wire.Fill, lambda row: self.fill(row, late=True)),
            "positions": self._each(wire.Position, self.position),
            "wallet": self._each(wire.Balance, self.balance),
        }

    # --- out ---

    def request(self, action: str, arguments: Arguments) -> Request:
        """The request of an action. Raises `WrongUse` for what the venue does not have."""
        if action == "amend":
            raise NotOffered("pond changes no orders")
        endpoint = Endpoints.ALL.get(action)
        if endpoint is None:
            raise WrongUse(f"pond has no action {action!r}; known: {', '.join(Endpoints.ALL)}")
        if action == "place":
            return Request(endpoint, body=_encode(self._place(of_kind(arguments, PlaceOrder, action))))
        if action == "cancel":
            order = of_kind(arguments, CancelOrder, action)
            return Request(endpoint, urlencode({"market": order.symbol, "client_id": order.client_id}))
        if isinstance(arguments, CancelAll):
            arguments = Query(symbol=arguments.symbol)
        return Request(endpoint, self._asked(of_kind(arguments, Query, action)))

    def _place(self, order: PlaceOrder) -> Mapping[str, object]:
        if order.tif == "fok":
            raise NotOffered("pond has no fill-or-kill")
        return said(
            {
                "market": order.symbol,
                "client_id": order.client_id,
                "side": Types.side.encode(order.side),
                "type": Types.kind.encode(order.kind),
                "life": Types.tif.encode(order.tif),
                "price": None if order.price is None else text(order.price),
                "size": text(order.size),
                "reduce_only": order.reduce_only or None,
            }
        )

    def _asked(self, query: Query) -> str:
        known = {"market": query.symbol, "client_id": query.client_id, "since": query.start_ms, "limit": query.limit}
        return urlencode(said(known))

    # --- in ---

    def answer(self, action: str, body: bytes) -> Sequence[AnyEvent]:
        """The events of an answer; raises `msgspec.DecodeError`, `ValueError`, `UnknownWord`."""
        return self._rows[action](bytes(_answer(body).result))

    def account(self, frame: wire.AccountFrame) -> Sequence[AnyEvent]:
        """Fills before what the order is after them."""
        return [
            *map(self.fill, frame.fills),
            *map(self.order, frame.orders),
            *map(self.position, frame.positions),
            *map(self.balance, frame.balances),
        ]

    def instrument(self, row: wire.Market) -> InstrumentDefined:
        return InstrumentDefined(
            self.venue, row.market, None, row.base, row.quote, row.quote, "perpetual", owed(row.tick), owed(row.lot),
            owed(row.least), owed(row.least_value), status=MARKET_STATES.get(row.state, "halted"),
        )  # fmt: skip

    def book(self, row: wire.Book) -> BookSnapshot:
        return BookSnapshot(self.venue, row.market, row.ms * MS, row.bids, row.asks, row.seq, DEPTH)

    def trades(self, rows: wire.Trades, *, late: bool = False) -> Sequence[Trade]:
        return [
            Trade(
                self.venue, rows.market, row.ms * MS, str(row.id), row.price, row.size, Types.side.parse(row.side),
                backfilled=late,
            )
            for row in rows.trades
        ]  # fmt: skip

    def ticker(self, row: wire.Ticker) -> Ticker:
        return Ticker(self.venue, row.market, row.ms * MS, row.last, row.bid, None, row.ask, None, row.mark)

    def order(self, row: wire.Order) -> OrderUpdate:
        status, refusal = Types.status.parse(row.state), REFUSALS.get(row.why)
        if refusal == "post_only":
            status = "rejected"
        return OrderUpdate(
            self.venue, row.market, row.ms * MS, row.client_id or None, row.id, status, Types.side.parse(row.side),
            Types.kind.parse(row.type), Types.tif.parse(row.life), money(row.price), owed(row.size), owed(row.filled),
            money(row.average), row.reduce_only, row.why or None, refusal, "stp" if row.why == "self_trade" else "user",
            version=row.version,
        )  # fmt: skip

    def fill(self, row: wire.Fill, *, late: bool = False) -> Fill:
        return Fill(
            self.venue, row.market, row.ms * MS, row.id, row.order, row.client_id or None, Types.side.parse(row.side),
            owed(row.price), owed(row.size), -owed(row.fee), row.asset, row.maker, backfilled=late,
        )  # fmt: skip

    def position(self, row: wire.Position) -> PositionUpdate:
        ts, entry = row.ms * MS, money(row.entry)
        return PositionUpdate(self.venue, row.market, ts, owed(row.size), entry, version=row.version)

    def balance(self, row: wire.Balance) -> BalanceUpdate:
        return BalanceUpdate(self.venue, "", row.ms * MS, row.asset, owed(row.total), owed(row.free))

    def _each(self, kind: type, read: Callable[..., AnyEvent]) -> Callable[[bytes], Sequence[AnyEvent]]:
        rows = msgspec.json.Decoder(list[kind]).decode  # type: ignore[valid-type]
        return lambda body: [read(row) for row in rows(body)]
