"""The last word before an intent: what breaks a limit becomes `Blocked`, and stands in the log with rule, limit and value."""

from collections import deque
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import NamedTuple, TypeAlias, cast

from msgspec import Struct
from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable

from state.commands import blocked
from state.events import AmendOrder, CancelAll, CancelOrder, Decision, PlaceOrder
from state.instruments import exact
from state.market import Market
from state.orders import Order
from state.shared import Account
from state.words import Side, sign
from streams.feeds import Feeds
from streams.operators.keep import Kept, keep
from streams.operators.lift import Operator
from streams.risk.exposure import SIGN, Exposure
from streams.risk.limits import RiskLimits

_SECOND_NS = 1_000_000_000
_ZERO = Decimal(0)
_ADDING = (PlaceOrder, AmendOrder)
_CANCELLING = (CancelOrder, CancelAll)


def risk_gate(limits: RiskLimits, feeds: Feeds) -> Operator[Decision, Decision]:
    """Passes what the limits allow and says `Blocked` instead of the rest.

        intents    --buy 1---buy 9---cancel---sell 1---     max_order_size = 5
        risk_gate  --buy 1---Blocked-cancel---sell 1---

    Each limit counts the worst case: working orders, those in flight, those of unknown outcome and those that passed
    in this very tick, and fills of which only the order was told. A limit never blocks what reduces the risk it limits:
    cancels always pass, and so does a reduce-only order, one that cannot but bring the position nearer to zero, and an
    amendment to no larger size, as far as size and position go. The price collar holds for every price, since a bad price
    is no less bad for closing. `max_book_age_s` counts from the first intent in a market.
    """

    def operator(source: Observable[Decision]) -> Observable[Decision]:
        def subscribe(
            observer: abc.ObserverBase[Decision], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            gate = Gate(limits, feeds)

            def on_next(decision: Decision) -> None:
                observer.on_next(gate.judge(decision))

            return CompositeDisposable(
                source.subscribe(on_next, observer.on_error, observer.on_completed, scheduler=scheduler),
                gate.watching,
                keep(scheduler, on_next),
            )

        return Kept(subscribe)

    return operator


class _Breach(NamedTuple):
    rule: str
    limit: str
    value: str


_Rule: TypeAlias = Callable[[PlaceOrder | AmendOrder, "Wish", Market], _Breach | None]


class Wish(Struct, frozen=True, gc=False):
    """What a place or an amendment comes to; `size` is the order's total with what is filled, `remaining` without."""

    side: Side
    price: Decimal | None
    size: Decimal
    remaining: Decimal
    grows: bool  # beyond what may stand in the market already
    reduces: bool
    replaced: str  # client id of the order that it changes
    held: Decimal  # the position in its direction
    others: Sequence[Order]  # that work in its market


class Gate:
    """The state of one subscriber."""

    def __init__(self, limits: RiskLimits, feeds: Feeds) -> None:
        self._limits = limits
        self._feeds = feeds
        self._shared = feeds.shared
        self.exposure = Exposure(feeds.shared, feeds.scheduler.timeline, feeds.strategy)
        self.watching = CompositeDisposable()
        self._book_changed: dict[tuple[str, str], int] = {}
        rate = limits.max_messages_per_s
        self._sent: deque[int] | None = deque(maxlen=rate) if rate is not None else None  # times of the last messages
        self._rules = self._rules_of(limits)

    def judge(self, decision: Decision) -> Decision:
        """The decision itself, or what stands in its place."""
        if isinstance(decision, _ADDING):
            self.exposure.look()
            breach = self._breach(decision)
            if breach is not None:
                return blocked(decision, rule=breach.rule, limit=breach.limit, value=breach.value)
            self.exposure.passed(decision)
            if self._sent is not None:
                self._sent.append(self._feeds.now_ns)
        elif self._sent is not None and isinstance(decision, _CANCELLING):
            self._sent.append(self._feeds.now_ns)
        return decision

    def limit(self, limits: RiskLimits) -> None:
        """Other limits from here on; messages that were let through still count."""
        self._limits = limits
        rate = limits.max_messages_per_s
        self._sent = deque(self._sent or (), maxlen=rate) if rate is not None else None
        self._rules = self._rules_of(limits)

    def dump(self) -> tuple[dict[tuple[str, str], int], deque[int] | None]:
        """When books changed last, and when messages were let through."""
        return self._book_changed, self._sent

    def load(self, state: object, /) -> None:
        self.exposure = Exposure(self._shared, self._feeds.scheduler.timeline, self._feeds.strategy)
        changed, self._sent = cast("tuple[dict[tuple[str, str], int], deque[int] | None]", state)
        for (venue, symbol), at in changed.items():
            self._changed(self._shared.market(venue, symbol))
            self._book_changed[(venue, symbol)] = at

    def _breach(self, intent: PlaceOrder | AmendOrder) -> _Breach | None:
        wish = self.wish(intent)
        if wish is None:
            return None  # amends an order that is gone or of which nothing is known: the venue will say so
        venue, symbol = intent.venue, intent.symbol
        market = self._shared.markets.get((venue, symbol)) or self._shared.market(venue, symbol)
        breach = self._breaks_collar(wish, market)
        if breach is not None or wish.reduces:
            return breach
        for rule in self._rules:
            breach = rule(intent, wish, market)
            if breach is not None:
                return breach
        return None

    def wish(self, intent: PlaceOrder | AmendOrder) -> Wish | None:
        """What an intent comes to; None for an amendment of an order that is gone, or of which nothing is known."""
        account = self._shared.accounts.get(intent.venue) or self._shared.account(intent.venue)
        if isinstance(intent, PlaceOrder):
            side, size = intent.side, intent.size
            held, others = self._standing(account, intent.symbol, side)
            reduces = intent.reduce_only or self._closes(intent, side, size, held, others)
            return Wish(side, intent.price, size, size, True, reduces, "", held, others)
        order = account.orders.get(intent.client_id)
        if order is None or not order.is_open:
            return None
        remaining = max(intent.size - order.filled, _ZERO)
        grows = intent.size > order.size
        stays = not grows and intent.price == order.price
        side, replaced = order.side, order.client_id
        held, others = self._standing(account, intent.symbol, side)
        reduces = order.reduce_only or stays or self._closes(intent, side, remaining, held, others, replaced)
        return Wish(side, intent.price, intent.size, remaining, grows, reduces, replaced, held, others)

    def _standing(self, account: Account, symbol: str, side: Side) -> tuple[Decimal, Sequence[Order]]:
        """What is held in one direction, and the other orders: looked up once for all rules."""
        position, unheard = account.ledger.positions.get(symbol), account.orders.unheard(symbol)
        held = unheard if position is None else position.size + unheard
        return held * SIGN[side], self.exposure.others(account, symbol)

    def _closes(
        self,
        intent: PlaceOrder | AmendOrder,
        side: Side,
        size: Decimal,
        held: Decimal,
        others: Sequence[Order],
        without: str = "",
    ) -> bool:
        """True where the order, and all others of its side, cannot but bring the position nearer to zero."""
        if size > 0 and held >= 0:
            return False  # most intents: an order of this side does not close what is held
        return self.exposure.worst_of(held, others, intent.venue, intent.symbol, side, without) + size <= 0

    # --- the rules ---

    def _rules_of(self, limits: RiskLimits) -> tuple[_Rule, ...]:
        """Those that limits are set for, in the order in which they are named: the others cost nothing."""
        rules: list[tuple[_Rule, bool]] = [
            (self._breaks_book, True),
            (self._breaks_size, limits.max_order_size is not None),
            (self._breaks_notional, limits.max_order_notional is not None),
            (self._breaks_count, limits.max_open_orders is not None),
            (self._breaks_position, limits.max_position is not None),
            (self._breaks_rate, limits.max_messages_per_s is not None),
        ]
        return tuple(rule for rule, is_set in rules if is_set)

    def _breaks_collar(self, wish: Wish, market: Market) -> _Breach | None:
        collar = self._limits.price_collar_bps
        if collar is None or wish.price is None:
            return None
        book = market.book
        if not book.is_ok:
            return None if wish.reduces else _Breach("book", "ok", book.status)
        away = abs(float(wish.price) / book.mid - 1) * 10_000
        return _Breach("price_collar_bps", str(collar), f"{away:.6g}") if away > collar else None

    def _breaks_book(self, _: PlaceOrder | AmendOrder, wish: Wish, market: Market) -> _Breach | None:
        """An order is not added to a market that nobody sees."""
        if not market.book.is_ok:
            return _Breach("book", "ok", market.book.status)
        limit = self._limits.max_book_age_s
        if limit is None:
            return None
        age_s = (self._feeds.now_ns - self._changed(market)) / _SECOND_NS
        return _Breach("max_book_age_s", str(limit), f"{age_s:.6g}") if age_s > limit else None

    def _breaks_size(self, _: PlaceOrder | AmendOrder, wish: Wish, market: Market) -> _Breach | None:
        limit = self._limits.max_order_size
        if limit is not None and wish.grows and wish.size > limit:
            return _Breach("max_order_size", str(limit), str(wish.size))
        return None

    def _breaks_notional(self, _: PlaceOrder | AmendOrder, wish: Wish, market: Market) -> _Breach | None:
        limit = self._limits.max_order_notional
        if limit is None:
            return None
        price = wish.price if wish.price is not None else exact(market.book.mid)
        notional = market.instrument.notional(price, wish.size) if market.instrument else price * wish.size
        return _Breach("max_order_notional", str(limit), str(notional)) if notional > limit else None

    def _breaks_count(self, intent: PlaceOrder | AmendOrder, wish: Wish, market: Market) -> _Breach | None:
        limit = self._limits.max_open_orders
        if limit is None or isinstance(intent, AmendOrder):
            return None
        count = self.exposure.open_orders(wish.others, intent.venue, intent.symbol) + 1
        return _Breach("max_open_orders", str(limit), str(count)) if count > limit else None

    def _breaks_position(self, intent: PlaceOrder | AmendOrder, wish: Wish, market: Market) -> _Breach | None:
        limit = self._limits.max_position
        if limit is None or not wish.grows:
            return None
        worst = wish.remaining + self.exposure.worst_of(
            wish.held, wish.others, intent.venue, intent.symbol, wish.side, wish.replaced
        )
        return _Breach("max_position", str(limit), str(worst * sign(wish.side))) if worst > limit else None

    def _breaks_rate(self, _: PlaceOrder | AmendOrder, wish: Wish, market: Market) -> _Breach | None:
        sent = self._sent
        if sent is None or len(sent) < (sent.maxlen or 0) or sent[0] <= self._feeds.now_ns - _SECOND_NS:
            return None
        return _Breach("max_messages_per_s", str(sent.maxlen), str(len(sent) + 1))

    def _changed(self, market: Market) -> int:
        """When the market's book changed last, ns; watched from the first time that somebody asks."""
        key = (market.venue, market.symbol)
        if key not in self._book_changed:
            self._book_changed[key] = self._feeds.now_ns

            def on_next(_: object) -> None:
                self._book_changed[key] = self._feeds.now_ns

            books = self._feeds.market(market.venue, market.symbol).book
            self.watching.add(books.subscribe(on_next, scheduler=self._feeds.scheduler))
        return self._book_changed[key]
