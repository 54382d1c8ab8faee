"""`tapeline lint`, and `run` that refuses what it finds: over the whole corpus of impure and pure strategies."""

from pathlib import Path

import pytest

from app.checking import check_config
from app.cli import run
from app.config import RunConfig, StrategyConfig, VenueConfig
from state.errors import ConfigurationError
from tests.streams.test_lint import IMPURE, PURE

STRATEGY = '\n\ndef strategy(feeds):\n    return feeds.market("bybit", "BTCUSDT").trades\n'


def written(folder: Path, sources: dict[str, str]) -> list[str]:
    """Each of them as a file of a strategy."""
    paths = [folder / f"{name.replace(' ', '_').replace(chr(39), '').replace('/', '_')}.py" for name in sources]
    for path, source in zip(paths, sources.values(), strict=True):
        path.write_text(source + STRATEGY)
    return [str(path) for path in paths]


def test_every_impure_strategy_is_refused_with_file_and_line_and_no_pure_one(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    impure = written(tmp_path, IMPURE)
    assert len(set(impure)) == len(IMPURE) >= 30
    assert run(["lint", *impure]) == 1
    told = capfd.readouterr().out.splitlines()
    lines = [next(n for n, line in enumerate(s.splitlines(), 1) if line.endswith("# !")) for s in IMPURE.values()]
    assert [line.split(" error: ")[0] for line in told] == [f"{p}:{n}:" for p, n in zip(impure, lines, strict=True)]

    assert run(["lint", *written(tmp_path, PURE)]) == 0
    assert capfd.readouterr().out == ""


def test_a_session_with_an_impure_strategy_is_refused_before_anything_is_opened(tmp_path: Path) -> None:
    (path,) = written(tmp_path, {"late": "import time\n\n\ndef now():\n    return time.time()\n"})
    config = RunConfig([VenueConfig("bybit", ["BTCUSDT"])], [StrategyConfig(f"{path}:strategy")])
    with pytest.raises(ConfigurationError, match=r"late\.py:5: error: time\.time reads the wall clock"):
        check_config(config)


@pytest.mark.parametrize(("name", "body"), [("none.py", None), ("wrong.py", "def f(:\n")])
def test_what_cannot_be_linted_is_told_in_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str, body: str | None
) -> None:
    if body is not None:
        (tmp_path / name).write_text(body)
    assert run(["lint", str(tmp_path / name)]) == 2
    told = capfd.readouterr().err.splitlines()
    assert len(told) == 1
    assert name in told[0]
