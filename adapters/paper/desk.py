"""What the paper venue does with an intent, a market event and a funding time: events out, nothing is scheduled here.

A venue's two voices are kept apart as everywhere: `Accepted` or `Rejected` answers the request, `OrderUpdate` and `Fill`
tell what becomes of the order. What the request already shows to be wrong is rejected; what only matching shows (post-only
would cross, fill-or-kill cannot fill, an own order is in the way) is accepted and then ended, as the venues do.
"""

from collections.abc import Iterable
from decimal import Decimal

from adapters.paper.account import PaperAccount, worth
from adapters.paper.fees import FeeSchedule
from adapters.paper.liquidation import closing_fills, is_due
from adapters.paper.market import Execution, PaperMarket
from adapters.paper.orders import PaperOrder
from adapters.paper.probability import QUEUES
from adapters.paper.report import PaperStatistics
from adapters.paper.rules import Refused, check_amend, check_place, reducible
from adapters.paper.settings import PaperSettings
from adapters.paper.throttle import Throttle
from state.commands import action_of
from state.events import (
    Accepted,
    AmendOrder,
    AnyEvent,
    BalanceUpdate,
    BookDelta,
    BookOrder,
    BookSnapshot,
    CancelAll,
    CancelOrder,
    FeedStatus,
    Fill,
    FundingPayment,
    InstrumentDefined,
    Intent,
    PlaceOrder,
    PositionUpdate,
    Rejected,
    Ticker,
    Trade,
)
from state.instruments import Instrument
from state.words import OrderStatus, Origin, Refusal, Side, opposite

CLIENT_IDS_KEPT = 100_000
_ZERO = Decimal(0)
_DISTRUSTED = frozenset({"connecting", "stale", "gap", "down", "banned"})


