"""The indexer's REST on the loopback dYdX: recorded answers' shapes, what may be asked, what is refused."""

from __future__ import annotations

import pytest

from adapters.loopback.dydx.limits import RateLimits
from adapters.loopback.dydx.venue import DydxVenue
from adapters.loopback.faults import Fault, Place
from tests.adapters.loopback.dydx.dydx_wire import ADDRESS, IOC, started
from tests.adapters.loopback.dydx.shapes import recorded, shape

CANDLES = "/v4/candles/perpetualMarkets/BTC-USD"
SUBACCOUNT = f"/v4/addresses/{ADDRESS}/subaccountNumber/0"
ANSWERS = [
    ("nautilus/http_get_time.json", "/v4/time", {}),
    ("nautilus/http_get_perpetual_markets.json", "/v4/perpetualMarkets", {}),
    ("nautilus/http_get_orderbook.json", "/v4/orderbooks/perpetualMarket/BTC-USD", {}),
    ("nautilus/http_get_trades.json", "/v4/trades/perpetualMarket/BTC-USD", {}),
    ("nautilus/http_get_candles.json", CANDLES, {"resolution": "1MIN"}),
    ("nautilus/http_get_orders.json", "/v4/orders", {"address": ADDRESS, "subaccountNumber": "0"}),
    ("nautilus-legacy/http/subaccount.json", SUBACCOUNT, {}),
    ("nautilus-legacy/http/addresses.json", f"/v4/addresses/{ADDRESS}", {}),
    ("nautilus-legacy/http/list_perpetual_positions.json", "/v4/perpetualPositions", {"status": "OPEN"}),
    ("nautilus-legacy/http/asset_positions.json", "/v4/assetPositions", {}),
]


async def test_the_answers_have_the_shape_of_recorded_ones(recordings) -> None:
    async with started() as client:
        await client.place(1, client.best("asks") + 5, time_in_force=IOC)
        client.venue.make_block()
        whose = {"address": ADDRESS, "subaccountNumber": "0"}
        for name, path, query in ANSWERS:
            asked = query | (whose if path.endswith("Positions") else {})
            assert shape(await client.get(path, **asked)) == shape(recorded(recordings, name)), path


async def test_what_is_traded_adds_up_over_all_questions() -> None:
    async with started() as client:
        venue: DydxVenue = client.venue
        for number in range(3):
            await client.place(number, client.best("asks") + 20, "0.02", time_in_force=IOC)
            venue.step(30)
            venue.make_block()
        trades = (await client.get("/v4/trades/perpetualMarket/BTC-USD"))["trades"]
        assert [row["id"] for row in trades] == sorted((row["id"] for row in trades), reverse=True)
        assert all(int(row["id"][:8], 16) == int(row["createdAtHeight"]) for row in trades)
        minutes = (await client.get(CANDLES, resolution="1MIN"))["candles"]
        day = (await client.get(CANDLES, resolution="1DAY"))["candles"]
        for field in ("baseTokenVolume", "usdVolume", "trades"):
            assert sum(float(c[field]) for c in minutes) == pytest.approx(sum(float(c[field]) for c in day))
        fills = (await client.mine("/v4/fills"))["fills"]
        position = (await client.mine("/v4/perpetualPositions"))["positions"][0]
        assert sum(float(fill["size"]) for fill in fills) == pytest.approx(float(position["size"]))
        subaccount = (await client.get(SUBACCOUNT))["subaccount"]
        usdc = float(subaccount["assetPositions"]["USDC"]["size"])
        paid = sum(float(fill["price"]) * float(fill["size"]) + float(fill["fee"]) for fill in fills)
        assert usdc == pytest.approx(100_000 - paid)
        oracle = float((await client.get("/v4/perpetualMarkets"))["markets"]["BTC-USD"]["oraclePrice"])
        assert float(subaccount["equity"]) == pytest.approx(usdc + float(position["size"]) * oracle)


