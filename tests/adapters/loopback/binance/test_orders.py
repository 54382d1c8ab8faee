"""The life of orders on the loopback Binance: ids, amendments, ends, batches, the dead man's switch."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from adapters.loopback.orders import Side
from tests.adapters.loopback.binance.binance_wire import KEY, started

ORDER = "/fapi/v1/order"

# -- client ids -------------------------------------------------------------------------------------------------------


async def test_a_client_id_is_unique_among_open_orders_only() -> None:
    async with started() as client:
        first = await client.place("same")
        assert (await client.place("same")).code == -4116
        await client.cancel("same")
        second = await client.place("same")
        assert second["orderId"] > first["orderId"]
        assert (await client.order("same"))["orderId"] == second["orderId"]
        by_id = await client.signed("GET", ORDER, symbol="BTCUSDT", orderId=first["orderId"])
        assert by_id["status"] == "CANCELED"


async def test_an_order_without_a_client_id_gets_one() -> None:
    async with started() as client:
        named = [(await client.place())["clientOrderId"] for _ in range(2)]
        assert len(set(named)) == 2


async def test_an_order_that_is_gone_cannot_be_cancelled_and_one_that_never_was_is_unknown() -> None:
    async with started() as client:
        await client.place("a")
        assert (await client.cancel("a"))["status"] == "CANCELED"
        assert [(await client.cancel(name)).code for name in ("a", "b")] == [-2011, -2011]
        assert (await client.order("b")).code == -2013
        assert (await client.signed("GET", "/fapi/v1/openOrder", symbol="BTCUSDT", origClientOrderId="a")).code == -2013
        elsewhere = await client.signed("GET", ORDER, symbol="ETHUSDT", origClientOrderId="a")
        assert elsewhere.code == -2013


# -- amending ---------------------------------------------------------------------------------------------------------


async def test_an_amendment_keeps_the_ids_and_always_loses_the_place() -> None:
    async with started() as client:
        await client.place("first")
        await client.place("second")
        smaller = await client.amend("first", "0.005", "64500.00", modifyId=77)
        assert (smaller["clientOrderId"], smaller["origQty"], smaller["modifyId"]) == ("first", "0.005", 77)
        queue = client.venue.floor.markets["BTCUSDT"].engine.queue(Side.BUY, Decimal("64500.00"))
        assert [order.client_id for order in queue][-2:] == ["second", "first"]


AMENDMENTS = [
    ("that changes nothing", {"quantity": "0.010", "price": "64500.00"}, -5027, "NEW"),
    ("off the tick", {"quantity": "0.010", "price": "64500.05"}, -4014, "NEW"),
    ("without a price", {"quantity": "0.010", "price": ""}, -1102, "NEW"),
    ("on the other side", {"quantity": "0.020", "price": "64500.00", "side": "SELL"}, -1130, "NEW"),
    ("that makes it reduce", {"quantity": "0.020", "price": "64500.00", "reduceOnly": "true"}, -5047, "NEW"),
    ("of a post-only order that would then take", {"quantity": "0.010", "price": "65200.00"}, 0, "CANCELED"),
]


@pytest.mark.parametrize(("to", "code", "after"), [r[1:] for r in AMENDMENTS], ids=[r[0] for r in AMENDMENTS])
async def test_an_amendment(to, code, after) -> None:
    async with started(seed=2) as client:
        await client.place("a", timeInForce="GTX")
        fields = {"symbol": "BTCUSDT", "side": "BUY", "origClientOrderId": "a"} | to
        assert (await client.signed("PUT", ORDER, **fields)).code == code
        assert (await client.order("a"))["status"] == after


async def test_an_amendment_to_what_is_filled_already_cancels_the_rest() -> None:
    async with started(seed=2) as client:
        size = client.venue.books["BTCUSDT"].asks[0][1]
        await client.place("a", price=client.best("asks"), quantity=size + Decimal("0.010"))
        assert (await client.order("a"))["executedQty"] == str(size)
        gone = await client.amend("a", str(size), str(client.best("bids")))
        assert (gone.status, gone["status"], gone["executedQty"]) == (200, "CANCELED", str(size))


async def test_an_order_that_is_over_cannot_be_amended() -> None:
    async with started() as client:
        await client.place("a")
        await client.cancel("a")
        assert (await client.amend("a", "0.020", "64500.00")).code == -2013


# -- how orders end ---------------------------------------------------------------------------------------------------


async def test_an_acknowledgement_says_new_and_a_result_says_how_it_ended() -> None:
    async with started() as client:
        market = {"type": "MARKET", "price": None, "timeInForce": None}
        assert (await client.place("ack", **market))["status"] == "NEW"
        result = await client.place("result", **market, newOrderRespType="RESULT")
        assert (result["status"], result["executedQty"]) == ("FILLED", "0.010")
        assert "avgPrice" not in result.body
        assert (await client.order("ack"))["status"] == "FILLED"


async def test_the_rest_of_an_immediate_order_expires() -> None:
    async with started(seed=2) as client:
        size = client.venue.books["BTCUSDT"].asks[0][1]
        fields = {"price": client.best("asks"), "quantity": size + 1, "timeInForce": "IOC"}
        done = await client.place("ioc", **fields, newOrderRespType="RESULT")
        assert (done["status"], done["executedQty"]) == ("EXPIRED", str(size))


async def test_a_dated_order_ends_at_its_second() -> None:
    now_ms = [1_754_000_000_000]
    async with started(clock=lambda: now_ms[0]) as client:
        fields = {"timestamp": now_ms[0], "timeInForce": "GTD", "goodTillDate": now_ms[0] + 600_999}
        placed = await client.place("dated", **fields)
        assert placed["goodTillDate"] == now_ms[0] + 600_000
        now_ms[0] += 599_999
        client.venue.tick()
        assert set(client.venue.truth(KEY).open_orders) == {"dated"}
        now_ms[0] += 1
        client.venue.tick()
        order = client.venue.truth(KEY).orders["dated"]
        assert (order.status.value, order.reason.value) == ("cancelled", "expired")


SELF_MATCHES = [
    ("the maker", "EXPIRE_MAKER", "EXPIRED_IN_MATCH", "NEW"),
    ("the taker", "EXPIRE_TAKER", "NEW", "EXPIRED_IN_MATCH"),
    ("both", "EXPIRE_BOTH", "EXPIRED_IN_MATCH", "EXPIRED_IN_MATCH"),
    ("nobody", "NONE", "FILLED", "FILLED"),
]


@pytest.mark.parametrize(("mode", "maker", "taker"), [r[1:] for r in SELF_MATCHES], ids=[r[0] for r in SELF_MATCHES])
async def test_who_expires_when_an_account_meets_itself(mode, maker, taker) -> None:
    async with started(seed=2) as client:
        inside = client.best("asks") - Decimal("0.10")
        if inside == client.best("bids"):
            await client.place(
                price=None, type="MARKET", timeInForce=None, quantity=client.venue.books["BTCUSDT"].asks[0][1]
            )
            inside = client.best("asks") - Decimal("0.10")
        await client.place("maker", price=inside)
        await client.place("taker", side="SELL", price=inside, selfTradePreventionMode=mode)
        assert (await client.order("maker"))["status"] == maker
        assert (await client.order("taker"))["status"] == taker


async def test_reduce_only_orders_die_with_the_position() -> None:
    async with started() as client:
        market = {"type": "MARKET", "price": None, "timeInForce": None}
        await client.place(**market)
        assert (await client.place("wrong", **market, reduceOnly="true")).code == -2022
        ask = str(client.best("asks") + 100)
        await client.place("exit", side="SELL", price=ask, reduceOnly="true")
        await client.place(**market, side="SELL", reduceOnly="true")
        assert (await client.order("exit"))["status"] == "EXPIRED"
        assert client.venue.truth(KEY).positions["BTCUSDT"].size == 0


PRICE_MATCHES = [("QUEUE", "bids", 0), ("QUEUE_5", "bids", 4)]


@pytest.mark.parametrize(("word", "side", "depth"), PRICE_MATCHES)
async def test_a_price_is_found_in_the_book(word, side, depth) -> None:
    async with started() as client:
        expected = client.venue.books["BTCUSDT"].bids[depth][0]
        placed = await client.place(price=None, priceMatch=word)
        assert (placed["price"], placed["priceMatch"]) == (str(expected), word)
        assert (await client.place(priceMatch=word)).code == -1130


# -- many orders ------------------------------------------------------------------------------------------------------


async def test_batches_answer_in_order_and_refuse_too_many() -> None:
    async with started() as client:
        good = {
            "symbol": "BTCUSDT",
            "side": "BUY",
            "type": "LIMIT",
            "timeInForce": "GTC",
            "quantity": 0.01,
            "price": 64500,
        }
        items = [good | {"newClientOrderId": f"b{n}"} for n in range(5)]
        items[2]["price"] = "x"
        path = "/fapi/v1/batchOrders"
        placed = await client.signed("POST", path, batchOrders=json.dumps(items))
        assert [item.get("code", item.get("clientOrderId")) for item in placed.body] == ["b0", "b1", -1102, "b3", "b4"]
        assert (await client.signed("POST", path, batchOrders=json.dumps([*items, good]))).code == -1130
        names = json.dumps(["b0", "b2", "b4"])
        gone = await client.signed("DELETE", path, symbol="BTCUSDT", origClientOrderIdList=names)
        assert [item.get("status", item.get("code")) for item in gone.body] == ["CANCELED", -2011, "CANCELED"]
        assert set(client.venue.truth(KEY).open_orders) == {"b1", "b3"}
        eleven = json.dumps(list(range(11)))
        assert (await client.signed("DELETE", path, symbol="BTCUSDT", orderIdList=eleven)).code == -1130


async def test_cancel_all_is_of_one_symbol() -> None:
    async with started() as client:
        await client.place("btc")
        await client.place("eth", symbol="ETHUSDT", price="1910", quantity="1")
        assert (await client.signed("DELETE", "/fapi/v1/allOpenOrders", symbol="BTCUSDT"))["code"] == 200
        assert set(client.venue.truth(KEY).open_orders) == {"eth"}
        assert (await client.signed("DELETE", "/fapi/v1/allOpenOrders")).code == -1102


async def test_the_dead_mans_switch_is_of_one_symbol_and_can_be_disarmed() -> None:
    now_ms = [1_754_000_000_000]
    async with started(clock=lambda: now_ms[0]) as client:
        for symbol, price in (("BTCUSDT", "64500"), ("ETHUSDT", "1910")):
            await client.place(symbol, timestamp=now_ms[0], symbol=symbol, price=price, quantity="1")
            fields = {"timestamp": now_ms[0], "symbol": symbol, "countdownTime": 120_000}
            armed = await client.signed("POST", "/fapi/v1/countdownCancelAll", **fields)
            assert armed.body == {"symbol": symbol, "countdownTime": "120000"}
        fields = {"timestamp": now_ms[0], "symbol": "ETHUSDT", "countdownTime": 0}
        await client.signed("POST", "/fapi/v1/countdownCancelAll", **fields)
        now_ms[0] += 120_000
        client.venue.tick()
        assert set(client.venue.truth(KEY).open_orders) == {"ETHUSDT"}
