"""A log that takes what it is given and makes nothing durable any more: what rests is cancelled while there is time."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from app.session import LiveSession
from state.errors import LogError
from state.log import Log, SessionWriter
from state.log.ink import Ink, Page
from state.log.verify import check
from tests.live import KEY, VenueThread, record_live, tight_plain


@dataclass(frozen=True, slots=True)
class SlowLog:
    """From `hang` on, until `go_on`, no commit ends."""

    url: str
    hang: Callable[[], object]
    go_on: Callable[[], object]


def slow_thread(url: str, is_remote: bool, patch: pytest.MonkeyPatch) -> SlowLog:
    hangs, goes_on = threading.Event(), threading.Event()
    write = Ink.write

    def slow(ink: Ink, page: Page) -> None:
        if hangs.is_set() and threading.current_thread().name.startswith("log "):
            assert goes_on.wait(60)
        write(ink, page)

    patch.setattr(Ink, "write", slow)
    patch.setattr(SessionWriter, "is_remote", property(lambda writer: is_remote))
    return SlowLog(url, hangs.set, goes_on.set)


@pytest.fixture(params=["in a file", "on a server", "in PostgreSQL, whose table somebody has locked"])
def slow_log(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowLog]:
    if "PostgreSQL" not in request.param:
        yield slow_thread(f"sqlite:///{tmp_path}/log.db", request.param == "on a server", monkeypatch)
        return
    url: str = request.getfixturevalue("postgres_url")
    with psycopg.connect(url) as holder:
        yield SlowLog(url, lambda: holder.execute("LOCK TABLE blocks IN EXCLUSIVE MODE"), holder.rollback)


def test_a_log_that_does_not_keep_up_ends_the_session_with_nothing_resting(
    slow_log: SlowLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    hung = []
    end = LiveSession._end

    def ends(session: LiveSession, reason: str) -> None:
        slow_log.go_on()  # by now nothing rests, or never
        end(session, reason)

    monkeypatch.setattr(LiveSession, "_end", ends)
    monkeypatch.setattr("app.session.DURABLE_MOST_S", 0.5)
    with VenueThread(seed=3) as venue:

        def never(session: LiveSession) -> bool:
            if not hung and venue.call(lambda v: v.truth(KEY)).open_orders:
                hung.append(slow_log.hang())
            return False

        session = record_live(slow_log.url, venue, tight_plain(), for_s=60, stop="cancel", until=never)
        left = venue.call(lambda v: v.truth(KEY)).open_orders
    assert hung
    assert isinstance(session.failure, LogError)
    assert "made nothing durable within 0.5 s" in str(session.failure)
    assert left == {}
    assert [report.clean for report in session.reports] == [True]
    with Log.open(slow_log.url) as log:
        assert log.find(session.id).status == "crashed"
        assert check(log, session.id) == []
