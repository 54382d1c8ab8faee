"""`plain` from the outside: what it quotes, how wide, how it leans, and when it does not."""

from decimal import Decimal

import pytest

from state.errors import ConfigurationError
from state.events import AmendOrder, Blocked, CancelOrder, FeedStatus, PlaceOrder, StrategyFailed
from streams.risk import RiskLimits
from streams.strategies import Plain, build, plain
from streams.strategy import Strategy, run_strategies
from streams.testing import READY, SYMBOL, VENUE, Session, book, instrument

D = Decimal
FIELDS: dict[str, object] = {
    "venue": VENUE,
    "symbol": SYMBOL,
    "size": D("0.1"),
    "max_position": D("0.5"),
    "base_spread_bps": 100.0,
    "min_bps": 20.0,
    "max_bps": 400.0,
    "level_spacing_bps": 20.0,
}


def running(**fields: object) -> Session:
    """A session in which `plain` has seen a still market for some seconds, its orders taken."""
    session = Session(begin=(instrument(), book(100.0, 100.2), READY))
    params = Plain(**(FIELDS | fields))
    run_strategies(session.pipeline, [Strategy("plain", lambda feeds: plain(feeds, params))])
    still(session, 0.0, 3.0)
    return session


def still(session: Session, since_s: float, until_s: float, bid: float = 100.0, ask: float = 100.2) -> None:
    """The same touch every tenth of a second; the venue takes every intent."""
    for step in range(1, round((until_s - since_s) * 10) + 1):
        session.feed(since_s + step / 10, book(bid, ask))
        session.answer(since_s + step / 10)


def ladder(session: Session) -> dict[str, tuple[float, float]]:
    return {order.label: (float(order.price), float(order.remaining)) for order in session.working}


def width_bps(session: Session) -> float:
    quotes = ladder(session)
    bid, ask = quotes["b0"][0], quotes["a0"][0]
    return 2e4 * (ask - bid) / (ask + bid)


def test_in_a_still_market_it_quotes_its_base_spread_around_the_microprice() -> None:
    session = running()
    assert set(ladder(session)) == {"b0", "a0", "b1", "a1", "b2", "a2"}
    assert {size for _, size in ladder(session).values()} == {0.1}
    assert 100 <= width_bps(session) < 121  # each side snapped outwards to a tick of 10 bps
    middle = (ladder(session)["b0"][0] + ladder(session)["a0"][0]) / 2
    assert middle == pytest.approx(100.1, abs=0.1)


def test_a_still_market_costs_no_messages() -> None:
    session = running()
    before = len(session.intents)
    still(session, 3.0, 20.0)
    assert len(session.intents) == before


def test_a_moving_market_widens_it() -> None:
    session = running()
    calm = width_bps(session)
    for step in range(40):
        jump = 0.3 * (step % 2)
        still(session, 3 + step / 4, 3 + (step + 1) / 4, 100.0 + jump, 100.2 + jump)
    assert width_bps(session) > calm + 20


def test_a_position_leans_it_and_takes_size_from_the_adding_side() -> None:
    session = running(skew_bps=50.0)
    flat = ladder(session)
    for at in (3.0, 6.0):
        session.fill(at, next(order for order in session.working if order.label == "b0"))
        still(session, at, at + 2.5)
    long = ladder(session)
    assert session.shared.account(VENUE).ledger.position(SYMBOL).size == D("0.2")
    assert long["a0"][0] < flat["a0"][0]
    assert long["b0"][0] < flat["b0"][0]
    assert sum(size for label, (_, size) in long.items() if label[0] == "b") <= 0.3 + 1e-9


def test_at_the_limit_it_only_reduces() -> None:
    session = running(max_position=D("0.1"))
    assert sum(size for label, (_, size) in ladder(session).items() if label[0] == "b") == pytest.approx(0.1)
    session.fill(3.0, next(order for order in session.working if order.label == "b0"))
    still(session, 3.0, 5.0)
    assert {order.side for order in session.working} == {"sell"}


def test_it_quotes_again_after_a_fill_but_not_before_its_requote_time() -> None:
    session = running(requote_s=1.0)
    placed = len(session.of(PlaceOrder))
    session.fill(3.05, session.working[0])
    filled = session.sink.records[-1].recv
    still(session, 3.1, 6.0)
    after = [record for record in session.sink.records if record.recv > filled and isinstance(record.event, PlaceOrder)]
    assert len(session.of(PlaceOrder)) == placed + 1
    assert after[0].recv - session.sink.records[0].recv <= 4.1e9


