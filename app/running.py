"""From a configuration to a finished session: what is put together, in which order, and how it ends."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import msgspec

from adapters import venue as find_venue
from adapters.base.exchange import Exchange
from adapters.base.settings import Subscription, VenueSettings
from adapters.paper import PaperExchange, PaperSettings
from app.checking import check_config
from app.collector import Collector
from app.config import RunConfig, VenueConfig, credentials
from app.control import listening, prepare_socket
from app.crashed import call_all_crashed
from app.earlier import EarlierOrders
from app.losses import LossWatch
from app.session import LiveSession, VenueLine
from app.session_ids import beside, new_session_id
from state.clock import Clock, WallClock
from state.errors import LossLimitReached, SessionBroken, TapelineError
from state.log import Log
from state.manifest import Manifest, installed
from state.record import Inbox
from state.secrets import Credentials
from streams.strategies.recorded import entry, strategies_of
from streams.strategy import Strategy

if TYPE_CHECKING:  # loaded for a configuration that has one
    from app.shadow import Shadow, ShadowPlan

T = TypeVar("T")

REST_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that can be wrong with a configuration has been found by the time that there is one."""

    session: str
    manifest: Manifest
    config: RunConfig
    strategies: tuple[Strategy, ...]
    shadows: "tuple[ShadowPlan, ...]"
    keys: tuple[Credentials | None, ...]


def plan(config: RunConfig, source: str = "live") -> Plan:
    """Raises `ConfigurationError` or `WrongUse` before anything is opened or sent."""
    check_config(config)
    entries = [entry(known.name, known.strategy, known.params) for known in config.strategies if not known.shadow]
    tapeline, python, packages = installed()
    session = new_session_id()
    manifest = Manifest(
        seed=config.seed or int(session[-4:], 16) + 1,
        strategies=entries,
        venues=[line.name for line in config.venues],
        symbols=sorted({symbol for line in config.venues for symbol in line.symbols}),
        risk=msgspec.Raw(msgspec.json.encode(config.risk)),
        paper=msgspec.Raw(msgspec.json.encode({line.name: _paper(line) for line in config.venues})),
        source=source,
        tapeline=tapeline,
        python=python,
        packages=packages,
    )
    keys = tuple(credentials(line) for line in config.venues)
    return Plan(session, manifest, config, tuple(strategies_of(manifest)), _shadow_plans(manifest, config), keys)


def _shadow_plans(manifest: Manifest, config: RunConfig) -> "tuple[ShadowPlan, ...]":
    entries = [entry(known.name, known.strategy, known.params) for known in config.strategies if known.shadow]
    if not entries:
        return ()
    from app.shadow import shadow_plan

    return tuple(shadow_plan(manifest, each, config.shadow) for each in entries)


def _begin_shadows(plan: Plan, log: Log, clock: Clock) -> "list[Shadow]":
    if not plan.shadows:
        return []
    from app.shadow import begin_shadow

    return [begin_shadow(log, one, beside(plan.session), plan.session, clock.now_ns()) for one in plan.shadows]


@asynccontextmanager
async def unwatched(session: LiveSession) -> AsyncIterator[None]:
    """Nobody looks."""
    yield


async def run(
    plan: Plan,
    log: Log,
    *,
    for_s: float | None = None,
    around: Callable[[LiveSession], AbstractAsyncContextManager[None]] = unwatched,
    clock: Clock | None = None,
) -> LiveSession:
    """Runs the session until it is asked to stop; the returned session tells how it ended. `around` is who watches it.

    Its time is the wall clock's unless it is given another, which must go with the event loop's.
    Raises `LogError` where the log cannot be opened for writing, and what a venue's start raises, after the session was
    closed in order.
    """
    clock = clock or WallClock()
    door = prepare_socket(plan.session)
    call_all_crashed(log)
    earlier = EarlierOrders.of(log, cancel=plan.config.earlier_orders == "cancel")
    holder: list[LiveSession] = []
    # Before the session itself, so that this one is the log's last.
    shadows = _begin_shadows(plan, log, clock)
    writer = log.begin(
        plan.session,
        plan.manifest.to_json(),
        clock.now_ns(),
        market_frames=any(line.market_frames for line in plan.config.venues),
        on_failure=lambda error: holder[0].log_failed(error) if holder else None,
    )
    session = LiveSession(
        writer,
        clock,
        seed=plan.manifest.seed,
        strategies=plan.strategies,
        snapshot_every=plan.config.snapshot_every,
    )
    session.shadows = shadows
    holder.append(session)
    reason = "asked to stop"
    losses = LossWatch(plan.config.max_loss)
    with Collector() as collector, _heeding_signals(session):
        async with listening(session, door):
            resting = asyncio.create_task(_rest(collector, session, losses))
            try:
                lines = [
                    _line(line, keys, session, clock, plan.session, earlier, leaves=plan.config.stop == "leave")
                    for line, keys in zip(plan.config.venues, plan.keys, strict=True)
                ]
                async with around(session):
                    await session.start(lines, earlier)
                    losses.require_known(session.pipeline.shared)
                    if await session.wait(for_s):
                        reason = "the time is over"
            except TapelineError as error:
                session.fail(error)
            finally:
                reason = str(session.failure or session.stop_reason or reason)
                await session.stop(session.stop_policy or plan.config.stop, reason)
                resting.cancel()
    return session


