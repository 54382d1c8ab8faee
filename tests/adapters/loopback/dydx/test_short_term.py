"""Short-term orders on the loopback dYdX, signed by the official classes: life, replacement, cancels, refusals."""

from __future__ import annotations

from decimal import Decimal

import pytest

from adapters.loopback.orders import Kind, Side, Tif
from tests.adapters.loopback.dydx.dydx_wire import ADDRESS, IOC, POST_ONLY, RESTS, SELL, started

OK = ("", 0)
ORDERS = f"{ADDRESS}/0"


async def test_a_resting_order_is_opened_at_once_and_cancelled_best_effort() -> None:
    async with started() as client:
        socket = await client.socket()
        await socket.subscribe("v4_subaccounts", ORDERS)
        assert await client.place(7, 80_000) == OK
        opened = (await socket.contents("v4_subaccounts"))[0]["orders"][0]
        assert (opened["status"], opened["clientId"], opened["price"], opened["size"]) == (
            "BEST_EFFORT_OPENED", "7", "80000", "0.01",
        )  # fmt: skip
        assert "totalFilled" not in opened
        assert [order["status"] for order in await client.mine("/v4/orders")] == ["BEST_EFFORT_OPENED"]
        assert await client.cancel(7) == OK
        gone = (await socket.contents("v4_subaccounts"))[0]["orders"][0]
        assert (gone["status"], gone["removalReason"]) == (
            "BEST_EFFORT_CANCELED",
            "ORDER_REMOVAL_REASON_USER_CANCELED",
        )
        assert await client.mine("/v4/orders") == []
        assert client.venue.truth(ADDRESS).open_orders == {}


async def test_a_fill_is_final_with_its_block_and_books_position_and_usdc() -> None:
    async with started() as client:
        socket = await client.socket()
        await socket.subscribe("v4_subaccounts", ORDERS)
        ask = client.best("asks")
        assert await client.place(8, ask + 5, "0.01", time_in_force=IOC) == OK
        assert (await client.mine("/v4/fills"))["fills"] == []
        height = client.venue.make_block()
        opened, filled, held = await socket.contents("v4_subaccounts", 3)
        assert opened["orders"][0]["status"] == "BEST_EFFORT_OPENED"
        fill, order = filled["fills"][0], filled["orders"][0]
        assert (order["status"], order["totalFilled"], order["createdAtHeight"]) == ("FILLED", "0.01", str(height))
        assert (fill["orderId"], fill["liquidity"], fill["createdAtHeight"]) == (order["id"], "TAKER", str(height))
        cost, fee = Decimal(fill["quoteAmount"]), Decimal(fill["fee"])
        assert held["assetPositions"][0]["size"] == str(100_000 - cost - fee)
        position = (await client.mine("/v4/perpetualPositions"))["positions"][0]
        assert (position["side"], position["size"], position["entryPrice"]) == ("LONG", "0.01", fill["price"])
        truth = client.venue.truth(ADDRESS)
        assert (truth.positions["BTC-USD"].size, truth.fees) == (Decimal("0.01"), fee)
        assert truth.fills[0].exec_id == fill["id"]


# -- replacing --------------------------------------------------------------------------------------------------------


async def test_a_larger_good_til_block_replaces_and_counts_what_was_filled() -> None:
    async with started() as client:
        socket, ask = await client.socket(), client.best("asks")
        await socket.subscribe("v4_subaccounts", ORDERS)
        there = client.venue.books["BTC-USD"].asks[0][1]
        assert await client.place(5, ask, there + Decimal("0.5"), blocks=5) == OK
        client.venue.make_block()
        heard = await socket.contents_until("assetPositions")
        first, last = heard[0]["orders"][0], heard[-2]["orders"][0]
        assert (last["status"], last["totalFilled"]) == ("OPEN", f"{there.normalize():f}")
        assert await client.place(5, ask - 50, there + Decimal("0.2"), blocks=9) == OK
        replaced, again = (one["orders"][0] for one in await socket.contents("v4_subaccounts", 2))
        assert (replaced["status"], replaced["removalReason"], replaced["price"]) == (
            "BEST_EFFORT_CANCELED", "ORDER_REMOVAL_REASON_REPLACED", first["price"],
        )  # fmt: skip
        assert (again["status"], again["price"]) == ("BEST_EFFORT_OPENED", f"{ask - 50}")
        assert replaced["id"] == again["id"]
        order = client.venue.truth(ADDRESS).open_orders["5"]
        assert (order.price, order.leaves) == (ask - 50, Decimal("0.2"))
        assert await client.place(5, ask - 50, there, blocks=12) == ("clob", 24)
        assert client.venue.truth(ADDRESS).open_orders["5"].leaves == Decimal("0.2")


