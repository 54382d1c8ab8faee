"""The market streams of the loopback Binance: paths, forms, chains of update ids, what each stream says."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from itertools import pairwise

import aiohttp
import pytest

from adapters.conformance.leaps import LATE_S, leap
from adapters.loopback import Fault, Place
from adapters.loopback.binance import RateLimits
from adapters.loopback.binance.streams import Lane, lane_of
from adapters.loopback.market import Liquidated
from adapters.loopback.orders import Kind, Side, Tif
from tests.adapters.loopback.binance.binance_wire import Client, Socket, started
from tests.patience import PATIENCE_S

DEPTH = "btcusdt@depth@100ms"
NOW_MS = 1_754_000_000_000


def still(**options) -> AbstractAsyncContextManager[Client]:
    """A venue whose clock stands, so that streams only speak when a test steps."""
    return started(clock=lambda: NOW_MS, **options)


# -- paths and forms --------------------------------------------------------------------------------------------------

LANES = [
    (Lane.PUBLIC, ["btcusdt@depth", "btcusdt@depth20@500ms", "btcusdt@bookTicker", "!bookTicker", "btcusdt@trade"]),
    (Lane.PUBLIC, ["btcusdt@rpiDepth@500ms"]),
    (Lane.MARKET, ["btcusdt@aggTrade", "btcusdt@markPrice@1s", "btcusdt@kline_1m", "btcusdt@ticker"]),
    (Lane.MARKET, ["btcusdt@miniTicker", "btcusdt@forceOrder", "!markPrice@arr", "!ticker@arr", "!forceOrder@arr"]),
]


@pytest.mark.parametrize(("lane", "streams"), LANES)
def test_each_stream_has_its_path(lane, streams) -> None:
    assert {lane_of(stream) for stream in streams} == {lane}


async def kinds_until(socket: Socket, request_id: int) -> set[str]:
    """The kinds of events before the answer to a request."""
    kinds = set()
    while (message := await socket.hear()).get("id") != request_id:
        kinds.add(message["e"])
    return kinds


async def test_on_the_wrong_path_a_stream_is_acknowledged_and_silent() -> None:
    async with still() as client:
        sockets = {path: await client.open(path) for path in ("/market/ws", "/public/ws", "/ws")}
        for socket in sockets.values():
            assert await socket.ask("SUBSCRIBE", DEPTH, "btcusdt@aggTrade") == {"result": None, "id": 1}
            assert (await socket.ask("LIST_SUBSCRIPTIONS"))["result"] == ["btcusdt@aggTrade", DEPTH]
        client.venue.step(100)
        for socket in sockets.values():
            await socket.say(method="LIST_SUBSCRIPTIONS", id=99)
        heard = {path: await kinds_until(socket, 99) for path, socket in sockets.items()}
        assert heard == {"/market/ws": {"aggTrade"}, "/public/ws": {"depthUpdate"}, "/ws": {"depthUpdate"}}


async def test_a_misspelt_stream_is_acknowledged_like_a_good_one() -> None:
    async with still() as client:
        socket = await client.open("/public/ws")
        for name in ("btcusdt@deepth", "BTCUSDT@depth", "dogeusdt@depth", "btcusdt@depth7", "btcusdt@depth@1ms"):
            assert (await socket.ask("SUBSCRIBE", name))["result"] is None
        assert client.venue.streams() == set()


async def test_streams_are_named_in_the_url_and_wrapped_on_the_combined_path() -> None:
    async with still() as client:
        raw = await client.open(f"/public/ws/{DEPTH}/btcusdt@bookTicker")
        combined = await client.open(f"/public/stream?streams={DEPTH}/btcusdt@bookTicker")
        for socket in (raw, combined):
            await socket.ask("LIST_SUBSCRIPTIONS")
        client.venue.step(50)
        assert (await raw.hear())["e"] == "bookTicker"
        wrapped = await combined.hear()
        assert (wrapped["stream"], wrapped["data"]["e"]) == ("btcusdt@bookTicker", "bookTicker")


async def test_what_is_unsubscribed_is_silent() -> None:
    async with still() as client:
        socket = await client.open(f"/public/ws/{DEPTH}/btcusdt@trade")
        await socket.ask("UNSUBSCRIBE", "btcusdt@trade")
        client.venue.step(100)
        assert (await socket.hear())["e"] == "depthUpdate"
        assert client.venue.streams() == {DEPTH}


NONSENSE = [("no JSON", "{", 3), ("an unknown method", '{"method":"SHOUT","params":[],"id":4}', 2)]


@pytest.mark.parametrize(("text", "code"), [row[1:] for row in NONSENSE], ids=[row[0] for row in NONSENSE])
async def test_nonsense_is_answered_with_an_error(text, code) -> None:
    async with still() as client:
        socket = await client.open("/public/ws")
        await socket.raw.send_str(text)
        assert (await socket.hear())["error"]["code"] == code


async def test_who_talks_too_much_is_cut() -> None:
    async with still(rate_limits=RateLimits()) as client:
        socket = await client.open("/public/ws")
        for number in range(10):
            assert (await socket.ask("LIST_SUBSCRIPTIONS"))["id"] == number + 1
        await socket.say(method="LIST_SUBSCRIPTIONS", id=11)
        ended = await socket.raw.receive(timeout=PATIENCE_S)
        assert ended.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)


async def test_a_socket_is_pinged_every_three_minutes_and_ends_after_a_day() -> None:
    now_ms = [NOW_MS]
    async with started(clock=lambda: now_ms[0]) as client:
        raw = await client.session.ws_connect(client.venue.public_url, autoping=False)
        client.sockets.append(Socket(raw))
        await client.sockets[-1].ask("LIST_SUBSCRIPTIONS")
        client.venue.tick()
        now_ms[0] += 180_000
        client.venue.tick()
        ping = await raw.receive(timeout=PATIENCE_S)
        assert (ping.type, ping.data) == (aiohttp.WSMsgType.PING, str(now_ms[0]).encode())
        now_ms[0] = NOW_MS + 86_400_000
        client.venue.tick()
        ended = await raw.receive(timeout=PATIENCE_S)
        assert ended.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)


# -- the book ---------------------------------------------------------------------------------------------------------


class Book:
    """A book kept by the venue's own procedure, as the fact sheet tells it."""

    def __init__(self, snapshot: dict) -> None:
        self.last = snapshot["lastUpdateId"]
        self.sides = {side: dict(self._numbers(snapshot[side])) for side in ("bids", "asks")}
        self.synced = False

    @staticmethod
    def _numbers(levels):
        return [(Decimal(price), Decimal(size)) for price, size in levels]

    def apply(self, event: dict) -> None:
        if event["u"] < self.last:
            return
        if self.synced:
            assert event["pu"] == self.last
        else:
            assert event["U"] <= self.last <= event["u"] or event["pu"] == self.last
        self.synced, self.last = True, event["u"]
        for name, side in (("b", "bids"), ("a", "asks")):
            for price, size in self._numbers(event[name]):
                if size:
                    self.sides[side][price] = size
                else:
                    self.sides[side].pop(price, None)

    def best_first(self, side: str):
        return sorted(self.sides[side].items(), reverse=side == "bids")


