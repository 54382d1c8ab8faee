"""A session whose sockets are cut again and again: in the end it knows what the venue knows, and has let go of everything."""

import random
import threading
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from adapters import order_ids
from adapters.loopback import Fault, Place
from adapters.loopback.bybit import BybitVenue
from app.session import LiveSession
from replay.audit import audit
from replay.verify import verify
from state.events import FeedStatus, Fill
from state.log import Log
from state.manifest import Manifest
from streams.strategies.recorded import strategies_of
from tests.live import KEY, SYMBOLS, VenueThread, record_live, tight_plain
from tests.until import Cuts, fills

CUTS = 8
FILLS = 8


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def trouble() -> random.Random:
    return random.Random(23)


def test_after_many_lost_connections_the_session_knows_what_the_venue_knows(
    tmp_path: Path, trouble: random.Random
) -> None:
    url = f"sqlite:///{tmp_path}/log.db"
    files, threads = open_files(), threading.active_count()

    def lose_an_answer(venue: BybitVenue) -> None:
        # An answer that never comes: the order is there all the same.
        venue.faults.add(Place.TRADE, "order.create*", Fault(drop=True))

    places = [trouble.choice([Place.PUBLIC, Place.PRIVATE, Place.TRADE]) for _ in range(CUTS)]
    with VenueThread(seed=6) as venue:

        def enough(session: LiveSession) -> bool:
            """Each lost answer was to an order of its trading, none to one of its end."""
            return fills(session) >= FILLS and venue.call(lambda v: not v.faults.rules)

        cuts = Cuts(venue, places, enough, also=lose_an_answer)
        session = record_live(url, venue, tight_plain(), for_s=90, until=cuts)
        truth = venue.call(lambda v: v.truth(KEY))
    assert session.failure is None
    assert all(report.clean for report in session.reports)
    assert (truth.open_orders, [p for p in truth.positions.values() if p.size]) == ({}, [])
    with Log.open(url) as log:
        row = log.find(session.id)
        events = [record.event for record in log.records(row.id)]
        lost = Counter(event.channel for event in events if isinstance(event, FeedStatus) and event.status == "down")
        assert sum(lost.values()) >= CUTS
        told = {event.fill_id for event in events if isinstance(event, Fill)}
        assert told == {fill.exec_id for fill in truth.fills}, "each fill is in the log, whichever socket was down"
        ledger = session.pipeline.shared.account("bybit").ledger
        assert {symbol: ledger.position(symbol).size for symbol in SYMBOLS} == dict.fromkeys(SYMBOLS, Decimal(0))
        realized = sum((ledger.position(symbol).realized_pnl for symbol in SYMBOLS), Decimal(0))
        assert abs(realized - truth.realized) < Decimal("0.000001")
        assert not session.pipeline.shared.account("bybit").orders.working()
        assert audit(log, row.id).findings == ()
        manifest = Manifest.parse(row.manifest)
        assert verify(log, row.id, strategies_of(manifest), order_ids(row.id)).same
    assert threading.active_count() == threads
    assert open_files() <= files, "every socket and the log were closed"