async def test_a_replacement_goes_to_the_back_even_where_nothing_changes() -> None:
    async with started() as client:
        price = client.best("bids")
        queue = client.venue.floor.markets["BTC-USD"].engine.queue
        assert await client.place(1, price, blocks=5) == OK
        assert await client.place(2, price, blocks=5) == OK
        assert [order.client_id for order in queue(Side.BUY, price)][-2:] == ["1", "2"]
        assert await client.place(1, price, blocks=6) == OK
        assert [order.client_id for order in queue(Side.BUY, price)][-2:] == ["2", "1"]


REPLACEMENTS = [
    ("the same good-til-block", {"blocks": 5}, ("clob", 20)),
    ("a smaller good-til-block", {"blocks": 4}, ("clob", 20)),
    ("the other side", {"blocks": 6, "side": SELL, "price": 95_000}, ("clob", 20)),
    ("another time in force", {"blocks": 6, "time_in_force": POST_ONLY}, ("clob", 20)),
    ("another price and size", {"blocks": 6, "price": 79_000, "size": "0.02"}, OK),
]


@pytest.mark.parametrize(("change", "verdict"), [r[1:] for r in REPLACEMENTS], ids=[r[0] for r in REPLACEMENTS])
async def test_what_a_replacement_may_change(change, verdict) -> None:
    async with started() as client:
        assert await client.place(4, 80_000, blocks=5) == OK
        assert await client.place(4, **({"price": 80_000} | change)) == verdict
        order = client.venue.truth(ADDRESS).open_orders["4"]
        assert order.price == (change["price"] if verdict == OK else 80_000)


# -- cancelling and expiring ------------------------------------------------------------------------------------------


async def test_a_cancel_is_remembered_until_its_good_til_block() -> None:
    async with started() as client:
        socket = await client.socket()
        await socket.subscribe("v4_subaccounts", ORDERS)
        assert await client.cancel(6, blocks=5) == OK
        unseen = (await socket.contents("v4_subaccounts"))[0]["orders"][0]
        assert (unseen["status"], unseen["clientId"], "price" in unseen) == ("BEST_EFFORT_CANCELED", "6", False)
        assert await client.cancel(6, blocks=5) == ("clob", 9)
        assert await client.cancel(6, blocks=6) == OK
        assert await client.place(6, 80_000, blocks=6) == ("clob", 7)
        assert await client.place(6, 80_000, blocks=7) == OK
        client.venue.make_block(6)
        assert await client.cancel(6, blocks=0) == ("clob", 10)
        assert await client.cancel(6, blocks=1) == OK


async def test_a_cancel_that_ends_before_the_order_leaves_it_standing() -> None:
    async with started() as client:
        assert await client.place(6, 80_000, blocks=9) == OK
        assert await client.cancel(6, blocks=8) == OK
        assert list(client.venue.truth(ADDRESS).open_orders) == ["6"]
        assert await client.cancel(6, blocks=9) == OK
        assert client.venue.truth(ADDRESS).open_orders == {}


async def test_of_such_a_cancel_the_indexer_says_that_the_order_is_gone_though_it_can_fill() -> None:
    async with started() as client:
        bid = client.best("bids")
        assert await client.place(6, bid, blocks=9) == OK
        assert await client.cancel(6, blocks=8) == OK
        assert [order["status"] for order in await client.mine("/v4/orders")] == ["BEST_EFFORT_CANCELED"]
        client.venue.floor.street("BTC-USD", Side.SELL, Kind.MARKET, Tif.IOC, Decimal(0), Decimal(50), 1)
        client.venue.make_block()
        (order,) = await client.mine("/v4/orders")
        assert (order["totalFilled"], order["status"]) == ("0.01", "FILLED")


