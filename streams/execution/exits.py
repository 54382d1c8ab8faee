"""Positions that are closed by the clock: each fill of a ladder becomes a lot with an exit of its own."""

from collections import deque
from decimal import Decimal
from typing import NamedTuple, cast

from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable

from state.events import Blocked, Decision, Fill, PlaceOrder
from state.instruments import exact
from state.order import Order
from state.words import Side, sign
from streams.execution.unheard import Sent, Unheard
from streams.feeds import Feeds
from streams.operators.keep import Alarm, Kept, keep
from streams.operators.lift import positive
from streams.quoting.ladder import EXECUTION, is_level

FILLS_KEPT = 10_000
LABEL = f"{EXECUTION}exit"
_ZERO = Decimal(0)


class Lot(NamedTuple):
    """What one fill left open: signed size, base units, and when it is to go, ns."""

    size: Decimal
    due_ns: int


def timed_exits(
    feeds: Feeds, venue: str, symbol: str, wait_s: float, *, slippage_bps: float = 10.0, retry_s: float = 1.0
) -> Observable[Decision]:
    """Closes each fill of the strategy's quotes `wait_s` later, by reduce-only IOC orders up to `slippage_bps` through the touch.

        fills          --buy 1----buy 2----------------------
        timed_exits(9) -----------sell 1, IOC----sell 2, IOC-

    A fill of the other side closes the oldest lots first. One exit is out at a time, of all that is due. What an exit
    did not fill, or what was refused or blocked, is tried again after `retry_s`, for as long as it takes: a lot is only
    forgotten when it is closed. Fills are counted once, by their id. Time is constant for each fill; lots are as many as
    fills in `wait_s`.
    """
    positive("wait_s", wait_s)
    positive("retry_s", retry_s)

    def subscribe(
        observer: abc.ObserverBase[Decision], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        desk = _Exits(feeds, venue, symbol, observer, round(wait_s * 1e9), round(retry_s * 1e9), slippage_bps)
        account, market = feeds.account(venue), feeds.market(venue, symbol)
        return CompositeDisposable(
            account.fills(symbol).subscribe(desk.filled, observer.on_error, scheduler=scheduler),
            account.orders(symbol).subscribe(desk.orders_changed, observer.on_error, scheduler=scheduler),
            account.blocked(symbol).subscribe(desk.blocked, observer.on_error, scheduler=scheduler),
            account.position(symbol).subscribe(desk.orders_changed, observer.on_error, scheduler=scheduler),
            market.book.subscribe(desk.book_changed, observer.on_error, scheduler=scheduler),
            desk.alarm,
            keep(scheduler, desk.wake, desk, desk.alarm),
        )

    return Kept(subscribe)


class _Exits:
    """The state of one subscriber."""

    def __init__(
        self,
        feeds: Feeds,
        venue: str,
        symbol: str,
        observer: abc.ObserverBase[Decision],
        wait_ns: int,
        retry_ns: int,
        slippage_bps: float,
    ) -> None:
        self._feeds = feeds
        self._account = feeds.account(venue).state
        self._market = feeds.market(venue, symbol).state
        self._venue, self._symbol = venue, symbol
        self._observer = observer
        self._wait_ns, self._retry_ns = wait_ns, retry_ns
        self._slippage = slippage_bps / 10_000
        self.alarm = Alarm(feeds.scheduler, self.wake)
        self._lots: deque[Lot] = deque()
        self._unheard = Unheard(self._account.orders)
        self._seen: dict[str, None] = {}
        self._is_leaving = False  # an exit was emitted and has not been seen yet
        self._rests_until = 0

    def filled(self, fill: Fill) -> None:
        order = self._account.orders.order_of(fill)
        if order is None or order.strategy != self._feeds.strategy or f"{fill.side}{fill.fill_id}" in self._seen:
            return
        if not (is_level(order.label) or order.label == LABEL):
            return
        self._seen[f"{fill.side}{fill.fill_id}"] = None
        if len(self._seen) > FILLS_KEPT:
            del self._seen[next(iter(self._seen))]
        if order.label == LABEL:
            self._unheard.hear(order, fill)
        size = self._close(fill.size * sign(fill.side))
        if size and is_level(order.label):
            self._lots.append(Lot(size, self._feeds.now_ns + self._wait_ns))
        self.wake()

    def _close(self, size: Decimal) -> Decimal:
        """Closes the oldest lots of the other side with a signed size; what it leaves."""
        while size and self._lots and self._lots[0].size * size < 0:
            first = self._lots.popleft()
            rest = first.size + size
            if first.size * rest > 0:
                self._lots.appendleft(Lot(rest, first.due_ns))
                return _ZERO
            size = rest
        return size

    def orders_changed(self, _: object) -> None:
        for order in self._exits_out():
            self._is_leaving = False
            self._unheard.note(order)
        self.wake()

    def blocked(self, event: Blocked) -> None:
        if event.strategy == self._feeds.strategy and event.label == LABEL:
            self._is_leaving = False
            self.wake()

    def book_changed(self, _: object) -> None:
        if self._lots and self._lots[0].due_ns <= self._feeds.now_ns:
            self.wake()

    def wake(self) -> None:
        """Sends what is due, or waits for it."""
        if not self._lots or self._is_leaving or self._exits_out():
            return
        now = self._feeds.now_ns
        at = max(self._lots[0].due_ns, self._rests_until)
        if at > now:
            self.alarm.at(at)
            return
        intent = self._exit(now)
        if intent is not None:
            self._is_leaving = True
            self._rests_until = now + self._retry_ns
            self._observer.on_next(intent)

    def _exit(self, now: int) -> PlaceOrder | None:
        """None while there is no price to go by, or nothing is open; the next book or position asks again."""
        instrument, book = self._market.instrument, self._market.book
        coming, lost = self._unheard.take()
        self._close(lost)
        held = self._account.ledger.position(self._symbol).size + coming
        due = sum((lot.size for lot in self._lots if lot.due_ns <= now), coming)
        if instrument is None or not book.is_ok or held * due <= 0:
            return None
        size = instrument.most(instrument.size(min(abs(due), abs(held))))
        if not size:
            return None
        side: Side = "sell" if due > 0 else "buy"
        touch = book.bid * (1 - self._slippage) if side == "sell" else book.ask * (1 + self._slippage)
        price = instrument.price(side, exact(touch))
        return PlaceOrder(self._venue, self._symbol, side, size, price, tif="ioc", reduce_only=True, label=LABEL)

    def _exits_out(self) -> list[Order]:
        orders = self._account.orders.working(self._symbol)
        return [order for order in orders if order.label == LABEL and order.strategy == self._feeds.strategy]

    def dump(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in _STATE} | {"sent": self._unheard.sent}

    def load(self, state: object, /) -> None:
        given = cast("dict[str, object]", state)
        for name in _STATE:
            setattr(self, name, given[name])
        self._unheard.sent = cast("dict[str, Sent]", given["sent"])


_STATE = ("_lots", "_seen", "_is_leaving", "_rests_until")
