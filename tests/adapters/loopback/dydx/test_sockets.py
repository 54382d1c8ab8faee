"""The indexer's WebSocket on the loopback dYdX: recorded frames' shapes, numbers, batches, errors, the book."""

from __future__ import annotations

from decimal import Decimal

import aiohttp
import pytest

from adapters.conformance.leaps import LATE_S, leap
from adapters.loopback.dydx.limits import RateLimits
from adapters.loopback.faults import Fault, Place
from adapters.loopback.orders import Kind, Side, Tif
from tests.adapters.loopback.dydx.dydx_wire import ADDRESS, IOC, POST_ONLY, SELL, started
from tests.adapters.loopback.dydx.shapes import recorded, shape
from tests.patience import PATIENCE_S

ORDERS = f"{ADDRESS}/0"
SOCKETS = "nautilus-legacy/websocket/"
SNAPSHOTS = [
    ("v4_orderbook", "BTC-USD", f"{SOCKETS}v4_orderbook_snapshot.json"),
    ("v4_trades", "BTC-USD", "nautilus/ws_trades_subscribed.json"),
    ("v4_block_height", None, f"{SOCKETS}v4_block_height_subscribed.json"),
    ("v4_subaccounts", ORDERS, f"{SOCKETS}v4_accounts_balance.json"),
]


async def test_snapshots_have_the_shape_of_recorded_ones(recordings) -> None:
    async with started() as client:
        await client.place(1, client.best("asks") + 5, time_in_force=IOC)
        client.venue.make_block()
        await client.place(2, client.best("bids") - 5, "0.001", side=SELL, time_in_force=IOC)
        await client.place(3, client.best("asks"), "20")
        client.venue.make_block()
        socket = await client.socket()
        for channel, name, path in SNAPSHOTS:
            frame = await socket.subscribe(channel, name)
            for order in frame["contents"].get("orders", []):
                assert order.pop("orderRouterAddress") == ""  # newer than the recording
            assert shape(frame) == shape(recorded(recordings, path)), channel
        candles = await socket.subscribe("v4_candles", "BTC-USD/1MIN")
        assert shape(candles) == shape(recorded(recordings, f"{SOCKETS}v4_candles_subscribed.json"))


async def test_updates_have_the_shape_of_recorded_ones(recordings) -> None:
    async with started() as client:
        socket = await client.socket()
        await socket.subscribe("v4_subaccounts", ORDERS)
        await client.place(1, 80_000, client_metadata=1)
        opened = await socket.hear()
        assert shape(opened) == shape(recorded(recordings, f"{SOCKETS}v4_accounts_channel_data_order_opened.json"))
        for number, (channel, name, path) in enumerate(
            (
                ("v4_block_height", None, "v4_block_height_channel_data.json"),
                ("v4_markets", None, "v4_markets_oracle_price.json"),
                ("v4_trades", "BTC-USD", "v4_trades.json"),
            )
        ):
            other = await client.socket()
            await other.subscribe(channel, name)
            client.venue.step(5)
            assert await client.place(2 + number, client.best("asks") + 5, time_in_force=IOC) == ("", 0)
            client.venue.make_block()
            assert shape(await other.hear()) == shape(recorded(recordings, SOCKETS + path)), channel


async def test_every_message_has_the_next_number_and_an_error_that_of_its_subscribe_or_the_last() -> None:
    async with started() as client:
        socket = await client.socket()
        await socket.subscribe("v4_orderbook", "BTC-USD")
        await socket.subscribe("v4_trades", "BTC-USD")
        client.venue.step(3)
        client.venue.make_block()
        await socket.say("unsubscribe", "v4_trades", id="BTC-USD")
        frames = [await socket.hear()]
        while frames[-1]["type"] != "unsubscribed":
            frames.append(await socket.hear())
        assert [frame["message_id"] for frame in frames] == list(range(3, 3 + len(frames)))
        await socket.say("subscribe", "v4_orderbook", id="DOGE-USD")
        error = await socket.hear()
        assert (error["type"], error["message_id"]) == ("error", frames[-1]["message_id"] + 1)
        assert error["message"] == "Invalid subscription id for channel: (v4_orderbook-DOGE-USD)"
        await socket.say("shout")
        assert (await socket.hear())["message_id"] == error["message_id"]
        client.venue.step(2)
        assert (await socket.hear())["message_id"] == error["message_id"] + 1


