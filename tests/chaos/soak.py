"""A day of trading in virtual time on a loopback venue whose wire fails by a plan from a seed, and what was found at its end.

Venue, wire and session share one event loop, so that time can stand still for all of them while anything is on its way.
"""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import urlsplit

import pytest

from adapters.loopback import LOOPBACKS
from adapters.loopback.proxy import FaultyWire, Upstream, random_plan
from adapters.loopback.proxy import Plan as Troubles
from app.chaos.agreement import closed_differences, open_differences
from app.chaos.trial import AGREE_S, lent_keys, mistakes_named, quoting, session_faults
from app.chaos.venue import BALANCE, Seen
from app.config import RunConfig, VenueConfig
from app.running import plan, run
from app.session import LiveSession
from state.events import AnyEvent, FeedStatus, FundingPayment
from state.log import Log
from streams.risk import RiskLimits
from tests.chaos.census import Census, growth, take, weigh
from tests.chaos.virtual_time import VirtualClock, VirtualLoop

BEGINS = datetime(2026, 3, 28, 23, 57, tzinfo=UTC)  # soon it is another day, and funding is settled
TROUBLE_EVERY_S = 120.0
START_S = 60.0
CENSUSES, FEWER = 30, 9
WARM = 0.2  # the share of a soak after which nothing may grow any more
MEMORY_SLACK = 48 * 2**20
FILLED_S = 6 * 3600.0  # a shorter soak still fills the windows and rings that are bounded: there objects are not judged
FILLS_KEPT = (
    400  # of those whose ids are remembered, so that a day fills the memory as a hundred thousand would in a year
)
ENDED_KEPT = 1_000  # of the orders that have ended, likewise
TOLD = Decimal("1E-8")  # the last place of an amount of money as a venue tells it, or further ones where it tells them
SNAPSHOT_EVERY = 1_000  # records: some in minutes, many in a day
ASKED_AGAIN = {  # what must be asked for again and again, by path, and in what time at most
    "binance": {"/fapi/v1/listenKey": 1_800.0, "/fapi/v1/countdownCancelAll": 20.0},
    "okx": {"/api/v5/trade/cancel-all-after": 20.0},
}
SHARE = 0.5  # of the times that it is due: the wire fails now and then
BEAT_S = 0.1  # of the venue: its usual hundred a second would be most of the work


@dataclass(slots=True)
class Soaked:
    """What a soak went through and what was wrong at its end."""

    venue: str
    virtual_s: float
    findings: list[str] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)
    hits: dict[str, int] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)  # private requests, by path or action
    fundings: int = 0
    fills: int = 0
    orders: int = 0
    reconnects: int = 0
    taken: list[Census] = field(default_factory=list)


class _Stage:
    """A venue, its faulty wire and a session's configuration, all on the running loop."""

    def __init__(self, name: str, seed: int, flow_per_s: float, clock: VirtualClock) -> None:
        listing = LOOPBACKS[name]
        self.name, self._clock, self._ahead_ms = name, clock, 0
        self.contracts = tuple(listing.contracts.values())[:2]
        self.account = replace(listing.customer, balance=BALANCE)
        self.venue = listing.opens(
            symbols=[contract.symbol for contract in self.contracts],
            seed=seed, accounts=[self.account], flow_per_s=flow_per_s, clock=self._now_ms,
        )  # fmt: skip

    async def start(self) -> RunConfig:
        venue = self.venue
        await venue.start()
        here = Upstream(venue.rest_url, venue.public_url, venue.private_url, venue.trade_url)
        self.wire = FaultyWire(here, self._step_clock)
        led = await self.wire.start()
        line = VenueConfig(
            self.name,
            [contract.symbol for contract in self.contracts],
            rest_url=led.rest_url, public_url=led.public_url, private_url=led.private_url, trade_url=led.trade_url,
            request_timeout_s=2.0, check_every_s=60.0,
        )  # fmt: skip
        risk = RiskLimits(max_open_orders=20, max_messages_per_s=20, price_collar_bps=500)
        strategies = [quoting(self.name, contract) for contract in self.contracts]
        return RunConfig([line], strategies, risk, stop="flatten", snapshot_every=SNAPSHOT_EVERY)

    async def stop(self) -> None:
        await self.wire.stop()
        await self.venue.stop()

    def seen(self) -> Seen:
        return Seen(self.venue.truth(self.account.key), self.venue.books)

    def _now_ms(self) -> int:
        return self._clock.now_ns() // 1_000_000 + self._ahead_ms

    def _step_clock(self, seconds: float) -> None:
        self._ahead_ms += round(seconds * 1000)


