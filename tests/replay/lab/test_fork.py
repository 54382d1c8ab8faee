"""A fork is the session up to its first difference, and a simulation of its own from there."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from adapters import order_ids
from adapters.paper import PaperSettings
from app.commands.fork import _papers
from replay.calibration.rerun import LEAST_LEVERAGE
from replay.fork import Fork, Forked
from state.events import INTENT, Blocked, Fill, FundingPayment, PositionUpdate, Rejected
from state.log import Log
from state.manifest import Manifest
from state.record import Record
from state.reducer import Reducer
from state.shared import SharedState
from streams.strategies.recorded import strategies_of
from tests.replay.lab.sessions import Lab, Tapeline

GOLDEN = str(Path(__file__).parents[2] / "golden/schema-1.tape")
KEPT = (*INTENT, Blocked, Rejected, Fill, FundingPayment)


def forked(lab: Lab, session: str, at: int, settings: PaperSettings | None = None) -> tuple[Forked, list[Record]]:
    """The fork with nothing changed, and the session's own records after it."""
    with Log.open(lab.url) as log:
        row = log.find(session)
        manifest = Manifest.parse(row.manifest)
        paper = settings or msgspec.json.decode(manifest.paper, type=PaperSettings, strict=False)
        run = Fork(row.id, order_ids(row.id), strategies_of(manifest), [], paper, at)
        result = run.run(log.records(row.id))
        return result, [record for record in log.records(row.id, at + 1) if isinstance(record.event, KEPT)]


def places(lab: Lab, session: str) -> Sequence[int]:
    """A beginning, a middle, a decision and a fill."""
    with Log.open(lab.url) as log:
        records = list(log.records(session))
    intents = [record.seq for record in records if isinstance(record.event, INTENT)]
    fills = [record.seq for record in records if isinstance(record.event, Fill)]
    return [20, len(records) // 2, intents[len(intents) // 2], fills[0], fills[-1] - 1, len(records)]


def test_with_nothing_changed_a_fork_of_a_simulation_is_that_simulation_to_its_end(lab: Lab) -> None:
    for at in places(lab, lab.simulated):
        fork, recorded = forked(lab, lab.simulated, at)
        assert fork.difference is None, (at, fork.difference)
        assert fork.records == recorded
    with Log.open(lab.url) as log:
        assert any(isinstance(record.event, Fill) for record in log.records(lab.simulated)), "and it had fills"


def test_with_nothing_changed_a_fork_of_a_live_session_is_the_same_until_the_first_fill_that_differs(lab: Lab) -> None:
    same = 0
    for at in places(lab, lab.live):
        fork, recorded = forked(lab, lab.live, at, PaperSettings())
        found = fork.difference
        if found is None:
            assert fork.records == recorded
            continue
        assert found.what == "fill"
        before = [record for record in recorded if record.recv < found.at]
        assert fork.records[: len(before)] == before
        same += len(before)
    assert same > 0


def test_after_the_first_difference_the_paper_venue_goes_on_with_what_was_working(lab: Lab) -> None:
    fork, _ = forked(lab, lab.live, 400, PaperSettings(order_latency_ms=1, response_latency_ms=1))
    assert fork.difference is not None
    after = [record for record in fork.records if record.recv > fork.difference.at]
    assert sum(isinstance(record.event, INTENT) for record in after) > 20
    account = fork.shared.account("bybit")
    assert list(account.orders.working()) == [], "its end is an end: what rested was cancelled, and that was heard"


def test_another_spread_decides_otherwise_from_the_fork_on_and_not_before(lab: Lab, tapeline: Tapeline) -> None:
    said = tapeline("fork", lab.simulated, "--at", "900", "--set", "plain.base_spread_bps=12", "--json")
    assert said.code == 0, said.err
    fact = said.fact()
    difference = fact["difference"]
    assert isinstance(difference, dict)
    assert difference["what"] == "decision"
    sides = [difference["original"], difference["fork"]]
    assert all(side is None or side["seq"] >= 900 for side in sides)
    original, fork = fact["original"], fact["fork"]
    assert isinstance(original, dict)
    assert isinstance(fork, dict)
    assert fork["intents"] != original["intents"]
    assert len(fork["fills"]) < len(original["fills"]), "twelve basis points away hardly anybody comes"
    again = tapeline("fork", lab.simulated, "--at", "900", "--set", "plain.base_spread_bps=12", "--json")
    assert again.out == said.out


def test_the_two_are_printed_side_by_side(lab: Lab, tapeline: Tapeline) -> None:
    said = tapeline("fork", lab.simulated, "--at", "500", "--set", "plain.base_spread_bps=12")
    assert said.code == 0, said.err
    for word in ("first difference: a decision", "measure\toriginal\tfork", "PlaceOrder\t", "PnL bybit BTCUSDT\t"):
        assert word in said.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param(("--at", "0"), "there is no seq 0", id="a seq before the first"),
        pytest.param(("--at", "9999999"), "there is no seq 9999999", id="a seq after the last"),
        pytest.param(("--at", "9", "--set", "nobody.x=1"), "no strategy 'nobody' in the session", id="a stranger"),
        pytest.param(("--at", "9", "--set", "size=1"), "no strategy ''", id="no strategy said"),
        pytest.param(("--at", "9", "--set", "plain.sise=1"), "has no parameter sise", id="no such parameter"),
        pytest.param(("--at", "9", "--set", "paper.que=1"), "paper:", id="no such assumption"),
    ],
)
def test_what_cannot_be_forked_is_said_in_one_line(
    lab: Lab, tapeline: Tapeline, words: Sequence[str], told: str
) -> None:
    said = tapeline("fork", lab.live, *words)
    assert said.code == 2
    assert told in said.err
    assert len(said.err.splitlines()) == 1


