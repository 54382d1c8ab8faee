"""What is made on one venue is hedged on another."""

from collections.abc import Sequence
from decimal import Decimal
from typing import cast

from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable

from state.errors import OffGrid, WrongUse
from state.events import Blocked, Decision, Fill, PlaceOrder
from state.instruments import exact
from state.order import Order
from state.words import Side, sign
from streams.execution.unheard import Sent, Unheard
from streams.feeds import Feeds
from streams.operators.keep import Alarm, Kept, keep
from streams.quoting.ladder import EXECUTION

LABEL = f"{EXECUTION}hedge"
RETRY_NS = 1_000_000_000
FILLS_KEPT = 10_000
_ZERO = Decimal(0)


def hedged(
    feeds: Feeds, made: tuple[str, str], hedge: tuple[str, str], *, slippage_bps: float = 10.0, whole: bool = False
) -> Observable[Decision]:
    """Takes on `hedge` (venue, symbol) the other side of what the strategy's orders were filled on `made`.

        fills on made   --buy 1---------buy 2------------
        hedged(…)       --sell 1, IOC---sell 2, IOC------

    By IOC orders up to `slippage_bps` through the touch, one at a time, each for all that is open, or as much of it as an
    order may have; what one did not fill is tried again a second later, for as long as it takes. Both markets count in the
    same base units. What is less than the hedge venue takes waits for more. Fills are counted once, by their id.

    What is open is what this strategy was filled in this session. With `whole` it is the sum of both accounts' positions,
    whoever made them: what a killed session left without its hedge is then hedged by the next.
    """
    if made == hedge or slippage_bps < 0:
        raise WrongUse("a hedge is on another market, and its slippage_bps not negative")

    def subscribe(
        observer: abc.ObserverBase[Decision], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        desk = _Hedge(feeds, hedge, observer, slippage_bps / 10_000, (made, hedge) if whole else ())
        there, symbol = feeds.account(hedge[0]), hedge[1]
        return CompositeDisposable(
            feeds.account(made[0]).fills(made[1]).subscribe(desk.filled, observer.on_error, scheduler=scheduler),
            there.fills(symbol).subscribe(desk.filled, observer.on_error, scheduler=scheduler),
            there.orders(symbol).subscribe(desk.orders_changed, observer.on_error, scheduler=scheduler),
            there.blocked(symbol).subscribe(desk.blocked, observer.on_error, scheduler=scheduler),
            feeds.market(*hedge).book.subscribe(desk.look, observer.on_error, scheduler=scheduler),
            *(
                changes.subscribe(desk.look, observer.on_error, scheduler=scheduler)
                for venue, name in desk.whole
                for changes in (feeds.account(venue).position(name), feeds.account(venue).status)
            ),
            desk.alarm,
            keep(scheduler, desk.look, desk, desk.alarm),
        )

    return Kept(subscribe)


class _Hedge:
    """The state of one subscriber."""

    def __init__(
        self,
        feeds: Feeds,
        hedge: tuple[str, str],
        observer: abc.ObserverBase[Decision],
        slippage: float,
        whole: Sequence[tuple[str, str]],
    ) -> None:
        self._feeds = feeds
        self._venue, self._symbol = hedge
        self._market = feeds.market(*hedge).state
        self._observer = observer
        self._slippage = slippage
        self.whole = whole  # the markets whose positions are hedged; none where this strategy's fills are
        self.alarm = Alarm(feeds.scheduler, self.look)
        self._open = _ZERO  # bought on both venues together, by the fills that were heard
        self._unheard = Unheard(feeds.account(hedge[0]).state.orders)
        self._seen: dict[str, None] = {}
        self._is_leaving = False
        self._rests_until = 0

    def filled(self, fill: Fill) -> None:
        order = self._feeds.account(fill.venue).state.orders.order_of(fill)
        key = f"{fill.venue} {fill.symbol} {fill.side} {fill.fill_id}"
        if order is None or order.strategy != self._feeds.strategy or key in self._seen:
            return
        self._seen[key] = None
        if len(self._seen) > FILLS_KEPT:
            del self._seen[next(iter(self._seen))]
        self._open += fill.size * sign(fill.side)
        if order.label == LABEL:
            self._rests_until = 0  # it did not come to nothing
            self._unheard.hear(order, fill)
        self.look()

    def blocked(self, event: Blocked) -> None:
        if event.strategy == self._feeds.strategy and event.label == LABEL:
            self._is_leaving = False
            self.look()

    def orders_changed(self, _: object) -> None:
        for order in self._out():
            self._is_leaving = False
            self._unheard.note(order)
        self.look()

    def look(self, _: object = None) -> None:
        """Hedges what is open, or waits."""
        if self._is_leaving or self._out():
            return
        left = self._left()
        if not left:
            return
        now = self._feeds.now_ns
        if now < self._rests_until:
            self.alarm.at(self._rests_until)
            return
        instrument, book = self._market.instrument, self._market.book
        if instrument is None or not book.is_ok:
            return
        side: Side = "sell" if left > 0 else "buy"
        size = instrument.most(instrument.size(abs(left)))
        touch = book.bid * (1 - self._slippage) if side == "sell" else book.ask * (1 + self._slippage)
        price = instrument.price(side, exact(touch))
        try:
            instrument.check(price, size)
        except OffGrid:
            return  # less than the venue takes
        self._is_leaving, self._rests_until = True, now + RETRY_NS
        self._observer.on_next(PlaceOrder(self._venue, self._symbol, side, size, price, tif="ioc", label=LABEL))

    def _left(self) -> Decimal:
        """What is bought on both markets together, signed."""
        coming, lost = self._unheard.take()
        self._open += lost
        if self.whole:
            accounts = [(self._feeds.account(venue).state, symbol) for venue, symbol in self.whole]
            if not all(account.has_begun for account, _ in accounts):
                return _ZERO
            held = (it.ledger.position(symbol).size + it.orders.unheard(symbol) for it, symbol in accounts)
            return sum(held, _ZERO)
        return self._open + coming

    def _out(self) -> list[Order]:
        orders = self._feeds.account(self._venue).state.orders.working(self._symbol)
        return [order for order in orders if order.label == LABEL and order.strategy == self._feeds.strategy]

    def dump(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in _STATE} | {"sent": self._unheard.sent}

    def load(self, state: object, /) -> None:
        given = cast("dict[str, object]", state)
        for name in _STATE:
            setattr(self, name, given[name])
        self._unheard.sent = cast("dict[str, Sent]", given["sent"])


_STATE = ("_open", "_seen", "_is_leaving", "_rests_until")
