"""A whole live session on dYdX's wire: `plain` quotes two markets, is filled, loses its sockets, and leaves flat."""

from decimal import Decimal
from pathlib import Path

import pytest

from adapters import order_ids
from adapters.loopback import Account, Place
from adapters.loopback.dydx.contracts import CUSTOMER
from adapters.loopback.dydx.venue import DydxVenue
from app.config import RunConfig
from app.session import LiveSession
from replay.redecode import redecode
from replay.verify import verify
from state.events import Accepted, FeedStatus, Fill, OrderUpdate, Rejected
from state.log import Log
from state.manifest import Manifest
from streams.risk import RiskLimits
from streams.strategies.recorded import strategies_of
from tests.live import VenueThread, keys_of, record, tight_plain


class Fast(VenueThread):
    """A chain in a hurry: a cancel is a wish until a block that is some ten away."""

    def __init__(self) -> None:
        super().__init__("dydx", seed=5)
        account = Account(*keys_of("dydx"), Decimal(1_000_000))
        self.venue = DydxVenue(self.symbols, 5, [account], flow_per_s=120.0, block_ms=150)


CUTS = (Place.PUBLIC, Place.PRIVATE)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, LiveSession, VenueThread]:
    """All frames kept; the sockets are cut once it trades, and it goes on until it has traded some more after that."""
    url = f"sqlite:///{tmp_path_factory.mktemp('dydx')}/log.db"
    left = list(CUTS)
    fills_at_cut: list[int] = []

    def has_seen_all(session: LiveSession) -> bool:
        account = session.pipeline.shared.accounts.get("dydx")
        fills = 0 if account is None else sum(position.fills for position in account.ledger.positions.values())
        if left and fills > len(CUTS) - len(left):
            place = left.pop(0)
            venue.call(lambda v: v.cut_sockets(place))
            fills_at_cut.append(fills)
        return not left and fills > fills_at_cut[-1] + 2

    limits = RiskLimits(max_open_orders=40, max_messages_per_s=50, price_collar_bps=500)
    with Fast() as venue:
        config = RunConfig(
            [venue.line(market_frames=True, order_life_s=5.0)], tight_plain("dydx"), limits, stop="flatten"
        )
        session = record(url, config, for_s=60, until=has_seen_all)
        return url, session, venue


def test_it_trades_and_leaves_flat_with_nothing_resting(played: tuple[str, LiveSession, VenueThread]) -> None:
    url, session, venue = played
    assert session.failure is None
    with Log.open(url) as log:
        events = [record.event for record in log.records(session.id)]
    assert sum(isinstance(event, Accepted) for event in events) > 3
    assert sum(isinstance(event, Fill) for event in events) > 3
    updates = [event for event in events if isinstance(event, OrderUpdate)]
    assert {event.status for event in updates} >= {"open", "filled", "cancelled"}
    assert any(not event.firm and event.status == "cancelled" for event in updates), "cancels are wishes first"
    refusals = {event.refusal for event in events if isinstance(event, Rejected)}
    assert refusals <= {"post_only", "gone", "busy", "rule", "duplicate", "clock"}
    down = {event.channel for event in events if isinstance(event, FeedStatus) and event.status == "down"}
    assert {"book", "account"} <= down
    truth = venue.venue.truth(CUSTOMER.key)
    assert not truth.open_orders
    assert all(position.size == 0 for position in truth.positions.values())
    ours = {(event.symbol, event.side, event.fill_id) for event in events if isinstance(event, Fill)}
    assert len(ours) == sum(isinstance(event, Fill) for event in events) == len(truth.fills), (
        "each fill once, and none lost"
    )


def test_its_replay_is_the_same_and_its_frames_say_what_was_recorded(
    played: tuple[str, LiveSession, VenueThread],
) -> None:
    url, session, _ = played
    with Log.open(url) as log:
        found = redecode(log, session.id)
        assert found.differences == ()
        assert found.judged > 100
        manifest = Manifest.parse(log.find(session.id).manifest)
        assert verify(log, session.id, strategies_of(manifest), order_ids(session.id)).same


def test_no_key_and_no_address_is_in_what_it_leaves(played: tuple[str, LiveSession, VenueThread]) -> None:
    url, session, _ = played
    database = Path(url.removeprefix("sqlite:///"))
    with Log.open(url) as log:
        bodies = [frame.body + frame.url.encode() for frame in log.frames(session.id)]
    left = b"".join(bodies) + b"".join(path.read_bytes() for path in database.parent.glob("log.db*"))
    assert CUSTOMER.secret.encode() not in left
    assert bytes.fromhex(CUSTOMER.secret) not in left
    assert CUSTOMER.key.encode() not in left
    assert sum(b"tx_bytes" in body for body in bodies) > 3
    assert b'"id":"***/0"' in left
