"""A whole live session on OKX's wire: `plain` quotes two swaps, is filled, loses its sockets, and leaves flat."""

from pathlib import Path

import pytest

from adapters import order_ids
from adapters.loopback import Place
from app.config import RunConfig
from app.session import LiveSession
from replay.redecode import redecode
from replay.verify import verify
from state.events import Accepted, FeedStatus, Fill, OrderUpdate, Rejected
from state.log import Log
from state.manifest import Manifest
from streams.risk import RiskLimits
from streams.strategies.recorded import strategies_of
from tests.live import KEY, PASSPHRASE, SECRET, VenueThread, record, tight_plain


def config(venue: VenueThread) -> RunConfig:
    limits = RiskLimits(max_open_orders=20, max_messages_per_s=50, price_collar_bps=500)
    return RunConfig([venue.line(market_frames=True)], tight_plain("okx"), limits, stop="flatten")


CUTS = (Place.PUBLIC, Place.PRIVATE)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, LiveSession, VenueThread]:
    """All frames kept; the sockets are cut once it trades, and it goes on until it has traded some more after that."""
    url = f"sqlite:///{tmp_path_factory.mktemp('okx')}/log.db"
    left = list(CUTS)
    fills_at_cut: list[int] = []

    def has_seen_all(session: LiveSession) -> bool:
        account = session.pipeline.shared.accounts.get("okx")
        fills = 0 if account is None else sum(position.fills for position in account.ledger.positions.values())
        if left and fills > len(CUTS) - len(left):
            place = left.pop(0)
            venue.call(lambda v: v.cut_sockets(place))
            fills_at_cut.append(fills)
        return not left and fills > fills_at_cut[-1] + 2

    with VenueThread("okx", seed=5) as venue:
        session = record(url, config(venue), for_s=60, until=has_seen_all)
        return url, session, venue


def test_it_trades_and_leaves_flat_with_nothing_resting(played: tuple[str, LiveSession, VenueThread]) -> None:
    url, session, venue = played
    assert session.failure is None
    with Log.open(url) as log:
        events = [record.event for record in log.records(session.id)]
    assert sum(isinstance(event, Accepted) for event in events) > 3
    assert sum(isinstance(event, Fill) for event in events) > 3
    assert {event.status for event in events if isinstance(event, OrderUpdate)} >= {"open", "filled", "cancelled"}
    assert {event.refusal for event in events if isinstance(event, Rejected)} <= {"post_only", "gone", "busy", "rule"}
    down = {event.channel for event in events if isinstance(event, FeedStatus) and event.status == "down"}
    assert {"book", "account"} <= down
    truth = venue.venue.truth(KEY)
    assert not truth.open_orders
    assert all(position.size == 0 for position in truth.positions.values())
    ours = {(event.symbol, event.side, event.fill_id) for event in events if isinstance(event, Fill)}
    assert len(ours) == sum(isinstance(event, Fill) for event in events) == len(truth.fills), (
        "each fill once, and none lost"
    )


def test_its_replay_is_the_same_and_its_frames_say_what_was_recorded(
    played: tuple[str, LiveSession, VenueThread], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a contract is, is read from the session itself, and from nothing that the adapter knows beforehand."""
    url, session, _ = played
    monkeypatch.setattr("adapters.okx.contracts.USUAL", {})
    with Log.open(url) as log:
        found = redecode(log, session.id)
        assert found.differences == ()
        assert found.judged > 100
        manifest = Manifest.parse(log.find(session.id).manifest)
        assert verify(log, session.id, strategies_of(manifest), order_ids(session.id)).same


def test_no_key_no_passphrase_and_no_signature_is_in_what_it_leaves(
    played: tuple[str, LiveSession, VenueThread],
) -> None:
    url, session, _ = played
    database = Path(url.removeprefix("sqlite:///"))
    with Log.open(url) as log:
        bodies = [frame.body + frame.url.encode() for frame in log.frames(session.id)]
    left = b"".join(bodies) + b"".join(path.read_bytes() for path in database.parent.glob("log.db*"))
    for word in (KEY, SECRET, PASSPHRASE):
        assert word.encode() not in left
    logins = [body for body in bodies if b'"op":"login"' in body]
    assert logins
    assert all(body.count(b'"***"') == 3 for body in logins)
