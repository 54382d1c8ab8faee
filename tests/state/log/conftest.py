"""One contract, both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from state.log import Log


@pytest.fixture(params=["sqlite", "postgresql"])
def log_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty log, once on each database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/log.db"
    url: str = request.getfixturevalue("postgres_log_url")
    return url


@pytest.fixture
def log(log_url: str) -> Iterator[Log]:
    """An empty log."""
    with Log.open(log_url) as opened:
        yield opened
