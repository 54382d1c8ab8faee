"""The risk of one strategy, with a state of its own: active, reducing only, halted; changed by limits or by a person.

Every change of state stands in the log as `RiskChanged`. People speak by `Command`s, which are recorded, so that a replay
hears the same words at the same places.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import cast

import msgspec
from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable

from state.commands import blocked
from state.errors import ConfigurationError
from state.events import (
    AmendOrder,
    Blocked,
    CancelOrder,
    Command,
    CommandRefused,
    Decision,
    Fill,
    PlaceOrder,
    RiskChanged,
)
from state.ledger import Ledger, LedgerSnapshot, Position
from state.orders import Order
from state.words import RiskState, Side, opposite, sign
from streams.feeds import Feeds
from streams.operators.keep import Kept, keep
from streams.operators.lift import Operator
from streams.risk.bounds import Bounds, DeskLimits, LimitsWord, StateWord
from streams.risk.exposure import Exposure
from streams.risk.gate import Gate
from streams.risk.scope import Breach, Scope

LOOK_NS = 1_000_000_000  # losses are looked at no more often, in ns, but at every fill
FILLS_KEPT = 10_000
_ZERO = Decimal(0)


def risk_desk(limits: DeskLimits, feeds: Feeds) -> Operator[Decision, Decision]:
    """Passes what limits and state allow, says `Blocked` instead of the rest, and pulls what may no longer stand.

        intents   --buy 1---------------------buy 1----sell 1---
        PnL       -----------falls too far----------------------
        risk_desk --buy 1----cancel buy-------Blocked--sell 1---

    Active: what `risk_gate` does, bounds on notional, and no order that would meet one of our own at the same account.
    Reducing only: orders that add are cancelled and blocked. Halted: all orders of the strategy are cancelled, and only
    reduce-only orders pass. A limit never blocks what reduces the risk it limits: cancels always pass, and a
    reduce-only order that meets an order of its own strategy passes after a cancel of that order.

    The command `risk` (a `StateWord`) sets the state, `limits` (a `LimitsWord`) the limits, in flight. A command that
    cannot be read changes nothing and is told as `CommandRefused`. What a loss has changed, only a person
    changes back. It stands until the session ends, whether more is decided or not. Orders that two strategies decide in
    one tick do not see each other.
    """

    def operator(source: Observable[Decision]) -> Observable[Decision]:
        def subscribe(
            observer: abc.ObserverBase[Decision], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            desk = _Desk(limits, feeds, observer)

            def on_next(decision: Decision) -> None:
                desk.judge(decision)

            listening = CompositeDisposable(
                feeds.commands("risk").subscribe(desk.told_state, observer.on_error, scheduler=scheduler),
                feeds.commands("limits").subscribe(desk.told_limits, observer.on_error, scheduler=scheduler),
                source.subscribe(on_next, observer.on_error, scheduler=scheduler),  # no end: its orders may still rest
                feeds.settled.subscribe(desk.settled, observer.on_error, scheduler=scheduler),
                desk.gate.watching,
                keep(scheduler, on_next),
            )
            desk.listening, desk.scheduler = listening, scheduler
            return listening

        return Kept(subscribe)

    return operator


class _Own(Exposure):
    """What the orders and fills of one strategy come to, the others' left out."""

    __slots__ = ("ledgers",)

    def __init__(self, feeds: Feeds) -> None:
        super().__init__(feeds.shared, feeds.scheduler.timeline, feeds.strategy)
        self.ledgers: dict[str, Ledger] = {}

    def ledger(self, venue: str) -> Ledger:
        if venue not in self.ledgers:
            self.ledgers[venue] = Ledger(venue)
        return self.ledgers[venue]

    def position(self, venue: str, symbol: str) -> Position:
        return self.ledger(venue).position(symbol)

    def held(self, venue: str, symbol: str) -> Decimal:
        unheard = self._shared.account(venue).orders.unheard(symbol, self._strategy)
        return self.position(venue, symbol).size + unheard

    def _working(self, venue: str, symbol: str) -> Sequence[Order]:
        return [order for order in super()._working(venue, symbol) if order.strategy == self._strategy]


