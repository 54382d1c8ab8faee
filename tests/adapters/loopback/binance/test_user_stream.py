"""The user data stream of the loopback Binance: listen keys, and the events of orders, fills and the account."""

from __future__ import annotations

from decimal import Decimal

import aiohttp
import pytest

from adapters.loopback import Fault, Place
from adapters.loopback.orders import Kind, Side, Tif
from tests.adapters.loopback.binance.binance_wire import KEY, Client, Socket, started
from tests.patience import PATIENCE_S

MARKET = {"type": "MARKET", "price": None, "timeInForce": None}
LISTEN = "/fapi/v1/listenKey"


async def told(client: Client, socket: Socket, *kinds: str) -> list[dict]:
    """Everything that was pushed up to now, or of some kinds only."""
    await socket.say(method="LIST_SUBSCRIPTIONS", id="end")
    heard = []
    while (event := await socket.hear()).get("id") != "end":
        heard.append(event)
    return [event for event in heard if not kinds or event["e"] in kinds]


async def orders_told(client: Client, socket: Socket) -> list[dict]:
    return [event["o"] for event in await told(client, socket, "ORDER_TRADE_UPDATE")]


# -- listen keys ------------------------------------------------------------------------------------------------------


async def test_a_listen_key_lives_an_hour_from_its_last_renewal_and_its_end_is_told() -> None:
    now_ms = [1_754_000_000_000]
    async with started(clock=lambda: now_ms[0]) as client:
        key = (await client.raw("POST", LISTEN))["listenKey"]
        assert (await client.raw("POST", LISTEN))["listenKey"] == key
        socket = await client.open(f"/private/ws?listenKey={key}")
        await socket.ask("LIST_SUBSCRIPTIONS")
        now_ms[0] += 3_000_000
        assert (await client.raw("PUT", LISTEN)).status == 200
        now_ms[0] += 3_599_999
        client.venue.tick()
        await client.place("heard", timestamp=now_ms[0])
        assert (await socket.hear())["o"]["c"] == "heard"
        now_ms[0] += 1
        client.venue.tick()
        assert await socket.hear() == {"e": "listenKeyExpired", "E": now_ms[0], "listenKey": key}
        await client.place("unheard", timestamp=now_ms[0])
        assert await told(client, socket) == []
        assert (await client.raw("PUT", LISTEN)).code == -1125
        assert (await client.raw("POST", LISTEN))["listenKey"] != key


async def test_a_closed_key_is_silent_and_gone() -> None:
    async with started() as client:
        socket = await client.user_stream()
        assert (await client.raw("DELETE", LISTEN)).body == {}
        await client.place("unheard")
        assert await told(client, socket) == []
        assert (await client.raw("DELETE", LISTEN)).code == -1125
        assert (await client.raw("POST", LISTEN, key="nobody")).code == -2015


@pytest.mark.parametrize("path", ["/public/ws?listenKey=", "/ws/", "/market/ws/"])
async def test_on_another_path_user_data_never_arrives(path) -> None:
    async with started() as client:
        key = (await client.raw("POST", LISTEN))["listenKey"]
        socket = await client.open(path + key)
        await socket.ask("LIST_SUBSCRIPTIONS")
        await client.place("unheard")
        assert await told(client, socket) == []


async def test_a_key_can_be_named_in_the_path_or_subscribed_to_and_wraps_its_events_on_the_combined_path() -> None:
    async with started() as client:
        key = (await client.raw("POST", LISTEN))["listenKey"]
        named = await client.open(f"/private/ws/{key}")
        combined = await client.open("/private/stream")
        await named.ask("LIST_SUBSCRIPTIONS")
        await combined.ask("SUBSCRIBE", key)
        await client.place("a")
        assert (await named.hear())["o"]["c"] == "a"
        wrapped = await combined.hear()
        assert (wrapped["stream"], wrapped["data"]["o"]["c"]) == (key, "a")


async def test_only_the_events_asked_for_are_sent() -> None:
    async with started() as client:
        socket = await client.user_stream("&events=ACCOUNT_UPDATE/listenKeyExpired")
        await client.place(**MARKET)
        assert {event["e"] for event in await told(client, socket)} == {"ACCOUNT_UPDATE"}