class Ladder:
    """A book kept from contents, and whether it was ever crossed."""

    def __init__(self, snapshot) -> None:
        self.sides = {name: {float(row["price"]): float(row["size"]) for row in snapshot[name]} for name in snapshot}
        self.was_crossed = False

    def take(self, contents) -> None:
        for name, levels in contents.items():
            for price, size in levels:
                self.sides[name][float(price)] = float(size)
                if float(size) == 0:
                    del self.sides[name][float(price)]
        self.was_crossed |= max(self.sides["bids"]) >= min(self.sides["asks"])

    def __eq__(self, view: object) -> bool:
        return self.sides == {
            name: {float(price): float(size) for price, size in getattr(view, name)} for name in ("bids", "asks")
        }


@pytest.mark.parametrize("batched", [False, True])
async def test_the_book_follows_from_snapshot_and_changes_and_is_never_crossed(batched: bool) -> None:
    async with started() as client:
        socket = await client.socket()
        ladder = Ladder((await socket.subscribe("v4_orderbook", "BTC-USD", batched))["contents"])
        for _ in range(5):
            client.venue.step(60)
            while ladder != client.venue.books["BTC-USD"]:
                frame = await socket.hear()
                assert frame["type"] == ("channel_batch_data" if batched else "channel_data")
                for contents in frame["contents"] if batched else [frame["contents"]]:
                    ladder.take(contents)
        assert not ladder.was_crossed


async def test_a_book_that_crosses_is_crossed_and_right_again_once_nothing_is_stale() -> None:
    now = [1_765_210_316_125]
    async with started(crosses=True, clock=lambda: now[0]) as client:
        socket = await client.socket()
        ladder = Ladder((await socket.subscribe("v4_orderbook", "BTC-USD"))["contents"])
        venue = client.venue
        for _ in range(400):
            now[0] += 20
            for flow in venue.flows.values():
                flow.step(now[0])
            venue._hub.tick(now[0])
        venue.publish()
        while ladder != venue.books["BTC-USD"]:
            ladder.take((await socket.hear())["contents"])
        assert ladder.was_crossed
        rest = await client.get("/v4/orderbooks/perpetualMarket/BTC-USD")
        assert float(rest["bids"][0]["price"]) < float(rest["asks"][0]["price"])


SAID = [
    ("twice to one channel", [("subscribe", "v4_markets", None)] * 2, "already subscribed (v4_markets-v4_markets)"),
    ("to no channel", [("subscribe", "v4_nothing", None)], "Invalid channel: v4_nothing"),
    ("to a resolution that there is not", [("subscribe", "v4_candles", "BTC-USD/2MIN")], "(v4_candles-BTC-USD/2MIN)"),
    ("to no number", [("subscribe", "v4_subaccounts", "dydx1/x")], "(v4_subaccounts-dydx1/x)"),
    ("to a child as a parent", [("subscribe", "v4_parent_subaccounts", "a/128")], "(v4_parent_subaccounts-a/128)"),
    ("to nothing in particular", [("subscribe", "v4_trades", None)], "Invalid id: undefined"),
    ("without a channel", [("subscribe", "", None)], "channel is required"),
    ("nothing known", [("shout", "", None)], "Invalid message type: shout"),
]


async def test_what_cannot_be_subscribed_is_said() -> None:
    async with started() as client:
        for name, asked, words in SAID:
            socket = await client.socket()
            for kind, channel, topic in asked:
                await socket.say(kind, channel, **({"id": topic} if topic else {}))
            heard = [await socket.hear() for _ in asked][-1]
            assert (heard["type"], words in heard["message"]) == ("error", True), name


async def test_a_channel_has_so_many_subscriptions_and_no_more() -> None:
    async with started() as client:
        socket = await client.socket()
        for number in range(257):
            await socket.say("subscribe", "v4_subaccounts", id=f"{ADDRESS}/{number}")
        heard = [await socket.hear() for _ in range(257)]
        assert [frame["type"] for frame in heard[:256]] == ["subscribed"] * 256
        assert heard[255]["contents"] == {}
        assert heard[256]["message"] == "Per-connection subscription limit reached for v4_subaccounts (limit=256)."


async def test_who_says_too_much_that_is_wrong_is_sent_away() -> None:
    async with started(rate_limits=RateLimits()) as client:
        socket = await client.socket()
        for _ in range(3):
            await socket.raw.send_str("gibberish")
        errors = [(await socket.hear())["message"] for _ in range(3)]
        assert errors == ["Invalid message: could not parse"] * 2 + [
            "Too many invalid messages. Please reconnect and try again."
        ]
        closed = await socket.raw.receive(timeout=PATIENCE_S)
        assert (closed.type, closed.data) == (aiohttp.WSMsgType.CLOSE, 1008)


