"""Frames of a live session decoded again, public and private, through lost connections; and a frame that says something else."""

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from adapters.loopback import Place
from replay.redecode import redecode
from state.errors import WrongUse
from state.events import FeedStatus, Fill, OrderUpdate, Trade
from state.log import Log, StoredFrame
from state.record import Frame
from tests.live import VenueThread, record_live, tight_plain
from tests.until import Cuts, fills

FILLS = 8


@dataclass(frozen=True)
class Recorded:
    url: str
    session: str


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """A session with all frames kept; the public sockets are cut in the middle, the private one later."""
    url = f"sqlite:///{tmp_path_factory.mktemp('frames')}/log.db"
    with VenueThread(seed=5) as venue:
        cuts = Cuts(venue, [Place.PUBLIC, Place.PRIVATE], lambda session: fills(session) >= FILLS)
        session = record_live(url, venue, tight_plain(), for_s=90, market_frames=True, until=cuts)
    assert session.failure is None
    return Recorded(url, session.id)


def test_the_connections_were_lost_and_made_again(live: Recorded) -> None:
    with Log.open(live.url) as log:
        events = [record.event for record in log.records(live.session)]
    lost = {event.channel for event in events if isinstance(event, FeedStatus) and event.status == "down"}
    assert {"book", "trades", "ticker", "account"} <= lost
    assert Counter(map(type, events))[Fill] > 0


def test_every_public_and_private_frame_says_what_was_recorded_of_it(live: Recorded) -> None:
    with Log.open(live.url) as log:
        found = redecode(log, live.session)
        frames = Counter((frame.channel, frame.direction) for frame in log.frames(live.session))
    assert found.differences == ()
    assert found.judged == frames["public.0", "in"] + frames["private", "in"]
    assert found.answers == frames["trade", "in"] + frames["rest", "in"]
    assert frames["private", "in"] > 10
    assert found.events > 200


@pytest.mark.parametrize(
    ("kind", "channel"),
    [pytest.param(OrderUpdate, "private", id="an order"), pytest.param(Trade, "public.0", id="a trade")],
)
def test_a_frame_that_says_something_else_is_found(live: Recorded, tmp_path: Path, kind: type, channel: str) -> None:
    with Log.open(live.url) as log, Log.open(f"sqlite:///{tmp_path}/other.db") as other:
        row = log.find(live.session)
        records = list(log.records(row.id))
        stored = list(log.frames(row.id))
        chosen = next(
            frame
            for frame in reversed(stored)
            if frame.channel == channel and frame.first_seq and isinstance(records[frame.first_seq - 1].event, kind)
        )
        changed = replace(chosen, body=_raised(chosen.body))
        assert changed.body != chosen.body
        writer = other.begin(row.id, row.manifest, row.opened, market_frames=True)
        frames = {seq: frame for frame in stored for seq in range(frame.first_seq, frame.last_seq + 1) if seq}
        made: dict[int, Frame] = {}
        for record in records:
            stored_frame = frames.get(record.seq)
            writer.append(record, None if stored_frame is None else _frame(made, stored_frame, changed))
        writer.close(row.closed or 0)
        found = redecode(other, row.id)
    [difference] = found.differences
    assert (difference.channel, difference.seq) == (channel, chosen.first_seq)
    assert difference.body == changed.body
    assert difference.recorded == tuple(r.event for r in records[chosen.first_seq - 1 : chosen.last_seq])
    assert difference.decoded != difference.recorded


def test_a_session_without_frames_is_said_to_have_none(tmp_path: Path) -> None:
    with Log.open(f"sqlite:///{tmp_path}/log.db") as log:
        log.begin("s", '{"seed":1}', 1).close(1)
        with pytest.raises(WrongUse, match="kept no frames"):
            redecode(log, "s")


def _raised(body: bytes) -> bytes:
    """The frame with the last digit of its first price another one."""
    for name in (b'"price":"', b'"p":"'):
        at = body.find(name)
        if at >= 0:
            end = body.index(b'"', at + len(name))
            return body[: end - 1] + (b"7" if body[end - 1 : end] != b"7" else b"3") + body[end:]
    raise AssertionError(body)


def _frame(made: dict[int, Frame], stored: StoredFrame, changed: StoredFrame) -> Frame:
    """One object a frame, as the writer tells frames apart by identity."""
    frame = made.get(stored.id)
    if frame is None:
        frame = made[stored.id] = (changed if stored.id == changed.id else stored).frame
    return frame
