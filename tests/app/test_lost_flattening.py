"""A flattening order that came to nothing, or may have: what became of it is known before the session has ended."""

from pathlib import Path

from adapters.loopback import Fault, Place
from app.session import LiveSession
from replay.audit import audit
from state.events import PlaceOrder, Rejected, Unknown
from state.log import Log
from tests.live import KEY, VenueThread, record_live, tight_plain


def test_a_flattening_order_whose_answer_says_nothing_is_looked_up_before_the_end(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/log.db"
    with VenueThread(seed=3) as venue:

        def holds(session: LiveSession) -> bool:
            held = [p for p in venue.call(lambda v: v.truth(KEY)).positions.values() if p.size]
            if held:
                session.told("halt", "enough")  # so that the next order is the one that flattens
                venue.call(lambda v: v.faults.add(Place.TRADE, "order.create*", Fault(status=500)))
            return bool(held)

        session = record_live(url, venue, tight_plain(), for_s=60, stop="flatten", until=holds)
        truth = venue.call(lambda v: v.truth(KEY))
    assert session.failure is None
    assert not [position for position in truth.positions.values() if position.size]
    assert [report.clean for report in session.reports] == [True]
    with Log.open(url) as log:
        events = [record.event for record in log.records(session.id)]
        doubtful = {event.client_id for event in events if isinstance(event, Unknown)}
        flattening = {event.client_id for event in events if isinstance(event, PlaceOrder) and event.reduce_only}
        assert doubtful & flattening, "the venue said nothing of it"
        assert doubtful <= {event.client_id for event in events if isinstance(event, Rejected)}, (
            "and then never knew it"
        )
        assert audit(log, session.id).findings == ()
