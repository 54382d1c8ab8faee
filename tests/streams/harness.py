"""A session in memory: a pipeline with a sink that keeps every record, and events of one market to feed it with."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from reactivex import Observable

from state.events import (
    Accepted,
    AmendOrder,
    AnyEvent,
    BookSnapshot,
    CancelOrder,
    Decision,
    FeedStatus,
    Fill,
    InstrumentDefined,
    OrderUpdate,
    PlaceOrder,
    SessionOpened,
    Trade,
)
from state.orders import Order
from state.record import Collected, Record
from state.words import OrderStatus, Side, TradeKind
from streams.feeds import Feeds
from streams.pipeline import Pipeline
from streams.strategy import Running, Strategy, run_strategies

VENUE, SYMBOL = "venue", "BTC"
SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND

TICK, LOT = Decimal("0.1"), Decimal("0.001")


def instrument(**changes: object) -> InstrumentDefined:
    fields: dict[str, object] = {
        "base": "BTC",
        "quote": "USDT",
        "settle": "USDT",
        "kind": "perpetual",
        "tick": TICK,
        "lot": LOT,
        "min_size": LOT,
        "min_notional": Decimal(5),
    }
    return InstrumentDefined(VENUE, SYMBOL, None, **(fields | changes))


def book(
    bid: float = 100.0, ask: float = 101.0, bid_size: float = 1.0, ask_size: float = 1.0, symbol: str = SYMBOL
) -> BookSnapshot:
    return BookSnapshot(VENUE, symbol, None, [(bid, bid_size)], [(ask, ask_size)])


def trade(price: float, size: float = 1.0, side: Side = "buy", kind: TradeKind = "normal") -> Trade:
    return Trade(VENUE, SYMBOL, None, "t", price, size, side, kind)


READY = FeedStatus(VENUE, "", "account", "ok")


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
        return run_strategies(self.pipeline, [Strategy(name, build)])[0]

    def watch(self, build: Callable[[Feeds], Observable[object]], name: str = "watch") -> list[tuple[float, object]]:
        """What a stream says, with the seconds at which it says it."""
        seen: list[tuple[float, object]] = []

        def strategy(feeds: Feeds) -> Observable[Decision]:
            from reactivex import operators as ops

            def note(value: object) -> None:
                seen.append(((feeds.now_ns - START) / SECOND, value))

            return build(feeds).pipe(ops.do_action(note), ops.ignore_elements())

        self.run(strategy, name)
        return seen

    def feed(self, at_s: float, *events: AnyEvent, cause: int = 0) -> None:
        self.pipeline.feed(START + round(at_s * SECOND), events, cause)

    def tick(self, at_s: float) -> None:
        self.pipeline.tick(START + round(at_s * SECOND))

    # --- what was decided ---

    @property
    def events(self) -> Sequence[AnyEvent]:
        return self.sink.events()

    def of(self, *kinds: type) -> list[AnyEvent]:
        return [event for event in self.events if type(event) in kinds]

    @property
    def intents(self) -> list[AnyEvent]:
        return self.of(PlaceOrder, AmendOrder, CancelOrder)

    @property
    def working(self) -> Sequence[Order]:
        return self.shared.account(VENUE).orders.working(SYMBOL)

    # --- what a venue would answer ---

    def answer(self, at_s: float) -> None:
        """The venue takes everything that is on its way: orders open, amended, gone."""
        for order in list(self.working):
            self.answer_one(at_s, order)

    def answer_one(self, at_s: float, order: Order) -> None:
        if order.pending_cancel:
            self.feed(at_s, update(order, "cancelled"))
        elif order.pending_amend is not None:
            price, size = order.pending_amend
            self.feed(at_s, Accepted(VENUE, SYMBOL, None, "amend", order.client_id), cause=order.amends[-1][0])
            self.feed(at_s, update(order, order.status if order.filled else "open", price, size))
        elif order.status == "pending":
            self.feed(at_s, update(order, "open"))

    def fill(self, at_s: float, order: Order, size: str | Decimal | None = None) -> None:
        self._fills += 1
        taken = order.remaining if size is None else Decimal(size)
        assert order.price is not None
        self.feed(
            at_s,
            Fill(
                VENUE, SYMBOL, None, f"f{self._fills}", f"o-{order.client_id}", order.client_id, order.side,
                order.price, taken, Decimal(0), "USDT",
            ),
        )  # fmt: skip


def update(
    order: Order, status: OrderStatus, price: Decimal | None = None, size: Decimal | None = None, **changes: object
) -> OrderUpdate:
    return OrderUpdate(
        VENUE, SYMBOL, None, order.client_id, f"o-{order.client_id}", status, order.side, order.kind, order.tif,
        price if price is not None else order.price, size if size is not None else order.size,
        **changes,
    )  # fmt: skip
