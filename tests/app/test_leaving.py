"""A session that is to leave its orders leaves them, whatever its strategies do when they are halted."""

from pathlib import Path

from adapters import order_ids
from replay.verify import verify
from state.log import Log
from state.manifest import Manifest
from streams.strategies.recorded import strategies_of
from tests.live import KEY, VenueThread, record_live, tight_plain


def test_what_rests_when_the_session_ends_rests_on(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/log.db"
    with VenueThread(seed=3, flow_per_s=1.0) as venue:

        def quotes(_: object) -> bool:
            return len(venue.call(lambda v: v.truth(KEY)).open_orders) >= 4

        session = record_live(url, venue, tight_plain(), for_s=90, stop="leave", until=quotes)
        left = set(venue.call(lambda v: v.truth(KEY)).open_orders)
    assert session.failure is None
    assert len(left) >= 4
    with Log.open(url) as log:
        row = log.find(session.id)
        assert verify(log, row.id, strategies_of(Manifest.parse(row.manifest)), order_ids(row.id)).same
