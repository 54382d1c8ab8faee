"""The loopback Binance where libraries do not go: signatures, the time rule, filters, questions, limits."""

from __future__ import annotations

import json
from decimal import Decimal
from itertools import pairwise

import pytest

from adapters.loopback.binance import RateLimits
from adapters.loopback.binance.auth import expected
from tests.adapters.loopback.binance.binance_wire import KEY, digest, started

ORDER = "/fapi/v1/order"

# -- who may ask ------------------------------------------------------------------------------------------------------


def test_the_published_signatures_come_out(recordings) -> None:
    published = json.loads((recordings / "signing" / "binance.json").read_bytes())["vectors"]
    hmacs = [vector for vector in published if "HMAC" in vector["scheme"] and vector["api_secret"]]
    assert hmacs
    for vector in hmacs:
        signature = expected(vector["api_secret"], vector["string_to_sign"])
        assert signature == vector["expected"]["signature"], vector["id"]


async def test_query_and_body_are_signed_as_one_text_with_nothing_between() -> None:
    async with started() as client:
        query = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC"
        body = f"quantity=0.010&price=64500.00&timestamp={client.now_ms()}"
        placed = await client.raw("POST", ORDER, query, f"{body}&signature={digest(query + body)}")
        assert (placed.status, placed["status"]) == (200, "NEW")
        apart = await client.raw("POST", ORDER, query, f"{body}&signature={digest(f'{query}&{body}')}")
        assert (apart.status, apart.code) == (400, -1022)


async def test_the_signature_is_over_the_bytes_as_sent_not_over_their_meaning() -> None:
    async with started() as client:
        query = f"symbol=BTC%55SDT&timestamp={client.now_ms()}"
        path = "/fapi/v1/openOrders"
        assert (await client.raw("GET", path, f"{query}&signature={digest(query)}")).status == 200
        plain = query.replace("%55", "U")
        assert (await client.raw("GET", path, f"{query}&signature={digest(plain)}")).code == -1022
        upper = digest(query).upper()
        assert (await client.raw("GET", path, f"{query}&signature={upper}")).status == 200


SIGNING = [
    ("without a key", {"key": ""}, 401, -2014),
    ("with an unknown key", {"key": "nobody"}, 401, -2015),
    ("without a timestamp", {"query": "symbol=BTCUSDT"}, 400, -1102),
    ("without a signature", {"sign": False}, 400, -1102),
    ("a second ahead", {"skew_ms": 1_200}, 400, -1021),
    ("older than the window", {"skew_ms": -5_500}, 400, -1021),
    ("as old as a wider window allows", {"skew_ms": -5_500, "query": "recvWindow=9000"}, 200, 0),
    ("with a window over a minute", {"query": "recvWindow=60001"}, 400, -1130),
]


@pytest.mark.parametrize(("how", "status", "code"), [row[1:] for row in SIGNING], ids=[row[0] for row in SIGNING])
async def test_a_signed_request(how, status, code) -> None:
    async with started() as client:
        query = how.get("query", "recvWindow=5000")
        if "symbol" not in query:
            query += f"&timestamp={client.now_ms() + how.get('skew_ms', 0)}"
        if how.get("sign", True):
            query += f"&signature={digest(query)}"
        answer = await client.raw("GET", "/fapi/v3/balance", query, key=how.get("key", KEY))
        assert (answer.status, answer.code) == (status, code)


async def test_a_path_or_method_that_there_is_not_is_told() -> None:
    async with started() as client:
        answer = await client.raw("PATCH", ORDER)
        assert (answer.status, answer.code) == (404, -5000)


# -- what an order must be --------------------------------------------------------------------------------------------

FILTERS = [
    ("without a quantity", {"quantity": None}, -1102),
    ("of zero", {"quantity": "0"}, -4003),
    ("finer than the step", {"quantity": "0.0101"}, -1111),
    ("larger than the largest", {"quantity": "1500.001"}, -4005),
    ("larger than the largest market order", {"type": "MARKET", "quantity": "151"}, -4005),
    ("below the least value", {"price": "100"}, -4164),
    ("with more decimals than the price may have", {"price": "64500.001"}, -1111),
    ("off the tick", {"price": "64500.05"}, -4014),
    ("at a price of zero", {"price": "0"}, -4013),
    ("above the highest price", {"price": "2000000"}, -4002),
    ("to buy far above the mark", {"price": "70000"}, -4016),
    ("to sell far below the mark", {"side": "SELL", "price": "60000"}, -4024),
    ("of an unknown symbol", {"symbol": "DOGEUSDT"}, -1121),
    ("on an unknown side", {"side": "Buy"}, -1117),
    ("of an unknown type", {"type": "LIMIT_MAKER"}, -1116),
    ("with an unknown time in force", {"timeInForce": "DAY"}, -1115),
    ("of a limit without a time in force", {"timeInForce": None}, -1102),
    ("of a kind that lives elsewhere", {"type": "STOP_MARKET"}, -4120),
    ("for a side of a hedge", {"positionSide": "LONG"}, -4061),
    ("with a client id too long", {"newClientOrderId": "x" * 37}, -4015),
    ("with a client id of other characters", {"newClientOrderId": "a b"}, -1100),
    ("worth more than the account carries", {"quantity": "100"}, -2019),
    ("to reduce nothing", {"reduceOnly": "true"}, -2022),
    ("that is dated too near", {"timeInForce": "GTD", "goodTillDate": 1_754_000_100_000}, -1130),
    ("post-only that would take", {"timeInForce": "GTX", "price": "65200"}, -5022),
    ("fill-or-kill that the book cannot fill", {"timeInForce": "FOK", "quantity": "90", "price": "65000"}, -5021),
]