async def test_faults_spare_no_number_and_cut_what_hears_a_subaccount() -> None:
    async with started() as client:
        public, private = await client.socket(), await client.socket()
        await public.subscribe("v4_block_height")
        await private.subscribe("v4_subaccounts", ORDERS)
        client.venue.faults.add(Place.PUBLIC, "v4_block_height*", Fault(drop=True))
        client.venue.faults.add(Place.PUBLIC, "v4_block_height*", Fault(duplicate=True))
        client.venue.make_block(2)
        heard = [await public.hear() for _ in range(2)]
        assert [frame["message_id"] for frame in heard] == [3, 3]
        client.venue.faults.add(Place.PUBLIC, "snapshot/v4_trades", Fault(status=500))
        error = await public.subscribe("v4_trades", "BTC-USD")
        assert error["message"] == "Internal error, could not fetch data for subscription: v4_trades."
        assert client.venue.cut_sockets(Place.PRIVATE) == 1
        with pytest.raises(TypeError):
            await private.hear()
        assert (await public.subscribe("v4_trades", "BTC-USD"))["type"] == "subscribed"


async def test_a_snapshot_may_come_late_with_the_number_that_it_drew_and_without_what_came_meanwhile() -> None:
    async with started() as client:
        socket = await client.socket()
        await socket.subscribe("v4_block_height")
        client.venue.faults.add(Place.PUBLIC, "snapshot/v4_orderbook", Fault(delay_s=LATE_S))
        bid = client.best("bids")
        await socket.say("subscribe", "v4_orderbook", id="BTC-USD")
        await socket.say("subscribe", "v4_trades", id="BTC-USD")
        assert (await socket.hear())["message_id"] == 3
        assert await client.place(1, bid, "3") == ("", 0)
        client.venue.make_block()
        assert (await socket.hear())["message_id"] == 4
        leap()
        late = await socket.hear()
        assert (late["type"], late["message_id"], late["channel"]) == ("subscribed", 2, "v4_orderbook")
        told = {row["price"]: float(row["size"]) for row in late["contents"]["bids"]}
        assert told[str(bid)] < 3


async def test_what_liquidates_somebody_is_told_to_all_and_to_whom_it_was_sold() -> None:
    async with started() as client:
        socket, bid = await client.socket(), client.best("bids") + 1
        await socket.subscribe("v4_trades", "BTC-USD")
        assert await client.place(1, bid, "0.01", time_in_force=POST_ONLY) in (("", 0), ("clob", 2003))
        await client.place(2, bid - 1, "0.01")
        floor, now_ms = client.venue.floor, client.venue.chain.time_ms
        floor.street("BTC-USD", Side.SELL, Kind.MARKET, Tif.IOC, Decimal(0), Decimal(5), now_ms, liquidates=True)
        client.venue.make_block()
        trades = (await socket.hear())["contents"]["trades"]
        assert {trade["type"] for trade in trades} == {"LIQUIDATED"}
        fills = (await client.mine("/v4/fills"))["fills"]
        assert {(fill["type"], fill["liquidity"]) for fill in fills} == {("LIQUIDATION", "MAKER")}


async def test_who_hears_a_parent_hears_its_children_by_number() -> None:
    async with started() as client:
        socket = await client.socket()
        snapshot = await socket.subscribe("v4_parent_subaccounts", ORDERS)
        assert snapshot["contents"]["subaccount"]["childSubaccounts"][0]["subaccountNumber"] == 0
        await client.place(3, 80_000)
        heard = await socket.hear()
        assert (heard["subaccountNumber"], heard["contents"]["orders"][0]["clientId"]) == (0, "3")


async def test_who_subscribes_too_often_is_told_and_sent_away() -> None:
    async with started(rate_limits=RateLimits()) as client:
        socket = await client.socket()
        for _ in range(3):
            await socket.say("subscribe", "v4_markets")
        heard = [await socket.hear() for _ in range(3)]
        assert heard[0]["type"] == "subscribed"
        assert heard[2]["message"].startswith("Too many subscribe attempts for channel v4_markets-v4_markets.")
        assert (await socket.raw.receive(timeout=PATIENCE_S)).data == 1008
