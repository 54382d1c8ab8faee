"""One live session against a loopback venue, and `plain` simulated on its market, in one log."""

import pytest

from app.cli import run
from app.session import LiveSession
from state.log import Log
from tests.live import VenueThread, record_live, tight_plain
from tests.replay.lab.sessions import Lab, Said, Tapeline

FILLS = 4


def has_traded(session: LiveSession) -> bool:
    positions = session.pipeline.shared.account("bybit").ledger.positions.values()
    return sum(position.fills for position in positions) >= FILLS and session.pipeline.seq > 2_000


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """Both sessions; nobody may change the log."""
    url = f"sqlite:///{tmp_path_factory.mktemp('lab')}/log.db"
    with VenueThread() as venue:
        ended = record_live(url, venue, tight_plain(), for_s=90, until=has_traded, snapshot_every=500)
    assert ended.failure is None
    words = ["replay", ended.id, "--simulate", "plain", "--log", url, "--set", "paper.order_latency_ms=5"]
    assert run([*words, "--set", "paper.response_latency_ms=5", "--set", "paper.queue=power"]) == 0
    with Log.open(url) as log:
        return Lab(url, ended.id, log.find("last").id)


@pytest.fixture
def tapeline(lab: Lab, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Tapeline:
    """The command line in this process, on the log of `lab`."""
    monkeypatch.setenv("TAPELINE_LOG", lab.url)
    capfd.readouterr()

    def call(*words: str) -> Said:
        code = run(words)
        return Said(code, *capfd.readouterr())

    return call
