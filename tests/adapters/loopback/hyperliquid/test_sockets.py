"""The one socket: what is acknowledged, what is pushed and when, posts, pings, and what it does not put up with."""

from __future__ import annotations

from decimal import Decimal

import aiohttp
import pytest

from adapters.loopback import Place
from tests.adapters.loopback.hyperliquid.hyperliquid_wire import (
    ADDRESS,
    Socket,
    cloid,
    order,
    place,
    started,
)
from tests.patience import PATIENCE_S

ENDED = (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.ERROR)


def pairs(levels: list[dict]) -> list[tuple[Decimal, Decimal]]:
    return [(Decimal(level["px"]), Decimal(level["sz"])) for level in levels]


ECHOES = [
    ({"type": "l2Book", "coin": "BTC"}, {"type": "l2Book", "coin": "BTC", "nSigFigs": None, "mantissa": None}),
    ({"type": "candle", "coin": "BTC", "interval": "1m"}, {"type": "candle", "interval": "1m", "coin": "BTC"}),
    ({"type": "trades", "coin": "BTC"}, {"type": "trades", "coin": "BTC"}),
    ({"type": "allMids"}, {"type": "allMids"}),
    ({"type": "orderUpdates", "user": ADDRESS.upper().replace("X", "x")}, {"type": "orderUpdates", "user": ADDRESS}),
]


@pytest.mark.parametrize(("wanted", "echo"), ECHOES, ids=[wanted["type"] for wanted, _ in ECHOES])
async def test_a_subscription_is_acknowledged_with_what_the_venue_makes_of_it(wanted, echo) -> None:
    async with started(warm_up_steps=2) as client:
        socket = await client.open()
        for method in ("subscribe", "unsubscribe"):
            await socket.say(method=method, subscription=wanted)
            assert (await socket.answered()) == {
                "channel": "subscriptionResponse",
                "data": {"method": method, "subscription": echo},
            }
        assert not client.venue.subscribed(wanted["type"])


REFUSED = [
    pytest.param({"type": "l2Book", "coin": "DOGE"}, "Invalid subscription", id="a coin that there is not"),
    pytest.param({"type": "candle", "coin": "BTC", "interval": "7m"}, "Invalid subscription", id="a span"),
    pytest.param({"type": "dreams", "coin": "BTC"}, "Invalid subscription", id="a type that there is not"),
    pytest.param({"type": "userFills", "user": "0x1"}, "Invalid subscription", id="an address that is none"),
    pytest.param({"type": "l2Book", "coin": "BTC", "nSigFigs": 4, "mantissa": 2}, "Invalid sub", id="a mantissa"),
    pytest.param({"coin": "BTC"}, "Error parsing JSON into valid websocket request", id="no type"),
]


@pytest.mark.parametrize(("wanted", "words"), REFUSED)
async def test_what_there_is_not_cannot_be_subscribed_to(wanted, words) -> None:
    async with started(warm_up_steps=2) as client:
        socket = await client.open()
        await socket.say(method="subscribe", subscription=wanted)
        frame = await socket.hear()
        assert (frame["channel"], frame["data"][: len(words)]) == ("error", words)


async def test_twice_is_an_error_and_so_is_leaving_what_one_never_joined() -> None:
    async with started(warm_up_steps=2) as client:
        socket = await client.open()
        await socket.subscribe("allMids")
        assert (await socket.subscribe("allMids"))["data"].startswith("Already subscribed")
        await socket.say(method="unsubscribe", subscription={"type": "bbo", "coin": "BTC"})
        assert (await socket.answered())["data"].startswith("Already unsubscribed")
        await socket.raw.send_str("hello")
        assert (await socket.answered())["data"].startswith("Error parsing JSON")


async def test_a_ping_is_answered_and_a_socket_that_hears_nothing_for_a_minute_is_closed() -> None:
    now = [1_754_000_000_000]
    async with started(warm_up_steps=2, clock=lambda: now[0]) as client:
        kept, silent = await client.open(), await client.open()
        await silent.say(method="ping")
        assert await silent.hear() == {"channel": "pong"}
        now[0] += 40_000
        await kept.say(method="ping")
        await kept.hear()
        now[0] += 30_000
        assert (await silent.raw.receive(timeout=PATIENCE_S)).type in ENDED
        await kept.say(method="ping")
        assert await kept.hear() == {"channel": "pong"}


