"""Orders of a market are worked by a tactic instead of being sent: an operator on intents, with its progress as a stream."""

from decimal import Decimal
from typing import cast

from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable

from state.decisions import check_order
from state.errors import OffGrid, WrongUse
from state.events import Blocked, CancelAll, CancelOrder, Decision, PlaceOrder, Trade
from state.instruments import exact
from state.orders import Order
from streams.execution.tactics import Job, Part, Sniper, Tactic, Worked
from streams.feeds import Feeds
from streams.operators.keep import Alarm, Kept, keep
from streams.operators.lift import Operator, positive
from streams.quoting.ladder import EXECUTION
from streams.source import Source

RETRY_NS = 1_000_000_000  # after a part that came to nothing
_ZERO = Decimal(0)


def work(
    feeds: Feeds,
    venue: str,
    symbol: str,
    tactic: Tactic,
    *,
    fair: Observable[float] | None = None,
    progress: Source[Worked] | None = None,
    deadline_s: float | None = None,
) -> Operator[Decision, Decision]:
    """Works each new order of one market by a tactic, part after part; all other decisions pass.

        intents             --buy 3---------------------------
        work(twap(2 s, 2))  --buy 1.5, IOC----buy 1.5, IOC----
        progress            --0 of 3--1.5 of 3------3 of 3----

    One part is out at a time, labelled ~label.number; `to_intents` leaves those alone. What a part did not fill, or what
    was refused or blocked, is tried again, a second later, until the whole is done: parts together never exceed it. Where
    less is left than the venue takes, the job is over, and its progress says so. The order's own price is the worst that is
    paid. `fair` is what a `Sniper` goes by. A job that is `deadline_s` old is over, whatever is done by then, and so is each
    when a `CancelAll` of its market passes: the part that is out is cancelled. Orders that end (`ops.take(1)`) leave the jobs
    under way. Time and memory are proportional to these.
    """
    if isinstance(tactic, Sniper) and fair is None:
        raise WrongUse("a sniper goes by a fair price: work(…, fair=…) with a stream of it")
    deadline_ns = None if deadline_s is None else round(positive("deadline_s", deadline_s) * 1e9)

    def operator(source: Observable[Decision]) -> Observable[Decision]:
        def subscribe(
            observer: abc.ObserverBase[Decision], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            desk = _Work(feeds, venue, symbol, tactic, observer, progress, deadline_ns)
            market, account = feeds.market(venue, symbol), feeds.account(venue)

            def on_next(decision: Decision) -> None:
                desk.take(decision)

            listening = CompositeDisposable(
                account.orders(symbol).subscribe(desk.orders_changed, observer.on_error, scheduler=scheduler),
                account.blocked(symbol).subscribe(desk.blocked, observer.on_error, scheduler=scheduler),
                market.trades.subscribe(desk.traded, observer.on_error, scheduler=scheduler),
                market.book.subscribe(desk.look, observer.on_error, scheduler=scheduler),
                desk.alarm,
            )
            if fair is not None:
                listening.add(fair.subscribe(desk.valued, observer.on_error, scheduler=scheduler))
            # Not told that the orders have ended: it would take the jobs under way with it.
            listening.add(source.subscribe(on_next, observer.on_error, scheduler=scheduler))
            listening.add(keep(scheduler, on_next, desk.alarm))
            return listening

        return Kept(subscribe)

    return operator


class _Work:
    """The state of one subscriber."""

    def __init__(
        self,
        feeds: Feeds,
        venue: str,
        symbol: str,
        tactic: Tactic,
        observer: abc.ObserverBase[Decision],
        progress: Source[Worked] | None,
        deadline_ns: int | None,
    ) -> None:
        self._feeds = feeds
        self._venue, self._symbol = venue, symbol
        self._market = feeds.market(venue, symbol).state
        self._orders = feeds.account(venue).state.orders
        self._tactic = tactic
        self._observer = observer
        self._progress = progress
        self._deadline_ns = deadline_ns
        self.alarm = Alarm(feeds.scheduler, self.look)
        self._jobs: list[Job] = []
        self._fair: float | None = None
        self._taken = 0

    def take(self, decision: Decision) -> None:
        """An order of this market becomes a job; where all of it is cancelled, jobs are over."""
        if isinstance(decision, CancelAll) and decision.venue == self._venue and decision.symbol in ("", self._symbol):
            for job in self._jobs:  # the part that is out goes with all the others
                job.is_given_up, job.rests_until = True, self._feeds.now_ns + RETRY_NS
            self._observer.on_next(decision)
            self.look()
            return
        if not isinstance(decision, PlaceOrder) or (decision.venue, decision.symbol) != (self._venue, self._symbol):
            self._observer.on_next(decision)
            return
        check_order(decision)
        self._taken += 1
        job = Job(decision, self._feeds.now_ns, number=self._taken, fair=self._fair)
        self._jobs.append(job)
        self._tell(job)
        self.look()

    def traded(self, trade: Trade) -> None:
        if trade.backfilled:
            return
        for job in self._jobs:
            job.volume += exact(trade.size)
        self.look()

    def valued(self, fair: float) -> None:
        self._fair = fair
        for job in self._jobs:
            job.fair = fair
        self.look()

    def blocked(self, event: Blocked) -> None:
        for job in list(self._jobs):
            if job.child and event.label == job.child and event.strategy == self._feeds.strategy:
                self._part_ended(job)
        self.look()

    def orders_changed(self, _: object) -> None:
        working = {order.label: order for order in self._orders.working(self._symbol) if self._is_ours(order)}
        for job in list(self._jobs):
            order = working.get(job.child) or (self._orders.get(job.client_id) if job.client_id else None)
            if not job.child or order is None:
                continue
            job.client_id = order.client_id
            if order.filled != job.child_done:
                job.child_done = order.filled
                job.child_value = order.filled * (order.avg_price or order.price or _ZERO)
                self._tell(job)
            if not order.is_open:
                self._part_ended(job)
        self.look()

    def look(self, _: object = None) -> None:
        """Sends what is wanted by now, and waits for what comes later."""
        now, waits = self._feeds.now_ns, []
        for job in list(self._jobs):
            if self._is_given_up(job, now):
                if not self._is_over(job, now):
                    waits.append(job.rests_until)
                continue
            if self._deadline_ns is not None:
                waits.append(job.started_ns + self._deadline_ns)
            if not job.child and now >= job.rests_until:
                self._send(job, now)
            elif not job.child:
                waits.append(job.rests_until)
            if job not in self._jobs:
                continue
            later = self._tactic.next_ns(job, now)
            if later is not None:
                waits.append(later)
        if waits:
            self.alarm.at(min(waits))

    def _is_given_up(self, job: Job, now: int) -> bool:
        return job.is_given_up or (self._deadline_ns is not None and now >= job.started_ns + self._deadline_ns)

    def _is_over(self, job: Job, now: int) -> bool:
        """No more of a job that is given up is sent, and it is over once the part that is out has ended."""
        if not job.child:
            self._jobs.remove(job)
            self._tell(job, is_over=True)
            return True
        job.is_given_up = True
        order = self._orders.get(job.client_id) if job.client_id else None
        if order is not None and not order.pending_cancel and now >= job.rests_until:
            job.rests_until = now + RETRY_NS
            self._observer.on_next(CancelOrder(self._venue, self._symbol, order.client_id))
        return False

    def _send(self, job: Job, now: int) -> None:
        instrument, book = self._market.instrument, self._market.book
        if instrument is None or not book.is_ok:
            return
        wanted = self._tactic.wanted(job, now)
        size = instrument.size(max(_ZERO, min(wanted, job.parent.size) - job.total))
        part = self._tactic.part(job, size, book, instrument) if size else None
        if part is not None:
            part = part._replace(size=instrument.most(instrument.size(part.size)))
            try:
                instrument.check(part.price, part.size, reduce_only=job.parent.reduce_only)
            except OffGrid:
                part = None  # too small: it waits until more is wanted
        if part is not None:
            self._observer.on_next(self._order(job, part))
        elif wanted >= job.parent.size and not self._can_go_on(job):
            self._jobs.remove(job)
            self._tell(job, is_over=True)

    def _order(self, job: Job, part: Part) -> PlaceOrder:
        parent = job.parent
        job.parts += 1
        job.child = f"{EXECUTION}{parent.label or 'part'}.{job.number}.{job.parts}"  # two jobs may have one label
        return PlaceOrder(
            self._venue,
            self._symbol,
            parent.side,
            part.size,
            part.price,
            tif=part.tif,
            reduce_only=parent.reduce_only,
            label=job.child,
        )

    def _can_go_on(self, job: Job) -> bool:
        """What is left is of a size that the venue takes."""
        instrument = self._market.instrument
        left = instrument.size(job.left) if instrument is not None else job.left
        if instrument is None or not left:
            return not left.is_zero()
        try:
            instrument.check(None, instrument.most(left), reduce_only=job.parent.reduce_only)
        except OffGrid:
            return False
        worth = instrument.notional(job.parent.price or exact(self._market.book.mid), left)
        return job.parent.reduce_only or worth >= instrument.min_notional

    def _part_ended(self, job: Job) -> None:
        if not job.child_done:
            job.rests_until = self._feeds.now_ns + RETRY_NS
        job.done, job.value = job.done + job.child_done, job.value + job.child_value
        job.child = job.client_id = ""
        job.child_done = job.child_value = _ZERO
        if job.left <= 0:
            self._jobs.remove(job)
            self._tell(job, is_over=True)

    def _tell(self, job: Job, *, is_over: bool = False) -> None:
        if self._progress is not None:
            value = job.value + job.child_value
            self._progress.emit(Worked(job.parent.label, job.parent.size, job.total, value, is_over, job.parts))

    def _is_ours(self, order: Order) -> bool:
        return order.strategy == self._feeds.strategy and order.label.startswith(EXECUTION)

    def dump(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in _STATE}

    def load(self, state: object, /) -> None:
        given = cast("dict[str, object]", state)
        for name in _STATE:
            setattr(self, name, given[name])


_STATE = ("_jobs", "_fair", "_taken")
