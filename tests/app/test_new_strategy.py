"""A strategy of one's own from the first command to a proven session, and one that a package installs."""

from pathlib import Path

import pytest

from adapters import order_ids
from app.checking import check_config
from app.cli import run
from app.config import RunConfig, StrategyConfig, VenueConfig, read_config
from app.session import LiveSession
from replay.trial import made_market, trial
from replay.verify import verify
from state.errors import ConfigurationError
from state.log import Log
from state.manifest import Manifest
from streams.strategies import build
from streams.strategies.recorded import strategies_of
from tests.command import module
from tests.live import VenueThread, record


def test_what_it_writes_is_tested_linted_run_and_verified_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["new-strategy", "mine", "--into", str(tmp_path / "own")]) == 0
    told = capfd.readouterr().out
    assert "tapeline run mine.toml" in told
    monkeypatch.chdir(tmp_path / "own")
    assert run(["lint", "mine.py"]) == 0
    tests = module("pytest", "-q", "-p", "no:cacheprovider", "test_mine.py", cwd=Path.cwd())
    assert "5 passed" in tests.stdout, tests.stdout + tests.stderr

    config = Path("mine.toml").read_text()
    with VenueThread(seed=8) as venue:
        for written, own in (
            ("http://127.0.0.1:8765", venue.venue.rest_url),
            ("ws://127.0.0.1:8765/v5/public/linear", venue.venue.public_url),
            ("ws://127.0.0.1:8765/v5/private", venue.venue.private_url),
            ("ws://127.0.0.1:8765/v5/trade", venue.venue.trade_url),
        ):
            assert written in config  # the port of `tapeline loopback bybit --port 8765`
            config = config.replace(written, own)
        Path("mine.toml").write_text(config)

        def traded(session: LiveSession) -> bool:
            return session.pipeline.shared.account("bybit").ledger.position("BTCUSDT").fills > 0

        session = record(f"sqlite:///{tmp_path}/log.db", read_config(Path("mine.toml")), for_s=60, until=traded)
    assert session.failure is None
    assert not session.pipeline.shared.failed
    assert traded(session)
    with Log.open(f"sqlite:///{tmp_path}/log.db") as log:
        row = log.find(session.id)
        assert verify(log, row.id, strategies_of(Manifest.parse(row.manifest)), order_ids(row.id)).same


def test_nothing_is_overwritten_and_a_name_must_be_one(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.toml").write_text("mine")
    assert run(["new-strategy", "mine", "--into", str(tmp_path)]) == 2
    assert "is there already" in capfd.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.toml"]
    for wrong in ("Mine", "my-own", "class", "../x", ""):
        assert run(["new-strategy", wrong, "--into", str(tmp_path)]) == 2


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A distribution in a folder, as pip would leave it: a module and its metadata."""
    assert run(["new-strategy", "desk_own", "--into", str(tmp_path)]) == 0
    metadata = tmp_path / "desk_own-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: desk-own\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[tapeline.strategies]\nhouse = desk_own:desk_own\nbroken = desk_own:nothing\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    return "house"


PARAMS = {"venue": "bybit", "symbol": "BTCUSDT", "size": "0.01", "max_position": "0.05"}


def test_a_package_installs_a_strategy_by_name(installed: str) -> None:
    result = trial(build(installed, PARAMS, "one"), made_market("bybit", "BTCUSDT", seconds=20))
    assert result.failed == {}
    assert result.fills
    config = RunConfig([VenueConfig("bybit", ["BTCUSDT"])], [StrategyConfig(installed, "one", dict(PARAMS))])
    check_config(config)


@pytest.mark.parametrize(("name", "why"), [("broken", "could not be imported"), ("nobody", "known: .*house")])
def test_an_entry_point_that_leads_nowhere_is_told(installed: str, name: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        build(name, PARAMS)
