"""Every shipped strategy in a seeded market against the paper venue: it trades, keeps its limits, and does the same twice."""

from collections.abc import Mapping
from decimal import Decimal
from itertools import accumulate
from pathlib import Path

import msgspec
import pytest

from state.errors import ConfigurationError
from state.events import AmendOrder, AnyEvent, CancelOrder, FeedStatus, PlaceOrder
from state.record import Record
from state.words import sign
from streams.lint import lint_source
from streams.risk import Quoting, RiskLimits
from streams.strategies import STRATEGIES, build
from streams.strategies.funding_carry import FundingCarry, turned
from streams.strategies.registry import find
from streams.strategy import run_strategies
from streams.testing import READY, Session, book, instrument, ticker, update
from streams.testing import SYMBOL as TEST_SYMBOL
from streams.testing import VENUE as TEST_VENUE
from tests.depth import depth
from tests.streams.strategies.market import LEAD, SYMBOL, VENUE, Run, market, run

D = Decimal
BASE: Mapping[str, object] = {"venue": VENUE, "symbol": SYMBOL, "size": "0.05", "max_position": "0.2"}
LEADING: Mapping[str, object] = {"lead_venue": LEAD, "lead_symbol": SYMBOL}
# Only what has no default, and distances that fit a market whose prices move by single bps.
FIELDS: dict[str, Mapping[str, object]] = {
    "plain": BASE,
    "skewed": BASE | LEADING,
    "avellaneda_stoikov": BASE,
    "glft": BASE,
    "cross_venue": BASE | LEADING,
    "twap": {"venue": VENUE, "symbol": SYMBOL, "side": "buy", "size": "0.2", "duration_s": 60.0, "parts": 12},
    "lead_lag": BASE | LEADING,
    "stinky": BASE | {"exit_after_s": 3.0},
    "taker": BASE | LEADING | {"exit_after_s": 3.0},
    "funding_carry": BASE | {"hedge_venue": LEAD, "hedge_symbol": SYMBOL},
}


def recorded(kind: str) -> tuple[Record, ...]:
    if kind == "funding_carry":
        return market(funding_bps=3.0)
    return market(jump_bps=180.0) if kind == "stinky" else market()


_RUNS: dict[str, Run] = {}


def ran(kind: str) -> Run:
    if kind not in _RUNS:
        _RUNS[kind] = run(kind, FIELDS[kind], recorded(kind))
    return _RUNS[kind]


def test_every_registered_strategy_is_here() -> None:
    assert set(FIELDS) == set(STRATEGIES)


@pytest.mark.parametrize("kind", FIELDS)
def test_it_trades_on_its_defaults_and_does_not_fail(kind: str) -> None:
    result = ran(kind)
    assert result.failures == []
    assert len(result.fills) > 3, len(result.of(PlaceOrder))
    assert any(position for position in result.positions())


@pytest.mark.parametrize("kind", FIELDS)
def test_its_position_stays_within_its_limit(kind: str) -> None:
    assert max(abs(position) for position in ran(kind).positions()) <= D("0.2")


