"""Where the tests find what is not in the repository: recordings of third parties and a PostgreSQL server."""

import os
from pathlib import Path

import pytest

RECORDINGS = Path(__file__).resolve().parents[1].parent / "shared" / "data"


def _absent(reason: str) -> None:
    """Skips on a developer's machine; in CI nothing may be skipped."""
    if os.environ.get("CI"):
        pytest.fail(f"not allowed to skip in CI: {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of real recordings by third parties."""
    if not RECORDINGS.is_dir():
        _absent(f"no recordings at {RECORDINGS}")
    return RECORDINGS
