"""Intents and queries → the body of a transaction or the text of a request; REST answers → events.

Sizes and prices become whole numbers of the chain exactly, or are refused; nothing is rounded here but a market order's far
limit. https://docs.dydx.xyz/indexer-client/http, /interaction/trading
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from math import ceil
from typing import TYPE_CHECKING, TypeAlias, TypeVar
from urllib.parse import quote

import msgspec

from adapters.base import iso
from adapters.base.client import Request
from adapters.base.numbers import owed
from adapters.base.once import Bounded
from adapters.base.query import Arguments, Query, of_kind, said
from adapters.base.shapes import part_of
from adapters.dydx import terms, wire
from adapters.dydx.account import COLLATERAL, Account
from adapters.dydx.channels import FUNDING_S, BookChannel, candle, pairs, ticker, trade
from adapters.dydx.endpoints import Endpoints
from adapters.dydx.orderid import numbers
from adapters.dydx.terms import Life, Unwanted, Wanted
from adapters.dydx.types import INSTRUMENT_STATUS, INTERVALS, LONG_TERM, SHORT_TERM
from state.errors import NotOffered, WrongUse
from state.events import AmendOrder, AnyEvent, CancelAll, CancelOrder, InstrumentDefined, OrderUpdate, PlaceOrder
from state.instruments import exact
from state.words import TERMINAL

if TYPE_CHECKING:
    from adapters.dydx.messages import Bodies

Page: TypeAlias = tuple[Sequence[AnyEvent], str]
T = TypeVar("T")

BATCH = 100  # short-term cancels of one message; one stateful one that fails would take others with it
ORDERS_MOST = 1_000
SLIPPAGE = Decimal("0.05")  # how far from the oracle's price a market order may go
LIVING = "OPEN,BEST_EFFORT_OPENED,BEST_EFFORT_CANCELED,UNTRIGGERED"
_TIFS = {"gtc": terms.RESTS, "ioc": terms.IMMEDIATE, "post_only": terms.POST_ONLY}


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
    """One subaccount's requests and answers, or public data where `address` is empty.

    `height` says which block is the newest, and raises `NotOffered` where that is not known; `now_s` is the venue's time.
    """

    def __init__(self, venue: str, address: str = "", number: int = 0, order_life_s: float | None = None) -> None:
        self.account = Account(venue)
        self.account.on_order = self._noted
        self.venue = venue
        self.address = address
        self.number = number
        self.markets: dict[str, wire.Market] = {}
        self.lives = Bounded[str, Life](terms.LIVES_MOST)  # by client id
        self.height: Callable[[], int] = lambda: self.account.height
        self.now_s: Callable[[], float] = lambda: 0.0
        self.bodies: Bodies | None = None
        self._life_s = order_life_s
        self._blocks = terms.blocks_of(order_life_s)

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
                if isinstance(arguments, Query | PlaceOrder | AmendOrder | CancelOrder | CancelAll):
                    raise WrongUse(f"{action} takes a list of intents")
                cancels = [of_kind(intent, CancelOrder, action) for intent in arguments]
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
        whose: dict[str, str | int | None] = {"address": self.address, "subaccountNumber": self.number}
        match action:
            case "instruments" | "tickers":
                return {"market": query.symbol}
            case "book" | "trades" | "klines" if not query.symbol:
                raise WrongUse(f"dydx wants the symbol for {action}")
            case "trades":
                return {"limit": query.limit}
            case "klines":
                if query.interval_s not in INTERVALS:
                    raise WrongUse(f"dydx has no candles of {query.interval_s} s; known: {sorted(INTERVALS)}")
                span: dict[str, str | int | None] = {
                    "fromISO": iso.text(query.start_ms),
                    "toISO": iso.text(query.end_ms),
                }
                return {"resolution": INTERVALS[query.interval_s], "limit": query.limit} | span
            case "order" if not query.order_id:
                raise WrongUse("dydx wants the order_id: its clients' ids are not known to the Indexer")
            case "open_orders":
                return whose | {"ticker": query.symbol, "status": LIVING, "limit": ORDERS_MOST}
            case "order_history":
                return whose | {
                    "ticker": query.symbol,
                    "limit": query.limit or ORDERS_MOST,
                    "returnLatestOrders": "true",
                }
            case "executions":
                kind = "PERPETUAL" if query.symbol else None
                before: dict[str, str | int | None] = {
                    "createdBeforeOrAtHeight": query.cursor,
                    "limit": query.limit or ORDERS_MOST,
                }
                return whose | {"market": query.symbol, "marketType": kind} | before
            case "funding":
                return whose | {"ticker": query.symbol, "afterOrAt": iso.text(query.start_ms), "limit": query.limit}
            case "fee_rates":
                return {"user": self.address}
            case _:
                return {}

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
        if tif not in _TIFS:
            raise NotOffered(f"dydx has no {tif} orders")
        rests = tif != "ioc"
        if order.reduce_only and rests:
            raise NotOffered("dydx has reduce-only for ioc orders alone", "reduce_only")
        flags = LONG_TERM if rests and self._blocks is None else SHORT_TERM
        blocks = (self._blocks or terms.REST_BLOCKS) if rests else terms.AT_ONCE_BLOCKS
        until = self._later(ceil(self._life_s or 0)) if flags == LONG_TERM else self.height() + blocks
        life = Life(order.symbol, flags, order.side, tif, order.reduce_only, until, int(self.now_s() * 1e9))
        market = self.market(order.symbol)
        if order.kind == "limit" and order.price is None:
            raise WrongUse("a limit order needs a price")
        price = (
            order.price
            if order.kind == "limit" and order.price is not None
            else _far(market, is_buy=order.side == "buy")
        )
        body = built.placed(self._wanted(order.client_id, life, market, order.size, price))
        self.lives[order.client_id] = life
        return Request(Endpoints.ALL["place" if flags == SHORT_TERM else "place_stateful"], "", body)

    def _wanted(self, client_id: str, life: Life, market: wire.Market, size: Decimal, price: Decimal) -> Wanted:
        number, metadata = numbers(client_id)
        return Wanted(
            number, metadata, market.clobPairId or 0, life.flags, life.side == "buy", terms.quantums(market, size),
            terms.subticks(market, price), life.until, _TIFS[life.tif], life.reduce_only,
        )  # fmt: skip

    def _amended(self, amend: AmendOrder) -> bytes:
        """The same order with a later end; side, time in force and reduce-only must stay what they were."""
        life = self.lives.get(amend.client_id)
        if life is None:
            raise NotOffered(
                f"dydx wants an order's side again to amend it, and {amend.client_id} is not known", "gone"
            )
        if not life.is_short:
            raise NotOffered("dydx amends short-term orders alone: cancel this one, and place another")
        life.until = terms.amended_until(life, self.height(), self._blocks or terms.REST_BLOCKS)
        life.asked_ns, life.over = int(self.now_s() * 1e9), False
        return self._built.placed(
            self._wanted(amend.client_id, life, self.market(amend.symbol), amend.size, amend.price)
        )

    def _cancelled(self, cancels: Sequence[CancelOrder]) -> bytes:
        """One, or many short-term ones; an order nobody knows is taken for what is placed here."""
        ends = [self._unwanted(cancel.client_id, cancel.symbol) for cancel in cancels]
        if len(ends) == 1:
            return self._built.cancelled(ends[0])
        if any(end.flags != SHORT_TERM for end in ends):
            raise WrongUse("dydx cancels stateful orders one by one")
        pairs: dict[int, list[int]] = {}
        for end in ends:
            pairs.setdefault(end.pair, []).append(end.number)
        return self._built.batch_cancelled(pairs, max(end.until for end in ends))

    def _unwanted(self, client_id: str, symbol: str) -> Unwanted:
        number, _ = numbers(client_id)
        life, pair = self.lives.get(client_id), self.market(symbol).clobPairId or 0
        flags = life.flags if life is not None else LONG_TERM if self._blocks is None else SHORT_TERM
        until = 0 if life is None else life.until
        if flags == SHORT_TERM:
            height = self.account.height or self.height()  # of a chain that stands still, too
            if life is not None:
                life.cancelled_at = height
            return Unwanted(number, pair, flags, max(until, height + terms.WINDOW_BLOCKS))
        return Unwanted(number, pair, flags, until or self._later(terms.STATEFUL_MOST_S - 86_400))

    def scopes(self, symbol: str) -> Sequence[Query]:
        """What cancels all that may live: a message for each hundred, without those cancelled at this height already."""
        height = self.account.height
        of_symbol = [(key, life) for key, life in self.lives.items() if symbol in ("", life.symbol)]
        living = [(key, life) for key, life in of_symbol if life.may_live(height, self.now_s())]
        short = [key for key, life in living if life.is_short and life.cancelled_at < height]
        stateful = [key for key, life in living if not life.is_short]
        chunks = [short[at : at + BATCH] for at in range(0, len(short), BATCH)]
        return [Query(symbol=symbol, client_id=",".join(chunk)) for chunk in (*chunks, *([key] for key in stateful))]

    def _all_cancelled(self, query: Query) -> bytes:
        """There is no such message: those orders are cancelled that are known. Raises `NotOffered` where none is."""
        scopes = [query] if query.client_id else self.scopes(query.symbol)
        if not scopes:
            raise NotOffered("dydx has no cancel-all, and no order is known that could be cancelled", "gone")
        ids = scopes[0].client_id.split(",")
        lives = [(key, life) for key in ids if (life := self.lives.get(key)) is not None]
        return self._cancelled([CancelOrder(self.venue, life.symbol, key) for key, life in lives])

    def _later(self, seconds: int) -> int:
        return int(self.now_s()) + min(seconds, terms.STATEFUL_MOST_S - 3_600)

    def _noted(self, row: wire.Order, update: OrderUpdate) -> None:
        """What an order's word says of its life."""
        ended = iso.ns(row.goodTilBlockTime or "")
        until = row.goodTilBlock or (0 if ended is None else ended // 1_000_000_000)
        if update.client_id is None or row.orderFlags is None:
            return
        life = self.lives.get(update.client_id)
        if life is None and update.side is not None:
            tif = update.tif or "gtc"
            life = Life(update.symbol, row.orderFlags, update.side, tif, update.reduce_only, until)
            self.lives[update.client_id] = life
        if life is not None:
            life.told = True
            life.until = max(life.until, until)
            life.over = update.status in TERMINAL and update.firm

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
        update = self.account.order(_order(body), self.account.height)
        return [] if update is None else [update]

    def _all_orders(self, body: bytes, query: Query) -> Sequence[AnyEvent]:
        told = (self.account.order(row, self.account.height) for row in _orders(body))
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


def _far(market: wire.Market, *, is_buy: bool) -> Decimal:
    """A limit that a market order reaches in any market that lives. Raises `NotOffered` without an oracle's price."""
    if not market.oraclePrice:
        raise NotOffered(
            f"dydx {market.ticker}: no oracle price is known, so no market order can be limited", "market_state"
        )
    tick, far = owed(market.tickSize), exact(market.oraclePrice) * (1 + SLIPPAGE if is_buy else 1 - SLIPPAGE)
    return (far / tick).quantize(Decimal(1), ROUND_CEILING if is_buy else ROUND_FLOOR) * tick


_READERS: Mapping[str, Callable[[Formats, bytes, Query], Sequence[AnyEvent]]] = {
    "instruments": Formats._instruments, "book": Formats._book, "trades": Formats._trades, "klines": Formats._klines,
    "tickers": Formats._tickers, "order": Formats._one_order, "open_orders": Formats._open_orders,
    "order_history": Formats._all_orders, "funding": Formats._funding, "positions": Formats._subaccount,
    "wallet": Formats._subaccount,
}  # fmt: skip
