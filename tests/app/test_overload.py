"""Markets that are faster than the session: quotes are pulled, the account is whole, it recovers, a replay decides the same."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from adapters import order_ids
from adapters.loopback import LOOPBACKS, Place
from adapters.loopback.truth import Truth
from app.chaos.agreement import open_differences
from app.chaos.venue import Seen
from app.config import StrategyConfig
from app.session import LiveSession
from replay.audit import audit
from replay.redecode import redecode
from replay.verify import verify
from state.events import FeedStatus, Fill, PlaceOrder
from state.log import Log
from state.manifest import Manifest
from state.order import Order
from state.record import Record
from streams.strategies.recorded import strategies_of
from tests.app.burning import OVER
from tests.live import VenueThread, keys_of, record_live, tight_plain

HELD_S = {"hyperliquid": 0.45, "dydx": 0.2}  # their frames are fewer and larger


@dataclass(frozen=True)
class Overloaded:
    session: LiveSession
    left: list[str]  # what is missing to the end of the story
    truth: Truth
    records: list[Record]

    @property
    def load(self) -> list[tuple[int, FeedStatus]]:
        """What was said of lateness, with its seqs."""
        return [(seq, event) for seq, event in self._statuses() if event.channel == "load"]

    @property
    def dropped(self) -> list[str]:
        """Why feeds were lost whose connection had frames that waited."""
        down = (event.reason for _, event in self._statuses() if event.status == "down")
        return [reason for reason in down if "frames dropped" in reason]

    def _statuses(self) -> list[tuple[int, FeedStatus]]:
        return [(record.seq, record.event) for record in self.records if isinstance(record.event, FeedStatus)]


class Story:
    """For `until`: the market's sockets are cut while it is late, and it ends once it quotes again and agrees with the venue."""

    def __init__(self, venue: VenueThread, *, cuts: bool) -> None:
        self._venue = venue
        self._steps = ["cut", "calm", "still"] if cuts else ["calm", "still"]
        self.left = list(self._steps)
        self._late_seq = 0  # where it was seen to be late last

    def __call__(self, session: LiveSession) -> bool:
        shared, name = session.pipeline.shared, self._venue.name
        load, account = shared.connections.get((name, "load")), shared.accounts.get(name)
        step = self._steps[0] if self._steps else ""
        if load == "stale":
            self._late_seq = session.pipeline.seq
        if step == "cut" and load == "stale":
            self._venue.call(lambda v: v.cut_sockets(Place.PUBLIC))
            self._steps.pop(0)
        elif step == "calm" and load == "ok" and account is not None and self._quotes_again(account.orders.working()):
            self._venue.call(lambda v: v.pace(0.0))
            self._steps.pop(0)
        elif step == "still":
            key, _ = keys_of(name)
            seen = self._venue.call(lambda v: Seen(v.truth(key), v.books))
            self.left = [*([] if load == "ok" else [f"load {load}"]), *open_differences(shared, name, seen)]
            return not self.left
        self.left = list(self._steps)
        return False

    def _quotes_again(self, working: Iterable[Order]) -> bool:
        """Not what rests from before: a cancel at dYdX is a wish until its block is over."""
        return bool(self._late_seq) and any(order.placed_seq > self._late_seq for order in working)


def overload(name: str, url: str, *, keeps_frames: bool) -> Overloaded:
    """Where frames are kept nothing is folded together; so there what waits is too much after two seconds already."""
    with VenueThread(name, seed=8, flow_per_s=60) as venue, pytest.MonkeyPatch.context() as patch:
        params: dict[str, object] = {
            "venue": name,
            "symbols": list(venue.symbols),
            "held_s": HELD_S.get(name, 0.12),
        }
        burning = StrategyConfig("tests.app.burning:burning", "burning", params)
        OVER.clear()
        if keeps_frames:
            patch.setattr("adapters.base.backlog.LATEST_S", 2.0)
        story = Story(venue, cuts=keeps_frames)
        strategies = [*tight_plain(name), burning]
        session = record_live(url, venue, strategies, for_s=200, market_frames=keeps_frames, until=story)
        truth = venue.call(lambda v: v.truth(keys_of(name)[0]))
        OVER.set()
    with Log.open(url) as log:
        return Overloaded(session, story.left, truth, list(log.records(session.id)))


@pytest.mark.parametrize(
    ("name", "keeps_frames"),
    [*((name, True) for name in sorted(LOOPBACKS)), ("bybit", False)],
    ids=lambda word: {True: "frames kept", False: "frames joined"}.get(word, word),
)
def test_a_session_that_is_overloaded_says_so_recovers_and_replays(
    name: str, keeps_frames: bool, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/log.db"
    found = overload(name, url, keeps_frames=keeps_frames)
    assert found.session.failure is None
    assert found.left == [], "books, orders and the venue's agree once the market stands still"
    check_what_is_said(found)
    check_that_nothing_is_quoted_meanwhile(found)
    # What waited is dropped with its connection and counted, or folded together and counted.
    assert found.dropped or not keeps_frames
    heard = [record.event.fill_id for record in found.records if isinstance(record.event, Fill)]
    traded = [fill for fill in found.truth.fills if fill.kind == "trade"]  # and not funding: it may be the hour for it
    assert len(heard) == len(set(heard)) == len(traded), "account events are all there"
    assert found.truth.open_orders == {}
    with Log.open(url) as log:
        session = found.session.id
        assert audit(log, session).findings == ()
        manifest = Manifest.parse(log.find(session).manifest)
        assert verify(log, session, strategies_of(manifest), order_ids(session)).same
        if keeps_frames:
            again = redecode(log, session)
            assert again.differences == ()
            assert again.judged > 50


def check_what_is_said(found: Overloaded) -> None:
    said = [event for _, event in found.load]
    assert (said[0].status, said[-1].status) == ("stale", "ok")
    assert "wait, the first for" in said[0].reason
    assert "frames were folded in" in said[-1].reason


def check_that_nothing_is_quoted_meanwhile(found: Overloaded) -> None:
    seqs = [seq for seq, _ in found.load]
    late = [
        (seq, next(ok for ok, event in found.load if ok > seq and event.status == "ok"))
        for seq, event in found.load
        if event.status == "stale"
    ]
    placed = [
        record.seq for record in found.records if isinstance(record.event, PlaceOrder) and not record.event.reduce_only
    ]
    assert any(seq < seqs[0] for seq in placed), "it quoted before"
    assert [seq for seq in placed if any(stale < seq < ok for stale, ok in late)] == []
    assert any(seq > late[0][1] for seq in placed), "and quotes again"
