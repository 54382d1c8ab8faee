"""Venues that go by the wall clock, and yet know of no hour at which a test would find them otherwise."""

from collections.abc import Iterator

import pytest

from adapters.loopback.floor import Floor


@pytest.fixture(scope="module", autouse=True)
def _funding_only_where_asked_for() -> Iterator[None]:
    """A test may run at any minute: no settlement falls into one that does not call for it, by `fund` or `due_funding`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Floor, "settles_when_due", False)
        yield


@pytest.fixture
def due_funding() -> Iterator[None]:
    """Funding is settled when the venue's clock says so, as outside of tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Floor, "settles_when_due", True)
        yield
