"""The public and business sockets of the loopback OKX: subscriptions, the chain of the book, and every channel's data."""

from __future__ import annotations

import time
from decimal import Decimal

import aiohttp
import pytest

from adapters.loopback import Fault, Place
from adapters.loopback.okx import RateLimits
from adapters.loopback.okx.render import checksum
from adapters.loopback.orders import Side
from tests.adapters.loopback.okx.okx_wire import BTC, CONTRACT, SPOT, coded, started
from tests.patience import PATIENCE_S

BOOKS = {"channel": "books", "instId": BTC}


class Kept:
    """A book kept from the frames as the fact sheet says."""

    def __init__(self) -> None:
        self.asks: dict[str, str] = {}
        self.bids: dict[str, str] = {}
        self.seq = -1

    def take(self, frame: dict) -> dict:
        """Applies a frame that must follow the last one."""
        row = frame["data"][0]
        assert row["prevSeqId"] == (-1 if frame["action"] == "snapshot" else self.seq)
        for side, levels in ((self.asks, row["asks"]), (self.bids, row["bids"])):
            for price, size, zero, count in levels:
                assert zero == "0"
                assert (size == "0") == (count == "0")
                if size == "0":
                    del side[price]
                else:
                    side[price] = size
        self.seq = row["seqId"]
        return row

    def levels(self, side: str) -> list[tuple[Decimal, Decimal]]:
        held = self.bids if side == "bids" else self.asks
        found = [(Decimal(price), Decimal(size) * CONTRACT) for price, size in held.items()]
        return sorted(found, reverse=side == "bids")


def same_as_the_venues(book: Kept, client) -> bool:
    truth = client.venue.books[BTC]
    return (book.levels("bids"), book.levels("asks")) == (truth.bids, truth.asks)


async def test_the_book_sums_up_and_every_connection_has_the_same_numbers() -> None:
    async with started() as client:
        first, second, early, late = await client.open("/public"), await client.open("/public"), Kept(), Kept()
        await first.subscribe(**BOOKS)
        early.take(await first.hear_from("books"))
        for number in range(5):
            client.venue.step(40)
            early.take(await first.hear_from("books"))
            assert same_as_the_venues(early, client), number
        client.venue.floor.street_cancel(BTC, client.venue.floor.markets[BTC].engine.resting("")[0].order_id, 0)
        await second.subscribe(**BOOKS)
        late.take(await second.hear_from("books"))
        early.take(await first.hear_from("books"))
        assert (early.seq, early.asks, early.bids) == (late.seq, late.asks, late.bids)
        client.venue.step(40)
        assert early.take(await first.hear_from("books")) == late.take(await second.hear_from("books"))


async def test_lost_frames_are_a_gap_and_a_new_subscription_mends_it() -> None:
    async with started() as client:
        socket, book = await client.open("/public"), Kept()
        await socket.subscribe(**BOOKS)
        book.take(await socket.hear_from("books"))
        client.venue.faults.add(Place.PUBLIC, f"books.{BTC}", Fault(drop=True))
        client.venue.faults.add(Place.PUBLIC, f"books.{BTC}", Fault(duplicate=True))
        for _ in range(2):
            client.venue.step(10)
        gap = await socket.hear_from("books")
        assert gap["data"][0]["prevSeqId"] > book.seq
        assert await socket.hear_from("books") == gap
        await socket.say(op="unsubscribe", args=[BOOKS])
        assert (await socket.hear_event("unsubscribe"))["arg"] == BOOKS
        await socket.subscribe(**BOOKS)
        book = Kept()
        book.take(await socket.hear_from("books"))
        assert same_as_the_venues(book, client)


