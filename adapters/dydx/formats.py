"""Intents and queries → the body of a transaction or the text of a request; REST answers → events.

Sizes and prices become whole numbers of the chain exactly, or are refused; nothing is rounded here but a market order's far
limit. https://docs.dydx.xyz/indexer-client/http, /interaction/trading
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from math import ceil
from typing import TYPE_CHECKING, TypeAlias, TypeVar
from urllib.parse import quote

import msgspec

from adapters.base import iso
from adapters.base.client import Request
from adapters.base.far import far
from adapters.base.lifetimes import Lifetime
from adapters.base.numbers import owed
from adapters.base.query import Arguments, Query, of_kind, said
from adapters.base.shapes import part_of
from adapters.dydx import terms, wire
from adapters.dydx.account import COLLATERAL, Account
from adapters.dydx.channels import FUNDING_S, BookChannel, candle, pairs, ticker, trade
from adapters.dydx.endpoints import Endpoints
from adapters.dydx.orderid import numbers
from adapters.dydx.types import INSTRUMENT_STATUS, INTERVALS, LONG_TERM, SHORT_TERM
from state.errors import NotOffered, WrongUse
from state.events import AmendOrder, AnyEvent, CancelAll, CancelOrder, InstrumentDefined, OrderUpdate, PlaceOrder
from state.instruments import snap
from state.words import TERMINAL, Side

if TYPE_CHECKING:
    from adapters.dydx.messages import Bodies

Page: TypeAlias = tuple[Sequence[AnyEvent], str]
T = TypeVar("T")

BATCH = 100  # short-term cancels of one message; one stateful one that fails would take others with it
ORDERS_MOST = 1_000
LIVING = "OPEN,BEST_EFFORT_OPENED,BEST_EFFORT_CANCELED,UNTRIGGERED"
WANTING = {"book": "symbol", "trades": "symbol", "klines": "symbol", "order": "order_id"}


def reader(shape: type[T]) -> Callable[[bytes], T]:
    return msgspec.json.Decoder(shape, strict=False).decode


_encode = msgspec.json.Encoder().encode
_markets, _changes, _trades, _candles = (
    reader(wire.Markets), reader(wire.Changes), reader(wire.Trades), reader(wire.Candles),
)  # fmt: skip
_order, _orders = reader(wire.Order), reader(list[wire.Order])
_subaccount, _fills = part_of("subaccount", wire.Subaccount), part_of("fills", list[wire.Fill])
_payments = part_of("fundingPayments", list[wire.Payment])


class Formats:
    """One subaccount's requests and answers, or public data where `address` is empty."""

    def __init__(self, venue: str, address: str = "", number: int = 0, order_life_s: float | None = None) -> None:
        self.venue, self.address, self.number = venue, address, number
        self.account = Account(venue)
        self.markets: dict[str, wire.Market] = {}
        self.bodies: Bodies | None = None
        self._blocks, self._lives = self.account.blocks, self.account.lifetimes
        self._life_s = order_life_s
        self._rest_blocks = terms.blocks_of(order_life_s)

    # --- out ---

    def request(self, action: str, arguments: Arguments) -> Request:
        """The request of an action. Raises `WrongUse` for arguments of the wrong kind, `NotOffered` for what cannot leave now."""
        endpoint = Endpoints.ALL.get(action)
        if endpoint is None:
            raise WrongUse(f"dydx has no action {action!r}; known: {', '.join(Endpoints.ALL)}")
        match action:
            case "place":
                return self._place(of_kind(arguments, PlaceOrder, action))
            case "amend":
                return Request(endpoint, "", self._amended(of_kind(arguments, AmendOrder, action)))
            case "cancel":
                return Request(endpoint, "", self._cancelled([of_kind(arguments, CancelOrder, action)]))
            case "cancel_batch":
                cancels = [of_kind(intent, CancelOrder, action) for intent in of_kind(arguments, list, action)]
                return Request(endpoint, "", self._cancelled(cancels), len(cancels)) if cancels else Request(endpoint)
            case "cancel_all":
                query = Query(symbol=arguments.symbol) if isinstance(arguments, CancelAll) else arguments
                return Request(endpoint, "", self._all_cancelled(of_kind(query, Query, action)))
            case _:
                query = of_kind(arguments, Query, action)
                path = endpoint.path.format(
                    symbol=quote(query.symbol), order_id=quote(query.order_id), address=self.address, number=self.number
                )
                fields = said(self._asked(action, query))
                asked = "&".join(f"{name}={quote(str(word), safe=',')}" for name, word in fields.items())
                return Request(replace(endpoint, path=path), asked)

    def _asked(self, action: str, query: Query) -> Mapping[str, str | int | None]:
        wanted = WANTING.get(action)
        if wanted is not None and not getattr(query, wanted):
            raise WrongUse(f"dydx wants the {wanted} for {action}")
        interval = INTERVALS[query.interval_s] if action == "klines" else None
        symbol, limit, most = query.symbol, query.limit, query.limit or ORDERS_MOST
        start, end = iso.text(query.start_ms), iso.text(query.end_ms)
        whose: dict[str, str | int | None] = {"address": self.address, "subaccountNumber": self.number}
        asked: dict[str, dict[str, str | int | None]] = {
            "instruments": {"market": symbol},
            "tickers": {"market": symbol},
            "trades": {"limit": limit},
            "klines": {
                "resolution": interval, "limit": limit, "fromISO": start, "toISO": end,
            },
            "open_orders": whose | {"ticker": symbol, "status": LIVING, "limit": ORDERS_MOST},
            "order_history": whose | {"ticker": symbol, "limit": most, "returnLatestOrders": "true"},
            "executions": whose | {
                "market": symbol, "marketType": "PERPETUAL" if symbol else None,
                "createdBeforeOrAtHeight": query.cursor, "limit": most,
            },
            "funding": whose | {"ticker": symbol, "afterOrAt": start, "limit": limit},
            "fee_rates": {"user": self.address},
        }  # fmt: skip
        return asked.get(action, {})

    # --- transactions ---

    @property
    def _built(self) -> "Bodies":
        if self.bodies is None:
            raise WrongUse("dydx orders need credentials: the address as key, a key in hex or a mnemonic as secret")
        return self.bodies

    def market(self, symbol: str) -> wire.Market:
        """Raises `WrongUse` for a market that the instruments have not told."""
        market = self.markets.get(symbol)
        if market is None or market.clobPairId is None:
            raise WrongUse(f"dydx: the numbers of {symbol!r} are not known: read the instruments, or give its market")
        return market

    def _place(self, order: PlaceOrder) -> Request:
        built, tif = self._built, "ioc" if order.kind == "market" else order.tif
        if tif == "fok":
            raise NotOffered(f"dydx has no {tif} orders")
        rests = tif != "ioc"
        if order.reduce_only and rests:
            raise NotOffered("dydx has reduce-only for ioc orders alone", "reduce_only")
        kind = LONG_TERM if rests and self._rest_blocks is None else SHORT_TERM
        blocks = (self._rest_blocks or terms.REST_BLOCKS) if rests else terms.AT_ONCE_BLOCKS
        until = self._later(ceil(self._life_s or 0)) if kind == LONG_TERM else self._newest() + blocks
        life = Lifetime(order.symbol, kind, order.side, tif, order.reduce_only, until, self._now_ns())
        market = self.market(order.symbol)
        price = _far(market, order.side) if order.kind == "market" else order.price
        if price is None:
            raise WrongUse("a limit order needs a price")
        body = built.placed(order.client_id, life, market, order.size, price)
        self._lives[order.client_id] = life
        return Request(Endpoints.ALL["place" if kind == SHORT_TERM else "place_stateful"], "", body)

    def _amended(self, amend: AmendOrder) -> bytes:
        """The same order with a later end; side, time in force and reduce-only must stay what they were.

        After its last block the chain knows no such order, and none of its fills: it would be another one, of the whole size.
        """
        life = self._lives.get(amend.client_id)
        if life is None:
            raise NotOffered(
                f"dydx wants an order's side again to amend it, and {amend.client_id} is not known", "gone"
            )
        if life.kind != SHORT_TERM:
            raise NotOffered("dydx amends short-term orders alone: cancel this one, and place another")
        height = self._newest()
        if not self._lives.may_live(life):
            raise NotOffered(f"{amend.client_id} has ended", "gone")
        if life.filled and height > life.until - terms.ARRIVES_BLOCKS:
            raise NotOffered(f"{amend.client_id} is filled in part, and ends with block {life.until}", "busy")
        life.until = terms.amended_until(life, height, self._rest_blocks or terms.REST_BLOCKS)
        life.asked_ns = self._now_ns()
        return self._built.placed(amend.client_id, life, self.market(amend.symbol), amend.size, amend.price)

    def _cancelled(self, cancels: Sequence[CancelOrder]) -> bytes:
        """One, or many short-term ones."""
        ends = [
            (numbers(each.client_id)[0], self.market(each.symbol).clobPairId or 0, *self._end(each.client_id))
            for each in cancels
        ]
        if len(ends) > 1 and any(kind != SHORT_TERM for _, _, kind, _ in ends):
            raise WrongUse("dydx cancels stateful orders one by one")
        return self._built.cancelled(ends)

    def _end(self, client_id: str) -> tuple[int, int]:
        """An order's kind, and until when its cancel is to live; one that nobody knows is taken for what is placed here."""
        life = self._lives.get(client_id)
        if life is None:
            life = Lifetime("", LONG_TERM if self._rest_blocks is None else SHORT_TERM, "buy", "gtc", False, 0)
        if life.kind != SHORT_TERM:
            return life.kind, life.until or self._later(terms.STATEFUL_MOST_S - 86_400)
        life.cancelled_at = self._blocks.latest or self._newest()  # of a chain that stands still, too
        return SHORT_TERM, max(life.until, life.cancelled_at + terms.WINDOW_BLOCKS)

    def scopes(self, symbol: str) -> Sequence[Query]:
        """What cancels all that may live, a message each."""
        return [Query(symbol=symbol, client_id=",".join(ids)) for ids in self._lives.cancellable(symbol, BATCH)]

    def _all_cancelled(self, query: Query) -> bytes:
        """There is no such message: those orders are cancelled that are known. Raises `NotOffered` where none is."""
        scopes = [query] if query.client_id else self.scopes(query.symbol)
        if not scopes:
            raise NotOffered("dydx has no cancel-all, and no order is known that could be cancelled", "gone")
        lives = [(key, life) for key in scopes[0].client_id.split(",") if (life := self._lives.get(key)) is not None]
        return self._cancelled([CancelOrder(self.venue, life.symbol, key) for key, life in lives])

    def _newest(self) -> int:
        return self._blocks.newest(self._lives.now_s(), terms.BLOCK_LATE_S)

    def _now_ns(self) -> int:
        return int(self._lives.now_s() * 1e9)

    def _later(self, seconds: int) -> int:
        return int(self._lives.now_s()) + min(seconds, terms.STATEFUL_MOST_S - 3_600)

    # --- in ---

    def answer(self, action: str, body: bytes, query: Query | None = None) -> Page:
        """The events of an answer and the cursor of the next page. Raises `msgspec.DecodeError`, `ValueError`, `UnknownWord`.

        Only an answer that was `ok` is given here.
        """
        asked, read = query or Query(), _READERS.get(action)
        if read is not None:
            return read(self, body, asked), ""
        return self._executions(body, asked) if action == "executions" else ((), "")

    def _instruments(self, body: bytes, query: Query) -> Sequence[AnyEvent]:
        markets = [market for market in _markets(body).markets.values() if query.symbol in ("", market.ticker)]
        return [self.learn(market) for market in markets]

    def learn(self, market: wire.Market) -> InstrumentDefined:
        """Takes note of a market's numbers, without which no order can be built."""
        self.markets[market.ticker] = market
        if market.clobPairId is not None:
            self.account.symbols[market.clobPairId] = market.ticker
        base, _, quote_ = market.ticker.partition("-")
        lot, margin = owed(market.stepSize), owed(market.initialMarginFraction or "1")
        native: dict[str, int | str | None] = {
            "clobPairId": market.clobPairId,
            "atomicResolution": market.atomicResolution,
        }
        native |= {"quantumConversionExponent": market.quantumConversionExponent, "marketType": market.marketType}
        return InstrumentDefined(
            self.venue, market.ticker, None, base, quote_, COLLATERAL, "perpetual", owed(market.tickSize), lot, lot,
            Decimal(0), max_leverage=(1 / margin).quantize(Decimal("0.01")) if margin else None, funding_interval_s=FUNDING_S,
            status=INSTRUMENT_STATUS.get(market.status, "halted"), native=_encode(native).decode(),
        )  # fmt: skip

    def _book(self, body: bytes, query: Query) -> Sequence[AnyEvent]:
        return [BookChannel(self.venue, "", query.symbol).whole(*pairs(_changes(body)), None)]

    def _trades(self, body: bytes, query: Query) -> Sequence[AnyEvent]:
        """Oldest first, by the same ids as the stream's."""
        return [trade(self.venue, query.symbol, row, backfilled=True) for row in reversed(_trades(body).trades)]

    def _klines(self, body: bytes, query: Query) -> Sequence[AnyEvent]:
        """Oldest first; all but the newest are closed."""
        rows = _candles(body).candles
        return [candle(self.venue, row, "", closed=at > 0) for at, row in reversed(list(enumerate(rows)))]

    def _tickers(self, body: bytes, query: Query) -> Sequence[AnyEvent]:
        markets = _markets(body).markets
        self.markets |= {symbol: market for symbol, market in markets.items() if symbol in self.markets}
        told = (ticker(self.venue, symbol, market) for symbol, market in markets.items())
        return [event for event in told if event is not None]

    def _one_order(self, body: bytes, query: Query) -> Sequence[AnyEvent]:
        update = self.account.order(_order(body), self._blocks.height)
        return [] if update is None else [update]

    def _all_orders(self, body: bytes, query: Query) -> Sequence[AnyEvent]:
        told = (self.account.order(row, self._blocks.height) for row in _orders(body))
        return [update for update in told if update is not None and query.client_id in ("", update.client_id)]

    def _open_orders(self, body: bytes, query: Query) -> Sequence[AnyEvent]:
        """Also those whose end is only a wish, as long as a block can fill them."""
        told = self._all_orders(body, query)
        return [each for each in told if isinstance(each, OrderUpdate) and not (each.status in TERMINAL and each.firm)]

    def _executions(self, body: bytes, query: Query) -> Page:
        """Oldest first, marked as fetched after the fact; the next page ends where this one began, with an overlap."""
        rows = _fills(body)
        since = (query.start_ms or 0) * 1_000_000
        inside = [row for row in rows if (iso.ns(row.createdAt) or since) >= since]
        told = [self.account.fill(row, backfilled=True) for row in reversed(inside)]
        full = len(rows) >= (query.limit or ORDERS_MOST) and len(inside) == len(rows)
        oldest = rows[-1].createdAtHeight if rows else 0
        following = oldest if str(oldest) != query.cursor else oldest - 1
        wanted = [fill for fill in told if query.order_id in ("", fill.order_id)]
        return wanted, str(following) if full and following > 0 else ""

    def _funding(self, body: bytes, query: Query) -> Sequence[AnyEvent]:
        return [self.account.funding(row) for row in reversed(_payments(body))]

    def _subaccount(self, body: bytes, query: Query) -> Sequence[AnyEvent]:
        return self.account.snapshot(_subaccount(body))


def _far(market: wire.Market, side: Side) -> Decimal:
    """Raises `NotOffered` without an oracle's price."""
    if not market.oraclePrice:
        raise NotOffered(f"dydx {market.ticker}: no oracle price, so no market order can be limited", "market_state")
    return snap(far(side, market.oraclePrice), owed(market.tickSize), up=side == "buy")


_READERS: Mapping[str, Callable[[Formats, bytes, Query], Sequence[AnyEvent]]] = {
    "instruments": Formats._instruments, "book": Formats._book, "trades": Formats._trades, "klines": Formats._klines,
    "tickers": Formats._tickers, "order": Formats._one_order, "open_orders": Formats._open_orders,
    "order_history": Formats._all_orders, "funding": Formats._funding, "positions": Formats._subaccount,
    "wallet": Formats._subaccount,
}  # fmt: skip
