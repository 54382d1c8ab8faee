"""A log that takes what it is given and makes nothing durable any more: what rests is cancelled while there is time."""

import threading
from pathlib import Path

import pytest

from app.session import LiveSession
from state.errors import LogError
from state.log import Log, SessionWriter
from state.log.ink import Ink, Page
from state.log.verify import check
from tests.live import KEY, VenueThread, record_live, tight_plain


@pytest.mark.parametrize("is_remote", [False, True], ids=["in a file", "on a server"])
def test_a_log_that_does_not_keep_up_ends_the_session_with_nothing_resting(
    is_remote: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/log.db"
    hangs, goes_on = threading.Event(), threading.Event()
    write, end = Ink.write, LiveSession._end

    def slow(ink: Ink, page: Page) -> None:
        if hangs.is_set() and threading.current_thread().name.startswith("log "):
            assert goes_on.wait(60)
        write(ink, page)

    def ends(session: LiveSession, reason: str) -> None:
        goes_on.set()  # by now nothing rests, or never
        end(session, reason)

    monkeypatch.setattr(Ink, "write", slow)
    monkeypatch.setattr(LiveSession, "_end", ends)
    monkeypatch.setattr(SessionWriter, "is_remote", property(lambda writer: is_remote))
    monkeypatch.setattr("app.session.DURABLE_MOST_S", 0.5)
    with VenueThread(seed=3) as venue:

        def never(session: LiveSession) -> bool:
            if venue.call(lambda v: v.truth(KEY)).open_orders:
                hangs.set()
            return False

        session = record_live(url, venue, tight_plain(), for_s=60, stop="cancel", until=never)
        left = venue.call(lambda v: v.truth(KEY)).open_orders
    assert hangs.is_set()
    assert isinstance(session.failure, LogError)
    assert "made nothing durable within 0.5 s" in str(session.failure)
    assert left == {}
    assert [report.clean for report in session.reports] == [True]
    with Log.open(url) as log:
        assert log.find(session.id).status == "crashed"
        assert check(log, session.id) == []
