"""One session on a wire that fails by plan: it trades, everything goes wrong, calm returns, and both sides are compared.

What must hold in the end, whatever happened: the venue's orders, fills and positions are ours, no order is there twice, the books
are the venue's, the log holds together, and the session with all its faults verifies to the bit.
"""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from itertools import accumulate

import msgspec

from adapters import order_ids
from adapters.loopback import Account
from adapters.loopback.proxy import Plan
from adapters.loopback.symbols import Contract
from app.chaos.agreement import closed_differences, open_differences
from app.chaos.venue import TroubledVenue
from app.config import RunConfig, StrategyConfig, VenueConfig
from app.running import in_event_loop, plan, run
from app.session import LiveSession
from replay.audit import audit
from replay.verify import verify
from state.errors import LossLimitReached, TapelineError
from state.events import AnyEvent, FeedStatus, Rejected
from state.log import Log
from state.log.verify import check
from state.manifest import Manifest
from streams.risk import RiskLimits
from streams.strategies.recorded import strategies_of

NOTIONAL = Decimal(1_300)  # of one order, in the quote currency
START_S = 30.0
QUIET_S = 1.0  # after the last trouble
AGREE_S = 40.0  # how long both sides may take to agree once nothing goes wrong any more
_POLL_S = 0.1


class Verdict(msgspec.Struct, frozen=True):
    """What a trial found: nothing, or in which way a promise was broken. `hits` is how often each trouble struck."""

    plan: Plan
    session: str
    events: int
    fills: int
    findings: list[str]
    hits: dict[str, int]

    @property
    def clean(self) -> bool:
        return not self.findings


@dataclass(slots=True)
class _Director:
    """Lets the plan begin once orders rest, waits until it is over and both sides agree, and ends the session."""

    troubled: TroubledVenue
    plan: Plan
    findings: list[str]

    async def direct(self, session: LiveSession) -> None:
        try:
            await self._play(session)
        finally:
            session.request_stop("flatten", "the plan is over")

    async def _play(self, session: LiveSession) -> None:
        if not await self._until(lambda: len(self.troubled.seen().truth.open_orders) >= 2, START_S):
            self.findings.append("the session did not begin to trade")
            return
        await asyncio.sleep(set_back_s(self.plan))
        self.troubled.play(self.plan)
        if self.plan.stop_s:
            await asyncio.sleep(self.plan.stop_s)
            return
        await asyncio.sleep(max((t.at_s + max(t.for_s, 0) for t in self.plan.troubles), default=0.0) + QUIET_S)
        self.troubled.calm()
        shared, venue = session.pipeline.shared, self.plan.venue
        if not await self._until(lambda: not open_differences(shared, venue, self.troubled.seen()), AGREE_S):
            self.findings += open_differences(shared, venue, self.troubled.seen())

    async def _until(self, holds: Callable[[], bool], timeout_s: float) -> bool:
        deadline = asyncio.get_running_loop().time() + timeout_s
        while not holds():
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(_POLL_S)
        return True


def set_back_s(chosen: Plan) -> float:
    """How far the venue's clock is set back at most: a session must be older.

    Else what is filled has a time of before it, as have the fills that are inside what it held when it began.
    """
    steps = sorted((each.at_s, each.for_s) for each in chosen.troubles if each.kind == "clock_step")
    return -min([0.0, *accumulate(for_s for _, for_s in steps)])


def trial(chosen: Plan, log_url: str) -> Verdict:
    """Runs the plan in a session of the log. Raises `WrongUse` for a venue that has no loopback."""
    with TroubledVenue(chosen.venue, chosen.seed) as troubled:
        findings: list[str] = []
        config = _config(troubled, chosen)
        with lent_keys(chosen.venue, troubled.account):
            planned = plan(config, "chaos")
        director = _Director(troubled, chosen, findings)

        @asynccontextmanager
        async def directed(session: LiveSession) -> AsyncIterator[None]:
            directing = asyncio.create_task(director.direct(session))
            try:
                yield
                await directing
            finally:
                directing.cancel()

        with Log.open(log_url) as log:
            session = in_event_loop(run(planned, log, around=directed))
            findings += session_faults(log, session)
            events = [record.event for record in log.records(session.id)]
            findings += mistakes_named(events, steps=any(trouble.kind == "clock_step" for trouble in chosen.troubles))
            findings += closed_differences(session.pipeline.shared, chosen.venue, events, troubled.seen())
        hits: Counter[str] = Counter()
        for (kind, spot), count in troubled.wire.weather.spent.items():
            hits[f"{kind} {spot}"] += count
        fills = sum(
            position.fills for position in session.pipeline.shared.account(chosen.venue).ledger.positions.values()
        )
        return Verdict(chosen, session.id, len(events), fills, findings, dict(sorted(hits.items())))