# -- orders -----------------------------------------------------------------------------------------------------------


async def test_an_order_is_new_amended_and_cancelled() -> None:
    async with started() as client:
        socket = await client.user_stream()
        await client.place("a", timeInForce="GTX")
        await client.amend("a", "0.020", "64600.00", modifyId=5)
        await client.cancel("a")
        new, amended, gone = await orders_told(client, socket)
        assert [(o["x"], o["X"], o["q"], o["p"]) for o in (new, amended, gone)] == [
            ("NEW", "NEW", "0.010", "64500.00"),
            ("AMENDMENT", "NEW", "0.020", "64600.00"),
            ("CANCELED", "CANCELED", "0.020", "64600.00"),
        ]
        assert (new["f"], new["c"], new["ps"], new["er"], amended["M"]) == ("GTX", "a", "BOTH", "0", "5")
        assert {o["i"] for o in (new, amended, gone)} == {new["i"]}
        assert not {"N", "n"} & set(gone)


async def test_a_taker_is_new_then_filled_match_by_match() -> None:
    async with started(seed=2) as client:
        asks = client.venue.books["BTCUSDT"].asks
        size = asks[0][1] + asks[1][1]
        socket = await client.user_stream()
        await client.place("t", **MARKET | {"quantity": size})
        first, *fills = await orders_told(client, socket)
        assert (first["x"], first["X"], first["z"], first["ap"]) == ("NEW", "NEW", "0.000", "0")
        assert [o["x"] for o in fills] == ["TRADE"] * len(fills)
        assert [o["X"] for o in fills] == ["PARTIALLY_FILLED"] * (len(fills) - 1) + ["FILLED"]
        done = Decimal(0)
        for order in fills:
            done += Decimal(order["l"])
            assert (Decimal(order["z"]), order["m"], order["N"]) == (done, False, "USDT")
        assert done == size
        truth = client.venue.truth(KEY)
        assert [(o["t"], Decimal(o["n"])) for o in fills] == [
            (int(fill.exec_id), fill.fee.quantize(Decimal("1e-8"))) for fill in truth.fills
        ]
        public = {int(trade.trade_id) for trade in client.venue.floor.markets["BTCUSDT"].trades}
        assert {o["t"] for o in fills} <= public
        assert Decimal(fills[-1]["ap"]) == truth.orders["t"].average.quantize(Decimal("1e-8"))


async def test_a_maker_is_filled_under_the_public_trades_id() -> None:
    async with started(seed=2) as client:
        socket = await client.user_stream()
        price = str(client.best("bids"))
        await client.place("m", price=price, timeInForce="GTX")
        client.venue.floor.street("BTCUSDT", Side.SELL, Kind.MARKET, Tif.IOC, Decimal(0), Decimal(5), client.now_ms())
        fills = [order for order in await orders_told(client, socket) if order["x"] == "TRADE"]
        assert [(o["m"], o["S"], o["L"], o["X"]) for o in fills] == [(True, "BUY", price, "FILLED")]
        printed = [t for t in client.venue.floor.markets["BTCUSDT"].trades if int(t.trade_id) == fills[0]["t"]]
        assert (printed[0].side, str(printed[0].size)) == (Side.SELL, "0.010")


async def test_the_light_trade_comes_before_the_order_event_and_names_the_same_trade() -> None:
    async with started() as client:
        socket = await client.user_stream()
        await client.place("t", **MARKET)
        kinds = [(event["e"], event.get("t", event.get("o", {}).get("t"))) for event in await told(client, socket)]
        trade = kinds[1][1]
        assert kinds[:3] == [("ORDER_TRADE_UPDATE", 0), ("TRADE_LITE", trade), ("ORDER_TRADE_UPDATE", trade)]


ENDS = [
    ("the rest of an immediate order", {"timeInForce": "IOC"}, "EXPIRED", "EXPIRED", "2"),
    ("the rest of an order that met its account", {}, "EXPIRED", "EXPIRED_IN_MATCH", "1"),
]


