"""A bug in one venue's adapter ends the session loudly and in order: orders are cancelled, the log is closed."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from adapters.base.settings import ShutdownReport
from adapters.bybit.exchange import Exchange
from app.config import RunConfig
from app.losses import LossWatch
from app.session import LiveSession
from state.errors import LogError, SessionBroken
from state.log import Log
from tests.live import KEY, VenueThread, record, record_live, tight_plain


async def _explodes(*_: object) -> None:
    raise ZeroDivisionError("a bug")


_close = Exchange.close


async def _closes_and_explodes(exchange: Exchange) -> None:
    await _close(exchange)
    raise ZeroDivisionError("a bug")


def _explodes_at_once(*_: object, **__: object) -> None:
    raise ZeroDivisionError("a bug")


def has_quoted(session: LiveSession) -> bool:
    return session.intents_sent > 0


@pytest.mark.parametrize(
    ("method", "bug", "cancelled"),
    [
        pytest.param("shutdown", _explodes, False, id="while shutting down"),
        pytest.param("close", _closes_and_explodes, True, id="while closing"),
        pytest.param("submit", _explodes_at_once, True, id="while sending"),
    ],
)
def test_a_bug_of_an_adapter_is_loud_and_the_log_is_closed(
    method: str, bug: Any, cancelled: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/log.db"
    monkeypatch.setattr("app.session.STOP_TIMEOUT_S", 0.5)
    monkeypatch.setattr(Exchange, method, bug)
    with VenueThread(seed=3, flow_per_s=1.0) as venue:
        session = record_live(url, venue, tight_plain(), for_s=60, stop="cancel", until=has_quoted)
        left = venue.call(lambda v: v.truth(KEY)).open_orders
    assert isinstance(session.failure, SessionBroken)
    assert isinstance(session.failure.__cause__, ZeroDivisionError)
    assert bool(session.reports) == cancelled
    assert left == {}
    with Log.open(url) as log:
        assert log.find(session.id).status == "closed"


def test_what_is_to_be_left_is_cancelled_where_the_log_fails(tmp_path: Path) -> None:
    def fails(session: LiveSession) -> bool:
        if has_quoted(session) and venue.call(lambda v: v.truth(KEY)).open_orders:
            session.log_failed(LogError("the disk is gone"))
        return False

    with VenueThread(seed=3, flow_per_s=1.0) as venue:
        session = record_live(f"sqlite:///{tmp_path}/log.db", venue, tight_plain(), for_s=60, stop="leave", until=fails)
        left = venue.call(lambda v: v.truth(KEY)).open_orders
    assert isinstance(session.failure, LogError)
    assert left == {}


def test_what_rests_at_one_venue_does_not_wait_for_the_end_at_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []

    async def waits(exchange: Exchange, policy: str) -> ShutdownReport:
        until = time.monotonic() + 10
        while okx.call(lambda v: v.truth(KEY)).open_orders and time.monotonic() < until:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        seen.append(time.monotonic() < until)
        return ShutdownReport("cancel", 0, (), ())

    def fails(session: LiveSession) -> bool:
        if okx.call(lambda v: v.truth(KEY)).open_orders:
            session.log_failed(LogError("the disk is gone"))
        return False

    monkeypatch.setattr(Exchange, "shutdown", waits)
    with VenueThread(seed=3, flow_per_s=1.0) as bybit, VenueThread("okx", seed=4, flow_per_s=1.0) as okx:
        strategies = [*tight_plain(), *tight_plain("okx")]
        session = record(
            f"sqlite:///{tmp_path}/log.db", RunConfig([bybit.line(), okx.line()], strategies), for_s=60, until=fails
        )
    assert isinstance(session.failure, LogError)
    assert seen == [True]
    assert len(session.reports) == 2


def test_a_bug_in_what_is_done_now_and_then_ends_the_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LossWatch, "look", _explodes_at_once)
    with VenueThread(seed=3, flow_per_s=1.0) as venue:
        session = record_live(f"sqlite:///{tmp_path}/log.db", venue, tight_plain(), for_s=20, stop="cancel")
        left = venue.call(lambda v: v.truth(KEY)).open_orders
    assert isinstance(session.failure, SessionBroken)
    assert left == {}
