"""Two versions of one strategy on one live session: one trades, the other in the shadow is filled on paper, both are proven."""

from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from adapters import order_ids
from adapters.paper import PaperSettings
from app.cli import run
from app.config import RunConfig, StrategyConfig
from app.session import LiveSession
from replay.compare import compare, shadows_of
from replay.simulate import Simulation
from replay.verify import verify
from state.events import MARKET, Command, Fill, PlaceOrder
from state.log import Log
from state.manifest import Manifest
from state.record import Collected
from streams.strategies.recorded import strategies_of
from tests.live import KEY, VenueThread, plain_params, record

WIDE = plain_params("BTCUSDT") | {"base_spread_bps": 0.6, "levels": 1}
PAPER = PaperSettings(order_latency_ms=3, response_latency_ms=3)
FILLS = 3


@dataclass
class Ran:
    url: str
    session: LiveSession
    shadow: str
    venue_ids: list[str]  # client ids of everything that the venue ever saw


def filled(session: LiveSession) -> bool:
    """Both versions were filled, and the one in the shadow has heard a person's word."""
    live = session.pipeline.shared.account("bybit").ledger.position("BTCUSDT").fills
    shadow = session.shadows[0].running
    on_paper = shadow[0].pipeline.shared.account("bybit").ledger.position("BTCUSDT").fills if shadow else 0
    if on_paper >= FILLS and not shadow[0].changed:
        session.told("set", '{"strategy": "wide", "params": {"base_spread_bps": 0.5}}')
    return min(live, on_paper) >= FILLS and bool(shadow[0].changed)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    url = f"sqlite:///{tmp_path_factory.mktemp('shadow')}/log.db"
    with VenueThread(seed=5) as venue:
        strategies = [
            StrategyConfig("plain", "tight", plain_params("BTCUSDT")),
            StrategyConfig("plain", "wide", WIDE, shadow=True),
        ]
        config = RunConfig([venue.line()], strategies, stop="flatten", shadow=PAPER)
        session = record(url, config, for_s=60, until=filled)
        ids = venue.call(lambda v: [order.client_id for order in v.truth(KEY).open_orders])
    assert session.failure is None
    with Log.open(url) as log:
        (shadow,) = shadows_of(log, session.id)
    return Ran(url, session, shadow, ids)


def test_the_live_session_knows_nothing_of_the_shadow(ran: Ran) -> None:
    with Log.open(ran.url) as log:
        assert log.find("last").id == ran.session.id
        names = {r.event.strategy for r in log.records(ran.session.id) if isinstance(r.event, PlaceOrder)}
        assert names <= {"tight", "operator"}
        assert [known.name for known in Manifest.parse(log.find("last").manifest).strategies] == ["tight"]
    assert ran.venue_ids == []


@pytest.mark.parametrize("which", ["live", "shadow"])
def test_both_are_the_same_again_to_the_bit(ran: Ran, which: str) -> None:
    with Log.open(ran.url) as log:
        row = log.find(ran.session.id if which == "live" else ran.shadow)
        assert row.status == "closed"
        verdict = verify(log, row.id, strategies_of(Manifest.parse(row.manifest)), order_ids(row.id))
        assert verdict.same, verdict.difference
        assert verdict.decisions > 10


def test_the_shadow_heard_the_same_market_and_what_was_said_to_it(ran: Ran) -> None:
    with Log.open(ran.url) as log:
        row = log.find(ran.shadow)
        assert row.parent == ran.session.id
        live, shadow = (
            [r.event for r in log.records(each) if isinstance(r.event, MARKET)] for each in (ran.session.id, ran.shadow)
        )
        assert shadow == live
        words = [r.event for r in log.records(ran.shadow) if isinstance(r.event, Command) and r.event.name == "set"]
        assert len(words) == 1
        assert sum(isinstance(r.event, Fill) for r in log.records(ran.shadow)) >= FILLS


def test_the_shadow_is_what_a_simulation_of_the_live_session_comes_to(ran: Ran) -> None:
    """Up to the word that a simulation does not hear."""
    with Log.open(ran.url) as log:
        row = log.find(ran.shadow)
        said = next(r.seq for r in log.records(row.id) if isinstance(r.event, Command) and r.event.name == "set")
        manifest = Manifest.parse(row.manifest)
        sink = Collected()
        simulation = Simulation(
            sink,
            order_ids(row.id),
            strategies_of(manifest),
            PAPER,
            session=row.id,
            seed=manifest.seed,
            parent=row.parent,
        )
        simulation.run(log.records(ran.session.id))
        assert sink.records[: said - 1] == list(log.records(row.id, 1, said - 1))


def test_the_command_compares_them(ran: Ran, capfd: pytest.CaptureFixture[str]) -> None:
    with Log.open(ran.url) as log:
        lines = [*compare(log, ran.session.id), *compare(log, ran.shadow)]
    by_name = {line.strategy: line for line in lines}
    assert by_name["tight"].source == "live"
    assert by_name["wide"].source == "shadow"
    assert min(by_name["tight"].fills, by_name["wide"].fills) >= FILLS
    account = ran.session.pipeline.shared.account("bybit").ledger.position("BTCUSDT")
    parts = [line for line in lines if line.session == ran.session.id]
    assert sum(line.fills for line in parts) == account.fills
    assert sum(line.turnover.get("USDT", 0) for line in parts) == account.turnover
    assert sum(line.fees.get("USDT", 0) for line in parts) == account.fees["USDT"]

    assert run(["compare", "last", "--log", ran.url, "--json"]) == 0
    assert msgspec.json.decode(capfd.readouterr().out, type=list[dict[str, object]])[0]["strategy"] == "tight"
    assert run(["compare", ran.session.id, "--log", ran.url]) == 0
    told = capfd.readouterr().out
    assert "tight" in told
    assert "wide" in told


def test_a_shadow_that_raises_ends_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/log.db"
    with VenueThread(seed=6) as venue:
        strategies = [
            StrategyConfig("plain", "tight", plain_params("BTCUSDT")),
            StrategyConfig(
                "tests.replay.timed:failing", "bad", {"symbol": "BTCUSDT", "size": "0.001", "side": "buy"}, True
            ),
        ]
        config = RunConfig([venue.line()], strategies, stop="flatten")

        def failed_and_goes_on(session: LiveSession) -> bool:
            return session.shadows[0].failure is not None and session.intents_sent > 3

        session = record(url, config, for_s=60, until=failed_and_goes_on)
    assert session.failure is None
    assert not session.pipeline.shared.failed
    assert "bad" in str(session.shadows[0].failure)