async def snapshot(client: Client) -> dict:
    return (await client.get("/fapi/v1/depth", symbol="BTCUSDT", limit=1000)).body


@pytest.mark.parametrize("stream", ["btcusdt@depth", DEPTH, "btcusdt@depth@500ms"])
async def test_snapshot_and_events_make_the_venues_book_whenever_the_snapshot_is_taken(stream) -> None:
    async with still(seed=7) as client:
        socket = await client.open(f"/public/ws/{stream}")
        await socket.ask("LIST_SUBSCRIPTIONS")
        client.venue.step(30)
        for flow in client.venue.flows.values():  # changes that no event has told yet
            flow.step(NOW_MS)
        book = Book(await snapshot(client))
        for _ in range(10):
            client.venue.step(20)
        for _ in range(11):
            book.apply(await socket.hear())
        assert book.synced
        truth = client.venue.books["BTCUSDT"]
        assert (book.best_first("bids"), book.best_first("asks")) == (truth.bids, truth.asks)


async def test_a_level_that_only_a_snapshot_in_between_shows_is_told_to_be_gone() -> None:
    async with still() as client:
        socket = await client.open(f"/public/ws/{DEPTH}")
        await socket.ask("LIST_SUBSCRIPTIONS")
        floor, price, size = client.venue.floor, Decimal("64001.10"), Decimal("0.010")
        order = floor.street("BTCUSDT", Side.BUY, Kind.LIMIT, Tif.GTC, price, size, NOW_MS)
        assert ["64001.10", "0.010"] in (await snapshot(client))["bids"]
        floor.street_cancel("BTCUSDT", order.order_id, NOW_MS)
        client.venue.publish()
        assert (await socket.hear())["b"] == [["64001.10", "0.000"]]