def soak(
    name: str, log_url: str, virtual_s: float, *, seed: int = 1, flow_per_s: float = 1.0,
    tell: Callable[[str], None] = lambda line: None,
) -> Soaked:  # fmt: skip
    """Trades for so long and compares both sides; `tell` hears of it now and then."""
    soaked = Soaked(name, virtual_s)
    with (
        pytest.MonkeyPatch.context() as patch,
        asyncio.Runner(loop_factory=VirtualLoop) as runner,
        Log.open(log_url) as log,
    ):
        session, seen = runner.run(_trade(soaked, log, seed, flow_per_s, tell, patch))
        soaked.findings += session_faults(log, session)
        soaked.findings += mistakes_named(_events(log, session.id), steps=True)
        soaked.findings += closed_differences(session.pipeline.shared, name, _events(log, session.id), seen)
        soaked.findings += _funding_differences(soaked, log, session, seen)
        soaked.events.update(type(event).__name__ for event in _events(log, session.id))
        soaked.reconnects = sum(isinstance(e, FeedStatus) and e.status == "down" for e in _events(log, session.id))
        soaked.orders = len(seen.truth.orders)
        soaked.asked.update(
            urlsplit(frame.url).path
            for frame in log.frames(session.id)
            if frame.direction == "out" and frame.channel == "rest"
        )
        soaked.findings += _neglected(soaked) + _not_snapped(log, session)
    return soaked


async def _trade(
    soaked: Soaked, log: Log, seed: int, flow_per_s: float, tell: Callable[[str], None], patch: pytest.MonkeyPatch
) -> tuple[LiveSession, Seen]:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    clock = VirtualClock(loop, int(BEGINS.timestamp()) * 10**9)
    stage = _Stage(soaked.venue, seed, flow_per_s, clock)
    patch.setattr(sys.modules[type(stage.venue).__module__], "BEAT_S", BEAT_S)
    patch.setattr("state.orders.FILL_IDS_KEPT", FILLS_KEPT)
    patch.setattr("adapters.base.known.MAX_FILL_IDS", FILLS_KEPT)
    patch.setattr("adapters.base.known.MAX_ENDED", ENDED_KEPT)
    config = await stage.start()
    with lent_keys(soaked.venue, stage.account):
        planned = plan(config, "soak")
    count = max(FEWER, round(soaked.virtual_s / TROUBLE_EVERY_S))
    troubles = random_plan(soaked.venue, seed, count=count, within_s=soaked.virtual_s)

    @asynccontextmanager
    async def directed(session: LiveSession) -> AsyncIterator[None]:
        directing = asyncio.create_task(_direct(stage, session, troubles, soaked, tell))
        try:
            yield
            await directing
        finally:
            directing.cancel()

    session = await run(planned, log, around=directed, clock=clock)
    seen = stage.seen()
    soaked.hits = {f"{kind} {spot}": hit for (kind, spot), hit in sorted(stage.wire.weather.spent.items())}
    await stage.stop()
    return session, seen


async def _direct(
    stage: _Stage, session: LiveSession, troubles: Troubles, soaked: Soaked, tell: Callable[[str], None]
) -> None:
    """The plan, a census now and then, calm, and an end once both sides agree."""
    shared, name = session.pipeline.shared, stage.name
    try:
        if not await _until(lambda: len(stage.seen().truth.open_orders) >= 2, START_S):
            soaked.findings.append("the session did not begin to trade")
            return
        stage.wire.play(troubles)
        venue_sizes = []
        for _ in range(CENSUSES if soaked.virtual_s >= FILLED_S else FEWER):
            await asyncio.sleep(soaked.virtual_s / (CENSUSES if soaked.virtual_s >= FILLED_S else FEWER))
            soaked.taken.append(take(session, asyncio.get_running_loop().time()))
            venue_sizes.append(weigh(stage.venue.floor)[1])
            tell(_line(soaked, stage))
        stage.wire.weather.clear()
        stage.venue.pace(0.0)
        if not await _until(lambda: not open_differences(shared, name, stage.seen()), AGREE_S):
            soaked.findings += open_differences(shared, name, stage.seen())
        soaked.findings += _grown(soaked, venue_sizes)
    finally:
        session.request_stop("flatten", "the soak is over")