async def test_who_would_take_with_post_only_is_refused_and_told_so_by_the_indexer_too() -> None:
    async with started() as client:
        socket = await client.socket()
        await socket.subscribe("v4_subaccounts", ORDERS)
        assert await client.place(1, client.best("asks"), time_in_force=POST_ONLY) == ("clob", 2003)
        heard = [one["orders"][0] for one in await socket.contents("v4_subaccounts", 2)]
        assert [(order["status"], order.get("removalReason")) for order in heard] == [
            ("BEST_EFFORT_OPENED", None),
            ("BEST_EFFORT_CANCELED", "ORDER_REMOVAL_REASON_POST_ONLY_WOULD_CROSS_MAKER_ORDER"),
        ]
        assert client.venue.truth(ADDRESS).orders == {}


async def test_a_batch_succeeds_where_one_of_it_does() -> None:
    async with started() as client:
        for number in (1, 2):
            assert await client.place(number, 80_000) == OK
        assert await client.cancel_batch(1, 2, 3) == OK
        assert client.venue.truth(ADDRESS).open_orders == {}
        assert await client.cancel_batch(1, 2) == ("clob", 46)
        assert await client.cancel_batch(*range(101)) == ("clob", 45)


async def test_an_order_lives_through_its_last_block_and_the_indexer_says_so_late() -> None:
    async with started(expiry_notice_blocks=3) as client:
        socket = await client.socket()
        await socket.subscribe("v4_subaccounts", ORDERS)
        assert await client.place(1, 80_000, blocks=2) == OK
        await socket.contents("v4_subaccounts")
        client.venue.make_block()
        assert list(client.venue.truth(ADDRESS).open_orders) == ["1"]
        client.venue.make_block()
        assert client.venue.truth(ADDRESS).open_orders == {}
        assert [order["status"] for order in await client.mine("/v4/orders")] == ["BEST_EFFORT_OPENED"]
        client.venue.make_block(3)
        gone = (await socket.contents("v4_subaccounts"))[0]["orders"][0]
        assert gone["removalReason"] == "ORDER_REMOVAL_REASON_INDEXER_EXPIRED"
        assert await client.mine("/v4/orders") == []


async def test_what_is_cancelled_may_have_been_filled_in_the_same_block() -> None:
    async with started() as client:
        socket, ask = await client.socket(), client.best("asks")
        await socket.subscribe("v4_subaccounts", ORDERS)
        there = client.venue.books["BTC-USD"].asks[0][1]
        assert await client.place(1, ask, there + 1) == OK
        assert await client.cancel(1) == OK
        client.venue.make_block()
        heard = (await socket.contents_until("assetPositions"))[:-1]
        statuses = [one["orders"][0]["status"] for one in heard]
        assert statuses == ["BEST_EFFORT_OPENED"] + ["BEST_EFFORT_CANCELED"] * (len(heard) - 1)
        assert [order["totalFilled"] for order in await client.mine("/v4/orders")] == [f"{there.normalize():f}"]


# -- rules ------------------------------------------------------------------------------------------------------------

REFUSED = [
    ("no side", {"side": 0}, ("clob", 3)),
    ("no size", {"quantums": 0}, ("clob", 4)),
    ("no good-til-block", {"good_til_block": 0}, ("clob", 5)),
    ("no price", {"subticks": 0}, ("clob", 6)),
    ("a pair that there is not", {"pair": 99}, ("clob", 8)),
    ("a block that is over", {"blocks": 0}, ("clob", 10)),
    ("the last block of the window", {"blocks": 21}, OK),
    ("a block beyond the window", {"blocks": 22}, ("clob", 11)),
    ("half a step", {"quantums": 500_000}, ("clob", 12)),
    ("half a tick", {"subticks": 8_000_050_000}, ("clob", 12)),
    ("fill or kill", {"time_in_force": 3}, ("clob", 48)),
    ("flags that there are not", {"flags": 7}, ("clob", 3000)),
    ("post-only through the book", {"price": 95_000, "time_in_force": POST_ONLY}, ("clob", 2003)),
    ("reduce-only that rests", {"reduce_only": True}, ("clob", 9003)),
    ("reduce-only without a position", {"reduce_only": True, "time_in_force": IOC}, ("clob", 2001)),
    ("a condition without its flags", {"condition_type": 1}, ("clob", 6000)),
    ("a subaccount without money", {"number": 3}, ("clob", 3007)),
    ("more than the collateral", {"size": "1000"}, OK),
]


