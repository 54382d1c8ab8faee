"""A session that was killed leaves its orders resting: the next one of the same log names them, and cancels them or not."""

import asyncio
import signal
import time
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import pytest

from adapters import order_ids
from adapters.base.settings import Subscription, VenueSettings
from adapters.bybit.exchange import Exchange
from adapters.okx.exchange import Exchange as OkxExchange
from app.config import RunConfig
from app.earlier import EarlierOrders
from replay.audit import audit
from replay.verify import verify
from state.clock import WallClock
from state.events import CancelOrder, PlaceOrder, Reconciled
from state.log import Log
from state.manifest import Manifest
from state.record import Frame, Record
from state.secrets import Credentials, Secret
from streams.strategies.recorded import strategies_of
from tests.command import started, tapeline
from tests.live import KEY, SECRET, VenueThread, config_text, record

KEYS = {"TAPELINE_BYBIT_KEY": KEY, "TAPELINE_BYBIT_SECRET": SECRET}


class _Deaf:
    def feed(self, recv: int, events: object, cause: int = 0, frame: Frame | None = None) -> None:
        """What a person's own client hears is nobody's concern here."""


def place_by_hand(venue: VenueThread, client_id: str = "mine") -> None:
    """An order on the same account that no session placed."""

    async def placed() -> None:
        settings = VenueSettings("bybit", rest_url=venue.venue.rest_url, order_entry="rest")
        exchange = Exchange(settings, _Deaf(), WallClock(), "by hand", Credentials(Secret(KEY), Secret(SECRET)))
        order = PlaceOrder("bybit", "BTCUSDT", "buy", Decimal("0.01"), Decimal(1000), client_id=client_id)
        exchange.submit([Record(1, 0, 0, order)])
        while exchange.orders.in_flight:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await exchange.close()

    asyncio.run(placed())


def resting(venue: VenueThread) -> set[str]:
    return set(venue.call(lambda v: v.truth(KEY)).open_orders)


@pytest.mark.parametrize("policy", ["cancel", "leave"])
def test_what_a_killed_session_left_is_named_and_cancelled_unless_it_is_to_be_left(policy: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/log.db"
    config, quiet = tmp_path / "trading.toml", tmp_path / "quiet.toml"
    with VenueThread(seed=3, flow_per_s=1.0) as venue:
        config.write_text(config_text(venue))
        quiet.write_text(f'earlier_orders = "{policy}"\n' + config_text(venue, stop="leave", strategies=[]))
        child = started("run", str(config), "--log", url, cwd=tmp_path, **KEYS)
        deadline = time.monotonic() + 60
        while len(resting(venue)) < 4:
            assert time.monotonic() < deadline, "the session did not quote"
            time.sleep(0.02)
        child.send_signal(signal.SIGKILL)
        child.communicate()
        place_by_hand(venue)
        left = resting(venue)
        assert "mine" in left
        again = tapeline("run", str(quiet), "--for", "1s", "--log", url, cwd=tmp_path, **KEYS)
        assert again.returncode == 0, again.stdout + again.stderr
        rests = resting(venue)
    assert rests == ({"mine"} if policy == "cancel" else left)
    with Log.open(url) as log:
        killed, session = sorted((row.id for row in log.sessions()), key=lambda id_: log.find(id_).opened)
        events = [record.event for record in log.records(session)]
        named = [event for event in events if isinstance(event, Reconciled) and event.subject == "order"]
        assert {event.what for event in named} == left - {"mine"}
        assert {event.ours for event in named} == {f"left by session {killed}"}
        cancelled = {event.client_id for event in events if isinstance(event, CancelOrder)}
        assert cancelled == (left - {"mine"} if policy == "cancel" else set())
        manifest = Manifest.parse(log.find(session).manifest)
        assert verify(log, session, strategies_of(manifest), order_ids(session)).same
        assert {finding.kind for finding in audit(log, session).findings} <= {"position"}


def test_a_session_that_some_process_runs_keeps_its_orders(tmp_path: Path) -> None:
    with Log.open(f"sqlite:///{tmp_path}/log.db") as log:
        writer = log.begin("other", "{}", 1)
        earlier = EarlierOrders.of(log, cancel=True)
        mine = order_ids("other")("bybit", 7)
        elsewhere = order_ids("other")("hyperliquid", 7)
        assert earlier.session_of("bybit", mine) is None
        writer.close(2, "closed")
        assert EarlierOrders.of(log, cancel=True).session_of("bybit", mine) == "other"
        assert EarlierOrders.of(log, cancel=True).session_of("bybit", "mine") is None
        assert EarlierOrders.of(log, cancel=True).session_of("hyperliquid", elsewhere) == "other", "in its own form"


def test_what_is_left_at_one_venue_does_not_wait_for_the_start_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/log.db"
    with Log.open(url) as log:
        log.begin("other", "{}", 1).close(2, "closed")
    gone: list[bool] = []
    start = OkxExchange.start

    async def slow(exchange: OkxExchange, subscriptions: Iterable[Subscription]) -> None:
        for _ in range(100):
            if not resting(bybit):
                break
            await asyncio.sleep(0.05)
        gone.append(not resting(bybit))
        await start(exchange, subscriptions)

    monkeypatch.setattr(OkxExchange, "start", slow)
    with VenueThread(seed=3, flow_per_s=1.0) as bybit, VenueThread("okx", seed=4, flow_per_s=1.0) as okx:
        place_by_hand(bybit, order_ids("other")("bybit", 7))
        assert resting(bybit)
        session = record(url, RunConfig([bybit.line(), okx.line()], []), for_s=0.5)
    assert session.failure is None
    assert gone == [True]
