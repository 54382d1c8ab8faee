"""An audit beside a session: clean beside a clean one, and a word at once where something does not hold."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from replay.follow import SETTLED_NS, Follower
from state.errors import WrongUse
from state.events import (
    AnyEvent,
    FeedStatus,
    Fill,
    OrderUpdate,
    PositionUpdate,
    SessionClosed,
    SessionOpened,
    Tick,
)
from state.log import Log
from state.log.schema import blocks
from state.record import Record
from tests.app.conftest import OPENED, SESSION
from tests.behind import behind_its_back
from tests.command import started
from tests.forked import Started
from tests.live import VenueThread, record_live, tight_plain

D = Decimal
FILL = Fill("bybit", "BTCUSDT", OPENED, "f1", "o1", "x", "buy", D(100), D(1), D(0), "USDT", True)
READY = FeedStatus("bybit", "", "account", "ok")


class Story:
    """A session that a test writes record by record, and its follower."""

    def __init__(self, url: str) -> None:
        self.log = Log.open(url)
        self.writer = self.log.begin(SESSION, '{"seed":7}', OPENED)
        self.follower = Follower(self.log, SESSION)
        self.seq = 0
        self.recv = OPENED

    def tell(self, *events: AnyEvent, after_ns: int = 1000) -> list[tuple[int, str]]:
        """Writes them, and returns seq and kind of what the follower then finds."""
        for event in events:
            self.seq, self.recv = self.seq + 1, self.recv + after_ns
            self.writer.append(Record(self.seq, self.recv, 0, event))
        self.writer.flush()
        return [(found.seq, found.kind) for found in self.follower.round()]

    def close(self) -> list[tuple[int, str]]:
        self.writer.close(self.recv, "closed")
        return [(found.seq, found.kind) for found in self.follower.round()]


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    made = Story(f"sqlite:///{tmp_path}/log.db")
    yield made
    with suppress(WrongUse):  # where the test has closed it itself
        made.writer.close(made.recv, "crashed")
    made.log.close()


def position(size: str) -> PositionUpdate:
    return PositionUpdate("bybit", "BTCUSDT", OPENED, D(size))


def test_a_quiet_session_is_followed_to_its_end(story: Story) -> None:
    assert story.tell(SessionOpened(SESSION, 7), READY) == []
    assert not story.follower.ended
    assert story.tell(Tick()) == []
    assert story.tell(SessionClosed("done")) == []
    assert story.close() == []
    assert story.follower.ended
    assert story.follower.seq == 4


def test_a_gap_of_a_feed_is_told_at_once(story: Story) -> None:
    story.tell(SessionOpened(SESSION, 7), READY)
    assert story.tell(FeedStatus("bybit", "BTCUSDT", "book", "gap", "update 7 after 5")) == [(3, "feed gap")]
    assert story.tell(Tick()) == []


def test_an_order_that_nobody_here_placed_is_told_once(story: Story) -> None:
    story.tell(SessionOpened(SESSION, 7), READY)
    update = OrderUpdate(
        "bybit", "BTCUSDT", OPENED, None, "by-hand", "open", "buy", "limit", "gtc", D(100), D(1), filled=D(0)
    )
    assert story.tell(update) == [(3, "unexplained order")]
    assert story.tell(msgspec.structs.replace(update, ts=OPENED + 1, status="cancelled")) == []


def test_a_missing_fill_is_told_when_reports_had_the_time_to_meet(story: Story) -> None:
    story.tell(SessionOpened(SESSION, 7), position("0"), READY)
    assert story.tell(position("1")) == []
    assert story.tell(Tick()) == []
    assert story.tell(Tick(), after_ns=SETTLED_NS) == [(4, "position")]
    assert story.tell(Tick(), after_ns=SETTLED_NS) == []


def test_a_position_that_its_fill_explains_in_time_is_no_residual(story: Story) -> None:
    story.tell(SessionOpened(SESSION, 7), position("0"), READY)
    assert story.tell(position("1")) == []
    assert story.tell(FILL) == [(5, "no order")]
    assert story.tell(Tick(), after_ns=SETTLED_NS) == []


def test_a_record_changed_behind_its_back_ends_the_following(story: Story) -> None:
    story.tell(SessionOpened(SESSION, 7), READY)
    story.writer.append(Record(3, story.recv, 0, Tick()))
    story.writer.flush()
    with behind_its_back(f"sqlite:///{story.log.name}") as connection:
        connection.execute(blocks.update().where(blocks.c.last_seq == 3).values(digest=bytes(32)))
    assert [(found.seq, found.kind) for found in story.follower.round()] == [(3, "corrupt")]
    assert story.follower.ended


def test_a_session_whose_writer_died_is_not_followed_for_ever(story: Story) -> None:
    story.tell(SessionOpened(SESSION, 7), READY)
    story.tell(SessionClosed("done"))
    story.writer.close(story.recv, "closed")
    with behind_its_back(f"sqlite:///{story.log.name}") as connection:
        connection.execute(sa.text("UPDATE sessions SET status = 'running', closed = NULL"))
    follower = Follower(story.log, SESSION)
    found = [each.kind for _ in range(30) for each in ([] if follower.ended else follower.round())]
    assert found == ["running"]


def test_beside_a_live_session_in_another_process_it_is_quiet_and_ends_with_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/log.db"
    Log.open(url).close()
    watching: list[Started] = []

    def watch() -> None:
        wait_for_session(url)
        watching.append(started("audit", "last", "--follow", "--json", "--log", url, cwd=tmp_path))

    beside = threading.Thread(target=watch)
    with VenueThread() as venue:
        beside.start()
        record_live(url, venue, tight_plain(), for_s=4.0)
        beside.join(30)
    out, err = watching[0].communicate(timeout=60)
    assert (watching[0].returncode, out) == (0, ""), out + err
    assert "is closed at record" in err


def test_beside_a_session_in_another_process_it_tells_a_planted_fault_before_the_end(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/log.db"
    events: Sequence[AnyEvent] = [SessionOpened(SESSION, 7), READY, FILL]
    with Log.open(url) as log:
        writer = log.begin(SESSION, '{"seed":7}', OPENED)
        for seq, event in enumerate(events, start=1):
            writer.append(Record(seq, OPENED + seq, 0, event))
        writer.flush()
        watching = started("audit", "last", "--follow", "--json", "--log", url, cwd=tmp_path)
        assert watching.stdout is not None
        told = msgspec.json.decode(watching.stdout.readline(), type=dict[str, object])
        assert (told["seq"], told["kind"]) == (3, "no order")
        assert log.find(SESSION).status == "running"
        writer.append(Record(4, OPENED + 4, 0, SessionClosed("done")))
        writer.close(OPENED + 5, "closed")
        out, err = watching.communicate(timeout=60)
    assert (watching.returncode, out) == (1, ""), err


def wait_for_session(url: str) -> None:
    with Log.open(url) as log:
        until = time.monotonic() + 60
        while not log.sessions():
            assert time.monotonic() < until, "no session began"
            time.sleep(0.05)
