"""A flattening order that came to nothing, or may have: what became of it is known before the session has ended."""

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from adapters.base.settings import VenueSettings
from adapters.bybit.exchange import Exchange
from adapters.loopback import Fault, Place
from app.session import LiveSession, VenueLine
from replay.audit import audit
from state.clock import WallClock
from state.events import AnyEvent, Fill, Halted, PlaceOrder, PositionUpdate, Rejected, SessionOpened, Unknown
from state.log import Log
from state.secrets import Credentials, Secret
from tests.live import KEY, VenueThread, record_live, tight_plain

BUY = (
    '{"symbol":"BTCUSDT","side":"buy","size":"0.1","price":null,"kind":"market","tif":"ioc","reduce_only":false,'
    '"client_id":"","label":""}'
)


def test_a_flattening_order_whose_answer_says_nothing_is_looked_up_before_the_end(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/log.db"
    with VenueThread(seed=3) as venue:
        told = list[int]()

        def holds(session: LiveSession) -> bool:
            """What a person bought: nothing else is on its way, so that the next order is the one that flattens."""
            if not told:
                told.append(session.told("place", BUY, "bybit", "BTCUSDT"))
            held = session.pipeline.shared.account("bybit").ledger.position("BTCUSDT").size
            if held:
                venue.call(lambda v: v.faults.add(Place.TRADE, "order.create*", Fault(status=500)))
            return bool(held)

        session = record_live(url, venue, [], for_s=60, stop="flatten", until=holds)
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


def test_positions_do_not_wait_for_orders_of_which_nobody_says_that_they_are_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.session.FLATTEN_AFTER_S", 0.5)
    url = f"sqlite:///{tmp_path}/log.db"
    with VenueThread(seed=3) as venue:
        told = list[int]()

        def holds(session: LiveSession) -> bool:
            """Quotes rest, and a person holds more than they could close."""
            account = session.pipeline.shared.account("bybit")
            if account.orders.working() and not told:
                told.append(session.told("place", BUY, "bybit", "BTCUSDT"))
            ready = bool(account.orders.working()) and account.ledger.position("BTCUSDT").size > Decimal("0.05")
            if ready:
                venue.call(lambda v: v.faults.add(Place.PRIVATE, "*", Fault(drop=True), times=10_000))
            return ready

        session = record_live(url, venue, tight_plain(), for_s=60, stop="flatten", until=holds)
        truth = venue.call(lambda v: v.truth(KEY))
    assert not [position for position in truth.positions.values() if position.size]
    with Log.open(url) as log:
        records = [(record.recv, record.event) for record in log.records(session.id)]
        (halted,) = [recv for recv, event in records if isinstance(event, Halted)]
        flattening = [recv for recv, event in records if isinstance(event, PlaceOrder) and event.reduce_only]
        assert flattening[0] - halted < 15_000_000_000, "and not the twenty seconds that orders are given"


def test_what_fills_made_is_held_though_the_venue_has_not_said_so(tmp_path: Path) -> None:
    async def held(*events: AnyEvent) -> list[tuple[str, str, Decimal]]:
        with Log.open(f"sqlite:///{tmp_path}/{len(events)}.db") as log:
            writer = log.begin("s", "{}", 1)
            session = LiveSession(writer, WallClock(), seed=1, strategies=[], snapshot_every=1_000)
            exchange = Exchange(
                VenueSettings("bybit"), session, WallClock(), "s", Credentials(Secret("k"), Secret("s"))
            )
            session._venues = {"bybit": VenueLine(exchange, (), trades=True)}
            session.feed(1, [SessionOpened("s", 1), *events])
            found = session._held()
            writer.close(2, "closed")
            return found

    flat = PositionUpdate("bybit", "BTCUSDT", None, Decimal(0))
    bought = Fill("bybit", "BTCUSDT", None, "1", "o", None, "buy", Decimal(100), Decimal(2), Decimal(0), "USDT")
    more = PositionUpdate("bybit", "BTCUSDT", None, Decimal(3))
    assert asyncio.run(held(flat)) == []
    assert asyncio.run(held(flat, bought)) == [("bybit", "BTCUSDT", Decimal(2))]
    assert asyncio.run(held(flat, bought, more)) == [("bybit", "BTCUSDT", Decimal(3))]
