"""An account that keeps all its coins together: its collateral is told as spot, and nowhere else."""

import json
from collections.abc import Sequence
from decimal import Decimal as D
from typing import Any

import pytest

from adapters.base.client import Request
from adapters.base.query import Query
from adapters.hyperliquid.account import Account
from adapters.hyperliquid.endpoints import Endpoints
from adapters.hyperliquid.exchange import Decoder
from adapters.hyperliquid.websocket import PrivateWebsocket
from state.errors import VenueError
from state.events import AnyEvent, BalanceUpdate, FeedStatus, Fill, PositionUpdate
from tests.adapters.hyperliquid.sdk import AGENT
from tests.adapters.hyperliquid.stage import Stage, played

V = "hyperliquid"
MODE = Request(Endpoints.ALL["account_mode"])

# As a funded account was told in 2026: 977.58 in all, of which 25.92 is the margin of what it holds.
LEVERAGE = {"type": "cross", "value": 20}
HELD = {"coin": "BTC", "szi": "0.008", "unrealizedPnl": "0.0096", "positionValue": "518.336", "leverage": LEVERAGE}
STATE = {
    "marginSummary": {"accountValue": "25.9264"}, "withdrawable": "0.0096", "time": 1754000000905,
    "assetPositions": [{"type": "oneWay", "position": HELD}],
}  # fmt: skip


def state() -> bytes:
    return json.dumps({"channel": "clearinghouseState", "data": {"dex": "", "clearinghouseState": STATE}}).encode()


def coins(*rows: Sequence[str]) -> bytes:
    held = [
        {"coin": coin, "token": n, "total": total, "hold": hold, "entryNtl": "0.0"}
        for n, (coin, total, hold) in enumerate(rows)
    ]
    return json.dumps({"channel": "spotState", "data": {"user": "0x", "spotState": {"balances": held}}}).encode()


def balances(events: Sequence[AnyEvent]) -> list[tuple[str, D, D | None]]:
    return [(e.asset, e.total, e.available) for e in events if isinstance(e, BalanceUpdate)]


@pytest.mark.parametrize("mode", ["unifiedAccount", "portfolioMargin"])
def test_the_collateral_of_a_unified_account_is_its_spot(mode: str) -> None:
    decoder = Decoder()
    assert not decoder.http("https://x/info", b'"%s"' % mode.encode(), 0)
    (position,) = decoder.receive(state(), 0)
    assert isinstance(position, PositionUpdate)
    assert position.size == D("0.008")
    told = decoder.receive(coins(("USDC", "977.57", "25.92"), ("HYPE", "3", "0.0")), 0)
    assert balances(told) == [("USDC", D("977.57"), D("951.65")), ("HYPE", D(3), D("3.0"))]
    assert balances(decoder.receive(coins(("USDC", "977.57", "25.92")), 0))[1:] == [("HYPE", D(0), D(0))], "it is gone"
    assert balances(decoder.receive(coins(), 0)) == [("USDC", D(0), D(0))]


@pytest.mark.parametrize("mode", ["default", "disabled", "dexAbstraction", None])
def test_the_collateral_of_any_other_account_is_that_of_its_perpetuals(mode: str | None) -> None:
    decoder = Decoder()
    if mode is not None:
        assert not decoder.receive(b'"%s"' % mode.encode(), 0)
    assert balances(decoder.receive(state(), 0)) == [("USDC", D("25.9168"), D("0.0096"))]
    assert not decoder.receive(coins(("USDC", "100", "0")), 0), "spot is another account's, and not traded here"


def test_how_coins_are_kept_is_asked_before_connections_once_a_minute_at_most() -> None:
    account = Account(V)
    socket = PrivateWebsocket("wss://x", account, AGENT, MODE)
    for at_s, word, unified in ((1, "unifiedAccount", True), (100, "disabled", False)):
        socket.on_disconnect("first connection", "connecting")
        assert socket.wants() == [MODE]
        assert not socket.answered(MODE, b'"%s"' % word.encode(), at_s * 10**9)
        assert account.collateral.is_unified is unified
        for silent_s in (0, 30):
            socket.receive(b'{"channel":"pong"}', (at_s + silent_s) * 10**9)
            socket.on_disconnect("closed by the venue")
            assert socket.wants() == [], "an outage makes many connections"
        socket.receive(b'{"channel":"pong"}', (at_s + 61) * 10**9)


@pytest.mark.parametrize("body", [b'"quantumAccount"', b"{}", b"null"])
def test_a_mode_that_is_not_known_is_told_and_its_money_never_guessed(body: bytes) -> None:
    socket = PrivateWebsocket("wss://x", Account(V), AGENT, MODE)
    with pytest.raises(VenueError, match=r"not known here|Expected `str`"):
        socket.answered(MODE, body, 0)
    if body[:1] == b'"':
        (status,) = Decoder().http("https://x/info", body, 0)
        assert isinstance(status, FeedStatus)


def test_a_unified_account_is_told_what_it_has_by_stream_and_rest_and_its_frames_say_the_same_again() -> None:
    async def story(on: Stage) -> None:
        _, ask = on.touch()
        taken = on.order(ask + 100, "0.02", tif="ioc")
        on.intend(taken)
        await on.ended(taken.client_id)
        await on.heard.until(lambda: on.heard.of(Fill) and on.heard.of(BalanceUpdate)[-1].total != D(100_000))
        truth = on.venue.truth(AGENT)
        (balance,) = await on.exchange.wallet()
        for told in (balance, on.heard.of(BalanceUpdate)[-1]):
            assert (told.asset, told.total) == ("USDC", truth.wallet)
            assert 0 < told.total - told.available < D(200), "what the position needs is not available"
        assert {each.total for each in on.heard.of(BalanceUpdate)} <= {D(100_000), truth.wallet}
        (position,) = await on.exchange.positions(Query())
        assert position.size == D("0.02")  # type: ignore[union-attr]

    heard = played("rest", story, unified=True)
    decoder = Decoder()
    kept = [(events, frame) for _, events, _, frame in heard.bursts if frame is not None and frame.channel == "private"]
    for events, frame in kept:
        if frame.direction == "in":
            rest = frame.url.startswith("http")
            said: Any = decoder.http(frame.url, frame.body, 0) if rest else decoder.receive(frame.body, 0)
            assert [e for e in said if not isinstance(e, FeedStatus)] == [
                e for e in events if not isinstance(e, FeedStatus)
            ]
    assert any(frame.body == b'"unifiedAccount"' for _, frame in kept)