@pytest.mark.parametrize("kind", FIELDS)
def test_the_same_market_leads_to_the_same_decisions(kind: str) -> None:
    """Whatever comes after it: of the whole, a part's decisions are the first."""
    whole = recorded(kind)
    again = run(kind, FIELDS[kind], whole[: len(whole) // depth(3, 1)])
    wanted = (PlaceOrder, AmendOrder, CancelOrder)
    decided = again.of(*wanted)
    assert decided
    assert decided == ran(kind).of(*wanted)[: len(decided)]


@pytest.mark.parametrize("kind", sorted(STRATEGIES))
def test_what_it_says_of_its_quotes_is_checked_against_its_limits(kind: str) -> None:
    params = find(kind).params
    assert params is not None
    assert isinstance(msgspec.convert(dict(FIELDS[kind]), params), Quoting)
    with pytest.raises(ConfigurationError, match="max_order_size"):
        build(kind, dict(FIELDS[kind]) | {"risk": {"max_order_size": "0.01"}})


@pytest.mark.parametrize("kind", sorted(STRATEGIES))
def test_its_defaults_can_quote_under_limits_that_just_hold_them(kind: str) -> None:
    params = find(kind).params
    assert params is not None
    p = msgspec.convert(dict(FIELDS[kind]), params)
    assert isinstance(p, Quoting)
    exits = max(getattr(p, "exit_slippage_bps", 0.0), p.furthest_bps)
    risk = RiskLimits(max_order_size=p.order_size, max_open_orders=p.order_count, price_collar_bps=exits * 1.1 + 1)
    build(kind, dict(FIELDS[kind]) | {"risk": msgspec.to_builtins(risk)})


@pytest.mark.parametrize("room", ["strategies", "quoting", "risk", "execution"])
def test_what_is_shipped_is_pure(room: str) -> None:
    folder = Path(__file__).resolve().parents[3] / "streams" / room
    assert [str(found) for path in sorted(folder.glob("*.py")) for found in lint_source(path.read_text())] == []


def test_funding_carry_is_short_where_it_is_paid_long_where_that_is_and_flat_where_nobody_pays() -> None:
    result = ran("funding_carry")
    assert D("-0.2") in result.positions()
    assert D("0.2") in result.positions()
    assert result.positions()[-1] == 0
    first, second = (next(r.seq for r in result.records if r.event == fill) for fill in _turning(result))
    assert first < second  # short while shorts are paid, then long
    hedge = result.positions(LEAD)
    assert min(hedge) <= D("-0.19")
    assert max(hedge) >= D("0.19")
    assert abs(hedge[-1]) <= D("0.001")  # less than the hedge venue takes


def _turning(result: Run) -> list[AnyEvent]:
    """The fills that made it short and long."""
    here = [fill for fill in result.fills if fill.venue == VENUE]
    path = result.positions()
    return [here[path.index(at) - 1] for at in (D("-0.2"), D("0.2"))]


def test_funding_carry_waits_until_both_perpetuals_have_told_their_funding() -> None:
    """Both pay the same: there is nothing to earn, whichever tells it first."""
    hedge_symbol = "HEDGE"
    session = Session(begin=(instrument(), instrument(symbol=hedge_symbol), book(), READY))
    fields = {"venue": TEST_VENUE, "symbol": TEST_SYMBOL, "size": "1", "max_position": "2", "hedge_venue": TEST_VENUE}
    session.run(build("funding_carry", fields | {"hedge_symbol": hedge_symbol}).build)
    paid = ticker(funding_rate=3e-4, funding_interval_s=28_800)
    for at_s in range(1, 8):
        session.feed(at_s, book(), msgspec.structs.replace(book(), symbol=hedge_symbol), paid)
        if at_s > 4:
            session.feed(at_s + 0.1, msgspec.structs.replace(paid, symbol=hedge_symbol))
    assert session.intents == []


CARRY: dict[str, tuple[int, float, float, int]] = {
    "nothing held, paid to be short": (0, 1.5, 0.0, -1),
    "nothing held, paid to be long": (0, -1.5, 0.0, 1),
    "nothing held, not paid enough": (0, 0.9, 0.0, 0),
    "a price too far below the hedge market's to sell": (0, 1.5, -21.0, 0),
    "a price too far above the hedge market's to buy": (0, -1.5, 21.0, 0),
    "short, still paid a little": (-1, 0.3, 0.0, -1),
    "short, whatever the premium is by now": (-1, 0.3, -500.0, -1),
    "short, no longer paid": (-1, 0.2, 0.0, 0),
    "short, and now longs are paid": (-1, -1.5, 0.0, 1),
    "long, and now longs pay a little": (1, 0.3, 0.0, 0),
}


@pytest.mark.parametrize(("held", "carry", "premium", "wanted"), CARRY.values(), ids=CARRY)
def test_when_funding_carry_turns(held: int, carry: float, premium: float, wanted: int) -> None:
    p = msgspec.convert(dict(FIELDS["funding_carry"]), FundingCarry)
    assert turned(held, carry, premium, p) == wanted


@pytest.mark.parametrize("kind", sorted(STRATEGIES))
def test_no_number_of_it_may_be_negative_or_none(kind: str) -> None:
    params = find(kind).params
    assert params is not None
    numbers = [f for f in msgspec.structs.fields(params) if f.type in (float, int) or "Decimal" in str(f.type)]
    assert len(numbers) > 3
    for number in numbers:
        for wrong in (
            (-1, "nan") if "Decimal" in str(number.type) else (-1,) if number.type is int else (-1, float("nan"))
        ):
            with pytest.raises(ConfigurationError):
                build(kind, dict(FIELDS[kind]) | {number.name: wrong})


WRONG: dict[str, tuple[str, dict[str, object], str]] = {
    "an exit beyond the collar": (
        "stinky", {"exit_slippage_bps": 300.0, "risk": {"price_collar_bps": 300.0}}, "could never leave",
    ),
    "twelve far orders where ten are allowed": (
        "stinky", {"levels": 6, "risk": {"max_open_orders": 10}}, "could never quote",
    ),
    "a ladder at 250 bps within a collar of 100": (
        "stinky", {"exit_slippage_bps": 1.0, "risk": {"price_collar_bps": 100.0}}, "could never quote",
    ),
    "a ladder that ends before it begins": ("stinky", {"nearest_bps": 300.0}, "nearest_bps"),
    "a threshold beyond the largest signal": ("taker", {"threshold_bps": 5.0}, "could never trade"),
    "a lead venue without its market": ("skewed", {"lead_symbol": ""}, "venue and symbol"),
    "a market that hedges itself": ("funding_carry", {"hedge_venue": VENUE}, "cannot hedge itself"),
    "an exit before the entry": ("funding_carry", {"exit_bps": 1.0}, "close at once"),
    "an order behind a collar": (
        "funding_carry", {"offset_bps": 50.0, "risk": {"price_collar_bps": 20.0}}, "could never quote",
    ),
    "a market that leads itself": ("lead_lag", {"lead_venue": VENUE}, "cannot lead itself"),
    "no lead at all": ("lead_lag", {"lead_venue": "", "lead_symbol": ""}, "must be named"),
    "a spread outside of its bounds": ("lead_lag", {"spread_bps": 1.0}, "spread_bps"),
    "a skew of another shape": ("skewed", {"skew": "cubic"}, "skew"),
    "levels that do not part": ("skewed", {"level_ratio": 1.0}, "level_ratio"),
    "levels beyond nothing": ("skewed", {"levels": 40}, "bps away"),
    "no aversion to risk": ("glft", {"risk_aversion": 0.0}, "risk_aversion"),
    "a horizon of nothing": ("avellaneda_stoikov", {"horizon_s": 0.0}, "horizon_s"),
    "one trade to learn from": ("glft", {"min_arrivals": 1}, "min_arrivals"),
    "an exit at once": ("taker", {"exit_after_s": 0.0}, "exit_after_s"),
    "a twap whose parts are nothing": ("twap", {"parts": 0}, "parts"),
    "a twap on no side": ("twap", {"side": "long"}, "side"),
    "a hedge through the wrong side of the touch": ("cross_venue", {"hedge_slippage_bps": -1.0}, "hedge_slippage_bps"),
    "an unknown parameter": ("glft", {"gamma": 1.0}, "gamma"),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "fields", "names"), WRONG.values(), ids=WRONG)
def test_parameters_that_make_no_sense_are_refused_in_one_line(
    kind: str, fields: dict[str, object], names: str
) -> None:
    with pytest.raises(ConfigurationError, match=names) as caught:
        build(kind, dict(FIELDS[kind]) | fields)
    assert "\n" not in str(caught.value)


def test_stinky_closes_what_it_took_by_the_clock() -> None:
    result = ran("stinky")
    exits = [placed for placed in result.of(PlaceOrder) if placed.label == "~exit"]
    assert exits
    assert all(placed.reduce_only and placed.tif == "ioc" for placed in exits)
    assert result.positions()[-1] == 0


def test_taker_is_out_after_its_time() -> None:
    result = ran("taker")
    assert {placed.tif for placed in result.of(PlaceOrder)} == {"ioc"}
    assert any(placed.label == "~exit" for placed in result.of(PlaceOrder))


def test_taker_counts_what_is_out_while_no_answer_comes() -> None:
    session = Session(begin=(FeedStatus(VENUE, "", "account", "ok"),))
    run_strategies(session.pipeline, [build("taker", dict(FIELDS["taker"]), "one")])
    for record in recorded("taker"):
        session.pipeline.feed(record.recv, (record.event,))
    taken = [placed for placed in session.of(PlaceOrder) if not placed.reduce_only]
    assert taken
    for side in ("buy", "sell"):
        assert sum(placed.size for placed in taken if placed.side == side) <= D("0.2")


def test_taker_counts_what_is_filled_before_the_fill_is_told() -> None:
    """Each order is told filled at once, and no fill ever comes: the position stands still at nothing."""
    session = Session(begin=(FeedStatus(VENUE, "", "account", "ok"),))
    run_strategies(session.pipeline, [build("taker", dict(FIELDS["taker"]), "one")])
    for record in recorded("taker"):
        session.pipeline.feed(record.recv, (record.event,))
        for order in session.shared.account(VENUE).orders.working():
            session.pipeline.feed(record.recv, (update(order, "filled", filled=order.size),))
    taken = [placed.size * sign(placed.side) for placed in session.of(PlaceOrder) if not placed.reduce_only]
    assert max(map(abs, accumulate(taken))) == D("0.2")


def test_a_twap_buys_the_whole_over_its_time_and_no_more() -> None:
    result = ran("twap")
    assert result.positions()[-1] == D("0.2")
    times = [record.recv for record in result.records if isinstance(record.event, PlaceOrder)]
    assert (times[-1] - times[0]) / 1e9 == pytest.approx(55.0, abs=1.5)


def test_what_cross_venue_makes_here_it_hedges_there() -> None:
    result = ran("cross_venue")
    here, there = result.positions(VENUE), result.positions(LEAD)
    assert len(there) > 3
    assert here[-1] == -there[-1]


def test_lead_lag_quotes_what_the_lead_says() -> None:
    """The other venue is 2 above, and ahead: quotes are where this one will be, not 2 above it."""
    result = ran("lead_lag")
    mids = {
        record.recv: record.event.bids[0][0] + 0.1
        for record in market()
        if type(record.event).__name__ == "BookSnapshot" and record.event.venue == VENUE
    }
    times = sorted(mids)
    bids = [record for record in result.records if isinstance(record.event, PlaceOrder) and record.event.label == "b0"]
    assert bids
    for record in bids[3:]:
        later = next(at for at in times if at >= record.recv)
        assert abs(float(record.event.price) / mids[later] - 1) * 10_000 < 8


@pytest.mark.parametrize("kind", FIELDS)
def test_its_state_can_be_written_down_in_the_middle_of_trading(kind: str) -> None:
    from streams.checkpoint import dump
    from streams.strategy import run_strategies
    from streams.testing import READY, Session

    session = Session(begin=(READY,))
    running = run_strategies(session.pipeline, [build(kind, dict(FIELDS[kind]), "one")])
    for record in recorded(kind)[:400]:
        session.pipeline.feed(record.recv, (record.event,))
    assert running[0].error is None
    assert dump(running) == dump(running) != b""
