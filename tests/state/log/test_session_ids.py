"""Ids of sessions say when they were begun, and the log goes by that."""

from hypothesis import given
from hypothesis import strategies as st

from app.session_ids import beside, new_session_id
from state.log import Log
from state.session_ids import begun_ns

SECOND = 1_000_000_000


class Stopped:
    def __init__(self, now: int) -> None:
        self.now = now

    def now_ns(self) -> int:
        return self.now


@given(st.integers(0, 4_000_000_000 * SECOND))
def test_an_id_says_the_second_in_which_it_was_made(now: int) -> None:
    session = new_session_id(Stopped(now))
    assert begun_ns(session) == begun_ns(beside(session)) == now // SECOND * SECOND


@given(st.text(max_size=30) | st.sampled_from(["s", "20260809-abcdef", "20261399-000000-ab", "a-b"]))
def test_an_id_of_another_form_says_nothing(session: str) -> None:
    assert begun_ns(session) is None
    assert beside(session) != session


def test_what_was_begun_last_is_the_last_whenever_its_market_was(log: Log) -> None:
    live, earlier = new_session_id(Stopped(1_700_000_000 * SECOND)), 1_600_000_000 * SECOND
    imported = new_session_id(Stopped(1_700_000_005 * SECOND))
    log.begin(imported, "{}", earlier).close(earlier)
    log.begin(live, "{}", 1_700_000_000 * SECOND).close(1_700_000_001 * SECOND)
    log.begin("named", "{}", 1_650_000_000 * SECOND).close(1_650_000_001 * SECOND)
    assert [row.id for row in log.sessions()] == ["named", live, imported]
    assert log.find("last").id == imported