async def test_what_a_node_says_to_an_order() -> None:
    async with started() as client:
        for number, (name, change, verdict) in enumerate(REFUSED):
            assert await client.place(number, **({"price": 80_000} | change)) == verdict, name
        assert list(client.venue.truth(ADDRESS).open_orders) == ["6"]


async def test_who_cannot_pay_is_told_by_the_indexer_only() -> None:
    async with started() as client:
        socket = await client.socket()
        await socket.subscribe("v4_subaccounts", ORDERS)
        assert await client.place(1, 80_000, "1000") == OK
        _, gone = await socket.contents("v4_subaccounts", 2)
        assert gone["orders"][0]["removalReason"] == "ORDER_REMOVAL_REASON_UNDERCOLLATERALIZED"


async def test_immediate_or_cancel_takes_what_there_is_and_ends() -> None:
    async with started() as client:
        socket, ask = await client.socket(), client.best("asks")
        await socket.subscribe("v4_subaccounts", ORDERS)
        there = client.venue.books["BTC-USD"].asks[0][1]
        assert await client.place(1, ask, there + 1, time_in_force=IOC) == OK
        assert await client.place(2, 80_000, time_in_force=IOC) == OK
        client.venue.make_block()
        heard = [one["orders"][0] for one in (await socket.contents_until("assetPositions"))[:-1]]
        reason = "ORDER_REMOVAL_REASON_IMMEDIATE_OR_CANCEL_WOULD_REST_ON_BOOK"
        assert [(order["clientId"], order["status"], order.get("removalReason")) for order in heard][:5] == [
            ("1", "BEST_EFFORT_OPENED", None),
            ("1", "BEST_EFFORT_CANCELED", reason),
            ("2", "BEST_EFFORT_OPENED", None),
            ("2", "BEST_EFFORT_CANCELED", reason),
            ("1", "CANCELED", None),
        ]
        assert await client.place(1, ask + 10, there + 2, time_in_force=IOC) == ("clob", 2004)


async def test_reduce_only_takes_no_more_than_the_position() -> None:
    async with started() as client:
        assert await client.place(1, client.best("asks") + 5, "0.02", time_in_force=IOC) == OK
        bid = client.best("bids") - 20
        assert await client.place(2, bid, "1", SELL, time_in_force=IOC, reduce_only=True) == OK
        client.venue.make_block()
        assert client.venue.truth(ADDRESS).positions["BTC-USD"].size == 0
        (position,) = (await client.mine("/v4/perpetualPositions"))["positions"]
        assert (position["status"], position["size"], position["sumClose"]) == ("CLOSED", "0", "0.02")


async def test_who_meets_itself_loses_the_resting_order_and_goes_on() -> None:
    async with started() as client:
        socket, bid = await client.socket(), client.best("bids")
        await socket.subscribe("v4_subaccounts", ORDERS)
        assert await client.place(1, bid + 1 if bid + 1 < client.best("asks") else bid, "0.01") == OK
        assert await client.place(2, bid - 30, "0.01", SELL, time_in_force=RESTS) == OK
        client.venue.make_block()
        heard = [one["orders"][0] for one in await socket.contents("v4_subaccounts", 3)]
        assert (heard[2]["clientId"], heard[2]["removalReason"]) == ("1", "ORDER_REMOVAL_REASON_SELF_TRADE_ERROR")
        assert client.venue.truth(ADDRESS).positions["BTC-USD"].size == Decimal("-0.01")


async def test_a_flip_closes_one_position_and_opens_another_in_the_same_block() -> None:
    async with started() as client:
        assert await client.place(1, client.best("asks") + 5, "0.02", time_in_force=IOC) == OK
        client.venue.make_block()
        assert await client.place(2, client.best("bids") - 30, "0.05", SELL, time_in_force=IOC) == OK
        client.venue.make_block()
        found = {row["status"]: row for row in (await client.mine("/v4/perpetualPositions"))["positions"]}
        assert (found["CLOSED"]["side"], found["CLOSED"]["sumClose"]) == ("LONG", "0.02")
        assert (found["OPEN"]["side"], found["OPEN"]["size"], found["OPEN"]["sumOpen"]) == ("SHORT", "-0.03", "0.03")
