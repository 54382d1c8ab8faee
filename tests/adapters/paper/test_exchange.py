"""Live paper trading: a market source feeds through the paper exchange into a pipeline, and answers come when due."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

import msgspec
import pytest
import reactivex
from reactivex import operators as ops

from adapters.base.settings import ShutdownPolicy, Subscription
from adapters.paper import PaperExchange
from state.clock import WallClock
from state.errors import WrongUse
from state.events import (
    Accepted,
    AnyEvent,
    BalanceUpdate,
    Decision,
    FeedStatus,
    Fill,
    OrderUpdate,
    PlaceOrder,
    SessionOpened,
    Trade,
)
from state.record import Collected, Inbox, Record
from streams.feeds import Feeds
from streams.pipeline import Pipeline
from streams.strategy import Strategy, run_strategies
from tests.adapters.paper.stage import INSTANT, SYMBOL, VENUE, instrument, snapshot, words
from tests.patience import PATIENCE_S

QUICK = msgspec.structs.replace(INSTANT, order_latency_ms=2, response_latency_ms=2)


class Tape:
    """A market source that says what a test says."""

    def __init__(self, inbox: Inbox) -> None:
        self.venue = VENUE
        self.on_fatal: Callable[[str], None] = lambda reason: None
        self.inbox = inbox
        self.started: list[Subscription] = []
        self.closed = False

    async def start(self, subscriptions: Iterable[Subscription]) -> None:
        self.started = list(subscriptions)

    async def close(self) -> None:
        self.closed = True


class Session:
    """The loop around a paper exchange as a live session closes it."""

    def __init__(self, strategy: Callable[[Feeds], reactivex.Observable[Decision]] | None = None) -> None:
        self.clock = WallClock()
        self.sink = Collected()
        self.pipeline = Pipeline(self.sink, lambda venue, seq: f"c{seq}", on_tick=self._decided)
        self.tapes: list[Tape] = []
        self.exchange = PaperExchange(QUICK, self, self.clock, "s", self._connect)
        self.heard = asyncio.Event()
        self.wanted: type[AnyEvent] = Fill
        self.pipeline.feed(self.clock.now_ns(), [SessionOpened("s", 1)])
        if strategy is not None:
            run_strategies(self.pipeline, [Strategy("test", strategy)])

    def feed(self, recv: int, events: Sequence[AnyEvent], cause: int = 0, frame: object = None) -> None:
        self.pipeline.feed(recv, events, cause)
        if any(isinstance(event, self.wanted) for event in events):
            self.heard.set()

    def say(self, *events: AnyEvent) -> None:
        self.tapes[0].inbox.feed(self.clock.now_ns(), events)

    def words(self) -> list[str]:
        return [word for word in words(self.sink.events()) if " " in word or word == "accepted"]

    @property
    def placed(self) -> list[str]:
        """Client ids: seqs, of which a slow machine's have what fell due meanwhile before them."""
        return [event.client_id for event in self.sink.events() if isinstance(event, PlaceOrder)]

    def _connect(self, inbox: Inbox) -> Tape:
        self.tapes.append(Tape(inbox))
        return self.tapes[0]

    def _decided(self, intents: Sequence[Record]) -> None:
        asyncio.get_running_loop().call_soon(self.exchange.submit, intents)


def once(intent: PlaceOrder) -> Callable[[Feeds], reactivex.Observable[Decision]]:
    def strategy(feeds: Feeds) -> reactivex.Observable[Decision]:
        return feeds.market(VENUE, SYMBOL).book.pipe(ops.take(1), ops.map(lambda _: intent))

    return strategy


