"""A book that stays crossed though none of its updates is missing is told whole again, and why is recorded."""

from pathlib import Path

import pytest

from adapters import order_ids
from adapters.loopback import LOOPBACKS
from app.crossed import CROSSED_MOST_S, CrossedWatch
from app.session import LiveSession
from replay.verify import verify
from state.events import BookDelta, BookSnapshot, FeedStatus
from state.log import Log
from state.manifest import Manifest
from state.shared import SharedState
from streams.strategies.recorded import strategies_of
from tests.live import VenueThread, record_live

WHOLE = {"hyperliquid"}  # whose book is told whole again and again anyway


@pytest.mark.parametrize("name", sorted(set(LOOPBACKS) - WHOLE))
def test_a_book_that_stays_crossed_is_told_whole_again(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The update that crosses it is one that the venue never said, and that fits its sequence."""
    url = f"sqlite:///{tmp_path}/log.db"
    monkeypatch.setattr("app.crossed.CROSSED_MOST_S", 0.2)
    told: list[int] = []
    with VenueThread(name, seed=3, flow_per_s=1.0) as venue:
        symbol = venue.symbols[0]

        def healed(session: LiveSession) -> bool:
            book = session.pipeline.shared.market(name, symbol).book
            if book.is_ok and not told:
                crossing = BookDelta(name, symbol, book.ts, [(book.ask * 2, 1.0)], [], book.update_id, book.update_id)
                session.feed(session.pipeline.timeline.now_ns, [crossing])
                assert book.status == "crossed"
                told.append(session.pipeline.seq)
            return bool(told) and book.is_ok

        session = record_live(url, venue, [], for_s=60, stop="leave", until=healed)
    assert session.failure is None
    with Log.open(url) as log:
        after = [record.event for record in log.records(session.id) if record.seq > told[0]]
        reasons = [e.reason for e in after if isinstance(e, FeedStatus) and (e.status, e.symbol) == ("down", symbol)]
        assert reasons[0] == f"the book of {symbol} was crossed for more than 0.2 s"
        assert any(isinstance(event, BookSnapshot) and event.symbol == symbol for event in after)
        manifest = Manifest.parse(log.find(session.id).manifest)
        assert verify(log, session.id, strategies_of(manifest), order_ids(session.id)).same


def test_a_book_is_told_of_only_while_it_stays_crossed() -> None:
    shared, watch = SharedState(), CrossedWatch()
    book = shared.market("v", "BTC").book

    def look(at_s: float) -> list[str]:
        return [symbol for _, symbol, _ in watch.look(shared, at_s)]

    book.replace(BookSnapshot("v", "BTC", 1, [(101.0, 1.0)], [(100.0, 1.0)]))
    assert (look(0.0), look(CROSSED_MOST_S)) == ([], [])
    assert look(CROSSED_MOST_S + 0.1) == ["BTC"]
    assert (look(CROSSED_MOST_S + 0.2), look(2 * CROSSED_MOST_S)) == ([], [])
    assert look(2 * CROSSED_MOST_S + 0.3) == ["BTC"], "it is still so"
    book.replace(BookSnapshot("v", "BTC", 1, [(99.0, 1.0)], [(100.0, 1.0)]))
    assert look(99.0) == []
    book.replace(BookSnapshot("v", "BTC", 1, [(101.0, 1.0)], [(100.0, 1.0)]))
    assert look(100.0) == []
