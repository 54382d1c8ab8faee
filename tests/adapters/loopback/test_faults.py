"""Trouble by order: frames lost, sockets cut, replies lost after acceptance, statuses in place of answers."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest

from adapters.conformance.leaps import LATE_S, leap
from adapters.loopback import Fault, Faults, Place
from tests.adapters.loopback.bybit_wire import KEY, headers, started
from tests.adapters.loopback.test_bybit_sockets import create, trade_socket
from tests.patience import PATIENCE_S

BOOK = "orderbook.50.BTCUSDT"


def test_a_rule_waits_its_turn_fires_as_often_as_it_says_and_is_spent() -> None:
    faults, lost = Faults(), Fault(drop=True)
    faults.add(Place.PUBLIC, "orderbook.*", lost, times=2, skip=1)
    asked = [faults.ask(Place.PUBLIC, BOOK) for _ in range(5)]
    assert [fault.drop for fault in asked] == [False, True, True, False, False]
    assert faults.ask(Place.PRIVATE, BOOK) == Fault()
    assert (faults.rules, len(faults.spent)) == ([], 2)


async def test_dropped_book_frames_are_a_gap_in_u_of_just_so_many() -> None:
    async with started(seed=3) as client:
        public = await client.open(client.venue.public_url)
        await public.subscribe(BOOK)
        u = (await public.hear(BOOK))["data"]["u"]
        client.venue.faults.add(Place.PUBLIC, BOOK, Fault(drop=True), times=2)
        for _ in range(3):
            client.venue.step(10)
        assert (await public.hear(BOOK))["data"]["u"] == u + 3


async def test_a_duplicated_frame_comes_twice() -> None:
    async with started(seed=3) as client:
        public = await client.open(client.venue.public_url)
        await public.subscribe(BOOK)
        await public.hear(BOOK)
        client.venue.faults.add(Place.PUBLIC, BOOK, Fault(duplicate=True))
        client.venue.step(10)
        assert await public.hear(BOOK) == await public.hear(BOOK)


@pytest.mark.parametrize("place", [Place.PUBLIC, Place.PRIVATE, Place.TRADE])
async def test_all_sockets_of_a_kind_are_cut_and_no_others(place) -> None:
    async with started() as client:
        venue = client.venue
        urls = {Place.PUBLIC: venue.public_url, Place.PRIVATE: venue.private_url, Place.TRADE: venue.trade_url}
        sockets = {kind: await client.open(url) for kind, url in urls.items()}
        for socket in sockets.values():
            await socket.say(op="ping")
            await socket.hear()
        assert venue.cut_sockets(place) == 1
        ended = await sockets[place].raw.receive(timeout=PATIENCE_S)
        assert ended.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        for kind, socket in sockets.items():
            if kind is not place:
                await socket.say(op="ping")
                await socket.hear()


async def test_a_push_can_cut_its_own_socket() -> None:
    async with started() as client:
        private = await client.open(client.venue.private_url)
        await private.authenticate()
        await private.subscribe("order")
        client.venue.faults.add(Place.PRIVATE, "order", Fault(cut=True))
        await client.place("seen-by-nobody")
        ended = await private.raw.receive(timeout=PATIENCE_S)
        assert ended.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)


async def test_a_reply_lost_after_acceptance_leaves_the_order_at_the_venue() -> None:
    async with started() as client:
        client.venue.faults.add(Place.REST, "/v5/order/create", Fault(drop=True))
        with pytest.raises(aiohttp.ClientError):
            await client.place("lost")
        assert set(client.venue.truth(KEY).open_orders) == {"lost"}
        assert (await client.place("lost"))["retCode"] == 110072


STATUSES = [
    ("500 before anything was done", Fault(status=500), 500, set()),
    ("500 after it was done", Fault(status=500, carried_out=True), 500, {"x"}),
    ("429 before anything was done", Fault(status=429), 429, set()),
]


@pytest.mark.parametrize(("fault", "status", "orders"), [s[1:] for s in STATUSES], ids=[s[0] for s in STATUSES])
async def test_a_status_in_place_of_an_answer(fault, status, orders) -> None:
    async with started() as client:
        client.venue.faults.add(Place.REST, "/v5/order/*", fault)
        body = json.dumps(create("1", orderLinkId="x")["args"][0])
        url = client.venue.rest_url + "/v5/order/create"
        async with client.session.post(url, data=body, headers=headers(body)) as reply:
            assert reply.status == status
        assert set(client.venue.truth(KEY).orders) == orders


async def test_a_delayed_reply_comes_after_one_that_was_asked_later() -> None:
    async with started() as client:
        client.venue.faults.add(Place.REST, "/v5/order/create", Fault(delay_s=LATE_S))
        late = asyncio.create_task(client.place("late"))
        while not client.venue.truth(KEY).orders:
            await client.get("/v5/account/info")
        assert (await client.place("soon"))["retCode"] == 0
        assert not late.done()
        leap()
        assert (await late)["retCode"] == 0


async def test_the_trade_socket_loses_a_reply_and_fails_with_an_unknown_outcome() -> None:
    async with started() as client:
        trade = await trade_socket(client)
        client.venue.faults.add(Place.TRADE, "order.create", Fault(drop=True))
        client.venue.faults.add(Place.TRADE, "order.create", Fault(status=500, carried_out=True))
        client.venue.faults.add(Place.TRADE, "order.create", Fault(status=429))
        for name in ("silent", "failed", "shed"):
            await trade.say(**create(name, orderLinkId=name))
        answers = [await trade.hear(), await trade.hear()]
        assert [(a["reqId"], a["retCode"]) for a in answers] == [("failed", 10016), ("shed", 10429)]
        assert set(client.venue.truth(KEY).orders) == {"silent", "failed"}


async def test_a_request_id_still_in_flight_is_refused() -> None:
    async with started() as client:
        trade = await trade_socket(client)
        client.venue.faults.add(Place.TRADE, "order.create", Fault(delay_s=LATE_S))
        await trade.say(**create("same", orderLinkId="one"))
        await trade.say(**create("same", orderLinkId="two"))
        assert (await trade.hear())["retCode"] == 20006
        leap()
        assert (await trade.hear())["retCode"] == 0
