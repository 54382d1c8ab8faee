"""From wished quotes to intents: every settled tick in which something changed, the plan of fewest intents."""

from collections.abc import Sequence
from decimal import Decimal
from typing import cast

from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable, Disposable

from state.book import Book
from state.errors import WrongUse
from state.events import AmendOrder, Blocked, CancelOrder, Decision, PlaceOrder, Rejected
from state.instruments import Instrument, exact
from state.orders import Order
from state.words import TimeInForce
from streams.feeds import Feeds
from streams.operators.keep import Alarm, Kept, keep
from streams.operators.lift import Operator, positive
from streams.quoting.budgets import AMPLE, Budgets, Meter
from streams.quoting.counts import QuoteCounts
from streams.quoting.ladder import Quote, is_level
from streams.quoting.plan import Planned, Rules, Wanted, plan, snapped
from streams.quoting.plan_budgeted import NO_COSTS_OF_MESSAGES, Costs, plan_budgeted
from streams.quoting.queue_aware import Queues, places_worth
from streams.quoting.queue_worth import Flow
from streams.scheduler import Settler
from streams.source import owner_of


def to_intents(
    feeds: Feeds,
    venue: str,
    symbol: str,
    *,
    tolerance_ticks: float = 1,
    size_tolerance: float = 0.0,
    backoff_s: float = 1.0,
    tif: TimeInForce = "post_only",
    counts: QuoteCounts | None = None,
    budgets: Budgets | None = None,
    costs: Costs = NO_COSTS_OF_MESSAGES,
    flow: Flow | None = None,
) -> Operator[Sequence[Quote], Decision]:
    """Moves the strategy's labelled orders in one market to the newest wished quotes, in the fewest intents.

        quotes      --[b0@99 a0@101]-------------[b0@98]---------
        to_intents  --place b0, place a0---------amend b0, cancel a0---

    It owns every working order of its strategy in this market that has a label, but for those of executions (~). An
    order within `tolerance_ticks` of its quote, and within `size_tolerance` (a fraction) of its size, stays. Quotes
    below the venue's minimum are left out and counted.

    Quotes are pulled, and none placed, while the book cannot be trusted, the account is not ready, the market does
    not trade or the session is halted; quotes wished before a book was trusted again are not used. A level that was
    filled, in part or whole, waits for the next wished quotes: those of before the fill are old. A level that was
    refused or blocked rests for `backoff_s` of virtual time. Completion pulls.

    With a `flow` an order's place is a cost too, in bps of its size: what it is worth above the end of its queue.
    Under `budgets` the plan is the one of least `costs` that they allow, and what had to wait is planned again as soon
    as they allow more. Pulling is bound by no budget: the reserve is kept for it, and a quote that must go, goes.
    """
    if tolerance_ticks < 0 or size_tolerance < 0:
        raise WrongUse("tolerance_ticks and size_tolerance must not be negative")
    positive("backoff_s", backoff_s)

    def operator(source: Observable[Sequence[Quote]]) -> Observable[Decision]:
        def subscribe(
            observer: abc.ObserverBase[Decision], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            desk = _Desk(feeds, venue, symbol, observer, counts if counts is not None else QuoteCounts())
            desk.tolerate(exact(float(tolerance_ticks)), exact(float(size_tolerance)), tif)
            desk.backoff_ns = round(backoff_s * 1e9)
            desk.budget(budgets, costs, flow)

            def on_completed() -> None:
                desk.wish(())
                desk.act()
                observer.on_completed()

            return CompositeDisposable(
                source.subscribe(desk.wish, observer.on_error, on_completed, scheduler=scheduler),
                desk.listen(scheduler),
                desk.start(scheduler),
                keep(scheduler, on_completed, desk.timer, desk.refill),
            )

        return Kept(subscribe)

    return operator


class _Desk:
    """The state of one subscriber."""

    def __init__(
        self, feeds: Feeds, venue: str, symbol: str, observer: abc.ObserverBase[Decision], counts: QuoteCounts
    ) -> None:
        self._feeds = feeds
        self._shared = feeds.shared
        self._market = feeds.market(venue, symbol).state
        self._account = feeds.account(venue).state
        self._symbol = symbol
        self._observer = observer
        self._counts = counts
        self.timer = Alarm(feeds.scheduler, self._wake)
        self.refill = Alarm(feeds.scheduler, self._changed)
        self.backoff_ns = 0
        self._meter: Meter | None = None
        self._costs = NO_COSTS_OF_MESSAGES
        self._flow: Flow | None = None
        self._queues = Queues()
        self._tolerance_ticks = self._size_tolerance = Decimal(0)
        self._tif: TimeInForce = "post_only"
        self._quotes: Sequence[Quote] = ()
        self._wanted: dict[str, Wanted] = {}
        self._grid: Instrument | None = None  # on which they are
        self._is_fresh = False  # quotes came that no plan has seen
        self._is_dirty = False
        self._was_healthy = False
        self._settler: Settler | None = None
        self._orders: dict[str, tuple[str, Decimal]] = {}  # label -> client id, filled when its quote was made
        self._spent: set[str] = set()  # labels filled since the quotes were made
        self._rests: dict[str, int] = {}  # label -> not placed or amended before, ns
        self._cancel_rests: dict[str, int] = {}
        self._failed: dict[str, None] = {}  # labels that rest since the last amendment of their order failed

    def tolerate(self, ticks: Decimal, size: Decimal, tif: TimeInForce) -> None:
        self._tolerance_ticks, self._size_tolerance, self._tif = ticks, size, tif

    def budget(self, budgets: Budgets | None, costs: Costs, flow: Flow | None) -> None:
        self._meter = Meter(budgets, self._feeds.now_ns) if budgets is not None else None
        self._costs, self._flow = costs, flow

    # --- what may change the plan ---

    def listen(self, scheduler: abc.SchedulerBase | None) -> abc.DisposableBase:
        """To what the market and the account say."""
        feeds, symbol, on_error = self._feeds, self._symbol, self._observer.on_error
        account, market = feeds.account(self._market.venue), feeds.market(self._market.venue, symbol)
        subscriptions = CompositeDisposable(
            account.orders(symbol).subscribe(self.orders_changed, on_error, scheduler=scheduler),
            account.refusals(symbol).subscribe(self.refused, on_error, scheduler=scheduler),
            account.blocked(symbol).subscribe(self.blocked, on_error, scheduler=scheduler),
            self.timer,
            self.refill,
        )
        if self._flow is not None:
            subscriptions.add(market.trades.subscribe(self._queues.traded, on_error, scheduler=scheduler))
            subscriptions.add(market.book.subscribe(self._shown, on_error, scheduler=scheduler))
        subscriptions.add(market.rules.subscribe(self.rules_changed, on_error, scheduler=scheduler))
        for what in (market.book_status, account.status, feeds.halted):
            subscriptions.add(what.subscribe(self.health_changed, on_error, scheduler=scheduler))
        return subscriptions

    def start(self, scheduler: abc.SchedulerBase | None) -> abc.DisposableBase:
        """To be called after the quotes are subscribed, so that what is wished when a tick settles is planned in it."""
        self._settler = self._feeds.scheduler.timeline.settler(self._settled, owner_of(scheduler))
        self._settler.mark()
        return Disposable(self._settler.dispose)

    def wish(self, quotes: Sequence[Quote]) -> None:
        if isinstance(quotes, Quote):
            raise WrongUse("to_intents takes all quotes of its market together, a tuple of them: not one Quote")
        self._quotes = quotes
        self._is_fresh = True
        self._changed()

    def orders_changed(self, _: object) -> None:
        self._changed()

    def _shown(self, book: Book) -> None:
        self._queues.shown(self._mine(), book)

    def health_changed(self, _: object) -> None:
        """Whether quotes may stand is looked at when the tick has settled."""
        if self._settler is not None:
            self._settler.mark()

    def rules_changed(self, _: object) -> None:
        """What is wished has another grid, and the market perhaps another status."""
        self._changed()

    def refused(self, event: Rejected) -> None:
        order = self._account.orders.get(event.client_id)
        if order is not None and is_level(order.label) and order.strategy == self._feeds.strategy:
            self._rest(self._cancel_rests if event.action == "cancel" else self._rests, order.label)

    def blocked(self, event: Blocked) -> None:
        if event.strategy != self._feeds.strategy:
            return
        order = self._account.orders.get(event.client_id) if event.client_id else None
        label = event.label or (order.label if order is not None else "")
        if label:
            self._rest(self._rests, label)

    def _changed(self) -> None:
        self._is_dirty = True
        if self._settler is not None:
            self._settler.mark()

    def _settled(self) -> None:
        if self._is_dirty or self._is_healthy() != self._was_healthy:
            self.act()

    # --- written down and given back ---

    def dump(self) -> dict[str, object]:
        state = {name: getattr(self, name) for name in _STATE}
        meter = self._meter.dump() if self._meter is not None else None
        return state | {"counts": self._counts.dump(), "meter": meter, "queues": self._queues.dump()}

    def load(self, state: object, /) -> None:
        given = cast("dict[str, object]", state)
        for name in _STATE:
            setattr(self, name, given[name])
        self._grid = self._market.instrument
        self._counts.load(given["counts"])
        self._queues.load(given["queues"])
        if self._meter is not None:
            self._meter.load(given["meter"])

    # --- the plan ---

    def act(self) -> None:
        """Emits what leads from the orders to the quotes."""
        self._is_dirty = False
        self._was_healthy = healthy = self._is_healthy()
        instrument = self._market.instrument
        if instrument is None:
            return
        if not self._market.book.is_ok:
            self._quotes, self._wanted = (), {}  # computed from what could not be trusted: wait for others
        elif healthy and (self._is_fresh or (instrument is not self._grid and instrument != self._grid)):
            self._grid = instrument
            self._wanted = snapped(self._quotes, instrument, self._counts, self._touch())
        mine = self._mine()
        self._learn(mine)
        if self._flow is not None:
            self._queues.orders(mine, self._market.book)
        if not mine and not (healthy and self._wanted):
            return
        rules = Rules(self._feeds.strategy, self._tolerance_ticks * instrument.tick, self._size_tolerance, self._tif)
        now = self._feeds.now_ns
        held = {*self._spent, *(label for label, until in self._rests.items() if until > now)}
        uncancelled = {label for label, until in self._cancel_rests.items() if until > now}
        for intent in self._planned(mine, instrument, rules, held, uncancelled, healthy=healthy):
            self._count(intent)
            self._observer.on_next(intent)

    def _planned(
        self,
        mine: Sequence[Order],
        instrument: Instrument,
        rules: Rules,
        held: set[str],
        uncancelled: set[str],
        *,
        healthy: bool,
    ) -> list[Planned]:
        meter, flow, now = self._meter, self._flow, self._feeds.now_ns
        if (meter is None and flow is None) or not (healthy and self._wanted):
            intents, deferred = plan(self._wanted if healthy else {}, mine, instrument, rules, held, uncancelled), 0
        else:
            intents, deferred, _ = plan_budgeted(
                self._wanted,
                mine,
                instrument,
                rules,
                meter.left(now) if meter is not None else AMPLE,
                self._costs,
                held=held,
                uncancelled=uncancelled,
                places=places_worth(mine, self._queues, self._market.book, flow) if flow is not None else None,
            )
            self._counts.deferred += deferred
        if meter is not None:
            for intent in intents:
                meter.spend(intent, now)
            if deferred:
                self.refill.at(meter.next_ns(now))
        return intents

    def _mine(self) -> list[Order]:
        return [
            order
            for order in self._account.orders.working(self._symbol)
            if is_level(order.label) and order.strategy == self._feeds.strategy
        ]

    def _is_healthy(self) -> bool:
        return (
            self._market.book.is_ok
            and self._account.status == "ok"
            and self._shared.halted is None
            and _trades(self._market.instrument)
        )

    def _touch(self) -> tuple[Decimal, Decimal] | None:
        if self._tif != "post_only":
            return None
        bid, _, ask, _ = self._market.book.touch()
        return exact(bid), exact(ask)

    def _learn(self, mine: Sequence[Order]) -> None:
        """What was filled or refused since the quotes were made; fresh quotes know of the fills."""
        for label, (client_id, filled) in list(self._orders.items()):
            order = self._account.orders.get(client_id)
            if order is not None and order.filled > filled:
                self._spent.add(label)
            if order is None or not order.is_open:
                del self._orders[label]
                if order is not None and _was_refused(order):
                    self._rest(self._rests, label)
        if self._is_fresh:
            self._spent.clear()
            self._is_fresh = not self._was_healthy  # not snapped yet, then
            self._orders.clear()
        for order in mine:
            self._orders.setdefault(order.label, (order.client_id, order.filled))
            if order.refusal is None:
                self._failed.pop(order.label, None)
            elif order.label not in self._failed:
                self._failed[order.label] = None
                self._rest(self._rests, order.label)

    def _rest(self, rests: dict[str, int], label: str) -> None:
        now = self._feeds.now_ns
        for old in [old for old, until in rests.items() if until <= now]:
            del rests[old]
        rests[label] = now + self.backoff_ns
        wake = min((*self._rests.values(), *self._cancel_rests.values()))
        self.timer.at(wake)

    def _wake(self) -> None:
        self._changed()
        later = [until for until in (*self._rests.values(), *self._cancel_rests.values()) if until > self._feeds.now_ns]
        if later:
            self.timer.at(min(later))

    def _count(self, intent: Planned) -> None:
        counts = self._counts
        if isinstance(intent, PlaceOrder):
            counts.placed += 1
        elif isinstance(intent, AmendOrder):
            counts.amended += 1
        elif isinstance(intent, CancelOrder):
            counts.cancelled += 1


_STATE = (
    "_quotes", "_wanted", "_is_fresh", "_is_dirty", "_was_healthy", "_orders", "_spent", "_rests", "_cancel_rests", "_failed",
)  # fmt: skip


def _trades(instrument: Instrument | None) -> bool:
    return instrument is not None and instrument.status in ("trading", "post_only")


def _was_refused(order: Order) -> bool:
    """It did not end by a fill or at our own word."""
    return order.status in ("rejected", "expired") or order.refusal is not None or order.origin != "user"
