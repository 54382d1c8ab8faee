"""What the venue does with orders, beyond what well-behaved clients ask of it."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest

from adapters.loopback.orders import Kind, Side, Tif
from tests.adapters.loopback.hyperliquid.hyperliquid_wire import (
    ADDRESS,
    BTC,
    CUSTOMER,
    ETH,
    SOL,
    SUB_ACCOUNT,
    SUB_CUSTOMER,
    Client,
    cloid,
    order,
    place,
    started,
    trigger,
)


def modify(name, changed: dict) -> dict:
    return {"type": "batchModify", "modifies": [{"oid": name, "order": changed}]}


async def held(client: Client) -> dict[str, str]:
    """Status by oid, of every order there was."""
    return {str(o["order"]["oid"]): o["status"] for o in await client.info("historicalOrders", user=ADDRESS)}


PRICES = [
    pytest.param(BTC, "64000", True, id="a whole number"),
    pytest.param(BTC, "9999.5", False, id="five figures, but far away"),
    pytest.param(BTC, "64000.5", False, id="six figures"),
    pytest.param(ETH, "1800.1", True, id="five figures with a decimal"),
    pytest.param(ETH, "1800.15", False, id="six figures with two decimals"),
    pytest.param(ETH, "999.15", True, id="five figures with two decimals"),
    pytest.param(ETH, "999.155", False, id="six figures with three decimals"),
    pytest.param(SOL, "70.123", True, id="five figures with three decimals"),
    pytest.param(SOL, "70.1234", False, id="six figures with four decimals"),
]


@pytest.mark.parametrize(("asset", "price", "fits"), PRICES)
async def test_a_price_has_five_figures_and_the_decimals_that_the_size_leaves(asset, price, fits) -> None:
    async with started() as client:
        (status,) = await client.statuses(place(order(price, "1", asset=asset)))
        assert ("resting" in status) is fits


async def test_prices_of_the_flow_are_of_the_form_that_is_asked_of_customers() -> None:
    async with started(seed=4) as client:
        client.venue.step(400)
        for coin, book in client.venue.books.items():
            prices = [price for price, _ in book.bids + book.asks]
            assert all(price % 1 == 0 or len(price.normalize().as_tuple().digits) <= 5 for price in prices), coin


async def test_a_modify_is_a_new_order_whose_size_forgets_what_the_old_one_filled() -> None:
    async with started() as client:
        ask = client.best("asks")
        await client.statuses(place(order(f"{ask}", "10", c=cloid(1))))
        before = client.venue.truth(ADDRESS).orders[cloid(1)]
        assert 0 < before.filled < 10
        (status,) = await client.statuses(modify(cloid(1), order("64000", "7", c=cloid(1))))
        after = client.venue.truth(ADDRESS).orders[cloid(1)]
        assert (status["resting"]["oid"], after.size, after.filled) == (int(after.order_id), 7, 0)
        assert await held(client) == {before.order_id: "canceled", after.order_id: "open"}


async def test_a_modify_that_is_not_of_the_form_leaves_the_order_and_one_that_would_take_does_not() -> None:
    async with started() as client:
        (placed,) = await client.statuses(place(order("64000", c=cloid(1), tif="Alo")))
        (status,) = await client.statuses(modify(cloid(1), order("64000.5", c=cloid(1), tif="Alo")))
        assert status == {"error": "Price must be divisible by tick size. asset=0"}
        assert list(client.venue.truth(ADDRESS).open_orders) == [cloid(1)]
        (status,) = await client.statuses(modify(placed["resting"]["oid"], order("66000", c=cloid(1), tif="Alo")))
        wrapped = "Error placing new order during modify: Post only order would have immediately matched, bbo was "
        assert status["error"].startswith(wrapped)
        assert client.venue.truth(ADDRESS).open_orders == {}
        (status,) = await client.statuses(modify(cloid(1), order("64000", c=cloid(1))))
        assert status == {"error": "Cannot modify canceled or filled order"}


async def test_a_modify_rests_as_post_only_unless_it_is_to_be_placed_always() -> None:
    async with started() as client:
        await client.statuses(place(order("64000", c=cloid(1)), order("64000", c=cloid(2))))
        (status,) = await client.statuses(modify(cloid(1), order("66000", c=cloid(1), tif="Gtc")))
        assert "Post only order would have immediately matched" in status["error"]
        assert list(client.venue.truth(ADDRESS).open_orders) == [cloid(2)], "good till cancelled it was no more"
        (status,) = await client.statuses(modify(cloid(2), order("66000", c=cloid(2), tif="Ioc")))
        assert status["error"].endswith("asset=0")
        assert list(client.venue.truth(ADDRESS).open_orders) == [cloid(2)]
        (status,) = await client.statuses(modify(cloid(2), order("66000", c=cloid(2), tif="Ioc")) | {"a": True})
        assert "filled" in status
        (status,) = await client.statuses(modify(cloid(2), order("64000", c=cloid(2))) | {"a": True})
        assert "resting" in status, "placed even where nothing is left to cancel"


async def test_one_modify_answers_for_the_action_as_a_whole() -> None:
    async with started() as client:
        await client.statuses(place(order("64000", c=cloid(1))))
        one = {"type": "modify", "oid": cloid(1), "order": order("64001", c=cloid(1))}
        assert await client.act(one) == {"status": "ok", "response": {"type": "default"}}
        one["oid"] = cloid(2)
        assert await client.act(one) == {"status": "err", "response": "Cannot modify canceled or filled order"}


async def test_a_cancel_of_another_coins_order_finds_nothing() -> None:
    async with started() as client:
        (placed,) = await client.statuses(place(order("64000")))
        oid = placed["resting"]["oid"]
        gone = {"error": "Order was never placed, already canceled, or filled. asset=1"}
        cancels = [{"a": ETH, "o": oid}, {"a": BTC, "o": oid}]
        assert await client.statuses({"type": "cancel", "cancels": cancels}) == [gone, "success"]
        empty = await client.act({"type": "cancel", "cancels": []})
        assert empty["status"] == "err"


async def test_an_order_that_meets_its_own_accounts_order_cancels_that_one() -> None:
    async with started() as client:
        while client.best("asks") - client.best("bids") < 2:
            client.venue.step()
        await client.statuses(place(order(f"{client.best('bids') + 1}", "0.01", c=cloid(1))))
        await client.statuses(place(order(f"{client.best('bids')}", "0.01", buy=False, c=cloid(2), tif="Ioc")))
        truth = client.venue.truth(ADDRESS)
        assert truth.fills == []
        statuses = list((await held(client)).values())
        assert statuses == ["iocCancelRejected", "selfTradeCanceled"]


async def test_an_ioc_fills_what_there_is_and_the_rest_is_cancelled() -> None:
    async with started() as client:
        ask, size = client.venue.books["BTC"].asks[0]
        (status,) = await client.statuses(place(order(f"{ask}", f"{size + 1}", tif="Ioc")))
        assert (Decimal(status["filled"]["totalSz"]), Decimal(status["filled"]["avgPx"])) == (size, ask)
        assert list((await held(client)).values()) == ["canceled"]
        (status,) = await client.statuses(place(order("60000", tif="Ioc")))
        assert status == {"error": "Order could not immediately match against any resting orders. asset=0"}


async def test_a_reduce_only_order_shrinks_to_the_position_and_ends_with_it() -> None:
    async with started() as client:
        await client.statuses(place(order("66000", "0.02", tif="Ioc")))
        await client.statuses(place(order("67000", "0.05", buy=False, r=True, c=cloid(1))))
        assert client.venue.truth(ADDRESS).open_orders[cloid(1)].size == Decimal("0.02")
        (status,) = await client.statuses(place(order("64000", r=True)))
        assert status == {"error": "Reduce only order would increase position. asset=0"}
        await client.statuses(place(order("64000", "0.02", buy=False, tif="Ioc")))
        assert "reduceOnlyCanceled" in (await held(client)).values()


async def test_a_flip_is_one_fill_with_its_word_for_each_price() -> None:
    async with started() as client:
        await client.statuses(place(order("66000", "0.002", tif="Ioc")))
        await client.statuses(place(order("64000", "0.005", buy=False, tif="Ioc")))
        newest = (await client.info("userFills", user=ADDRESS))[0]
        assert (newest["dir"], newest["startPosition"], newest["sz"]) == ("Long > Short", "0.002", "0.005")
        assert client.venue.truth(ADDRESS).positions["BTC"].size == Decimal("-0.003")


async def test_the_same_cloid_again_makes_a_second_order_and_names_the_newer_one() -> None:
    async with started() as client:
        first, second = [(await client.statuses(place(order("64000", c=cloid(1)))))[0] for _ in range(2)]
        assert first["resting"]["oid"] != second["resting"]["oid"]
        assert len(await client.info("openOrders", user=ADDRESS)) == 2
        found = await client.info("orderStatus", user=ADDRESS, oid=cloid(1))
        assert found["order"]["order"]["oid"] == second["resting"]["oid"]


async def test_a_coin_that_is_not_traded_and_a_number_that_nothing_has() -> None:
    async with started(symbols=("ETH",)) as client:
        assert await client.statuses(place(order("64000"), order("1800", asset=99))) == [
            {"error": "Trading is halted. asset=0"},
            {"error": "Trading is halted. asset=99"},
        ]
        universe = (await client.info("meta"))["universe"]
        assert [asset["name"] for asset in universe if not asset.get("isDelisted")] == ["ETH"]


async def test_nobodys_account_is_empty_and_an_agents_address_is_not_its_masters() -> None:
    async with started(warm_up_steps=0) as client:
        nobody = "0x" + "7" * 40
        assert (await client.info("clearinghouseState", user=nobody))["marginSummary"]["accountValue"] == "0.0"
        for kind in ("openOrders", "userFills", "historicalOrders"):
            assert await client.info(kind, user=nobody) == []
        assert await client.info("userRole", user=nobody) == {"role": "missing"}


async def test_a_take_profit_and_a_stop_wait_for_the_mark_and_keep_their_oid() -> None:
    async with started() as client:
        await client.statuses(place(order("66000", "0.02", tif="Ioc")))
        bid = int(client.best("bids"))
        stop = order(f"{bid - 400}", "0.02", buy=False, r=True, t=trigger(f"{bid - 5}", "sl"), c=cloid(1))
        profit = order(f"{bid + 9}", "0.02", buy=False, r=True, t=trigger("67000", "tp", market=False))
        stopped, rested = await client.statuses(place(stop, profit))
        shown = {o["oid"]: o for o in await client.info("frontendOpenOrders", user=ADDRESS)}
        assert [shown[s["resting"]["oid"]]["orderType"] for s in (stopped, rested)] == [
            "Stop Market",
            "Take Profit Limit",
        ]
        assert shown[stopped["resting"]["oid"]]["triggerCondition"] == f"Price below {bid - 5}"
        wrong = order("64000", "0.02", buy=False, r=True, t=trigger("60000", "tp"))
        assert await client.statuses(place(wrong)) == [{"error": "Invalid TP/SL price. asset=0"}]
        await push_down(client, bid - 10)
        statuses = await held(client)
        assert statuses[str(stopped["resting"]["oid"])] == "filled"
        assert client.venue.truth(ADDRESS).positions["BTC"].size == 0
        cancel = {"type": "cancel", "cancels": [{"a": BTC, "o": rested["resting"]["oid"]}]}
        assert await client.statuses(cancel) == ["success"]


async def push_down(client: Client, price: int) -> None:
    """Somebody else sells until the mark is at a price."""
    floor = client.venue.floor
    while floor.markets["BTC"].mark_price > price:
        floor.street("BTC", Side.SELL, Kind.LIMIT, Tif.IOC, Decimal(price), Decimal(10), client.venue.clock())
        floor.street("BTC", Side.SELL, Kind.LIMIT, Tif.GTC, Decimal(price), Decimal(1), client.venue.clock())
    client.venue.publish()


async def test_orders_grouped_with_a_parent_wait_for_its_fill_and_one_ends_the_other() -> None:
    async with started() as client:
        bid = int(client.best("bids"))
        stop = order(f"{bid - 400}", "0.02", buy=False, r=True, t=trigger(f"{bid - 6}", "sl"))
        profit = order("67000", "0.02", buy=False, r=True, t=trigger("67000", "tp"))
        parent = order(f"{bid}", "0.02", c=cloid(1))
        statuses = await client.statuses(place(parent, profit, stop, grouping="normalTpsl"))
        assert statuses[1:] == ["waitingForFill", "waitingForFill"]
        top = {o["oid"]: o for o in await client.info("frontendOpenOrders", user=ADDRESS)}
        assert len(top[statuses[0]["resting"]["oid"]]["children"]) == 2
        await push_down(client, bid - 10)
        client.venue.publish()
        assert list((await held(client)).values()) == ["filled", "siblingFilledCanceled", "filled"]
        loose = order("67000", "0.02", buy=False, t=trigger("67000", "tp"))
        refused = await client.act(place(parent, loose, grouping="normalTpsl"))
        assert refused["status"] == "err"


async def test_orders_of_a_position_end_with_it_and_those_of_a_cancelled_parent_with_that() -> None:
    async with started() as client:
        await client.statuses(place(order("66000", "0.02", tif="Ioc")))
        close = order("70000", "0", buy=False, r=True, t=trigger("70000", "tp"))
        assert await client.statuses(place(close, grouping="positionTpsl")) == ["waitingForTrigger"]
        await client.statuses(place(order("64000", "0.02", buy=False, tif="Ioc")))
        client.venue.publish()
        assert (await client.info("historicalOrders", user=ADDRESS))[1]["status"] == "reduceOnlyCanceled"
        child = order("70000", "0.02", buy=False, r=True, t=trigger("70000", "tp"))
        parent, _ = await client.statuses(place(order("60000", "0.02"), child, grouping="normalTpsl"))
        await client.statuses({"type": "cancel", "cancels": [{"a": BTC, "o": parent["resting"]["oid"]}]})
        client.venue.publish()
        assert client.venue.truth(ADDRESS).open_orders == {}


async def test_the_dead_mans_switch_cancels_everything_ten_times_a_day() -> None:
    now = [1_754_006_400_000]
    async with started(clock=lambda: now[0]) as client:
        stop = order("60000", "0.02", buy=False, r=True, t=trigger("60000", "sl"))
        await client.statuses(place(order("64000"), order("64001"), stop))
        for _ in range(10):
            assert (await client.act({"type": "scheduleCancel", "time": now[0] + 6_000}))["status"] == "ok"
            assert (await client.act({"type": "scheduleCancel"}))["status"] == "ok"
            assert (await client.act({"type": "scheduleCancel", "time": now[0] + 5_000}))["status"] == "ok"
            now[0] += 5_000
            client.venue.tick()
        assert set((await held(client)).values()) == {"scheduledCancel"}
        assert client.venue.truth(ADDRESS).open_orders == {}
        refused = await client.act({"type": "scheduleCancel", "time": now[0] + 5_000})
        assert refused["response"].startswith("Too many scheduled cancels")


async def test_after_anything_the_books_are_sound_and_nobody_has_traded_with_himself() -> None:
    seed = 23
    chance = random.Random(seed)
    async with started(seed=seed, accounts=[CUSTOMER, SUB_CUSTOMER], masters={SUB_ACCOUNT: ADDRESS}) as client:
        for _ in range(60):
            vault = chance.choice([None, SUB_ACCOUNT])
            mid = int(client.best("bids"))
            orders = [
                order(
                    f"{mid + chance.randint(-8, 8)}", f"{chance.randint(1, 400) / 1000}", chance.random() < 0.5,
                    tif=chance.choice(["Gtc", "Alo", "Ioc"]), c=cloid(chance.randint(1, 30)), r=chance.random() < 0.2,
                )
                for _ in range(3)
            ]  # fmt: skip
            action = chance.choice([place(*orders), modify(cloid(chance.randint(1, 30)), orders[0])])
            await client.statuses(action, vault=vault)
            client.venue.step(2)
        for key in (ADDRESS, SUB_ACCOUNT):
            truth = client.venue.truth(key)
            assert len(truth.fills) > 10, f"seed {seed}"
            size = sum((fill.size * fill.side.sign for fill in truth.fills), Decimal(0))
            assert truth.positions["BTC"].size == size
            fees = sum((fill.fee for fill in truth.fills), Decimal(0))
            owned = 100_000 + truth.realized + truth.funding - fees
            assert abs(truth.wallet - owned) < Decimal("1e-15"), f"seed {seed}"
            sides = {(fill.exec_id, fill.side) for fill in truth.fills}
            assert len(sides) == len({fill.exec_id for fill in truth.fills}), f"seed {seed}"
        book = client.venue.books["BTC"]
        assert book.bids[0][0] < book.asks[0][0]