def test_a_gap_in_the_book_pulls_everything() -> None:
    session = running()
    session.feed(4, FeedStatus(VENUE, SYMBOL, "book", "gap"))
    assert all(order.pending_cancel for order in session.working)
    session.answer(4.1)
    still(session, 5.0, 7.0)
    assert len(session.working) == 6


def test_it_pulls_its_quotes_while_its_market_is_not_healthy() -> None:
    session = Session()
    params = Plain(**FIELDS)
    run_strategies(session.pipeline, [Strategy("plain", lambda feeds: plain(feeds, params))])
    still(session, 0.0, 3.0)
    session.answer(3.0)
    quotes = len(session.working)
    assert quotes
    session.feed(3.1, FeedStatus(VENUE, "", "rest", "banned"))
    assert len(session.of(CancelOrder)) == quotes
    session.answer(3.2)
    still(session, 3.3, 5.0)
    assert not session.working, "and places none meanwhile"


def test_an_account_that_is_not_ready_keeps_it_quiet() -> None:
    session = Session(begin=(instrument(), book()))
    params = Plain(**FIELDS)
    run_strategies(session.pipeline, [Strategy("plain", lambda feeds: plain(feeds, params))])
    still(session, 0.0, 3.0)
    assert session.intents == []
    session.feed(3.1, READY)
    assert len(session.of(PlaceOrder)) == 6


def test_its_own_gate_holds_it() -> None:
    session = running(risk=RiskLimits(max_order_notional=D(5)))
    assert session.intents == []
    blocked = session.of(Blocked)
    assert {event.rule for event in blocked} == {"max_order_notional"}
    assert len(blocked) < 6 * 4  # it rests between tries


def test_quotes_that_the_venue_would_never_take_end_it_with_the_reason() -> None:
    session = Session(begin=(instrument(min_size=D(5)), book(), READY))
    params = Plain(**FIELDS)
    run_strategies(session.pipeline, [Strategy("plain", lambda feeds: plain(feeds, params))])
    still(session, 0.0, 1.0)
    (failed,) = session.of(StrategyFailed)
    assert failed.error.startswith("ConfigurationError: an order of 0.1 could never be placed")


def test_it_never_sends_what_is_off_the_grid() -> None:
    session = running(size=D("0.1234567"), max_position=D("0.777777"))
    for step in range(30):
        price = 100 + step * 0.07
        still(session, 3 + step, 4 + step, price, price + 0.13)
        if step % 4 == 0 and session.working:
            session.fill(4 + step, session.working[0])
    market = session.shared.instrument(VENUE, SYMBOL)
    for intent in session.of(PlaceOrder, AmendOrder):
        market.check(intent.price, intent.size)
    assert session.of(StrategyFailed) == []
    assert len(session.of(CancelOrder, AmendOrder)) > 10


WRONG: dict[str, tuple[dict[str, object], str]] = {
    "no venue": ({"venue": ""}, "venue and symbol"),
    "no size": ({"size": D(0)}, "size must be above zero"),
    "a position smaller than one level": ({"max_position": D("0.05")}, "max_position"),
    "a least spread above the most": ({"min_bps": 500.0}, "min_bps"),
    "a spread of nothing": ({"min_bps": 0.0}, "min_bps"),
    "a negative skew": ({"skew_bps": -1.0}, "skew_bps"),
    "a half-life of nothing": ({"volatility_half_life_s": 0.0}, "volatility_half_life_s"),
    "a requote time of nothing": ({"requote_s": 0.0}, "requote_s"),
    "no levels": ({"levels": 0}, "levels"),
    "too many levels": ({"levels": 51}, "levels"),
    "levels on top of each other": ({"level_spacing_bps": 0.0}, "level_spacing_bps"),
    "levels beyond nothing": ({"max_bps": 20_000.0}, "bps away"),
    "a tolerance of all": ({"size_tolerance": 1.0}, "size_tolerance"),
    "something that is no number": ({"skew_bps": float("nan")}, "skew_bps"),
}


@pytest.mark.parametrize(("fields", "names"), WRONG.values(), ids=WRONG)
def test_parameters_that_make_no_sense_are_refused_in_one_line(fields: dict[str, object], names: str) -> None:
    with pytest.raises(ConfigurationError, match=names) as caught:
        build("plain", FIELDS | fields)
    assert "\n" not in str(caught.value)
