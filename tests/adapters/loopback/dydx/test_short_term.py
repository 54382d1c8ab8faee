"""Short-term orders on the loopback dYdX, signed by the official classes: life, replacement, cancels, refusals."""

from __future__ import annotations

from decimal import Decimal

from tests.adapters.loopback.dydx.dydx_wire import ADDRESS, IOC, started

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
