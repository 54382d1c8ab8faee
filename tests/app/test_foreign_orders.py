"""Orders of the account that no session of ours placed: they rest on, however a session ends, unless it is to take them."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest

from adapters import order_ids
from adapters.base.settings import ForeignOrders
from adapters.loopback import LOOPBACKS, Fault, Place
from app.config import RunConfig, StopPolicy
from app.session import LiveSession
from replay.verify import verify
from state.commands import OPERATOR
from state.errors import LogError, LossLimitReached
from state.events import AnyEvent, CancelAll, CancelOrder, Reconciled
from state.log import Log
from state.manifest import Manifest
from streams.risk import RiskLimits
from streams.strategies.recorded import strategies_of
from tests.app.another import NAMES, OTHERS, place_by_another
from tests.live import VenueThread, keys_of, record, tight_plain

Ending = Callable[[LiveSession], bool]


class Scene:
    """One venue on which somebody else trades with our keys."""

    def __init__(self, venue: VenueThread, folder: Path) -> None:
        self.venue = venue
        self.url = f"sqlite:///{folder}/log.db"
        self.foreign: set[str] = set()  # as the venue names them
        self._folder = folder

    @property
    def resting(self) -> set[str]:
        key, _ = keys_of(self.venue.name)
        return set(self.venue.call(lambda v: v.truth(key).open_orders))

    @property
    def ours(self) -> set[str]:
        return self.resting - self.foreign

    def another(self, name: str) -> None:
        """From another thread: a client has an event loop of its own, and this one's session holds still meanwhile."""
        before = self._far()
        with ThreadPoolExecutor(1) as client:
            client.submit(place_by_another, self.venue, self._folder, name).result(60)
        deadline = time.monotonic() + 30
        while not (found := self._far() - before):  # a chain takes it into its next block
            assert time.monotonic() < deadline, "it was not taken"
            time.sleep(0.05)
        assert len(found) == 1, found
        self.foreign |= found

    def _far(self) -> set[str]:
        """Orders that are nowhere near the market, which ours are."""
        key, _ = keys_of(self.venue.name)
        far = LOOPBACKS[self.venue.name].contracts[self.venue.symbols[0]].start_price * Decimal("0.95")
        of_first = self.venue.call(lambda v: v.floor.markets[self.venue.symbols[0]].engine.resting(key))
        return {order.client_id or order.order_id for order in of_first if order.price < far}

    def config(self, *, stop: StopPolicy = "cancel", policy: ForeignOrders = "leave") -> RunConfig:
        limits = RiskLimits(max_open_orders=20, max_messages_per_s=50, price_collar_bps=500)
        line = self.venue.line(foreign_orders=policy, request_timeout_s=2.0)
        return RunConfig([line], tight_plain(self.venue.name), limits, stop=stop)

    def session(self, ending: Ending, *, stop: StopPolicy = "cancel", policy: ForeignOrders = "leave") -> LiveSession:
        """Trades until it quotes, and then ends."""
        config = self.config(stop=stop, policy=policy)
        return record(self.url, config, for_s=60, until=lambda session: bool(self.ours) and ending(session))

    def events(self, session: LiveSession) -> list[AnyEvent]:
        """What it recorded, which decides the same again."""
        with Log.open(self.url) as log:
            row = log.find(session.id)
            if row.status == "closed":
                assert verify(log, row.id, strategies_of(Manifest.parse(row.manifest)), order_ids(row.id)).same
            return [record.event for record in log.records(row.id)]


@pytest.fixture(params=sorted(LOOPBACKS))
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    """An order of another's rests under a name of its own."""
    name: str = request.param
    with VenueThread(name, seed=3, flow_per_s=2.0) as venue:
        found = Scene(venue, tmp_path)
        found.another(NAMES[name])
        yield found


# --- each kind of end, with the policy that nobody has to ask for ---


def test_the_way_out_leaves_what_another_placed_before_and_meanwhile(scene: Scene) -> None:
    """Also with every socket gone and answers that come too late."""

    def in_trouble(session: LiveSession) -> bool:
        scene.another(OTHERS[scene.venue.name])
        scene.venue.call(lambda v: [v.cut_sockets(place) for place in (Place.PUBLIC, Place.PRIVATE, Place.TRADE)])
        scene.venue.call(lambda v: v.faults.add(Place.REST, "*", Fault(delay_s=2.5), times=4))
        return True

    session = scene.session(in_trouble)
    assert session.failure is None
    assert scene.resting == scene.foreign
    assert len(scene.foreign) == 2
    (report,) = session.reports
    assert (report.clean, report.open_orders, report.foreign) == (True, (), 2)
    scene.events(session)


def test_a_halt_at_a_persons_word_cancels_ours_alone(scene: Scene) -> None:
    """The session goes on, and its own end would leave everything."""
    told: list[int] = []

    def halted(session: LiveSession) -> bool:
        if scene.ours and not told:
            told.append(session.told("halt", "enough"))
        return bool(told) and not scene.ours

    session = record(scene.url, scene.config(stop="leave"), for_s=60, until=halted)
    assert session.failure is None
    assert told
    assert scene.resting == scene.foreign
    scene.events(session)


def lost(session: LiveSession) -> bool:
    session.request_stop("flatten", "lost too much")
    session.fail(LossLimitReached("lost too much"))
    return True


def without_a_log(session: LiveSession) -> bool:
    session.log_failed(LogError("the disk is full"))
    return True


@pytest.mark.parametrize("ending", [lost, without_a_log])
def test_an_emergency_cancels_ours_alone(scene: Scene, ending: Ending) -> None:
    session = scene.session(ending)
    assert session.failure is not None
    assert scene.resting == scene.foreign
    (report,) = session.reports
    assert (report.clean, report.open_orders, report.foreign) == (True, (), len(scene.foreign))
    scene.events(session)


# --- where the configuration says otherwise; nothing of another's is left after these ---


def named(events: list[AnyEvent]) -> set[str]:
    return {event.ours for event in events if isinstance(event, Reconciled) and event.ours.startswith("not ours")}


def test_what_is_adopted_rests_with_the_session_and_ends_with_it(scene: Scene) -> None:
    seen: list[set[str]] = []

    def looked(session: LiveSession) -> bool:
        seen.append(scene.resting & scene.foreign)
        return True

    session = scene.session(looked, policy="adopt")
    assert session.failure is None
    assert seen == [scene.foreign]
    assert scene.resting == set()
    (report,) = session.reports
    assert (report.clean, report.foreign) == (True, 0)
    assert named(scene.events(session)) == {"not ours, adopted"}


def test_what_is_to_be_cancelled_goes_at_the_start_and_at_the_end(scene: Scene) -> None:
    scene.another(OTHERS[scene.venue.name])
    first = set(scene.foreign)

    def gone_and_joined(session: LiveSession) -> bool:
        if scene.resting & first:
            return False
        scene.another(OTHERS[scene.venue.name].replace("08", "09"))
        return True

    session = scene.session(gone_and_joined, policy="cancel")
    assert session.failure is None
    assert len(scene.foreign) == 3
    assert scene.resting == set()
    (report,) = session.reports
    assert (report.clean, report.foreign) == (True, 0)
    events = scene.events(session)
    assert named(events) == {"not ours, to be cancelled"}
    assert any(isinstance(event, CancelOrder | CancelAll) and event.strategy == OPERATOR for event in events)