@pytest.mark.parametrize(("change", "code"), [row[1:] for row in FILTERS], ids=[row[0] for row in FILTERS])
async def test_an_order_that_is_refused_leaves_no_trace(change, code) -> None:
    async with started(seed=2) as client:
        events = await client.user_stream()
        answer = await client.place("refused", **change)
        assert (answer.status, answer.code) == (400, code), answer.body
        assert client.venue.truth(KEY).orders == {}
        assert (await client.order("refused")).code == -2013
        await client.place("taken")
        assert (await events.hear_event("ORDER_TRADE_UPDATE"))["o"]["c"] == "taken"


async def test_a_value_below_the_least_is_refused_unless_it_reduces() -> None:
    async with started() as client:
        await client.place(side="SELL", type="MARKET", price=None, timeInForce=None)
        assert (await client.place(price="100")).code == -4164
        assert (await client.place(price="100", reduceOnly="true")).status == 200


# -- what is asked ----------------------------------------------------------------------------------------------------


async def test_only_symbols_with_a_position_or_an_order_have_a_row() -> None:
    async with started() as client:
        assert (await client.signed("GET", "/fapi/v3/positionRisk")).body == []
        await client.place()
        listed = (await client.signed("GET", "/fapi/v3/positionRisk")).body
        assert [(row["symbol"], row["positionAmt"]) for row in listed] == [("BTCUSDT", "0.000")]


async def test_income_tells_funding_commission_and_profit_signed_from_the_accounts_side() -> None:
    async with started() as client:
        market = {"type": "MARKET", "price": None, "timeInForce": None}
        await client.place(**market)
        client.venue.floor.fund("BTCUSDT", client.now_ms())
        await client.place(**market, side="SELL")
        rows = (await client.signed("GET", "/fapi/v1/income")).body
        assert len({(row["incomeType"], row["tranId"]) for row in rows}) == len(rows)
        total = sum(Decimal(row["income"]) for row in rows)
        assert Decimal(100_000) + total == pytest.approx(client.venue.truth(KEY).wallet, abs=Decimal("1e-7"))
        assert {row["incomeType"] for row in rows} == {"COMMISSION", "FUNDING_FEE", "REALIZED_PNL"}


async def test_aggregated_trades_cover_the_trades_without_gap_or_overlap() -> None:
    async with started(seed=4) as client:
        client.venue.step(300)
        rows = (await client.get("/fapi/v1/aggTrades", symbol="BTCUSDT", limit=1000)).body
        trades = (await client.get("/fapi/v1/trades", symbol="BTCUSDT", limit=1000)).body
        assert all(later["f"] == row["l"] + 1 for row, later in pairwise(rows))
        by_id = {trade["id"]: trade for trade in trades}
        for row in rows:
            if row["f"] in by_id:
                parts = [by_id[number] for number in range(row["f"], row["l"] + 1)]
                assert sum(Decimal(part["qty"]) for part in parts) == Decimal(row["q"])
                assert {(part["price"], part["isBuyerMaker"]) for part in parts} == {(row["p"], row["m"])}


async def test_settings_that_are_already_so_are_refused_as_unchanged() -> None:
    async with started() as client:
        crossed = {"symbol": "BTCUSDT", "marginType": "CROSSED"}
        assert (await client.signed("POST", "/fapi/v1/marginType", **crossed)).code == -4046
        assert (await client.signed("POST", "/fapi/v1/positionSide/dual", dualSidePosition="false")).code == -4059
        await client.place("a")
        assert (await client.signed("POST", "/fapi/v1/positionSide/dual", dualSidePosition="true")).code == -4067
        assert (await client.signed("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=101)).code == -4028


# -- limits -----------------------------------------------------------------------------------------------------------


async def test_weight_is_told_refused_and_at_last_banned() -> None:
    now_ms = [1_754_000_040_000]
    limits = RateLimits(weight_per_min=50, ban_s=120)
    async with started(rate_limits=limits, clock=lambda: now_ms[0]) as client:
        depth = {"symbol": "BTCUSDT", "limit": 1000}
        used = [(await client.get("/fapi/v1/depth", **depth)).headers["X-MBX-USED-WEIGHT-1M"] for _ in range(2)]
        assert used == ["20", "40"]
        over = [await client.get("/fapi/v1/depth", **depth) for _ in range(6)]
        assert [answer.status for answer in over] == [429] * 5 + [418]
        assert over[0].headers["Retry-After"] == "60"
        assert over[-1].headers["Retry-After"] == "120"
        assert {answer.code for answer in over} == {-1003}
        now_ms[0] += 60_000
        assert (await client.get("/fapi/v1/ping")).status == 418
        now_ms[0] += 60_000
        assert (await client.get("/fapi/v1/ping")).status == 200


async def test_orders_are_counted_and_refused_while_cancels_go_on() -> None:
    now_ms = [1_754_000_000_000]
    limits = RateLimits(orders_per_10s=3, orders_per_min=5)
    async with started(rate_limits=limits, clock=lambda: now_ms[0]) as client:

        async def place(name: str):
            return await client.place(name, timestamp=now_ms[0])

        placed = [await place(f"o{n}") for n in range(4)]
        assert [answer.status for answer in placed] == [200, 200, 200, 429]
        assert (placed[2].headers["X-MBX-ORDER-COUNT-10S"], placed[2].headers["X-MBX-ORDER-COUNT-1M"]) == ("3", "3")
        assert (placed[3].code, placed[3].headers["Retry-After"]) == (-1015, "10")
        gone = {"timestamp": now_ms[0], "symbol": "BTCUSDT", "origClientOrderId": "o0"}
        assert (await client.signed("DELETE", ORDER, **gone)).status == 200
        now_ms[0] += 10_000
        assert (await place("o4")).status == 200