async def test_update_ids_are_shared_among_symbols_so_that_only_pu_makes_the_chain() -> None:
    async with still() as client:
        socket = await client.open(f"/public/ws/{DEPTH}")
        await socket.ask("LIST_SUBSCRIPTIONS")
        for _ in range(4):
            client.venue.step(10)
        events = [await socket.hear() for _ in range(4)]
        for before, after in pairwise(events):
            assert after["pu"] == before["u"]
            assert after["U"] > before["u"] + 1
        assert {event["st"] for event in events} == {1}


async def test_a_level_that_is_gone_is_a_zero_of_the_lots_form() -> None:
    async with still(seed=7) as client:
        socket = await client.open(f"/public/ws/{DEPTH}")
        await socket.ask("LIST_SUBSCRIPTIONS")
        client.venue.step(100)
        event = await socket.hear()
        sizes = {size for _, size in event["b"] + event["a"]}
        assert "0.000" in sizes
        assert "0" not in sizes


async def test_the_top_levels_come_whole() -> None:
    async with still() as client:
        socket = await client.open("/public/ws/btcusdt@depth5@100ms")
        await socket.ask("LIST_SUBSCRIPTIONS")
        client.venue.step(20)
        event = await socket.hear()
        truth = client.venue.books["BTCUSDT"]
        for side, levels in (("b", truth.bids), ("a", truth.asks)):
            assert [(Decimal(p), Decimal(s)) for p, s in event[side]] == levels[:5]


async def test_the_best_levels_agree_with_the_book_at_every_shared_update_id() -> None:
    async with still(seed=7) as client:
        socket = await client.open(f"/public/ws/{DEPTH}/btcusdt@bookTicker")
        await socket.ask("LIST_SUBSCRIPTIONS")
        book, ticker, compared = Book(await snapshot(client)), {}, 0
        for _ in range(30):
            client.venue.step(1)
        await socket.say(method="LIST_SUBSCRIPTIONS", id=99)
        while (event := await socket.hear()).get("id") != 99:
            if event["e"] == "bookTicker":
                ticker = event
                continue
            book.apply(event)
            if ticker.get("u") == event["u"]:
                compared += 1
                bid, ask = book.best_first("bids")[0], book.best_first("asks")[0]
                assert bid == (Decimal(ticker["b"]), Decimal(ticker["B"]))
                assert ask == (Decimal(ticker["a"]), Decimal(ticker["A"]))
        assert compared > 3


async def test_dropped_events_break_the_chain() -> None:
    async with still(seed=3) as client:
        socket = await client.open(f"/public/ws/{DEPTH}")
        await socket.ask("LIST_SUBSCRIPTIONS")
        client.venue.faults.add(Place.PUBLIC, DEPTH, Fault(drop=True), times=2, skip=1)
        for _ in range(4):
            client.venue.step(10)
        first, last = await socket.hear(), await socket.hear()
        assert last["pu"] > first["u"]


# -- what else is said ------------------------------------------------------------------------------------------------


async def events_of(client: Client, path: str, count: int) -> list[dict]:
    socket = await client.open(path)
    await socket.ask("LIST_SUBSCRIPTIONS")
    client.venue.step(100)
    return [await socket.hear() for _ in range(count)]


async def test_every_trade_is_told_once_with_the_takers_side() -> None:
    async with still(seed=4) as client:
        printed = client.venue.floor.markets["BTCUSDT"].trades
        before = len(printed)
        socket = await client.open("/public/ws/btcusdt@trade")
        await socket.ask("LIST_SUBSCRIPTIONS")
        client.venue.step(60)
        new = list(printed)[before:]
        heard = [await socket.hear() for _ in new]
        assert [(e["t"], e["p"], e["q"], e["m"]) for e in heard] == [
            (int(t.trade_id), str(t.price), str(t.size), t.side is Side.SELL) for t in new
        ]
        assert {event["X"] for event in heard} == {"MARKET"}


async def test_aggregates_cover_the_trades() -> None:
    async with still(seed=4) as client:
        first, second = await events_of(client, "/market/ws/btcusdt@aggTrade", 2)
        assert (second["a"], second["f"]) == (first["a"] + 1, first["l"] + 1)
        assert first["nq"] == first["q"]