async def test_the_book_is_whole_slow_and_deep_or_fast_and_shallow() -> None:
    now = [1_754_000_000_000]
    async with started(clock=lambda: now[0]) as client:
        socket, venue = await client.open(), client.venue
        await socket.subscribe("l2Book", coin="BTC")
        first = (await socket.hear("l2Book"))["data"]
        assert [pairs(side) for side in first["levels"]] == [venue.books["BTC"].bids[:20], venue.books["BTC"].asks[:20]]
        await socket.subscribe("l2Book", coin="BTC", fast=True)
        fast = (await socket.hear("l2Book"))["data"]
        assert (fast["fast"], len(fast["levels"][0])) == (True, 5)
        now[0] += 500
        venue.tick()
        assert (await socket.hear("l2Book"))["data"]["time"] == now[0]
        now[0] += 4_500
        venue.tick()
        depths = [len((await socket.hear("l2Book"))["data"]["levels"][1]) for _ in range(2)]
        assert sorted(depths) == [5, 20]


async def test_a_coarse_book_sums_up_what_the_fine_one_says() -> None:
    async with started() as client:
        socket, whole = await client.open(), client.venue.books["BTC"]
        await socket.subscribe("l2Book", coin="BTC", nSigFigs=4)
        bids, asks = (await socket.hear("l2Book"))["data"]["levels"]
        assert all(Decimal(level["px"]) % 10 == 0 for level in bids + asks)
        bottom, top = Decimal(bids[0]["px"]), Decimal(asks[0]["px"])
        assert Decimal(bids[0]["sz"]) == sum(size for price, size in whole.bids if price >= bottom)
        assert Decimal(asks[0]["sz"]) == sum(size for price, size in whole.asks if price <= top)
        coarser = await client.info("l2Book", coin="BTC", nSigFigs=5, mantissa=5)
        assert all(Decimal(level["px"]) % 5 == 0 for level in coarser["levels"][0])


async def test_the_best_prices_come_when_they_change_and_trades_by_the_block() -> None:
    async with started() as client:
        socket, venue = await client.open(), client.venue
        await socket.subscribe("bbo", coin="BTC")
        await socket.subscribe("trades", coin="BTC")
        recent = (await socket.hear("trades"))["data"]
        assert recent[0]["time"] <= recent[-1]["time"], "as recorded: oldest first"
        asks = venue.books["BTC"].asks
        size = sum(size for _, size in asks[:3])
        await client.statuses(place(order(f"{asks[2][0]}", f"{size}", tif="Ioc")))
        block = (await socket.hear("trades"))["data"]
        assert sum(Decimal(trade["sz"]) for trade in block) == size
        assert {trade["side"] for trade in block} == {"B"}
        assert {trade["users"][0] for trade in block} == {ADDRESS}
        await client.statuses(place(order(f"{asks[3][0] - 1}", "0.01")))
        best = (await socket.hear("bbo"))["data"]["bbo"]
        assert Decimal(best[1]["px"]) == venue.books["BTC"].asks[0][0]


async def listening(client, *kinds: str) -> Socket:
    socket = await client.open()
    for kind in kinds:
        await socket.subscribe(kind, user=ADDRESS)
    return socket


async def test_an_account_hears_its_orders_fills_and_state_before_the_answer_and_snapshots_at_first() -> None:
    async with started() as client:
        await client.statuses(place(order("66000", "0.001", tif="Ioc")))
        socket = await client.open()
        await socket.subscribe("userFills", user=ADDRESS)
        snapshot = (await socket.hear())["data"]
        assert (snapshot["isSnapshot"], snapshot["user"], len(snapshot["fills"])) == (True, ADDRESS, 1)
        await socket.subscribe("clearinghouseState", user=ADDRESS, dex="")
        state = (await socket.hear("clearinghouseState"))["data"]
        assert state["clearinghouseState"]["assetPositions"][0]["position"]["szi"] == "0.001"
        await socket.subscribe("openOrders", user=ADDRESS, dex="")
        assert (await socket.hear("openOrders"))["data"]["orders"] == []
        body = client.signed(place(order("66000", "0.001", tif="Ioc"), order("60000", c=cloid(1))))
        await socket.say(method="post", id=4, request={"type": "action", "payload": body})
        heard = [await socket.hear() for _ in range(4)]
        assert [frame["channel"] for frame in heard] == ["userFills", "clearinghouseState", "openOrders", "post"]
        assert "isSnapshot" not in heard[0]["data"]
        assert [row["cloid"] for row in heard[2]["data"]["orders"]] == [cloid(1)]


async def test_updates_of_one_action_are_one_frame_and_the_new_order_of_a_modify_comes_first() -> None:
    async with started() as client:
        socket = await listening(client, "orderUpdates")
        await client.statuses(place(order("64000", c=cloid(1)), order("64001", c=cloid(2)), order("66000", tif="Alo")))
        updates = (await socket.hear())["data"]
        assert [update["status"] for update in updates] == ["open", "open", "badAloPxRejected"]
        modifies = [{"oid": cloid(n), "order": order("64002", c=cloid(n))} for n in (1, 2)]
        await client.statuses({"type": "batchModify", "modifies": modifies})
        updates = (await socket.hear())["data"]
        assert [(u["status"], u["order"]["cloid"]) for u in updates] == [
            ("open", cloid(1)), ("open", cloid(2)), ("canceled", cloid(1)), ("canceled", cloid(2)),
        ]  # fmt: skip