class _Desk:
    """The state of one subscriber."""

    def __init__(self, limits: DeskLimits, feeds: Feeds, observer: abc.ObserverBase[Decision]) -> None:
        self._feeds = feeds
        self._shared = feeds.shared
        self._observer = observer
        self._limits = limits
        self.gate = Gate(limits.orders, feeds)
        self.listening = CompositeDisposable()
        self.scheduler: abc.SchedulerBase | None = None
        self._own = _Own(feeds)
        self._state: RiskState = "active"
        self._reason = ""
        self._looked_ns = 0
        self._filled = False
        self._watched: dict[tuple[str, str], None] = {}
        self._seen: dict[str, None] = {}
        self._strategy = Scope("strategy", limits.strategy, self._shared, lambda: list(self._own.ledgers.values()))
        self._total = Scope("total", limits.total, self._shared, self._all_ledgers)
        self._venues = {venue: self._venue(venue, bounds) for venue, bounds in limits.venues.items()}

    # --- intents ---

    def judge(self, decision: Decision) -> None:
        """Says the decision, or what stands in its place."""
        if not isinstance(decision, PlaceOrder | AmendOrder):
            self._observer.on_next(self.gate.judge(decision))
            return
        self._watch(decision.venue, decision.symbol)
        self._own.look()
        self.gate.exposure.look()
        breach = self._breach(decision)
        if breach is not None:
            self._observer.on_next(blocked(decision, rule=breach.rule, limit=breach.limit, value=breach.value))
            return
        answer = self.gate.judge(decision)
        if not isinstance(answer, Blocked):
            for order in self._met_by(decision):
                self._observer.on_next(CancelOrder(order.venue, order.symbol, order.client_id, self._feeds.strategy))
            self._own.passed(decision)
        self._observer.on_next(answer)

    def _breach(self, intent: PlaceOrder | AmendOrder) -> Breach | None:
        wish = self.gate.wish(intent)
        if wish is None:
            return None
        order = self._own.order(intent.venue, intent.client_id) if isinstance(intent, AmendOrder) else None
        only_reduces = intent.reduce_only if isinstance(intent, PlaceOrder) else order is not None and order.reduce_only
        side, size, without = wish.side, wish.remaining, wish.replaced
        own_after = self._own.worst(intent.venue, intent.symbol, side, without) + size
        all_after = self.gate.exposure.worst(intent.venue, intent.symbol, side, without) + size
        adds = not only_reduces and own_after > 0
        if self._state == "halted" and not only_reduces:
            return Breach("risk_state", "halted", self._reason)
        if self._state == "reducing_only" and adds:
            return Breach("risk_state", "reducing_only", self._reason)
        if only_reduces:
            return None
        passing = self._own.passing(intent.venue, intent.symbol, opposite(side))
        if self._limits.prevent_self_cross and (
            self._meets(intent, side, wish.price) or any(_reaches(side, wish.price, each) for each in passing)
        ):
            return Breach("self_cross", "none", str(wish.price))
        if not wish.grows:
            return None
        if adds and (breach := self._strategy.exceeds(intent.venue, intent.symbol, own_after)):
            return breach
        if all_after > 0:
            scopes = [self._total, *([self._venues[intent.venue]] if intent.venue in self._venues else [])]
            found = (scope.exceeds(intent.venue, intent.symbol, all_after) for scope in scopes)
            return next((breach for breach in found if breach is not None), None)
        return None

    def _meets(self, intent: PlaceOrder | AmendOrder, side: Side, price: Decimal | None) -> list[Order]:
        """Orders of the account on the other side that this one would trade with."""
        book = self._shared.account(intent.venue).orders
        others = (order for order in book.working(intent.symbol) if order.side != side)
        return [order for order in others if any(_reaches(side, price, each) for each in _prices(order))]

    def _met_by(self, intent: PlaceOrder | AmendOrder) -> list[Order]:
        """Orders of this strategy in the way of one that only reduces."""
        if not (self._limits.prevent_self_cross and isinstance(intent, PlaceOrder) and intent.reduce_only):
            return []
        met = self._meets(intent, intent.side, intent.price)
        return [order for order in met if order.strategy == self._feeds.strategy and not order.pending_cancel]

    # --- fills and losses ---

    def _watch(self, venue: str, symbol: str) -> None:
        if (venue, symbol) not in self._watched:
            self._watched[(venue, symbol)] = None
            fills = self._feeds.account(venue).fills(symbol)
            self.listening.add(fills.subscribe(self._fill, self._observer.on_error, scheduler=self.scheduler))

    def _fill(self, fill: Fill) -> None:
        order = self._shared.account(fill.venue).orders.order_of(fill)
        key = f"{fill.venue} {fill.symbol} {fill.side} {fill.fill_id}"
        if order is None or order.strategy != self._feeds.strategy or key in self._seen:
            return
        self._seen[key] = None
        if len(self._seen) > FILLS_KEPT:
            del self._seen[next(iter(self._seen))]
        self._own.ledger(fill.venue).filled(fill, self._shared.market(fill.venue, fill.symbol).instrument)
        self._filled = True

    def settled(self, _: int) -> None:
        """Looks at losses, once a second and after fills."""
        now = self._feeds.now_ns
        if not self._filled and now < self._looked_ns + LOOK_NS:
            return
        self._filled, self._looked_ns = False, now
        for scope in (self._strategy, *self._venues.values(), self._total):
            breach = scope.loses(now)
            if breach is not None and self._state == "active":
                self._change(self._limits.on_loss, f"{breach.rule} {breach.value} > {breach.limit}")

    # --- state ---

    def told_state(self, command: Command) -> None:
        try:
            word = msgspec.json.decode(command.payload, type=StateWord)
        except msgspec.DecodeError as error:
            self._refuse(command.name, str(error))
            return
        if word.strategy in ("", self._feeds.strategy):
            if word.state == "active":
                for scope in (self._strategy, *self._venues.values(), self._total):
                    scope.forgive()
            self._change(word.state, word.reason)

    def told_limits(self, command: Command) -> None:
        try:
            word = msgspec.json.decode(command.payload, type=LimitsWord)
        except (msgspec.DecodeError, ConfigurationError) as error:
            self._refuse(command.name, str(error))
            return
        if word.strategy in ("", self._feeds.strategy):
            self._limit(word.limits)

    def _limit(self, limits: DeskLimits) -> None:
        self._limits = limits
        self.gate.limit(limits.orders)
        self._strategy.bounds, self._total.bounds = limits.strategy, limits.total
        for venue, bounds in limits.venues.items():
            self._venues.setdefault(venue, self._venue(venue, bounds)).bounds = bounds
        for venue, scope in self._venues.items():
            if venue not in limits.venues:
                scope.bounds = Bounds()

    def _change(self, state: RiskState, reason: str) -> None:
        if (state, reason) == (self._state, self._reason):
            return
        before, self._state, self._reason = self._state, state, reason
        strategy = self._feeds.strategy
        self._observer.on_next(RiskChanged(strategy, before, state, reason))
        if state == "active":
            return
        for venue, account in sorted(self._shared.accounts.items()):
            for order in account.orders.working():
                if order.strategy == strategy and not order.pending_cancel and self._must_go(order):
                    self._observer.on_next(CancelOrder(venue, order.symbol, order.client_id, strategy))

    def _must_go(self, order: Order) -> bool:
        if order.reduce_only:
            return False
        held = self._own.held(order.venue, order.symbol) * sign(order.side)
        return self._state == "halted" or held >= 0 or order.remaining > -held

    def _refuse(self, name: str, why: str) -> None:
        self._observer.on_next(CommandRefused(self._feeds.strategy, name, why))

    def _venue(self, venue: str, bounds: Bounds) -> Scope:
        return Scope(venue, bounds, self._shared, lambda: [self._shared.account(venue).ledger])

    def _all_ledgers(self) -> list[Ledger]:
        return [account.ledger for account in self._shared.accounts.values()]

    # --- written down and given back ---

    def dump(self) -> dict[str, object]:
        state = {name: getattr(self, name) for name in _STATE}
        scopes = {venue: scope.dump() for venue, scope in self._venues.items()}
        ledgers = {venue: ledger.dump() for venue, ledger in self._own.ledgers.items()}
        return state | {
            "scopes": scopes, "ledgers": ledgers, "gate": self.gate.dump(),
            "strategy": self._strategy.dump(), "total": self._total.dump(),
        }  # fmt: skip

    def load(self, state: object, /) -> None:
        given = cast("dict[str, object]", state)
        for name in _STATE:
            setattr(self, name, given[name])
        self._limit(self._limits)
        self.gate.load(given["gate"])
        self._strategy.load(given["strategy"])
        self._total.load(given["total"])
        for venue, dumped in cast("dict[str, object]", given["scopes"]).items():
            self._venues.setdefault(venue, self._venue(venue, Bounds())).load(dumped)
        for venue, ledger in cast("dict[str, LedgerSnapshot]", given["ledgers"]).items():
            self._own.ledgers[venue] = Ledger.load(ledger)
        watched, self._watched = self._watched, {}
        for venue, symbol in watched:
            self._watch(venue, symbol)


def _prices(order: Order) -> list[Decimal]:
    """Where an order stands, and where it may stand soon."""
    return [price for price in (order.price, *(amended for _, amended, _ in order.amends)) if price is not None]


def _reaches(side: Side, price: Decimal | None, other: Decimal) -> bool:
    return price is None or (price - other) * sign(side) >= 0


_STATE = ("_limits", "_state", "_reason", "_looked_ns", "_filled", "_watched", "_seen")
