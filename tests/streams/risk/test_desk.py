"""The desk: states by limits and by people, limits in flight, and never in the way of what reduces."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec
import pytest
import reactivex
from hypothesis import given
from hypothesis import strategies as st
from reactivex import Observable
from reactivex import operators as ops

from state.errors import ConfigurationError
from state.events import (
    AmendOrder,
    Blocked,
    CancelAll,
    CancelOrder,
    Command,
    CommandRefused,
    Decision,
    FeedStatus,
    Fill,
    PlaceOrder,
    PositionUpdate,
    RiskChanged,
    Signal,
)
from state.words import RiskState, Side
from streams.checkpoint import dump
from streams.feeds import Feeds
from streams.risk import Bounds, DeskLimits, LimitsWord, RiskLimits, StateWord, risk_desk
from streams.testing import READY, SECOND, START, SYMBOL, VENUE, Session, book, instrument

D = Decimal
_now = reactivex.scheduler.ImmediateScheduler()


def buy(size: str = "1", price: str = "100.0", **more: object) -> PlaceOrder:
    return PlaceOrder(VENUE, SYMBOL, "buy", D(size), D(price), **more)


def sell(size: str = "1", price: str = "101.0", **more: object) -> PlaceOrder:
    return PlaceOrder(VENUE, SYMBOL, "sell", D(size), D(price), **more)


class Watched(Session):
    """A session whose strategies pass on through a desk of their own what they are told to."""

    def __init__(
        self, limits: DeskLimits, names: Sequence[str] = ("one",), held: Sequence[PositionUpdate] = ()
    ) -> None:
        super().__init__(begin=(instrument(), book(), *held, READY))
        self._next: dict[str, Sequence[Decision]] = {}
        self.running = [self.run(self._strategy(limits, name), name) for name in names]
        self._count = 0

    def _strategy(self, limits: DeskLimits, name: str):
        def strategy(feeds: Feeds) -> Observable[Decision]:
            return feeds.signal(name).pipe(
                ops.flat_map(lambda _: reactivex.from_iterable(self._next[name], scheduler=_now)),
                risk_desk(limits, feeds),
            )

        return strategy

    def decide(self, at_s: float, *decisions: Decision, name: str = "one") -> list[str]:
        before = len(self.events)
        self._next[name] = decisions
        self.feed(at_s, Signal(name, 1.0))
        kinds = Blocked | PlaceOrder | AmendOrder | CancelOrder | CancelAll
        return [
            event.rule if isinstance(event, Blocked) else type(event).__name__
            for event in self.events[before:]
            if isinstance(event, kinds)
        ]

    def hold(self, at_s: float, side: Side, size: str, price: str = "100.0") -> None:
        """The strategy comes to a position."""
        self.decide(at_s, PlaceOrder(VENUE, SYMBOL, side, D(size), D(price)))
        self.answer(at_s)
        self.fill(at_s, self.working[-1])

    def say(self, at_s: float, name: str, word: msgspec.Struct | str) -> None:
        payload = word if isinstance(word, str) else msgspec.json.encode(word).decode()
        self.feed(at_s, Command("", "", name, payload))

    @property
    def states(self) -> list[tuple[str, str]]:
        """From and to, as they stand in the log."""
        return [(event.before, event.state) for event in self.of(RiskChanged)]


FREE = DeskLimits()
PLACED = "PlaceOrder"


def test_what_breaks_no_limit_passes() -> None:
    session = Watched(DeskLimits(orders=RiskLimits(max_order_size=D(2))))
    assert session.decide(1, buy("2"), buy("3")) == [PLACED, "max_order_size"]


LOSSES = {
    "the strategy's drawdown": DeskLimits(strategy=Bounds(max_drawdown=D(5))),
    "the strategy's daily loss": DeskLimits(strategy=Bounds(max_daily_loss=D(5))),
    "the venue's drawdown": DeskLimits(venues={VENUE: Bounds(max_drawdown=D(5))}),
    "the total daily loss": DeskLimits(total=Bounds(max_daily_loss=D(5))),
}


@pytest.mark.parametrize("limits", LOSSES.values(), ids=LOSSES)
def test_a_loss_leaves_only_what_reduces(limits: DeskLimits) -> None:
    session = Watched(limits)
    session.hold(1, "buy", "2")
    session.decide(1.5, buy("1", "90.0"), sell("1", "120.0"))
    session.answer(1.6)
    session.feed(3, book(99.0, 100.0))
    assert session.states == []
    session.feed(5, book(95.0, 96.0))  # 9 or more below where it stood
    assert session.states == [("active", "reducing_only")]
    assert [order.side for order in session.working if order.pending_cancel] == ["buy"]
    assert session.decide(6, buy(), sell("0.5"), sell("2"), sell("2", reduce_only=True)) == [
        "risk_state", PLACED, "risk_state", PLACED,
    ]  # fmt: skip


def test_what_is_lost_by_others_is_no_loss_of_the_strategy() -> None:
    session = Watched(DeskLimits(strategy=Bounds(max_drawdown=D(5))))
    session.feed(1, Fill(VENUE, SYMBOL, None, "other", "o", None, "buy", D(100), D(10), D(0), "USDT"))
    session.decide(1.5, buy("0.1"))
    session.feed(5, book(90.0, 91.0))
    assert session.states == []


def test_a_halt_by_a_loss_cancels_everything_and_lets_only_reduce_only_pass() -> None:
    session = Watched(DeskLimits(strategy=Bounds(max_drawdown=D(5)), on_loss="halted"))
    session.hold(1, "buy", "2")
    session.decide(1.5, sell("1", "120.0"))
    session.answer(1.6)
    session.feed(3, book(99.0, 100.0))
    session.feed(5, book(95.0, 96.0))
    assert session.states == [("active", "halted")]
    assert all(order.pending_cancel for order in session.working)
    assert session.decide(6, sell("0.5", "96.0"), sell("2", "96.0", reduce_only=True)) == ["risk_state", PLACED]


def test_the_days_loss_begins_anew_at_midnight() -> None:
    session = Watched(DeskLimits(total=Bounds(max_daily_loss=D(10))))
    session.hold(1, "buy", "2")
    session.feed(3, book(97.0, 98.0))
    midnight = (86_400 - START // SECOND % 86_400) + 5.0
    session.feed(midnight, book(97.0, 98.0))
    session.feed(midnight + 10, book(93.0, 94.0))
    assert session.states == []
    session.feed(midnight + 20, book(91.0, 92.0))
    assert session.states == [("active", "reducing_only")]


def test_the_desk_stands_over_what_rests_when_no_more_is_decided() -> None:
    session = Session()
    limits = DeskLimits(strategy=Bounds(max_drawdown=D(5)), on_loss="halted")

    def strategy(feeds: Feeds) -> Observable[Decision]:
        two = reactivex.of(buy("2", "101.0"), sell("1", "120.0"))
        return feeds.market(VENUE, SYMBOL).book.pipe(ops.take(1), ops.flat_map(lambda _: two), risk_desk(limits, feeds))

    session.run(strategy)
    session.feed(1, book())
    bought, resting = session.working
    session.answer(1.1)
    session.fill(1.2, bought)
    session.feed(5, book(95.0, 96.0))
    assert [(change.before, change.state) for change in session.of(RiskChanged)] == [("active", "halted")]
    assert [order.client_id for order in session.working if order.pending_cancel] == [resting.client_id]


def test_a_person_halts_and_lets_go_on_and_a_loss_is_then_measured_anew() -> None:
    session = Watched(DeskLimits(strategy=Bounds(max_drawdown=D(5))))
    session.hold(1, "buy", "2")
    session.feed(2, book(100.0, 101.0))
    session.feed(5, book(95.0, 96.0))
    session.say(6, "risk", StateWord(state="active", reason="seen"))
    session.feed(8, book(95.0, 96.0))
    assert session.decide(9, buy("1", "94.0")) == [PLACED]
    session.say(10, "risk", StateWord(state="halted", reason="enough"))
    assert session.decide(11, buy("1", "94.0")) == ["risk_state"]
    assert session.states == [("active", "reducing_only"), ("reducing_only", "active"), ("active", "halted")]


def test_a_word_for_one_strategy_is_none_for_another() -> None:
    session = Watched(FREE, ("one", "two"))
    session.say(1, "risk", StateWord(state="halted", strategy="two"))
    assert session.decide(2, buy(), name="one") == [PLACED]
    assert session.decide(3, buy(), name="two") == ["risk_state"]


def test_limits_change_in_flight_by_a_recorded_command() -> None:
    session = Watched(DeskLimits(orders=RiskLimits(max_order_size=D(1), max_messages_per_s=2)))
    assert session.decide(1, buy("2")) == ["max_order_size"]
    session.say(2, "limits", LimitsWord(limits=DeskLimits(orders=RiskLimits(max_order_size=D(3)))))
    assert session.decide(3, buy("2"), buy("2", "99.0"), buy("2", "98.0")) == [PLACED] * 3
    session.say(4, "limits", '{"limits": {"total": {"max_position_notional": "50"}}}')
    assert session.decide(5, buy("1")) == ["total.max_position_notional"]
    assert [event.name for event in session.of(Command)] == ["limits", "limits"]


@pytest.mark.parametrize(
    "payload", ["", "{", '{"limits": {"max": 1}}', '{"limits": {"total": {"max_drawdown": "-1"}}}']
)
def test_limits_that_cannot_be_read_change_nothing_and_say_so(payload: str) -> None:
    session = Watched(DeskLimits(orders=RiskLimits(max_order_size=D(1))))
    session.say(1, "limits", payload)
    assert [event.name for event in session.of(CommandRefused)] == ["limits"]
    assert session.decide(2, buy("2"), buy("1")) == ["max_order_size", PLACED]
    assert session.running[0].error is None


def test_a_state_that_nobody_knows_changes_nothing() -> None:
    session = Watched(FREE)
    session.say(1, "risk", '{"state": "asleep"}')
    assert session.decide(2, buy()) == [PLACED]
    assert [event.name for event in session.of(CommandRefused)] == ["risk"]


def test_notional_counts_what_may_fill_and_lets_what_reduces_pass() -> None:
    session = Watched(DeskLimits(strategy=Bounds(max_position_notional=D(250))))
    assert session.decide(1, buy("1"), buy("1", "99.0"), buy("1", "98.0")) == [
        PLACED, PLACED, "strategy.max_position_notional",
    ]  # fmt: skip
    session.answer(1.1)
    session.fill(1.2, session.working[0])
    session.fill(1.3, session.working[0])
    session.feed(2, book(200.0, 201.0))  # now far beyond
    assert session.decide(3, sell("2", "201.0"), buy("0.1", "199.0")) == [PLACED, "strategy.max_position_notional"]


def test_the_portfolio_is_all_markets_together() -> None:
    session = Watched(DeskLimits(venues={VENUE: Bounds(max_portfolio_notional=D(300))}))
    session.feed(0.5, book(10.0, 10.2, symbol="ETH"))
    session.feed(1, Fill(VENUE, "ETH", None, "e", "o", None, "sell", D(10), D(15), D(0), "USDT"))
    assert session.decide(2, buy("1"), buy("1", "99.0")) == [PLACED, f"{VENUE}.max_portfolio_notional"]


ELSEWHERE = {
    "the venue says no more of it": PositionUpdate(VENUE, "ETH", None, D(5), D(20)),
    "the venue gives its mark": PositionUpdate(VENUE, "ETH", None, D(5), D(20), mark=D(20)),
    "the venue gives its pnl": PositionUpdate(VENUE, "ETH", None, D(5), D(20), unrealized_pnl=D(0)),
}


@pytest.mark.parametrize("held", ELSEWHERE.values(), ids=ELSEWHERE)
def test_a_position_in_a_market_that_nobody_follows_keeps_no_loss_from_being_judged(held: PositionUpdate) -> None:
    session = Watched(LOSSES["the venue's drawdown"], held=[held])
    session.hold(1, "buy", "2")
    session.feed(3, book(99.0, 100.0))
    assert session.states == []
    session.feed(5, book(95.0, 96.0))
    assert session.states == [("active", "reducing_only")]


def test_what_is_lost_in_a_market_that_nobody_follows_is_lost_too() -> None:
    held = ELSEWHERE["the venue gives its mark"]
    session = Watched(LOSSES["the venue's drawdown"], held=[held])
    session.decide(1, buy("0.1"))
    session.feed(2, book(100.0, 101.0))
    assert session.states == []
    session.feed(3, msgspec.structs.replace(held, mark=D(18)))
    session.feed(5, book(100.0, 101.0))
    assert session.states == [("active", "reducing_only")]


def test_a_loss_is_judged_while_the_book_of_another_position_is_in_doubt() -> None:
    session = Watched(LOSSES["the venue's drawdown"])
    session.feed(0.5, book(10.0, 10.2, symbol="ETH"), FeedStatus(VENUE, "ETH", "book", "ok"))
    session.feed(0.6, Fill(VENUE, "ETH", None, "e", "o", None, "buy", D(10), D(1), D(0), "USDT"))
    session.hold(1, "buy", "2")
    session.feed(3, FeedStatus(VENUE, "ETH", "book", "down"))
    session.feed(5, book(95.0, 96.0))
    assert session.states == [("active", "reducing_only")]


@pytest.mark.parametrize("doubt", [FeedStatus(VENUE, "ETH", "book", "gap"), FeedStatus(VENUE, "ETH", "book", "down")])
def test_what_is_held_counts_in_the_portfolio_while_its_book_is_in_doubt(doubt: FeedStatus) -> None:
    session = Watched(DeskLimits(venues={VENUE: Bounds(max_portfolio_notional=D(300))}))
    session.feed(0.5, book(10.0, 10.2, symbol="ETH"))
    session.feed(1, Fill(VENUE, "ETH", None, "e", "o", None, "sell", D(10), D(15), D(0), "USDT"))
    session.feed(1.5, doubt)
    assert session.decide(2, buy("1"), buy("1", "99.0")) == [PLACED, f"{VENUE}.max_portfolio_notional"]


def test_what_is_held_in_a_market_that_nobody_follows_counts_in_the_portfolio() -> None:
    session = Watched(DeskLimits(venues={VENUE: Bounds(max_portfolio_notional=D(300))}))
    session.feed(1, Fill(VENUE, "ETH", None, "e", "o", None, "sell", D(10), D(15), D(0), "USDT"))
    assert session.decide(2, buy("1"), buy("1", "99.0")) == [PLACED, f"{VENUE}.max_portfolio_notional"]


def test_own_orders_never_meet_those_of_another_strategy_either() -> None:
    session = Watched(FREE, ("one", "two"))
    session.decide(1, buy("1", "100.0"), name="one")
    session.answer(1.1)
    assert session.decide(2, sell("1", "100.0"), sell("1", "100.1"), name="two") == ["self_cross", PLACED]
    assert session.decide(3, PlaceOrder(VENUE, SYMBOL, "sell", D(1), None, "market"), name="two") == ["self_cross"]
    order = session.working[-1]
    session.answer(3.1)
    amend = AmendOrder(VENUE, SYMBOL, order.client_id, D("99.9"), D(1))
    assert session.decide(4, amend, name="two") == ["self_cross"]


def test_an_order_does_not_meet_what_is_on_its_way() -> None:
    session = Watched(FREE, ("one", "two"))
    assert session.decide(1, buy("1", "101.0"), sell("1", "100.5"), sell("1", "101.5")) == [
        PLACED,
        "self_cross",
        PLACED,
    ]
    session.answer(1.1)
    low = next(order for order in session.working if order.side == "buy")
    session.decide(2, AmendOrder(VENUE, SYMBOL, low.client_id, D("101.2"), D(1)))
    assert session.decide(3, sell("1", "101.1"), sell("1", "101.3"), name="two") == ["self_cross", PLACED]
    assert session.decide(4, AmendOrder(VENUE, SYMBOL, low.client_id, D("100.0"), D(1)), sell("1", "101.1")) == [
        "AmendOrder", "self_cross",
    ]  # fmt: skip


def test_what_only_reduces_passes_after_a_cancel_of_what_is_in_its_way() -> None:
    session = Watched(FREE)
    session.hold(1, "buy", "2")
    session.decide(2, buy("1", "99.0"))
    session.answer(2.1)
    assert session.decide(3, sell("2", "98.0", reduce_only=True)) == ["CancelOrder", PLACED]


def test_cancels_pass_in_every_state() -> None:
    session = Watched(FREE)
    session.decide(1, buy())
    session.answer(1.1)
    session.say(2, "risk", StateWord(state="halted"))
    order = session.working[0].client_id
    assert session.decide(3, CancelOrder(VENUE, SYMBOL, order), CancelAll(VENUE, SYMBOL)) == [
        "CancelOrder",
        "CancelAll",
    ]


@given(
    st.lists(st.tuples(st.sampled_from(["buy", "sell"]), st.integers(1, 30)), max_size=20),
    st.integers(1, 30),
    st.sampled_from(["buy", "sell"]),
)
def test_while_it_only_reduces_the_position_never_grows_whatever_fills(
    wishes: list[tuple[Side, int]], held: int, side: Side
) -> None:
    session = Watched(DeskLimits(prevent_self_cross=False))
    session.hold(1, side, str(D(held) / 10))
    session.say(2, "risk", StateWord(state="reducing_only"))
    before = abs(session.shared.account(VENUE).ledger.position(SYMBOL).size)
    for number, (towards, lots) in enumerate(wishes):
        at = 3 + number
        passed = session.decide(at, PlaceOrder(VENUE, SYMBOL, towards, D(lots) / 10, D("100.0")))
        assert passed == ["risk_state"] or towards != side
        session.answer(at + 0.1)
        if number % 3 == 0 and session.working:
            session.fill(at + 0.2, session.working[0])
        position = session.shared.account(VENUE).ledger.position(SYMBOL).size
        assert abs(position) <= before
        assert position * (1 if side == "buy" else -1) >= 0  # nor turns
        before = abs(position)


TINY = D("0.000001")
TIGHT = Bounds(max_position_notional=TINY, max_portfolio_notional=TINY, max_drawdown=TINY, max_daily_loss=TINY)


@given(
    st.integers(1, 30),
    st.integers(1, 30),
    st.sampled_from(["buy", "sell"]),
    st.sampled_from([90.0, 100.0, 110.0]),
    st.sampled_from(["active", "reducing_only", "halted"]),
    st.booleans(),
)
def test_no_limit_however_tight_blocks_what_can_only_reduce(
    held: int, lots: int, side: Side, price: float, state: RiskState, reduce_only: bool
) -> None:
    session = Watched(DeskLimits())
    session.hold(1, side, str(D(held) / 10))
    orders = RiskLimits(
        max_order_size=TINY, max_order_notional=TINY, max_position=TINY, max_open_orders=1, max_messages_per_s=1,
        max_book_age_s=1e-6,
    )  # fmt: skip
    tight = DeskLimits(orders=orders, strategy=TIGHT, venues={VENUE: TIGHT}, total=TIGHT)
    session.say(2, "limits", LimitsWord(limits=tight))
    session.say(2, "risk", StateWord(state=state))
    session.feed(3, book(price, price + 1))
    away: Side = "sell" if side == "buy" else "buy"
    size = D(min(lots, held)) / 10
    order = PlaceOrder(VENUE, SYMBOL, away, size, D(str(price)), reduce_only=reduce_only)
    now = session.states[-1][1] if session.states else "active"
    passes = reduce_only or now != "halted"  # halted is a person's or a loss's word, not a limit of this order
    assert session.decide(8, order) == [PLACED if passes else "risk_state"]
    assert session.decide(8.001, PlaceOrder(VENUE, SYMBOL, side, size, D(str(price)))) != [PLACED]


def test_its_state_can_be_written_down() -> None:
    def strategy(feeds: Feeds) -> Observable[Decision]:
        def decide(_: float) -> Decision:
            return buy()

        return feeds.signal("go").pipe(ops.map(decide), risk_desk(LOSSES["the venue's drawdown"], feeds))

    session = Session()
    running = session.run(strategy)
    session.feed(1, Signal("go", 1.0))
    session.answer(2)
    session.fill(3, session.working[0])
    session.feed(6, book(98.0, 99.0))
    assert running.error is None
    assert dump([running]) == dump([running]) != b""


@pytest.mark.parametrize("name", Bounds.__struct_fields__)
def test_a_bound_must_be_above_zero(name: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        Bounds(**{name: D(0)})
