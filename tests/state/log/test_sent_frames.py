"""The frame that a record was read from, and what a venue was told: on both databases."""

import pytest

from state.events import FeedStatus, SessionOpened
from state.log import Log
from state.record import Frame, Record

START = 1_786_310_817_000_000_000


@pytest.fixture
def written(log: Log) -> Log:
    """Records 2 and 3 come from one frame, 4 from none; two frames were sent, to two venues."""
    writer = log.begin("s", "{}", START)
    writer.append(Record(1, START, 0, SessionOpened("s", 7)))
    told = Frame(START + 2, "bybit", "private", "in", b'{"told":2}', private=True)
    for seq in (2, 3):
        writer.append(Record(seq, START + 2, 0, FeedStatus("bybit", "", "account", "ok")), told)
    writer.keep(Frame(START + 3, "bybit", "trade", "out", b'{"sent":1}', private=True))
    writer.append(Record(4, START + 4, 0, FeedStatus("other", "", "account", "ok")))
    writer.keep(Frame(START + 5, "other", "rest", "out", b'{"sent":2}', "https://other/order", private=True))
    writer.close(START + 9, "closed")
    return log


@pytest.mark.parametrize(
    ("seq", "body"),
    [
        pytest.param(2, b'{"told":2}', id="the first record of a frame"),
        pytest.param(3, b'{"told":2}', id="the last record of a frame"),
        pytest.param(4, None, id="a record without a frame"),
        pytest.param(1, None, id="a record before every frame"),
    ],
)
def test_a_record_has_the_frame_that_covers_it(written: Log, seq: int, body: bytes | None) -> None:
    with written.reading() as reader:
        found = reader.frame_of("s", seq)
    assert (None if found is None else found.body) == body


@pytest.mark.parametrize(
    ("venue", "since", "until", "bodies"),
    [
        pytest.param("", 0, None, [b'{"sent":1}', b'{"sent":2}'], id="everything that was sent, in order"),
        pytest.param("other", 0, None, [b'{"sent":2}'], id="to one venue"),
        pytest.param("", START + 4, None, [b'{"sent":2}'], id="from a time on"),
        pytest.param("", 0, START + 4, [b'{"sent":1}'], id="up to a time"),
        pytest.param("bybit", START + 4, None, [], id="nothing"),
    ],
)
def test_what_was_sent(written: Log, venue: str, since: int, until: int | None, bodies: list[bytes]) -> None:
    with written.reading() as reader:
        assert [frame.body for frame in reader.sent_frames("s", venue, since, until)] == bodies
