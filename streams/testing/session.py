"""A session in memory: a pipeline that keeps every record, fed in virtual time, and a venue that does what it is told."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Final, TypeVar, cast

from reactivex import Observable
from reactivex import operators as ops

from state.errors import WrongUse
from state.events import Accepted, AnyEvent, Decision, Intent, SessionOpened
from state.orders import Order
from state.record import Collected, Record
from streams.feeds import Feeds
from streams.pipeline import Pipeline
from streams.strategy import Running, Strategy, run_strategies
from streams.testing.builders import READY, SYMBOL, VENUE, book, fill, instrument, update
from streams.testing.marbles import Marble

T = TypeVar("T")

SECOND: Final = 1_000_000_000
START: Final = 1_700_000_000 * SECOND


class Session:
    """A pipeline at `START` with its instrument, a book and a ready account; times are seconds since then."""

    def __init__(self, *, begin: Sequence[AnyEvent] | None = None, guarded: bool = True) -> None:
        self.sink = Collected()
        self.bursts: list[list[Record]] = []
        self.pipeline = Pipeline(
            self.sink,
            lambda _, seq: f"c{seq}",
            on_tick=lambda records: self.bursts.append(list(records)),
            guarded=guarded,
        )
        self.shared = self.pipeline.shared
        self._fills = 0
        self.pipeline.feed(START, (SessionOpened("s", 7),))
        self.pipeline.feed(START, begin if begin is not None else (instrument(), book(), READY))

    def run(self, build: Callable[[Feeds], Observable[Decision]], name: str = "one") -> Running:
        """Starts a strategy."""
        return run_strategies(self.pipeline, [Strategy(name, build)])[0]

    def watch(self, build: Callable[[Feeds], Observable[T]], name: str = "watch") -> list[Marble[T]]:
        """What a stream says, with the seconds at which it says it; the list grows as the session goes on."""
        seen: list[Marble[T]] = []

        def strategy(feeds: Feeds) -> Observable[Decision]:
            def note(value: T) -> None:
                seen.append(((feeds.now_ns - START) / SECOND, value))

            nothing = build(feeds).pipe(ops.do_action(note), ops.ignore_elements())
            return cast("Observable[Decision]", nothing)  # it never says anything

        self.run(strategy, name)
        return seen

    def feed(self, at_s: float, *events: AnyEvent, cause: int = 0) -> None:
        """One burst of input; timers that were due before it fire first, each at its own time."""
        self.pipeline.feed(START + round(at_s * SECOND), events, cause)

    def play(self, line: Iterable[Marble[AnyEvent]], until_s: float | None = None) -> None:
        """Feeds a line of marbles, then lets time pass until then."""
        for at, event in line:
            self.feed(at, event)
        if until_s is not None:
            self.tick(until_s)

    def tick(self, at_s: float) -> None:
        """Nothing arrives until then: timers fire."""
        self.pipeline.tick(START + round(at_s * SECOND))

    # --- what was decided ---

    @property
    def events(self) -> Sequence[AnyEvent]:
        """Everything so far, in its order."""
        return self.sink.events()

    def of(self, *kinds: type[T]) -> list[T]:
        """Events of these kinds."""
        return [event for event in self.events if isinstance(event, kinds)]

    @property
    def intents(self) -> list[Intent]:
        """Every order placed, amended or cancelled, one by one or all."""
        return [intent for _, intent in self.decided]

    @property
    def decided(self) -> list[Marble[Intent]]:
        """The intents, with the seconds at which they were decided."""
        return [((it.recv - START) / SECOND, it.event) for it in self.sink.records if isinstance(it.event, Intent)]

    @property
    def working(self) -> Sequence[Order]:
        """Orders that rest at the venue or are on their way, oldest first."""
        return self.shared.account(VENUE).orders.working(SYMBOL)

    @property
    def position(self) -> Decimal:
        """What our fills make."""
        return self.shared.account(VENUE).ledger.position(SYMBOL).size

    # --- what a venue would answer ---

    def answer(self, at_s: float) -> None:
        """The venue takes everything that is on its way: orders open, amended, gone."""
        for _, account in sorted(self.shared.accounts.items()):
            for order in account.orders.working():
                self.answer_one(at_s, order)

    def answer_one(self, at_s: float, order: Order) -> None:
        if order.pending_cancel:
            self.feed(at_s, update(order, "cancelled"))
        elif order.pending_amend is not None:
            price, size = order.pending_amend
            said = Accepted(order.venue, order.symbol, None, "amend", order.client_id)
            self.feed(at_s, said, cause=order.amends[-1][0])
            self.feed(at_s, update(order, order.status if order.filled else "open", price, size))
        elif order.status == "pending":
            self.feed(at_s, update(order, "open"))

    def fill(
        self, at_s: float, order: Order, size: str | Decimal | None = None, price: str | Decimal | None = None
    ) -> None:
        """An execution of an order, of all that is left of it and at its own price where nothing else is said."""
        self._fills += 1
        taken = order.remaining if size is None else Decimal(size)
        paid = order.price if price is None else Decimal(price)
        if paid is None:
            raise WrongUse("a market order has no price of its own: say at which it fills")
        self.feed(at_s, fill(f"f{self._fills}", order.side, paid, taken, order=order))