async def test_a_candle_closes_once_and_the_next_begins() -> None:
    now_ms = [1_754_000_030_000]
    async with started(clock=lambda: now_ms[0]) as client:
        socket = await client.open("/market/ws/btcusdt@kline_1m")
        await socket.ask("LIST_SUBSCRIPTIONS")
        client.venue.step(20)
        going = (await socket.hear())["k"]
        now_ms[0] += 60_000
        client.venue.tick()
        closed, opened = (await socket.hear())["k"], (await socket.hear())["k"]
        assert [k["x"] for k in (going, closed, opened)] == [False, True, False]
        assert (closed["t"], opened["t"]) == (going["t"], going["t"] + 60_000)
        rows = (await client.get("/fapi/v1/klines", symbol="BTCUSDT", interval="1m", limit=2)).body
        assert (rows[0][0], rows[0][4], rows[0][8]) == (closed["t"], closed["c"], closed["n"])
        assert closed["L"] - closed["f"] + 1 == closed["n"]


async def test_mark_prices_and_tickers_of_all_symbols_are_lists() -> None:
    async with still() as client:
        (marks,) = await events_of(client, "/market/ws/!markPrice@arr@1s", 1)
        assert [(row["e"], row["s"]) for row in marks] == [
            ("markPriceUpdate", "BTCUSDT"),
            ("markPriceUpdate", "ETHUSDT"),
        ]
        (tickers,) = await events_of(client, "/market/ws/!ticker@arr", 1)
        assert {row["e"] for row in tickers} == {"24hrTicker"}


async def test_a_liquidation_is_told_by_the_side_of_its_order() -> None:
    async with still() as client:
        socket = await client.open("/market/ws/btcusdt@forceOrder")
        await socket.ask("LIST_SUBSCRIPTIONS")
        street, seen = client.venue.floor.street, []
        client.venue.floor.listeners.append(lambda change: seen.extend(change.liquidations))
        street("BTCUSDT", Side.SELL, Kind.MARKET, Tif.IOC, Decimal(0), Decimal("0.1"), NOW_MS, liquidates=True)
        client.venue.publish()
        event = await socket.hear()
        assert isinstance(seen[0], Liquidated)
        assert (event["o"]["S"], event["o"]["q"]) == ("SELL", str(seen[0].size))


# -- spot -------------------------------------------------------------------------------------------------------------


async def test_spot_has_its_own_paths_frames_and_chain() -> None:
    async with still(spot=True, seed=7) as client:
        socket = await client.open(f"/stream?streams={DEPTH}/btcusdt@trade/btcusdt@bookTicker/btcusdt@depth5")
        await socket.ask("LIST_SUBSCRIPTIONS")
        for _ in range(6):
            client.venue.step(10)
        await socket.say(method="LIST_SUBSCRIPTIONS", id=99)
        heard: dict[str, list[dict]] = {}
        while (message := await socket.hear()).get("id") != 99:
            heard.setdefault(message["stream"], []).append(message["data"])
        depths = heard[DEPTH]
        assert set(depths[0]) == {"e", "E", "s", "U", "u", "b", "a"}
        assert all(later["U"] == event["u"] + 1 for event, later in pairwise(depths))
        assert set(heard["btcusdt@bookTicker"][0]) == {"u", "s", "b", "B", "a", "A"}
        assert heard["btcusdt@trade"][0]["M"] is True
        assert set(heard["btcusdt@depth5"][0]) == {"lastUpdateId", "bids", "asks"}
        seen = (await client.get("/api/v3/depth", symbol="BTCUSDT")).body
        assert set(seen) == {"lastUpdateId", "bids", "asks"}
        assert seen["lastUpdateId"] == depths[-1]["u"]
        assert (await client.get("/fapi/v1/depth", symbol="BTCUSDT")).status == 404


async def test_with_a_rate_the_flow_runs_by_itself() -> None:
    async with started(flow_per_s=500.0) as client:
        socket: Socket = await client.open(f"/public/ws/{DEPTH}")
        before = (await socket.hear())["u"]
        for _ in range(3):
            event = await socket.hear()
            assert event["pu"] == before
            before = event["u"]


async def test_a_delayed_frame_holds_back_those_after_it() -> None:
    async with still() as client:
        socket = await client.open(f"/public/ws/{DEPTH}")
        await socket.ask("LIST_SUBSCRIPTIONS")
        client.venue.faults.add(Place.PUBLIC, DEPTH, Fault(delay_s=LATE_S))
        client.venue.step(10)
        client.venue.step(10)
        hearing = asyncio.create_task(socket.hear())
        assert (await client.get("/fapi/v1/ping")).status == 200
        assert not hearing.done()
        leap()
        first, second = await hearing, await socket.hear()
        assert second["pu"] == first["u"]