async def test_the_chain_goes_on_through_maintenance_and_through_a_minute_of_silence() -> None:
    now_ms = int(time.time() * 1000)
    async with started(clock=lambda: now_ms) as client:
        socket, book = await client.open("/public"), Kept()
        await socket.subscribe(**BOOKS)
        high = book.take(await socket.hear_from("books"))["seqId"]
        client.venue.restart_sequence(BTC)
        client.venue.step(10)
        book.take(await socket.hear_from("books"))
        assert book.seq < high
        now_ms += 60_000
        client.venue.publish()
        silent = book.take(await socket.hear_from("books"))
        assert (silent["asks"], silent["bids"], silent["prevSeqId"]) == ([], [], silent["seqId"])
        client.venue.step(10)
        book.take(await socket.hear_from("books"))
        assert same_as_the_venues(book, client)


async def test_checksums_are_those_of_old_where_they_are_asked_for() -> None:
    rows = [("3366.8", "9", "0", "1"), ("3368", "8", "0", "1")], [("3366.1", "7", "0", "1"), ("3366", "6", "0", "1")]
    assert checksum(*rows) == -1881014294
    for asked in (True, False):
        async with started(checksums=asked) as client:
            socket = await client.open("/public")
            await socket.subscribe(**BOOKS)
            row = (await socket.hear_from("books"))["data"][0]
            assert row["checksum"] == (checksum(row["asks"], row["bids"]) if asked else 0)


async def test_the_short_books_are_whole_each_time_and_said_again_after_a_minute() -> None:
    now_ms = int(time.time() * 1000)
    async with started(clock=lambda: now_ms) as client:
        socket = await client.open("/public")
        await socket.say(op="subscribe", args=[{"channel": name, "instId": BTC} for name in ("books5", "bbo-tbt")])
        for name, depth in (("books5", 5), ("bbo-tbt", 1)):
            row = (await socket.hear_from(name))["data"][0]
            truth = client.venue.books[BTC]
            assert [(Decimal(p), Decimal(s) * CONTRACT) for p, s, _, _ in row["bids"]] == truth.bids[:depth], name
            assert len(row["asks"]) == depth
            assert ("instId" in row) == (name == "books5")
        best = client.best("asks")
        client.street(Side.BUY, best, "0.01")
        client.venue.publish()
        frames = [await socket.hear() for _ in range(2)]
        assert [frame["arg"]["channel"] for frame in frames] == ["bbo-tbt", "books5"]
        assert len({frame["data"][0]["seqId"] for frame in frames}) == 1
        now_ms += 60_000
        client.venue.publish()
        again = [await socket.hear() for _ in range(2)]
        assert [frame["data"][0] | {"ts": ""} for frame in again] == [frame["data"][0] | {"ts": ""} for frame in frames]


async def test_trades_are_merged_by_price_and_single_on_the_business_path() -> None:
    async with started() as client:
        merged, single = await client.open("/public"), await client.open("/business")
        await merged.subscribe(channel="trades", instId=BTC)
        await single.subscribe(channel="trades-all", instId=BTC)
        price = client.best("asks")
        floor, now_ms = client.venue.floor, client.now_ms()
        queue = floor.markets[BTC].engine.queue(Side.SELL, price)
        for order in queue:
            floor.street_cancel(BTC, order.order_id, now_ms)
        for contracts in ("2", "3"):
            client.street_rests(Side.SELL, price, contracts)
        client.street(Side.BUY, price, "5")
        row = (await merged.hear_from("trades"))["data"][0]
        singles = [(await single.hear_from("trades-all"))["data"][0] for _ in range(2)]
        assert (row["px"], row["sz"], row["count"], row["side"]) == (str(price), "5", "2", "buy")
        assert [each["sz"] for each in singles] == ["2", "3"]
        assert row["tradeId"] == singles[-1]["tradeId"]
        assert row["seqId"] == floor.markets[BTC].engine.seq


async def test_a_candle_is_said_while_it_changes_and_once_more_when_it_is_over() -> None:
    now_ms = int(time.time() * 1000) // 60_000 * 60_000 + 1_000
    async with started(clock=lambda: now_ms) as client:
        socket = await client.open("/business")
        await socket.subscribe(channel="candle1m", instId=BTC)
        await socket.hear_from("candle1m")
        client.venue.step(50)
        open_now = (await socket.hear_from("candle1m"))["data"][0]
        assert (open_now[8], int(open_now[0])) == ("0", now_ms - 1_000)
        assert Decimal(open_now[6]) == Decimal(open_now[5]) * CONTRACT
        now_ms += 60_000
        client.venue.tick()
        closed, fresh = [(await socket.hear_from("candle1m"))["data"][0] for _ in range(2)]
        assert (closed[:8], closed[8]) == (open_now[:8], "1")
        assert (int(fresh[0]) - int(closed[0]), fresh[5], fresh[8]) == (60_000, "0", "0")