def session_faults(log: Log, session: LiveSession) -> list[str]:
    """How it ended, whether its log holds, and whether it decides the same again."""
    found = []
    if session.failure is not None and not isinstance(session.failure, LossLimitReached):
        found.append(f"the session failed: {session.failure}")
    found += [f"the end was not clean: {report}" for report in session.reports if not report.clean]
    row = log.find(session.id)
    found += [f"the log: record {fault.seq} {fault.kind}: {fault.text}" for fault in check(log, row.id)]
    found += [f"audit: record {fault.seq} {fault.kind}: {fault.text}" for fault in audit(log, row.id).findings]
    try:
        proof = verify(log, row.id, strategies_of(Manifest.parse(row.manifest)), order_ids(row.id))
    except TapelineError as error:
        return [*found, f"verify could not run: {error}"]
    return found if proof.same else [*found, "verify: the session does not decide the same again"]


def mistakes_named(events: Iterable[AnyEvent], *, steps: bool) -> list[str]:
    """What a venue says only to who made a mistake: an id or a nonce used twice, a time that nobody set (`steps`)."""
    mistakes = {"duplicate", "fatal"} if steps else {"duplicate", "fatal", "clock"}
    found = []
    for event in events:
        if isinstance(event, Rejected) and event.refusal in mistakes and not event.code.startswith("tapeline:"):
            found.append(f"refused as {event.refusal}: {event.code} {event.text}")
        elif isinstance(event, FeedStatus) and (event.channel, event.status) == ("clock", "skewed") and not steps:
            found.append(f"our time was refused: {event.reason}")
    return found


def _config(troubled: TroubledVenue, chosen: Plan) -> RunConfig:
    led = troubled.upstream
    venue = VenueConfig(
        chosen.venue,
        [contract.symbol for contract in troubled.contracts],
        rest_url=led.rest_url,
        public_url=led.public_url,
        private_url=led.private_url,
        trade_url=led.trade_url,
        request_timeout_s=2.0,
        check_every_s=4.0,
    )
    strategies = [quoting(chosen.venue, contract) for contract in troubled.contracts]
    risk = RiskLimits(max_open_orders=20, max_messages_per_s=20, price_collar_bps=500)
    return RunConfig([venue], strategies, risk, stop="flatten")


def quoting(venue: str, contract: Contract) -> StrategyConfig:
    """`plain`, tight enough to be hit often."""
    lots = (NOTIONAL / contract.start_price / contract.lot).to_integral_value(ROUND_CEILING)
    size = lots * contract.lot
    params: dict[str, object] = {
        "venue": venue, "symbol": contract.symbol, "size": str(size), "max_position": str(size * 10), "levels": 2,
        "level_spacing_bps": 0.5, "base_spread_bps": 0.3, "volatility_factor": 0.1, "min_bps": 0.1, "skew_bps": 0.5,
        "requote_s": 0.2,
    }  # fmt: skip
    return StrategyConfig("plain", f"plain-{contract.symbol}", params)


@contextmanager
def lent_keys(venue: str, account: Account) -> Iterator[None]:
    """Keys of a market that is made up, in the environment for as long as a session is planned: they open nothing else."""
    prefix = f"TAPELINE_{venue.upper().replace('.', '_')}"
    keys = {"KEY": account.key, "SECRET": account.secret, "PASSPHRASE": account.passphrase}
    lent = {f"{prefix}_{word}": key for word, key in keys.items()}
    before = {name: os.environ.pop(name) for name in lent if name in os.environ}
    os.environ.update(lent)
    try:
        yield
    finally:
        for name in lent:
            del os.environ[name]
        os.environ.update(before)