def test_a_session_on_paper_is_forked_on_the_paper_that_it_had(lab: Lab) -> None:
    """A live session tells its paper venues by name, a simulation and a shadow one for all; what is said goes before."""
    had = PaperSettings(order_latency_ms=7, queue="log")
    with Log.open(lab.url) as log:
        manifest = Manifest.parse(log.find(lab.live).manifest)
    of_venues = msgspec.Raw(msgspec.json.encode({"bybit": had, "okx": None}))
    for source in ("live", "demo", "shadow", "simulation"):
        paper = msgspec.Raw(msgspec.json.encode(had)) if source in ("shadow", "simulation") else of_venues
        known = msgspec.structs.replace(manifest, source=source, paper=paper)
        papers = _papers(known, ["paper.response_latency_ms=3", "plain.levels=1"], SharedState())
        other = PaperSettings(response_latency_ms=3, leverage=LEAST_LEVERAGE)
        wanted = PaperSettings(order_latency_ms=7, queue="log", response_latency_ms=3)
        assert papers == ({"": wanted} if source in ("shadow", "simulation") else {"": other, "bybit": wanted}), source


def test_a_fork_of_a_session_at_a_real_venue_refuses_nothing_for_want_of_margin_unless_a_leverage_is_said() -> None:
    """Leverage 1 refused every order of an account that had traded with ten times its balance, and the fork filled nothing."""
    shared = SharedState()
    fold = Reducer(shared).apply
    told = PositionUpdate("bybit", "BTCUSDT", None, Decimal(1), leverage=Decimal(250))
    fold(Record(1, 1, 0, told))
    manifest = Manifest(seed=1, paper=msgspec.Raw(b'{"bybit":null}'))
    for words, leverage, asset in (
        ([], Decimal(250), ""),
        (["paper.leverage=3", "paper.asset=USDT"], Decimal(3), "USDT"),
    ):
        paper = _papers(manifest, words, shared)[""]
        assert (paper.leverage, paper.asset) == (leverage, asset)


@pytest.mark.parametrize("at", [1, 13, 800])
def test_a_strategy_that_draws_by_chance_draws_the_same_in_a_fork(tapeline: Tapeline, at: int) -> None:
    """It drew as if the session had no seed, and none of its histories could be forked."""
    said = tapeline("fork", GOLDEN, "--at", str(at))
    assert said.code == 0, said.err
    assert "to its end the fork is the session" in said.out
    wider = tapeline("fork", GOLDEN, "--at", str(at), "--set", "quoter.away_ticks=5")
    assert wider.code == 0, wider.err
    assert "first difference: a decision" in wider.out