@contextmanager
def _heeding_signals(session: LiveSession) -> Iterator[None]:
    """Ctrl-C and SIGTERM ask the session to stop."""
    loop = asyncio.get_running_loop()
    for word in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(word, session.request_stop)
    try:
        yield
    finally:
        for word in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(word)


def in_event_loop(work: Coroutine[None, None, T]) -> T:
    """Runs to the end on uvloop where it is installed."""
    try:
        import uvloop  # not on every platform
    except ImportError:
        return asyncio.run(work)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


async def _rest(collector: Collector, session: LiveSession, losses: LossWatch) -> None:
    """What is done once a second, between frames. A session goes on without none of it: what fails here ends it."""
    try:
        while True:
            await asyncio.sleep(REST_EVERY_S)
            session.make_durable()
            session.renew_crossed_books()
            collector.rest()
            lost = losses.look(session.pipeline.shared)
            if lost is not None and session.failure is None:
                session.request_stop("flatten", lost)
                session.fail(LossLimitReached(lost))
    except Exception as error:  # noqa: BLE001 (nobody waits for this task, so nobody else would hear of it)
        broken = SessionBroken(f"a bug of ours: {error!r}")
        broken.__cause__ = error
        session.fail(broken)


def _line(
    config: VenueConfig,
    keys: Credentials | None,
    session: LiveSession,
    clock: Clock,
    session_id: str,
    earlier: EarlierOrders,
    *,
    leaves: bool,
) -> VenueLine:
    known = find_venue(config.name)
    settings = _settings(config, known.market, dead_man_s=_dead_man_s(config, known.exchange, leaves=leaves))

    def connect(inbox: Inbox) -> Exchange:
        exchange = known.exchange(settings, inbox, clock, session_id, keys)
        exchange.ours.earlier = lambda client_id: earlier.takes(config.name, client_id)
        return exchange

    paper = _paper(config)
    exchange = connect(session) if paper is None else PaperExchange(paper, session, clock, session_id, connect)
    exchange.on_fatal = session.venue_failed
    trades = paper is not None or keys is not None
    return VenueLine(exchange, tuple(_subscriptions(config)), trades, config.foreign_orders)


def _paper(config: VenueConfig) -> PaperSettings | None:
    if isinstance(config.paper, PaperSettings):
        return config.paper
    return PaperSettings() if config.paper else None


def _dead_man_s(config: VenueConfig, exchange: type[Exchange], *, leaves: bool) -> int | None:
    """A switch that waits for the connection to be gone would take what a session's end is to leave."""
    able = bool(exchange.capabilities.dead_man) and (exchange.dead_man_counts_down or not leaves)
    return config.dead_man_s if able and config.dead_man_s else None


def _settings(config: VenueConfig, market: str, dead_man_s: int | None) -> VenueSettings:
    return VenueSettings(
        venue=config.name,
        market=market,
        environment=config.environment,
        rest_url=config.rest_url,
        public_url=config.public_url,
        private_url=config.private_url,
        trade_url=config.trade_url,
        order_entry=config.order_entry,
        book_depth=config.book_depth,
        market_frames=config.market_frames,
        symbols=tuple(config.symbols),
        order_life_s=config.order_life_s,
        dead_man_s=dead_man_s,
        request_timeout_s=config.request_timeout_s,
        check_every_s=config.check_every_s,
        foreign_orders=config.foreign_orders,
    )


def _subscriptions(config: VenueConfig) -> Sequence[Subscription]:
    wanted = [
        Subscription(channel, symbol)
        for symbol in config.symbols
        for channel in config.channels
        if channel != "candles"
    ]
    return wanted + [
        Subscription("candles", symbol, interval_s=interval)
        for symbol in config.symbols
        for interval in config.intervals_s
    ]