@pytest.mark.parametrize(("fields", "x", "status", "er"), [row[1:] for row in ENDS], ids=[row[0] for row in ENDS])
async def test_the_venue_says_why_it_ended(fields, x, status, er) -> None:
    async with started(seed=2) as client:
        ask, size = client.venue.books["BTCUSDT"].asks[0]
        if not fields:
            await client.place("mine", side="SELL", price=ask, quantity=1)
            fields = {"selfTradePreventionMode": "EXPIRE_TAKER"}
        socket = await client.user_stream()
        await client.place("t", price=ask, quantity=size + 1, **fields)
        last = (await orders_told(client, socket))[-1]
        assert (last["c"], last["x"], last["X"], last["er"]) == ("t", x, status, er)
        assert Decimal(last["z"]) == size


async def test_an_amendment_that_trades_is_told_before_its_fills() -> None:
    async with started(seed=2) as client:
        await client.place("a")
        socket = await client.user_stream()
        await client.amend("a", "0.010", str(client.best("asks")))
        assert [(o["x"], o["X"]) for o in await orders_told(client, socket)] == [
            ("AMENDMENT", "NEW"),
            ("TRADE", "FILLED"),
        ]


async def test_a_post_only_order_amended_into_the_book_is_only_cancelled() -> None:
    async with started(seed=2) as client:
        await client.place("a", timeInForce="GTX")
        socket = await client.user_stream()
        await client.amend("a", "0.010", str(client.best("asks")))
        assert [(o["x"], o["X"]) for o in await orders_told(client, socket)] == [("CANCELED", "CANCELED")]


# -- the account ------------------------------------------------------------------------------------------------------


async def test_the_account_is_told_of_what_changed_after_fills_only() -> None:
    async with started() as client:
        socket = await client.user_stream()
        await client.place("resting")
        await client.cancel("resting")
        assert await told(client, socket, "ACCOUNT_UPDATE") == []
        await client.place(**MARKET, side="SELL")
        (update,) = await told(client, socket, "ACCOUNT_UPDATE")
        truth = client.venue.truth(KEY)
        (balance,), (position,) = update["a"]["B"], update["a"]["P"]
        assert (update["a"]["m"], balance["a"], balance["bc"]) == ("ORDER", "USDT", "0")
        assert Decimal(balance["wb"]) == truth.wallet.quantize(Decimal("1e-8"))
        assert (position["s"], position["pa"], position["ps"]) == ("BTCUSDT", "-0.010", "BOTH")
        assert Decimal(position["ep"]) == truth.positions["BTCUSDT"].average


async def test_one_order_flips_the_position_and_tells_what_closed() -> None:
    async with started() as client:
        await client.place(**MARKET)
        socket = await client.user_stream()
        await client.place(**MARKET | {"side": "SELL", "quantity": "0.030"})
        events = await told(client, socket)
        closed = sum(Decimal(e["o"]["rp"]) for e in events if e["e"] == "ORDER_TRADE_UPDATE")
        assert closed == client.venue.truth(KEY).realized.quantize(Decimal("1e-8"))
        assert events[-1]["a"]["P"][0]["pa"] == "-0.020"


async def test_funding_tells_the_wallet_and_no_position() -> None:
    async with started() as client:
        await client.place(**MARKET)
        socket = await client.user_stream()
        client.venue.floor.fund("BTCUSDT", client.now_ms())
        (update,) = await told(client, socket)
        assert (update["a"]["m"], update["a"]["S"], update["a"]["P"]) == ("FUNDING_FEE", "BTCUSDT", [])
        paid = client.venue.truth(KEY).funding
        assert paid < 0
        assert Decimal(update["a"]["B"][0]["bc"]) == paid.quantize(Decimal("1e-8"))


