"""`pipe` infers through every operator, so that a strategy is checked as it is written."""

from pathlib import Path

import pytest
from mypy import api

HERE = Path(__file__).parent
ROOT = HERE.parents[2]


@pytest.mark.slow
def test_pipes_are_inferred(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    told, errors, code = api.run(["--strict", str(HERE / "typed_pipes.py")])
    assert (code, errors) == (0, ""), told