async def test_volumes_are_contracts_and_coin_of_a_swap_and_coin_and_money_of_spot() -> None:
    async with started() as client:
        swap, spot = [(await client.get(f"market/ticker?instId={name}")).row for name in (BTC, SPOT)]
        assert Decimal(swap["volCcy24h"]) == Decimal(swap["vol24h"]) * CONTRACT
        day = client.venue.floor.markets[SPOT].day()
        assert (Decimal(spot["vol24h"]), Decimal(spot["volCcy24h"])) == (day.volume, day.turnover)
        candles = (await client.get(f"market/candles?instId={BTC}&bar=1m")).rows
        assert all(Decimal(row[6]) == Decimal(row[5]) * CONTRACT for row in candles)
        assert sum(Decimal(row[7]) for row in candles) == client.venue.floor.markets[BTC].day().turnover


async def test_a_day_begins_at_midnight_in_hong_kong_unless_it_is_said_to_be_utc() -> None:
    async with started() as client:
        for bar, hour in (("1D", 16), ("1Dutc", 0)):
            start_ms = int((await client.get(f"market/candles?instId={BTC}&bar={bar}")).rows[0][0])
            assert start_ms // 3_600_000 % 24 == hour


async def test_a_liquidation_is_told_with_the_orders_side_and_the_positions() -> None:
    async with started() as client:
        socket = await client.open("/public")
        await socket.subscribe(channel="liquidation-orders", instType="SWAP")
        client.liquidate(Side.SELL, "3")
        row = (await socket.hear_from("liquidation-orders"))["data"][0]
        detail = row["details"][0]
        assert (row["instId"], row["instFamily"]) == (BTC, "BTC-USDT")
        assert (detail["side"], detail["posSide"], detail["sz"]) == ("sell", "long", "3")


WRONG = [
    ("a channel that there is not", "/public", {"channel": "weather", "instId": BTC}, "60018"),
    ("an instrument that is not listed", "/public", {"channel": "books", "instId": "X-USDT-SWAP"}, "60018"),
    ("no instrument", "/public", {"channel": "books"}, "60018"),
    ("funding of spot", "/public", {"channel": "funding-rate", "instId": SPOT}, "60018"),
    ("an index by a swap's name", "/public", {"channel": "index-tickers", "instId": BTC}, "60018"),
    ("candles on the public path", "/public", {"channel": "candle1m", "instId": BTC}, "64001"),
    ("books on the business path", "/business", {"channel": "books", "instId": BTC}, "64002"),
    ("orders on the public path", "/public", {"channel": "orders", "instType": "SWAP"}, "60018"),
    ("books on the private path", "/private", {"channel": "books", "instId": BTC}, "60018"),
    ("orders without a login", "/private", {"channel": "orders", "instType": "SWAP"}, "60011"),
    ("fast books without a login", "/public", {"channel": "books-l2-tbt", "instId": BTC}, "60011"),
]


async def test_a_wrong_subscription_has_its_code_and_harms_no_other() -> None:
    async with started() as client:
        for sentence, path, arg, code in WRONG:
            socket = await client.open(path)
            await socket.say(op="subscribe", id="7a", args=[arg])
            answer = await socket.hear()
            assert (answer["event"], answer["code"], answer["id"]) == ("error", code, "7a"), sentence
            await socket.raw.close()
        socket = await client.open("/public")
        await socket.say(op="subscribe", id="8", args=[{"channel": "weather"}, BOOKS])
        answers = [await socket.hear() for _ in range(3)]
        assert [answer.get("event", "data") for answer in answers] == ["error", "subscribe", "data"]
        assert answers[1] == {"id": "8", "event": "subscribe", "arg": BOOKS, "connId": answers[1]["connId"]}