async def test_a_leverage_change_is_told() -> None:
    async with started() as client:
        socket = await client.user_stream()
        await client.signed("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=25)
        (update,) = await told(client, socket)
        assert (update["e"], update["ac"]) == ("ACCOUNT_CONFIG_UPDATE", {"s": "BTCUSDT", "l": 25})


# -- conditional orders -----------------------------------------------------------------------------------------------


async def test_a_stop_puts_in_its_order_when_the_price_is_met() -> None:
    async with started(seed=2) as client:
        await client.place(**MARKET)
        socket = await client.user_stream()
        trigger = client.venue.floor.markets["BTCUSDT"].last_price - Decimal("0.50")
        fields = {"algoType": "CONDITIONAL", "symbol": "BTCUSDT", "side": "SELL", "type": "STOP_MARKET"}
        fields |= {"triggerPrice": trigger, "closePosition": "true", "clientAlgoId": "stop-1"}
        placed = await client.signed("POST", "/fapi/v1/algoOrder", **fields)
        assert placed["algoStatus"] == "NEW"
        while client.venue.floor.markets["BTCUSDT"].last_price > trigger:
            client.venue.floor.street(
                "BTCUSDT", Side.SELL, Kind.MARKET, Tif.IOC, Decimal(0), Decimal(1), client.now_ms()
            )
        client.venue.publish()
        events = await told(client, socket)
        algo = [event["o"] for event in events if event["e"] == "ALGO_UPDATE"]
        assert [(o["X"], o["caid"]) for o in algo] == [(word, "stop-1") for word in ("NEW", "TRIGGERED", "FINISHED")]
        orders = [event["o"] for event in events if event["e"] == "ORDER_TRADE_UPDATE"]
        assert {(o["o"], o["ot"], str(o["i"]), o["R"]) for o in orders} == {
            ("MARKET", "STOP_MARKET", algo[-1]["ai"], True)
        }
        assert client.venue.truth(KEY).positions["BTCUSDT"].size == 0


REFUSED_STOPS = [
    ("that would trigger at once", {"triggerPrice": "66000"}, -2021),
    ("of an unknown type", {"type": "LIMIT"}, -1116),
    ("without a trigger", {"triggerPrice": ""}, -1102),
    ("off the tick", {"triggerPrice": "64000.05"}, -4014),
]


@pytest.mark.parametrize(("change", "code"), [r[1:] for r in REFUSED_STOPS], ids=[r[0] for r in REFUSED_STOPS])
async def test_a_conditional_order_is_refused(change, code) -> None:
    async with started() as client:
        fields = {"algoType": "CONDITIONAL", "symbol": "BTCUSDT", "side": "SELL", "type": "STOP_MARKET"}
        fields |= {"triggerPrice": "64000", "quantity": "0.010"}
        assert (await client.signed("POST", "/fapi/v1/algoOrder", **fields | change)).code == code
        assert (await client.signed("GET", "/fapi/v1/openAlgoOrders")).body == []


async def test_cancel_all_leaves_conditional_orders_to_their_own_call() -> None:
    async with started() as client:
        fields = {"algoType": "CONDITIONAL", "symbol": "BTCUSDT", "side": "SELL", "type": "STOP"}
        fields |= {"triggerPrice": "64500", "price": "64400", "quantity": "0.010"}
        await client.signed("POST", "/fapi/v1/algoOrder", **fields)
        await client.signed("DELETE", "/fapi/v1/allOpenOrders", symbol="BTCUSDT")
        assert len((await client.signed("GET", "/fapi/v1/openAlgoOrders")).body) == 1
        await client.signed("DELETE", "/fapi/v1/algoOpenOrders", symbol="BTCUSDT")
        assert (await client.signed("GET", "/fapi/v1/openAlgoOrders")).body == []


# -- trouble ----------------------------------------------------------------------------------------------------------


async def test_a_push_is_lost_and_another_cuts_its_socket() -> None:
    async with started() as client:
        socket = await client.user_stream()
        client.venue.faults.add(Place.PRIVATE, "ORDER_TRADE_UPDATE", Fault(drop=True))
        client.venue.faults.add(Place.PRIVATE, "ORDER_TRADE_UPDATE", Fault(cut=True), skip=1)
        for name in ("lost", "heard", "cut"):
            await client.place(name)
        assert (await socket.hear())["o"]["c"] == "heard"
        ended = await socket.raw.receive(timeout=PATIENCE_S)
        assert ended.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