async def test_what_the_venue_cancels_is_told_as_an_event_of_its_own() -> None:
    async with started() as client:
        while client.best("asks") - client.best("bids") < 2:
            client.venue.step()
        socket = await listening(client, "userEvents")
        (resting,) = await client.statuses(place(order(f"{client.best('bids') + 1}")))
        await client.statuses(place(order(f"{client.best('bids')}", "0.02", buy=False, tif="Ioc")))
        frame = await socket.hear()
        gone = [{"coin": "BTC", "oid": resting["resting"]["oid"]}]
        assert frame == {"channel": "user", "data": {"nonUserCancel": gone}}


async def test_funding_is_told_and_kept() -> None:
    async with started() as client:
        await client.statuses(place(order("66000", "0.1", tif="Ioc")))
        socket = await listening(client, "userEvents", "userFundings")
        assert (await socket.hear())["data"] == {"user": ADDRESS, "fundings": [], "isSnapshot": True}
        now_ms = client.venue.clock()
        client.venue.floor.fund("BTC", now_ms)
        event = (await socket.hear("user"))["data"]["funding"]
        (paid,) = (await socket.hear("userFundings"))["data"]["fundings"]
        assert (paid["coin"], paid["szi"], paid["fundingRate"]) == ("BTC", "0.1", "0.0000125")
        assert Decimal(paid["usdc"]) == client.venue.truth(ADDRESS).funding < 0
        assert event == paid
        (kept,) = await client.info("userFunding", user=ADDRESS, startTime=now_ms)
        assert (kept["delta"]["usdc"], kept["time"]) == (paid["usdc"], now_ms)
        state = await client.info("clearinghouseState", user=ADDRESS)
        ever = state["assetPositions"][0]["position"]["cumFunding"]["allTime"]
        assert abs(Decimal(ever) + Decimal(paid["usdc"])) < Decimal("0.000001")


async def test_posts_are_answered_by_their_ids_and_refused_in_words() -> None:
    async with started() as client:
        socket = await client.open()
        asked = await socket.post(1, "info", {"type": "l2Book", "coin": "BTC"})
        assert (asked["type"], asked["payload"]["type"]) == ("info", "l2Book")
        assert pairs(asked["payload"]["data"]["levels"][0]) == client.venue.books["BTC"].bids[:20]
        placed = await socket.post(2, "action", client.signed(place(order("64000"))))
        assert placed["payload"]["response"]["type"] == "order"
        broken = await socket.post(3, "action", {"action": {"type": "order"}})
        assert (broken["type"], broken["payload"][:3]) == ("error", "422")
        stranger = client.signed({"type": "noop"}) | {"nonce": client.nonce()}
        refused = await socket.post(4, "action", stranger)
        assert refused["payload"]["status"] == "err"
        assert client.venue.cut_sockets(Place.TRADE) == 1


@pytest.mark.parametrize("place_", [Place.PUBLIC, Place.PRIVATE])
async def test_sockets_are_cut_by_what_they_are_used_for(place_) -> None:
    async with started(warm_up_steps=2) as client:
        sockets = {Place.PUBLIC: await client.open(), Place.PRIVATE: await listening(client, "orderUpdates")}
        await sockets[Place.PUBLIC].subscribe("bbo", coin="BTC")
        assert client.venue.cut_sockets(place_) == 1
        other = Place.PRIVATE if place_ is Place.PUBLIC else Place.PUBLIC
        kinds = [(await sockets[place_].raw.receive(timeout=PATIENCE_S)).type for _ in range(2)]
        assert set(kinds) & set(ENDED)
        await sockets[other].say(method="ping")
        assert (await sockets[other].hear("pong")) == {"channel": "pong"}


async def test_a_candle_is_told_while_it_grows_and_once_more_when_it_closes() -> None:
    now = [1_754_000_020_000]
    async with started(clock=lambda: now[0]) as client:
        socket = await client.open()
        await socket.subscribe("candle", coin="BTC", interval="1m")
        opened = (await socket.hear("candle"))["data"]
        assert (opened["t"], opened["T"]) == (1_753_999_980_000 + 0, 1_754_000_039_999)
        await client.statuses(place(order("66000", "0.5", tif="Ioc")))
        now[0] += 30_000
        client.venue.tick()
        closed, fresh = [(await socket.hear("candle"))["data"] for _ in range(2)]
        assert (closed["t"], fresh["t"]) == (opened["t"], opened["t"] + 60_000)
        assert Decimal(closed["v"]) == Decimal(opened["v"]) + Decimal("0.5")
        assert closed["n"] > opened["n"]
        asked = await client.info("candleSnapshot", req={"coin": "BTC", "interval": "1m", "startTime": opened["t"]})
        assert asked == [closed, fresh]