ILLEGAL = [
    ("no JSON", "{"),
    ("no operation", "{}"),
    ("no arguments", '{"op":"subscribe","args":[]}'),
    ("an argument that is a word", '{"op":"subscribe","args":["books"]}'),
    ("an id with a dash", '{"id":"a-1","op":"subscribe","args":[{"channel":"books"}]}'),
]


async def test_what_makes_no_sense_is_said_back_as_illegal() -> None:
    async with started() as client:
        socket = await client.open("/public")
        for sentence, text in ILLEGAL:
            await socket.raw.send_str(text)
            answer = await socket.hear()
            assert (answer["event"], answer["code"], answer["msg"]) == ("error", "60012", f"Illegal request: {text}"), (
                sentence
            )


OPERATIONS = [("that there is not", "sing", "60019"), ("of another path", "order", "60028")]


async def test_an_operation_is_refused_by_its_name_and_path() -> None:
    async with started() as client:
        socket = await client.open("/public")
        for sentence, op, code in OPERATIONS:
            await socket.say(id="1", op=op, args=[{}])
            assert (await socket.hear())["code"] == code, sentence


async def test_fast_books_are_for_those_of_the_tier_and_not_beside_the_slow_one() -> None:
    fifty, all_levels = ({"channel": name, "instId": BTC} for name in ("books50-l2-tbt", "books-l2-tbt"))
    for vip_level, asked in (
        (3, [(fifty, "60030")]),
        (4, [(all_levels, "60029"), (fifty, None), (BOOKS, None)]),
        (5, [(all_levels, None), (BOOKS, "64004"), (fifty, "64004")]),
    ):
        async with started(vip_level=vip_level) as client:
            socket = await client.open("/public")
            await socket.login()
            for arg, code in asked:
                assert (await socket.subscribe(**arg)).get("code") == code, (vip_level, arg)


async def test_the_text_ping_is_answered_and_silence_for_half_a_minute_ends_the_socket() -> None:
    now_ms = int(time.time() * 1000)
    async with started(clock=lambda: now_ms) as client:
        awake, asleep = await client.open("/public"), await client.open("/public")
        now_ms += 20_000
        await awake.raw.send_str("ping")
        assert await awake.raw.receive_str(timeout=PATIENCE_S) == "pong"
        now_ms += 11_000
        ended = await asleep.raw.receive(timeout=PATIENCE_S)
        assert (ended.data, ended.extra) == (4004, "No data received in 30s")
        await awake.raw.send_str("ping")
        assert await awake.raw.receive_str(timeout=PATIENCE_S) == "pong"


async def test_a_socket_may_ask_so_often_an_hour_and_an_address_connect_so_often_a_second() -> None:
    now_ms = int(time.time() * 1000)
    limits = RateLimits(requests_per_socket_hour=2, connections_per_s=2)
    async with started(rate_limits=limits, clock=lambda: now_ms) as client:
        socket = await client.open("/public")
        assert [(await socket.subscribe(**BOOKS)).get("code") for _ in range(3)] == [None, None, "60014"]
        await client.open("/public")
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.open("/public")
        assert refused.value.status == 429
        now_ms += 1_001
        await client.open("/public")


async def test_every_socket_is_told_of_an_upgrade_and_those_of_a_kind_are_cut() -> None:
    async with started() as client:
        public, quiet, trading = await client.open("/public"), await client.private(), await client.private()
        await trading.call("order", coded(clOrdId="a"))
        client.venue.announce_upgrade()
        for socket in (public, quiet, trading):
            assert (await socket.hear_event("notice"))["code"] == "64008"
        for place, socket in ((Place.TRADE, trading), (Place.PRIVATE, quiet), (Place.PUBLIC, public)):
            assert client.venue.cut_sockets(place) == 1, place
            ended = await socket.raw.receive(timeout=PATIENCE_S)
            assert ended.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR), place
