"""Limits, and trouble by order: what is refused for its number, what is lost, late, twice, or answered with a status."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest

from adapters.conformance.leaps import LATE_S, leap
from adapters.loopback import Fault, Place
from adapters.loopback.hyperliquid.limits import Limiter, RateLimits
from adapters.loopback.hyperliquid.refusals import ActionRefusedError
from tests.adapters.loopback.hyperliquid.hyperliquid_wire import (
    ADDRESS,
    BTC,
    cloid,
    order,
    place,
    started,
)
from tests.patience import PATIENCE_S

NOW_MS = 1_754_000_000_000
CANCEL = {"type": "cancelByCloid", "cancels": [{"asset": BTC, "cloid": cloid(1)}]}


async def test_weight_is_counted_by_the_minute_and_actions_by_the_forty() -> None:
    now = [NOW_MS]
    async with started(rate_limits=RateLimits(weight_per_min=100), clock=lambda: now[0]) as client:
        for _ in range(10):
            await client.info("l2Book", coin="BTC")
        await client.info("userRole", user=ADDRESS)
        await client.act(place(*[order("64000")] * 79))
        for _ in range(9):
            await client.info("allMids")
        refused = await client.post("/info", {"type": "allMids"})
        assert refused == (429, "null")
        socket = await client.open()
        posted = await socket.post(1, "info", {"type": "allMids"})
        assert posted == {"type": "error", "payload": "429 Too Many Requests: null"}
        now[0] += 60_000
        assert await client.info("allMids")


async def test_an_account_may_do_as_much_as_it_has_traded_and_cancel_twice_that() -> None:
    now = [NOW_MS]
    async with started(rate_limits=RateLimits(weight_per_min=0, actions_at_first=5), clock=lambda: now[0]) as client:
        await client.statuses(place(*[order("64000", c=cloid(n)) for n in range(5)]))
        now[0] += 1
        assert "resting" in (await client.statuses(place(order("64000"))))[0]
        refused = await client.act(place(order("64000")))
        assert refused["response"].startswith(
            "Too many cumulative requests sent (7 > 5) for cumulative volume traded $0.00"
        )
        assert await client.statuses(CANCEL) == ["success"]
        now[0] += 10_000
        assert "resting" in (await client.statuses(place(order("64000"))))[0]
        limit = await client.info("userRateLimit", user=ADDRESS)
        assert limit == {"cumVlm": "0.0", "nRequestsUsed": 8, "nRequestsCap": 5, "nRequestsSurplus": 0}


def test_what_is_traded_raises_the_limit_by_the_dollar() -> None:
    limiter = Limiter(RateLimits(actions_at_first=2))
    limiter.act("a", 1002, False, 1_000, NOW_MS)
    limiter.act("a", 1, False, 1_000, NOW_MS)
    with pytest.raises(ActionRefusedError, match=r"\(1004 > 1002\)"):
        limiter.act("a", 1, False, 1_000, NOW_MS)
    limiter.act("b", 1, False, 0, NOW_MS)


async def test_a_socket_may_do_so_much_and_an_address_have_so_many() -> None:
    limits = RateLimits(connections=2, subscriptions=2, users=1, messages_per_min=6)
    async with started(rate_limits=limits, warm_up_steps=2, clock=lambda: NOW_MS) as client:
        first, second = await client.open(), await client.open()
        with pytest.raises(aiohttp.WSServerHandshakeError, match=r"^429"):
            await client.open()
        await first.subscribe("orderUpdates", user=ADDRESS)
        assert (await second.subscribe("orderUpdates", user="0x" + "1" * 40))["channel"] == "error"
        await second.subscribe("allMids")
        assert (await second.subscribe("bbo", coin="BTC"))["channel"] == "error"
        for _ in range(3):
            await first.say(method="ping")
        kinds = [(await first.raw.receive(timeout=PATIENCE_S)).type for _ in range(3)]
        assert {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR} & set(kinds)


async def test_a_cancel_is_scheduled_only_by_those_who_have_traded() -> None:
    async with started(rate_limits=RateLimits(weight_per_min=0)) as client:
        refused = await client.act({"type": "scheduleCancel", "time": client.venue.clock() + 60_000})
        words = "Cannot set scheduled cancel time until enough volume traded. Required: $1000000. Traded: $0.00."
        assert refused == {"status": "err", "response": words}


STATUSES = [
    pytest.param(Fault(status=502), 502, set(), id="502 before anything was done"),
    pytest.param(Fault(status=502, carried_out=True), 502, {cloid(1)}, id="502 after it was done"),
    pytest.param(Fault(status=429), 429, set(), id="429 before anything was done"),
]


@pytest.mark.parametrize(("fault", "status", "orders"), STATUSES)
async def test_a_status_in_place_of_an_answer(fault, status, orders) -> None:
    async with started() as client:
        client.venue.faults.add(Place.REST, "/exchange/*", fault)
        body = client.signed(place(order("64000", c=cloid(1))))
        assert (await client.post("/exchange", body))[0] == status
        assert set(client.venue.truth(ADDRESS).orders) == orders
        again = json.loads((await client.post("/exchange", body))[1])
        assert (again["status"] == "err") == bool(orders)


async def test_a_reply_lost_after_acceptance_leaves_the_order_at_the_venue() -> None:
    async with started() as client:
        client.venue.faults.add(Place.REST, "/exchange/order", Fault(drop=True))
        with pytest.raises(aiohttp.ClientError):
            await client.act(place(order("64000", c=cloid(1))))
        found = await client.info("orderStatus", user=ADDRESS, oid=cloid(1))
        assert found["order"]["status"] == "open"


async def test_a_delayed_reply_comes_after_one_that_was_asked_later() -> None:
    async with started() as client:
        client.venue.faults.add(Place.REST, "/exchange/order", Fault(delay_s=LATE_S))
        late = asyncio.create_task(client.act(place(order("64000", c=cloid(1)))))
        while not client.venue.truth(ADDRESS).orders:
            await client.info("exchangeStatus")
        assert (await client.act(CANCEL))["status"] == "ok"
        assert not late.done()
        leap()
        assert "resting" in (await late)["response"]["data"]["statuses"][0]


async def test_a_post_is_lost_fails_with_an_unknown_outcome_or_is_shed() -> None:
    async with started() as client:
        socket, faults = await client.open(), client.venue.faults
        for fault in (Fault(drop=True), Fault(status=500, carried_out=True), Fault(status=429)):
            faults.add(Place.TRADE, "order", fault)
        for number in (1, 2, 3):
            body = client.signed(place(order("64000", c=cloid(number))))
            await socket.say(method="post", id=number, request={"type": "action", "payload": body})
        answers = [(await socket.hear("post"))["data"] for _ in range(2)]
        assert [(a["id"], a["response"]["payload"]) for a in answers] == [
            (2, "500 Internal Server Error"), (3, "429 Too Many Requests"),
        ]  # fmt: skip
        assert set(client.venue.truth(ADDRESS).orders) == {cloid(1), cloid(2)}


async def test_a_post_is_late_twice_or_the_end_of_its_socket() -> None:
    async with started() as client:
        socket, faults = await client.open(), client.venue.faults
        faults.add(Place.TRADE, "info", Fault(delay_s=LATE_S))
        faults.add(Place.TRADE, "info", Fault(duplicate=True))
        for number in (1, 1, 2):
            request = {"type": "info", "payload": {"type": "allMids"}}
            await socket.say(method="post", id=number, request=request)
        assert (await socket.hear())["data"] == "Too many pending post requests."
        assert [(await socket.hear("post"))["data"]["id"] for _ in range(2)] == [2, 2]
        leap()
        assert (await socket.hear("post"))["data"]["id"] == 1
        faults.add(Place.TRADE, "order", Fault(cut=True))
        body = client.signed(place(order("64000", c=cloid(1))))
        await socket.say(method="post", id=3, request={"type": "action", "payload": body})
        ended = await socket.raw.receive(timeout=PATIENCE_S)
        assert ended.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)


async def test_pushes_of_the_one_socket_are_told_apart_by_what_they_are_for() -> None:
    async with started() as client:
        socket, faults = await client.open(), client.venue.faults
        await socket.subscribe("orderUpdates", user=ADDRESS)
        await socket.subscribe("l2Book", coin="BTC")
        await socket.hear("l2Book")
        faults.add(Place.PRIVATE, "orderUpdates", Fault(drop=True))
        faults.add(Place.PUBLIC, "l2Book.BTC", Fault(duplicate=True))
        for number in (1, 2):
            await client.statuses(place(order("64000", c=cloid(number))))
        client.venue.publish()
        assert [u["order"]["cloid"] for u in (await socket.hear("orderUpdates"))["data"]] == [cloid(2)]
        assert await socket.hear("l2Book") == await socket.hear("l2Book")
        assert [spent[1] for spent in faults.spent] == ["orderUpdates", "l2Book.BTC"]
