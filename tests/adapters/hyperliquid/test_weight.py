"""What requests weigh: our count of a session's minute is the venue's own."""

import asyncio

import pytest

from adapters.base.client import Request, Response, SignedRequest
from adapters.base.query import Query
from adapters.hyperliquid.client import Client
from adapters.hyperliquid.endpoints import WEIGHT
from adapters.hyperliquid.formats import Formats
from adapters.loopback.hyperliquid.limits import Limiter
from state.errors import ConnectionFailed, OutcomeUnknown
from tests.adapters.hyperliquid.sdk import AGENT
from tests.adapters.hyperliquid.stage import BTC, stage


def test_what_is_counted_is_what_the_venue_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading an order's fills was taken for 120 whatever came: six of them used a minute up that had nine tenths left."""
    told = list[int]()
    weigh = Limiter.weigh
    monkeypatch.setattr(
        Limiter, "weigh", lambda self, at, weight, ms: (told.append(weight), weigh(self, at, weight, ms))
    )

    async def session() -> None:
        async with stage("rest", symbols=(BTC, "ETH")) as on:
            counted = on.exchange.sender.gate.limits._windows[WEIGHT]
            assert counted.total == sum(told)
            for _ in range(45):  # fills: more than two units of them
                on.intend(on.order(None, kind="market", tif="ioc"))
            await on.heard.until(lambda: all(on.heard.outcome(seq) for seq in range(1, 46)))
            await on.exchange.reconcile()
            for _ in range(6):
                await on.exchange.executions(Query(client_id=on._ids[0]))
            await on.exchange.trades(Query(symbol=BTC))
            await on.exchange.klines(Query(symbol=BTC, interval_s=60))
            await on.exchange.order_history()
            assert counted.total == sum(told) > 400
            assert on.venue.truth(AGENT).fills

    asyncio.run(session())


def test_an_outage_does_not_use_the_minute_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was refused, reset or not answered had cost the longest answer: ten tries, and the account was read a minute later."""
    told = list[int]()
    weigh = Limiter.weigh
    monkeypatch.setattr(
        Limiter, "weigh", lambda self, at, weight, ms: (told.append(weight), weigh(self, at, weight, ms))
    )

    async def session() -> None:
        async with stage("rest", symbols=(BTC,)) as on:
            counted = on.exchange.sender.gate.limits._windows[WEIGHT]
            once, tries = on.exchange.transport.request, list[SignedRequest]()

            async def failing(request: SignedRequest, timeout_s: float) -> Response:
                tries.append(request)
                match len(tries):
                    case 1:
                        await once(request, timeout_s)
                        raise OutcomeUnknown("reset")
                    case 2:
                        raise ConnectionFailed("nobody there")
                    case 3:
                        return Response(503, {}, b"<html>")
                return await once(request, timeout_s)

            monkeypatch.setattr(on.exchange.transport, "request", failing)
            assert counted.total == sum(told)
            await on.exchange.executions(Query(client_id="0x" + "0" * 32))
            assert len(tries) == 4
            assert counted.total == sum(told) + 20, "nobody knows whether what another answered was counted"

    asyncio.run(session())


def test_a_start_asks_once_for_what_is_of_all_markets(monkeypatch: pytest.MonkeyPatch) -> None:
    """It asked for all markets, and for the account's fees, once for each market: a minute's weight at 27 of them."""
    asked = list[bytes]()
    sign = Client.sign
    monkeypatch.setattr(
        Client, "sign", lambda self, request, ms: (asked.append(request.body), sign(self, request, ms))[1]
    )

    async def session() -> None:
        async with stage("rest", symbols=(BTC, "ETH")):
            assert [sum(word in body for body in asked) for word in (b'"meta"', b'"userFees"')] == [1, 1]

    asyncio.run(session())


def test_a_long_answer_weighs_what_it_was_granted_and_an_unreadable_one_does_too() -> None:
    formats, client = Formats("hyperliquid", AGENT), Client("")
    of_an_order = formats.request("order_fills", Query(client_id="0x" + "0" * 32))
    candles = formats.request("klines", Query(symbol=BTC, interval_s=60))
    price = formats.request("book", Query(symbol=BTC))

    def weighed(request: Request, rows: int) -> int:
        return client.weighed(request, 200, b"[" + b",".join([b"{}"] * rows) + b"]")

    assert [weighed(of_an_order, rows) for rows in (0, 19, 20, 2_000)] == [20, 20, 21, of_an_order.cost]
    assert [weighed(candles, rows) for rows in (0, 59, 60, 5_000)] == [20, 20, 21, 103]
    assert candles.cost >= 103
    assert client.weighed(of_an_order, 200, b"<html>") == of_an_order.cost
    assert client.weighed(of_an_order, 502, b"<html>") == 20, "there were no rows in it"
    assert client.weighed(price, 200, b"null") == client.weighed(price, 502, b"") == price.cost == 2
    assert of_an_order.cost == 120