class Desk:
    """Orders, markets and account of one paper venue at the moment of its last event."""

    def __init__(self, venue: str, settings: PaperSettings, session: str) -> None:
        self.venue = venue
        self.statistics = PaperStatistics()
        self.queue = QUEUES[settings.queue](settings.queue_power)
        self.fees = FeeSchedule(settings)
        self.throttle = Throttle(settings.requests_per_s)
        self.account = PaperAccount(venue, settings, self.fees)
        self.markets: dict[str, PaperMarket] = {}
        self._dealt: dict[str, PaperMarket] = {}  # those in which an order was ever taken on
        self._session = session
        self._orders: dict[str, PaperOrder] = {}  # open ones by client id
        self._client_ids: dict[str, None] = {}
        self._numbered = 0

    # --- intents ---

    def take(self, intent: Intent, now: int) -> list[AnyEvent]:
        """Everything that an intent leads to at once."""
        try:
            if not self.throttle.admits(action_of(intent), now):
                self.statistics.throttled += 1
                raise Refused("rate", "rate_limit", "more requests in a second than the venue takes")
            match intent:
                case PlaceOrder():
                    return self._place(intent, now)
                case AmendOrder():
                    return self._amend(intent, now)
                case CancelOrder():
                    return self._cancel(intent, now)
                case CancelAll():
                    return self._cancel_all(intent, now)
        except Refused as refused:
            self.statistics.refused += 1
            client_id = "" if isinstance(intent, CancelAll) else intent.client_id
            action, symbol = action_of(intent), intent.symbol
            return [Rejected(self.venue, symbol, now, action, client_id, refused.refusal, refused.code, refused.text)]

    def _place(self, intent: PlaceOrder, now: int) -> list[AnyEvent]:
        if intent.client_id in self._client_ids:
            raise Refused("duplicate", "duplicate_client_id", f"client id {intent.client_id!r} was used before")
        market = self.market(intent.symbol)
        size = check_place(market, intent, self.account.position(intent.symbol).size)
        self._numbered += 1
        order = PaperOrder.wished(intent, f"paper-{self._session}-{self._numbered}")
        order.size = size
        self._afford(market, order, intent.price, size)
        self._remember(intent.client_id)
        self._dealt[intent.symbol] = market
        self.statistics.placed += 1
        accepted = Accepted(self.venue, intent.symbol, now, "place", intent.client_id, order.order_id)
        return [accepted, *self._match(market, order, now)]

    def _amend(self, intent: AmendOrder, now: int) -> list[AnyEvent]:
        order, market = self._open(intent.symbol, intent.client_id), self.market(intent.symbol)
        check_amend(market, order, intent)
        self._afford(market, order, intent.price, intent.size - order.filled)
        self.statistics.amended += 1
        accepted = Accepted(self.venue, intent.symbol, now, "amend", intent.client_id, order.order_id)
        size = intent.size
        if order.reduce_only:
            size = min(size, order.filled + reducible(order.side, self.account.position(order.symbol).size))
        if intent.price == order.price and size <= order.size:
            order.size = size
            return [accepted, order.told(self.venue, now)]
        market.remove(order)
        order.price, order.size = intent.price, size
        return [accepted, *self._match(market, order, now)]

    def _cancel(self, intent: CancelOrder, now: int) -> list[AnyEvent]:
        order = self._open(intent.symbol, intent.client_id)
        self.statistics.cancelled += 1
        accepted = Accepted(self.venue, intent.symbol, now, "cancel", intent.client_id, order.order_id)
        return [accepted, self._end(order, now)]

    def _cancel_all(self, intent: CancelAll, now: int) -> list[AnyEvent]:
        meant = [order for order in self._orders.values() if intent.symbol in ("", order.symbol)]
        self.statistics.cancelled += len(meant)
        accepted = Accepted(self.venue, intent.symbol, now, "cancel_all", "")
        return [accepted, *(self._end(order, now) for order in meant)]

    # --- what the market does to our orders ---

    def observe(self, event: AnyEvent, now: int) -> list[AnyEvent]:
        """Everything that a market event leads to; an event that says nothing of books, trades or rules leads to nothing."""
        kind = type(event)
        if kind is BookDelta or kind is BookSnapshot:  # nearly all that a market says, and it fills nobody
            market = self.markets.get(event.symbol) or self.market(event.symbol)
            executions = market.booked(event)  # type: ignore[arg-type]  # the type was asked for
            return self._passive(market, executions, now) if executions else []
        match event:
            case Trade():
                market = self.market(event.symbol)
                if not market.trusted and market.would_fill(event):
                    self.statistics.trades_in_gaps += 1
                told = self._passive(market, market.traded(event), now)
                ticker = market.known.ticker
                return (
                    told
                    if ticker is not None and ticker.mark is not None
                    else told + self._liquidated(event.symbol, now)
                )
            case BookOrder():
                market = self.market(event.symbol)
                return self._passive(market, market.ordered(event), now)
            case Ticker():
                self.market(event.symbol).ticked(event)
                return self._liquidated(event.symbol, now) if event.mark is not None else []
            case InstrumentDefined():
                market = self.market(event.symbol)
                market.known.define(event)
                return [*self.account.listed(_rules(market), now, self._dealt.values())]
            case FeedStatus() if event.channel == "book" and event.status in _DISTRUSTED:
                self._distrust(event.symbol)
            case _:
                pass
        return []

    def fund(self, symbol: str, rate: Decimal, due: int) -> list[AnyEvent]:
        """Pays or receives one period's funding on the position that is held at `due`."""
        market = self.market(symbol)
        instrument, price, size = market.instrument, market.price(), self.account.position(symbol).size
        if instrument is None or price is None or not size:
            return []
        value = worth(instrument, price, abs(size)).copy_sign(size)
        payment_id = f"paper-{self._session}-{symbol}-{due}"
        payment = FundingPayment(
            self.venue, symbol, due, payment_id, -value * rate, instrument.settle, rate, size, price
        )
        self.account.funded(payment)
        self.statistics.funding_payments += 1
        return [payment, self.account.balance_told(instrument.settle, due, self._dealt.values())]

    def _liquidated(self, symbol: str, now: int) -> list[AnyEvent]:
        """What a new price of a market that we hold does to the account."""
        market = self._dealt.get(symbol)
        if market is None or not self.account.position(symbol).size or _rules(market).kind == "spot":
            return []
        asset, markets = _rules(market).settle, list(self._dealt.values())
        if not is_due(self.account, asset, markets):
            return []
        told = [self._end(order, now, origin="liquidation") for order in list(self._orders.values())]
        self.statistics.liquidations += 1
        name = f"paper-{self._session}-liquidation-{self.statistics.liquidations}"
        fills = closing_fills(self.account, asset, markets, name, now)
        for fill in fills:
            rules = _rules(self.market(fill.symbol))
            self.account.filled(fill, rules)
            self._count(fill, rules)
        told += fills
        told += [self.account.position_told(fill.symbol, now) for fill in fills]
        return [*told, self.account.balance_told(asset, now, markets)]

    def opening(self, now: int) -> list[BalanceUpdate | PositionUpdate]:
        """Every balance, and the position of every derivative that was dealt in."""
        return self.account.opening(now, self._dealt.values())

    def wind_down(self, now: int, *, flatten: bool) -> list[AnyEvent]:
        """Cancels every order, then closes positions with market orders as far as trusted books go."""
        told = [self._end(order, now) for order in list(self._orders.values())]
        self.statistics.cancelled += len(told)
        for symbol, size in self.positions() if flatten else ():
            market = self.market(symbol)
            if market.trusted:
                self._numbered += 1
                order_id = f"paper-{self._session}-{self._numbered}"
                side: Side = "sell" if size > 0 else "buy"
                order = PaperOrder(order_id, "", symbol, side, "market", "ioc", None, abs(size), reduce_only=True)
                told += self._match(market, order, now)
        return told

    def open_orders(self) -> tuple[str, ...]:
        """Client ids of what rests, oldest first."""
        return tuple(self._orders)

    def ahead(self, client_id: str) -> Decimal | None:
        """Others' size before a resting order."""
        order = self._orders.get(client_id)
        return None if order is None else self.market(order.symbol).ahead(order)

    def positions(self) -> list[tuple[str, Decimal]]:
        """Symbol and signed size of every position in a derivative that is not flat."""
        return [
            (symbol, size)
            for symbol, market in self._dealt.items()
            if (size := self.account.position(symbol).size) and _rules(market).kind != "spot"
        ]

    def market(self, symbol: str) -> PaperMarket:
        """The market, empty before its first event."""
        market = self.markets.get(symbol)
        if market is None:
            market = self.markets[symbol] = PaperMarket(self.venue, symbol, self.queue, self._room)
        return market

    def _distrust(self, symbol: str) -> None:
        for market in [self.market(symbol)] if symbol else self.markets.values():
            self.statistics.gaps += market.trusted
            market.doubt()

    # --- matching ---

    def _match(self, market: PaperMarket, order: PaperOrder, now: int) -> list[AnyEvent]:
        """Takes what the order reaches; what remains rests, or ends."""
        if order.tif == "post_only" and market.crosses(order.side, order.limit):
            status: OrderStatus = "cancelled" if order.client_id in self._orders else "rejected"
            return [self._end(order, now, status, "post_only", "would have taken liquidity")]
        levels, own_in_the_way = market.takeable(order)
        if order.tif == "fok" and sum((size for _, size in levels), _ZERO) < order.remaining:
            return [self._end(order, now, "cancelled", "would_not_fill", "could not be filled whole")]
        told: list[AnyEvent] = []
        for price, size in levels:
            market.take(opposite(order.side), price, size)
            told.append(self._fill(order, price, size, now, maker=False))
        if order.remaining <= 0:
            told.append(self._end(order, now, "filled"))
        elif own_in_the_way:
            told.append(self._end(order, now, "cancelled", None, "would have met an own order", "stp"))
        elif order.kind == "market" or order.tif in ("ioc", "fok"):
            told.append(self._end(order, now, "cancelled", "would_not_fill", "nothing more to take"))
        else:
            self._orders[order.client_id] = order
            market.rest(order)
            told.append(order.told(self.venue, now))
        if levels:
            told += self._settled(market, now)
        return told

    def _passive(self, market: PaperMarket, executions: Iterable[Execution], now: int) -> list[AnyEvent]:
        told: list[AnyEvent] = []
        filled: dict[str, PaperOrder] = {}
        for order, price, size in executions:
            told.append(self._fill(order, price, size, now, maker=True))
            filled[order.client_id] = order
        told += [
            self._end(order, now, "filled") if order.remaining <= 0 else order.told(self.venue, now)
            for order in filled.values()
        ]
        if filled:
            told += self._settled(market, now)
        return told

    def _fill(self, order: PaperOrder, price: Decimal, size: Decimal, now: int, *, maker: bool) -> Fill:
        instrument = _rules(self.market(order.symbol))
        value = worth(instrument, price, size)
        order.fills += 1
        order.filled += size
        order.value += price * size
        fill = Fill(
            self.venue,
            order.symbol,
            now,
            f"{order.order_id}-{order.fills}",
            order.order_id,
            order.client_id or None,
            order.side,
            price,
            size,
            -value * self.fees.rate(instrument, maker=maker),
            instrument.quote if instrument.kind == "spot" else instrument.settle,
            maker,
        )
        self.account.filled(fill, instrument)
        self._count(fill, instrument)
        return fill

    def _settled(self, market: PaperMarket, now: int) -> list[AnyEvent]:
        """After fills of one market: reduce-only orders that have nothing left to reduce, then position and balances."""
        told: list[AnyEvent] = []
        for order in [order for order in self._orders.values() if order.reduce_only and order.symbol == market.symbol]:
            room = self._room(order)
            if room <= 0:
                told.append(self._end(order, now, "cancelled", "reduce_only", "nothing left to reduce"))
            elif room < order.remaining:
                order.size = order.filled + room
                told.append(order.told(self.venue, now))
        instrument = _rules(market)
        if instrument.kind == "spot":
            assets = [instrument.base, instrument.quote]
        else:
            told.append(self.account.position_told(market.symbol, now))
            assets = [instrument.settle]
        return told + [self.account.balance_told(asset, now, self._dealt.values()) for asset in assets]

    def _end(
        self,
        order: PaperOrder,
        now: int,
        status: OrderStatus = "cancelled",
        refusal: Refusal | None = None,
        reason: str | None = None,
        origin: Origin = "user",
    ) -> AnyEvent:
        if reason is not None:
            self.statistics.ended_unfilled += 1
        if self._orders.pop(order.client_id, None) is not None:
            self.market(order.symbol).remove(order)
        return order.told(self.venue, now, status, refusal=refusal, reason=reason, origin=origin)

    # --- how ---

    def _room(self, order: PaperOrder) -> Decimal:
        """What of an order may still fill: a reduce-only one never more than there is to reduce."""
        if not order.reduce_only:
            return order.remaining
        return min(order.remaining, reducible(order.side, self.account.position(order.symbol).size))

    def _open(self, symbol: str, client_id: str) -> PaperOrder:
        order = self._orders.get(client_id)
        if order is None or order.symbol != symbol:
            raise Refused("gone", "no_such_order", f"no open order {client_id!r} in {symbol}")
        return order

    def _afford(self, market: PaperMarket, order: PaperOrder, price: Decimal | None, size: Decimal) -> None:
        if price is None:  # a market order costs what it would take
            levels, _ = market.takeable(order)
            taken = sum((size for _, size in levels), _ZERO)
            if not taken:
                return
            price, size = sum((price * size for price, size in levels), _ZERO) / taken, taken
        fee = self.fees.rate(_rules(market), maker=False)
        if not self.account.affords(market, order, price, size, fee, self._dealt.values()):
            raise Refused("funds", "insufficient_balance", self.account.lack(_rules(market), order.side, size, price))

    def _remember(self, client_id: str) -> None:
        self._client_ids[client_id] = None
        if len(self._client_ids) > CLIENT_IDS_KEPT:
            del self._client_ids[next(iter(self._client_ids))]

    def _count(self, fill: Fill, rules: Instrument) -> None:
        statistics, value = self.statistics, rules.notional(fill.price, fill.size)
        self.fees.traded(value)
        statistics.turnover += value
        statistics.fees += fill.fee
        if fill.maker:
            statistics.maker_fills += 1
            statistics.maker_size += fill.size
        else:
            statistics.taker_fills += 1
            statistics.taker_size += fill.size


def _rules(market: PaperMarket) -> Instrument:
    assert market.instrument is not None
    return market.instrument