async def test_lists_are_cut_paged_and_filtered() -> None:
    async with started() as client:
        for number in range(5):
            await client.place(number, client.best("asks") + 5, "0.0001", time_in_force=IOC)
            client.venue.make_block()
        await client.place(9, 80_000)
        heights = [int(f["createdAtHeight"]) for f in (await client.mine("/v4/fills"))["fills"]]
        assert heights == sorted(heights, reverse=True)
        page = await client.mine("/v4/fills", page="2", limit="2")
        assert (page["pageSize"], page["totalResults"], page["offset"]) == (2, 5, 2)
        assert [int(f["createdAtHeight"]) for f in page["fills"]] == heights[::-1][2:4]
        late = await client.mine("/v4/fills", createdBeforeOrAtHeight=str(heights[3]))
        assert len(late["fills"]) == 2
        assert len((await client.mine("/v4/fills", market="ETH-USD"))["fills"]) == 5
        assert (await client.mine("/v4/fills", market="ETH-USD", marketType="PERPETUAL"))["fills"] == []
        assert len(await client.mine("/v4/orders", status="OPEN,BEST_EFFORT_OPENED")) == 1
        assert len(await client.mine("/v4/orders", status="FILLED", limit="3")) == 3
        assert len(await client.mine("/v4/orders", goodTilBlockAfter=str(client.venue.chain.height + 9))) == 1
        assert await client.mine("/v4/orders", ticker="ETH-USD") == []
        blocks = [int(order["goodTilBlock"]) for order in await client.mine("/v4/orders")]
        assert blocks == sorted(blocks, reverse=True)
        earliest = await client.mine("/v4/orders", returnLatestOrders="false")
        assert [int(order["goodTilBlock"]) for order in earliest] == sorted(blocks)
        last = (await client.mine("/v4/orders"))[0]
        assert (await client.get(f"/v4/orders/{last['id']}"))["clientId"] == "9"
        assert "errors" in await client.get("/v4/orders/nothing")
        trades = await client.get("/v4/trades/perpetualMarket/BTC-USD", createdBeforeOrAtHeight=str(heights[2]))
        assert int(trades["trades"][0]["createdAtHeight"]) <= heights[2]


WRONG = [
    ("an unknown market", "/v4/orderbooks/perpetualMarket/DOGE-USD", {}, 400),
    ("a candle without a resolution", CANDLES, {}, 400),
    ("a resolution that there is not", CANDLES, {"resolution": "2MINS"}, 400),
    ("orders of nobody in particular", "/v4/orders", {}, 400),
    ("a status that there is not", "/v4/orders", {"address": "a", "subaccountNumber": "0", "status": "GONE"}, 400),
    ("too many rows", "/v4/trades/perpetualMarket/BTC-USD", {"limit": "1001"}, 400),
    ("a time that is none", CANDLES, {"resolution": "1MIN", "fromISO": "yesterday"}, 400),
    ("a subaccount without money", f"/v4/addresses/{ADDRESS}/subaccountNumber/5", {}, 404),
    ("an address nobody has", "/v4/addresses/dydx1nobody", {}, 404),
    ("a path that there is not", "/v4/nothing", {}, 404),
]


async def test_what_cannot_be_answered_is_said_in_the_indexers_form() -> None:
    async with started() as client:
        for name, path, query, status in WRONG:
            async with client.session.get(f"{client.venue.rest_url}{path}", params=query) as reply:
                body = await reply.json()
                assert (reply.status, list(body), list(body["errors"][0])) == (status, ["errors"], ["msg"]), name


async def test_too_many_requests_are_refused_until_the_window_is_over() -> None:
    async with started(rate_limits=RateLimits(requests_per_10s=2), clock=lambda: 1_765_210_316_125) as client:
        url = f"{client.venue.rest_url}/v4/time"
        left = []
        for _ in range(3):
            async with client.session.get(url) as reply:
                left.append((reply.status, reply.headers["RateLimit-Remaining"], reply.headers.get("Retry-After")))
        assert left == [(200, "1", None), (200, "0", None), (429, "0", "3875")]


async def test_a_fault_stands_before_a_rest_answer_once() -> None:
    async with started() as client:
        client.venue.faults.add(Place.REST, "/v4/height", Fault(status=503))
        async with client.session.get(f"{client.venue.rest_url}/v4/height") as reply:
            assert reply.status == 503
        assert (await client.get("/v4/height"))["height"] == str(client.venue.chain.height)


@pytest.mark.usefixtures("due_funding")
async def test_funding_is_paid_by_the_hour_and_found_by_whoever_asks() -> None:
    now = [1_765_210_316_125]
    async with started(clock=lambda: now[0]) as client:
        await client.place(1, client.best("asks") + 5, "0.5", time_in_force=IOC)
        client.venue.make_block()
        before = (await client.get(SUBACCOUNT))["subaccount"]
        now[0] += 3_600_000
        client.venue.make_block()
        (payment,) = (await client.mine("/v4/fundingPayments"))["fundingPayments"]
        owed = -float(payment["size"]) * float(payment["oraclePrice"]) * float(payment["rate"])
        assert float(payment["payment"]) == pytest.approx(owed, abs=1e-6)
        after = (await client.get(SUBACCOUNT))["subaccount"]
        usdc = [float(one["assetPositions"]["USDC"]["size"]) for one in (before, after)]
        assert usdc[1] - usdc[0] == pytest.approx(float(payment["payment"]))
        assert after["openPerpetualPositions"]["BTC-USD"]["netFunding"] == payment["payment"]
        history = (await client.get("/v4/historicalFunding/BTC-USD"))["historicalFunding"]
        assert (history[0]["rate"], history[0]["effectiveAtHeight"]) == (payment["rate"], payment["createdAtHeight"])
        assert client.venue.truth(ADDRESS).funding == client.venue.truth(ADDRESS).funding.quantize(
            client.venue.floor.desks[ADDRESS].account.money_step
        )
