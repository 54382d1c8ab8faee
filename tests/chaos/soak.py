"""A day of trading in virtual time on a loopback venue whose wire fails by a plan from a seed, and what was found at its end.

Venue and wire are a process of their own, so that what this one holds on to is the session's. Both have one virtual time, which
stands still while anything is on its way.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import urlsplit

import pytest

from adapters.loopback import LOOPBACKS
from adapters.loopback.proxy import Plan as Troubles
from adapters.loopback.proxy import Upstream, random_plan
from app.chaos.agreement import closed_differences, open_differences
from app.chaos.trial import AGREE_S, lent_keys, mistakes_named, quoting, session_faults
from app.chaos.venue import Seen
from app.config import RunConfig, VenueConfig
from app.running import plan, run
from app.session import LiveSession
from state.events import AnyEvent, FeedStatus, FundingPayment
from state.log import Log
from streams.risk import RiskLimits
from tests.chaos.census import FEWEST, Census, drifted, growth, take
from tests.chaos.venue_process import SYMBOLS, Opening, VenueProcess, calm, counts, hits, playing
from tests.chaos.venue_process import seen as seen_by_venue
from tests.chaos.virtual_time import VirtualClock, VirtualLoop

BEGINS = datetime(2026, 3, 28, 23, 57, tzinfo=UTC)  # soon it is another day, and funding is settled
BEGINS_NS = int(BEGINS.timestamp()) * 10**9
TROUBLE_EVERY_S = 120.0
START_S = 60.0
CENSUSES, FEWER = 30, 9
WARM = 0.2  # the share of a soak after which nothing may grow any more
FILLED_S = 6 * 3600.0  # a shorter soak still fills the windows and rings that are bounded: there objects are not judged
FILLS_KEPT = (
    400  # of those whose ids are remembered, so that a day fills the memory as a hundred thousand would in a year
)
ENDED_KEPT = 1_000  # of the orders that have ended, likewise
SEEN_KEPT = 2_500  # of what a venue's stream told; a first message has up to 2,000
TOLD = Decimal("1E-8")  # the last place of an amount of money as a venue tells it, or further ones where it tells them
# uvloop, on which sessions run, reads into one buffer. asyncio's own loop asks the C library for 256 KiB at each read and gives
# back what a frame did not need: where some frames are kept, the heap needs ever new holes of that size (7 MiB in 14 hours).
READ_BYTES = 16 * 2**10
SNAPSHOT_EVERY = 1_000  # records: some in minutes, many in a day
ASKED_AGAIN = {  # what must be asked for again and again, by path, and in what time at most
    "binance": {"/fapi/v1/listenKey": 1_800.0, "/fapi/v1/countdownCancelAll": 20.0},
    "okx": {"/api/v5/trade/cancel-all-after": 20.0},
}
SHARE = 0.5  # of the times that it is due: the wire fails now and then


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
    full: list[Census] = field(default_factory=list)  # those after `FILLED_S`, by which memory is judged


def soak(
    name: str, log_url: str, virtual_s: float, *, seed: int = 1, flow_per_s: float = 1.0,
    tell: Callable[[str], None] = lambda line: None,
) -> Soaked:  # fmt: skip
    """Trades for so long and compares both sides; `tell` hears of it now and then."""
    soaked = Soaked(name, virtual_s)
    with (
        VenueProcess(Opening(name, seed, flow_per_s, BEGINS_NS)) as venue,
        asyncio.Runner(loop_factory=lambda: VirtualLoop(venue.turn)) as runner,
        pytest.MonkeyPatch.context() as patch,
        Log.open(log_url) as log,
    ):
        _fill_early(patch)
        patch.setattr("asyncio.selector_events._SelectorSocketTransport.max_size", READ_BYTES)
        session, seen = runner.run(_trade(soaked, log, venue, seed, tell))
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


def _config(name: str, led: Upstream) -> RunConfig:
    contracts = tuple(LOOPBACKS[name].contracts.values())[:SYMBOLS]
    line = VenueConfig(
        name,
        [contract.symbol for contract in contracts],
        rest_url=led.rest_url, public_url=led.public_url, private_url=led.private_url, trade_url=led.trade_url,
        request_timeout_s=2.0, check_every_s=60.0,
    )  # fmt: skip
    risk = RiskLimits(max_open_orders=20, max_messages_per_s=20, price_collar_bps=500)
    strategies = [quoting(name, contract) for contract in contracts]
    return RunConfig([line], strategies, risk, stop="flatten", snapshot_every=SNAPSHOT_EVERY)


def _fill_early(patch: pytest.MonkeyPatch) -> None:
    """What is bounded by more than a day fills within hours."""
    patch.setattr("state.orders.FILL_IDS_KEPT", FILLS_KEPT)
    patch.setattr("adapters.base.known.MAX_FILL_IDS", FILLS_KEPT)
    for most in (
        "adapters.base.known.MAX_ENDED",
        "adapters.base.lives.ORDERS_MOST",
        "adapters.hyperliquid.account.ORDERS_MOST",
        "adapters.base.placed.PLACED_MOST",
    ):
        patch.setattr(most, ENDED_KEPT)
    for most in ("adapters.hyperliquid.account.SEEN_MOST", "adapters.okx.account.REMEMBERED_MOST"):
        patch.setattr(most, SEEN_KEPT)


async def _trade(
    soaked: Soaked, log: Log, venue: VenueProcess, seed: int, tell: Callable[[str], None]
) -> tuple[LiveSession, Seen]:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    with lent_keys(soaked.venue, LOOPBACKS[soaked.venue].customer):
        planned = plan(_config(soaked.venue, venue.upstream), "soak")
    count = max(FEWER, round(soaked.virtual_s / TROUBLE_EVERY_S))
    troubles = random_plan(soaked.venue, seed, count=count, within_s=soaked.virtual_s)

    @asynccontextmanager
    async def directed(session: LiveSession) -> AsyncIterator[None]:
        directing = asyncio.create_task(_direct(venue, session, troubles, soaked, tell))
        try:
            yield
            await directing
        finally:
            directing.cancel()

    session = await run(planned, log, around=directed, clock=VirtualClock(loop, BEGINS_NS))
    seen = venue.ask(seen_by_venue)
    soaked.hits = venue.ask(hits)
    venue.end()
    return session, seen


async def _direct(
    venue: VenueProcess, session: LiveSession, troubles: Troubles, soaked: Soaked, tell: Callable[[str], None]
) -> None:
    """The plan, a census now and then, calm, and an end once both sides agree."""
    shared, name = session.pipeline.shared, soaked.venue
    try:
        if not await _until(lambda: len(venue.ask(seen_by_venue).truth.open_orders) >= 2, START_S):
            soaked.findings.append("the session did not begin to trade")
            return
        venue.ask(playing(troubles))
        censuses = CENSUSES if soaked.virtual_s >= FILLED_S else FEWER
        for _ in range(censuses):
            await asyncio.sleep(soaked.virtual_s / censuses)
            soaked.taken.append(take(session, asyncio.get_running_loop().time()))
            tell(_line(soaked, *venue.ask(counts)))
        venue.ask(calm)
        if not await _until(lambda: not open_differences(shared, name, venue.ask(seen_by_venue)), AGREE_S):
            soaked.findings += open_differences(shared, name, venue.ask(seen_by_venue))
        soaked.findings += _grown(soaked)
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


def _grown(soaked: Soaked) -> list[str]:
    taken = soaked.taken
    soaked.full = [census for census in taken if census.at_s >= FILLED_S]
    if len(soaked.full) >= FEWEST:
        return growth(soaked.full, objects=True) + drifted(soaked.full)
    return growth(taken[round(len(taken) * WARM) :], objects=False)


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


def _line(soaked: Soaked, orders: int, fills: int) -> str:
    census = soaked.taken[-1]
    return (
        f"{soaked.venue} {census.at_s / 3600:6.2f} h: {orders} orders, {fills} fills; "
        f"{census.size / 1e6:.2f} MB in {census.objects} objects, {census.tasks} tasks, {census.timers} timers, "
        f"{census.handles} handles, {census.resident / 2**20:.1f} MiB resident, {census.held / 2**20:.1f} of them held, "
        f"{census.blocks} blocks, {census.beyond} of them beyond the session, {census.malloced / 2**20:.2f} MiB from malloc"
    )