def test_an_intent_of_a_strategy_is_matched_here_and_its_answer_comes_in_time() -> None:
    async def run() -> Session:
        session = Session(once(PlaceOrder(VENUE, SYMBOL, "buy", Decimal(6), Decimal(101))))
        await session.exchange.start([Subscription("book", SYMBOL)])
        session.say(instrument())
        session.say(snapshot(1))
        await asyncio.wait_for(session.heard.wait(), PATIENCE_S)
        session.heard.clear()
        session.say(Trade(VENUE, SYMBOL, session.clock.now_ns(), "t", 100.0, 9.0, "sell"))
        await asyncio.wait_for(session.heard.wait(), PATIENCE_S)
        await session.exchange.close()
        return session

    session = asyncio.run(run())
    assert session.tapes[0].started == [Subscription("book", SYMBOL)]
    assert session.tapes[0].closed
    (order,) = session.placed
    assert session.words()[:4] == [
        "accepted",
        f"{order} buy 5 @ 101 taker",
        f"{order} partially_filled 5/6",
        f"{order} buy 1 @ 101 maker",
    ]
    placed = next(record for record in session.sink.records if isinstance(record.event, PlaceOrder))
    accepted = next(record for record in session.sink.records if isinstance(record.event, Accepted))
    assert accepted.cause == placed.seq
    assert accepted.recv - placed.recv >= 4_000_000
    account = session.pipeline.shared.account(VENUE)
    assert account.is_ready
    assert account.ledger.position(SYMBOL).size == 6
    assert account.ledger.balance("USDT").difference == 0
    assert account.orders.working() == ()


@pytest.mark.parametrize(
    ("policy", "cancelled", "rests", "held", "clean"),
    [
        pytest.param("leave", 0, True, ((SYMBOL, "5.0"),), True, id="leave leaves everything"),
        pytest.param("cancel", 1, False, ((SYMBOL, "5.0"),), True, id="cancel leaves the position"),
        pytest.param("flatten", 1, False, (), True, id="flatten leaves nothing"),
    ],
)
def test_shutdown_leaves_what_its_policy_says(
    policy: ShutdownPolicy, cancelled: int, rests: bool, held: tuple[tuple[str, str], ...], clean: bool
) -> None:
    async def run() -> None:
        session = Session(once(PlaceOrder(VENUE, SYMBOL, "buy", Decimal(6), Decimal(101))))
        await session.exchange.start([])
        session.say(instrument())
        session.say(snapshot(1))
        await asyncio.wait_for(session.heard.wait(), PATIENCE_S)
        left = tuple(session.placed) if rests else ()
        report = await session.exchange.shutdown(policy)
        await session.exchange.close()
        assert (report.policy, report.cancelled, report.open_orders, report.positions, report.clean) == (
            policy,
            cancelled,
            left,
            held,
            clean,
        )
        account = session.pipeline.shared.account(VENUE)
        assert tuple(order.client_id for order in account.orders.working()) == left
        assert bool(account.ledger.position(SYMBOL).size) == bool(held)
        assert account.ledger.balance("USDT").difference == 0

    asyncio.run(run())


def test_a_position_that_no_trusted_book_can_close_is_told() -> None:
    async def run() -> None:
        session = Session(once(PlaceOrder(VENUE, SYMBOL, "buy", Decimal(5), Decimal(101))))
        await session.exchange.start([])
        session.say(instrument())
        session.say(snapshot(1))
        await asyncio.wait_for(session.heard.wait(), PATIENCE_S)
        session.say(FeedStatus(VENUE, SYMBOL, "book", "gap"))
        report = await session.exchange.shutdown("flatten")
        assert not report.clean

    asyncio.run(run())


@pytest.mark.parametrize(
    "event",
    [
        OrderUpdate(VENUE, SYMBOL, 1, "x", "y", "open"),
        BalanceUpdate(VENUE, "", 1, "USDT", Decimal(1)),
    ],
    ids=["an order", "a balance"],
)
def test_a_market_source_that_speaks_of_an_account_is_wrong_use(event: AnyEvent) -> None:
    async def run() -> None:
        session = Session()
        with pytest.raises(WrongUse, match="paper account"):
            session.say(event)

    asyncio.run(run())


def test_a_fatal_word_of_the_market_source_reaches_whoever_listens() -> None:
    async def run() -> list[str]:
        session, told = Session(), list[str]()
        session.exchange.on_fatal = told.append
        session.tapes[0].on_fatal("the venue is closed")
        return told

    assert asyncio.run(run()) == ["the venue is closed"]