def _neglected(soaked: Soaked) -> list[str]:
    """Keys that were not extended and switches that were not put back as often as they had to be."""
    found = []
    for path, within_s in ASKED_AGAIN.get(soaked.venue, {}).items():
        least = int(SHARE * soaked.virtual_s / within_s)
        if soaked.asked[path] < least:
            found.append(
                f"{path} was asked {soaked.asked[path]} times in {soaked.virtual_s:.0f} s, and {least} is little"
            )
    return found


def _not_snapped(log: Log, session: LiveSession) -> list[str]:
    """Stretches of the log without a snapshot; a tick may take it some records beyond where it is due."""
    found = []
    last = log.find(session.id).last_seq
    for at in range(2 * SNAPSHOT_EVERY, last + 1, SNAPSHOT_EVERY):
        snapshot = log.snapshot_at(session.id, at)
        if snapshot is None or snapshot[0] < at - 2 * SNAPSHOT_EVERY:
            found.append(f"no snapshot in the {2 * SNAPSHOT_EVERY} records before {at}")
    return found


def _grown(soaked: Soaked, venue_sizes: list[int]) -> list[str]:
    """The venue keeps its whole truth in this process; what memory grew by beyond that is ours."""
    taken = soaked.taken
    warm = round(len(taken) * WARM)
    found = growth(taken[warm:], objects=soaked.virtual_s >= FILLED_S)
    ours = taken[-1].resident - taken[warm].resident - 2 * (venue_sizes[-1] - venue_sizes[warm])
    if ours > MEMORY_SLACK:
        found.append(f"resident memory grew by {ours / 2**20:.0f} MiB more than the venue's truth")
    return found


async def _until(holds: Callable[[], bool], timeout_s: float) -> bool:
    deadline = asyncio.get_running_loop().time() + timeout_s
    while not holds():
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(0.1)
    return True


def _events(log: Log, session: str) -> Iterator[AnyEvent]:
    return (record.event for record in log.records(session))


def _funding_differences(soaked: Soaked, log: Log, session: LiveSession, seen: Seen) -> list[str]:
    """Each settlement is booked once, with its amount."""
    paid = Counter(
        (event.symbol, event.payment_id) for event in _events(log, session.id) if isinstance(event, FundingPayment)
    )
    settled = [fill for fill in seen.truth.fills if fill.kind == "funding"]
    soaked.fundings = len(settled)
    soaked.fills = len(seen.truth.fills) - len(settled)
    positions = session.pipeline.shared.account(soaked.venue).ledger.positions.values()
    ours = sum((p.funding for p in positions), Decimal(0))
    theirs = -sum((f.fee for f in settled), Decimal(0))
    if len(paid) == len(settled) and abs(ours - theirs) <= len(paid) * TOLD / 2:
        return []
    return [f"funding: {len(paid)} payments of {ours} in all, the venue settled {len(settled)} of {theirs}"]


def _line(soaked: Soaked, stage: _Stage) -> str:
    census = soaked.taken[-1]
    truth = stage.seen().truth
    return (
        f"{soaked.venue} {census.at_s / 3600:6.2f} h: {len(truth.orders)} orders, {len(truth.fills)} fills; "
        f"{census.size / 1e6:.2f} MB in {census.counts.total()} objects, {census.tasks} tasks, {census.timers} timers, "
        f"{census.handles} handles, {census.resident / 2**20:.0f} MiB resident, of the venue's truth "
        f"{weigh(stage.venue.floor)[1] / 2**20:.0f} MiB"
    )
