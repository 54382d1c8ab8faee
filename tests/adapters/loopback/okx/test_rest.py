"""The HTTP side of the loopback OKX: who may ask, how often, what goes wrong by order, settings and the switch."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import pytest

from adapters.conformance.leaps import LATE_S, leap
from adapters.loopback import Fault, Place
from adapters.loopback.okx import RateLimits
from adapters.loopback.okx.auth import expected
from tests.adapters.loopback.okx.okx_wire import BTC, ETH, KEY, PASSPHRASE, coded, order, started

BALANCE = "/api/v5/account/balance"
STRANGERS = [
    ("without a key", {"OK_ACCESS_KEY": ""}, 401, "50103"),
    ("without a passphrase", {"OK_ACCESS_PASSPHRASE": ""}, 401, "50104"),
    ("without a signature", {"OK_ACCESS_SIGN": ""}, 401, "50106"),
    ("without a time", {"OK_ACCESS_TIMESTAMP": ""}, 401, "50107"),
    ("with a key that nobody has", {"OK_ACCESS_KEY": "nobody"}, 200, "50119"),
    ("with a time that is none", {"OK_ACCESS_TIMESTAMP": "noon"}, 401, "50112"),
    ("with a signature of something else", {"OK_ACCESS_SIGN": "x"}, 401, "50113"),
    ("with another passphrase", {"OK_ACCESS_PASSPHRASE": "x"}, 401, "50105"),
    ("half a minute late", {"ahead_s": -31}, 401, "50102"),
    ("half a minute early", {"ahead_s": 31}, 401, "50102"),
    ("three seconds early", {"ahead_s": 3}, 200, "0"),
]


VECTORS = [
    ("2020-12-08T09:08:57.715ZGET/api/v5/account/balance?ccy=BTC", "HiZhvSfMtWJA3uUIVXV3a/bSXNPCWvYFXoGCVS8V4zY="),
    ("1704876947GET/users/self/verify", "5/36BgGV6m/6pmdc20zdqk0mzF5ZalmzzPD2fo3wavU="),
]


def test_a_signature_is_the_one_of_the_fact_sheet() -> None:
    assert [expected("22582BD0CFF14C41EDBF1AB98506286D", text) for text, _ in VECTORS] == [sign for _, sign in VECTORS]


async def test_a_request_is_let_in_by_its_signature_passphrase_and_time() -> None:
    async with started() as client:
        for sentence, fields, status, code in STRANGERS:
            answer = await client.signed("GET", BALANCE, **fields)
            assert (answer.status, answer.code) == (status, code), sentence


BAD_REQUESTS = [
    ("a path that there is not", "GET", "/api/v5/public/weather", "", 404, "404"),
    ("another method", "POST", "/api/v5/public/time", "", 405, "50115"),
    ("a POST without a body", "POST", "/api/v5/trade/order", "", 400, "50000"),
    ("a body that is no JSON", "POST", "/api/v5/trade/order", "{", 400, "50002"),
    ("a body that is no object", "POST", "/api/v5/trade/order", "7", 400, "50002"),
    ("a parameter missing", "GET", "/api/v5/market/books", "", 400, "50014"),
    ("an instrument that is not listed", "GET", "/api/v5/market/books?instId=X", "", 200, "51001"),
    ("a depth beyond the deepest", "GET", f"/api/v5/market/books?instId={BTC}&sz=401", "", 400, "51000"),
    ("an interval that there is not", "GET", f"/api/v5/market/candles?instId={BTC}&bar=7m", "", 400, "51000"),
    ("a type that there is not", "GET", "/api/v5/public/instruments?instType=SWOP", "", 400, "51000"),
]


async def test_a_bad_request_has_its_status_and_code() -> None:
    async with started() as client:
        for sentence, method, path, body, status, code in BAD_REQUESTS:
            answer = await client.signed(method, path, body)
            assert (answer.status, answer.code) == (status, code), sentence
        text = await client.signed("POST", "/api/v5/trade/order", "{}", Content_Type="text/plain")
        assert (text.status, text.code) == (400, "50006")


@pytest.mark.parametrize(("demo", "header", "code"), [(True, "1", "0"), (True, "0", "50101"), (False, "1", "50101")])
async def test_a_key_is_of_one_environment(demo, header, code) -> None:
    async with started(demo=demo) as client:
        assert (await client.signed("GET", BALANCE, x_simulated_trading=header)).code == code


async def test_a_key_that_may_only_read_reads_and_no_more() -> None:
    async with started(readers=[KEY]) as client:
        assert (await client.ask("account/config")).row["perm"] == "read_only"
        for path in ("trade/order", "account/set-leverage", "trade/cancel-all-after"):
            assert (await client.post(path, order())).code == "50120"
        assert (await (await client.private()).call("order", coded()))["code"] == "50120"
        assert client.venue.truth(KEY).orders == {}


async def test_orders_are_limited_by_kind_and_instrument_and_an_account_over_all() -> None:
    now_ms = int(time.time() * 1000)
    limits = RateLimits(orders_per_2s=2, batched_orders_per_2s=4, account_orders_per_2s=8)
    async with started(rate_limits=limits, clock=lambda: now_ms) as client:
        placed = [await client.place(clOrdId=f"a{number}") for number in range(3)]
        assert [(answer.status, answer.said) for answer in placed] == [(200, "0"), (200, "0"), (200, "50011")]
        assert (await client.place(instId=ETH, px="1900")).said == "0"
        assert (await client.cancel("a0")).said == "0"
        batch = await client.post("trade/batch-orders", [order(clOrdId=f"b{number}") for number in range(4)])
        assert batch.code == "0"
        assert (await client.post("trade/batch-orders", [order(), order()])).code == "50011"
        assert (await client.place(instId=ETH, px="1900")).said == "0"
        now_ms += 1_000
        assert (await client.amend("b0", newSz="2")).said == "50061"
        now_ms += 1_500
        assert (await client.amend("b0", newSz="2")).said == "0"


async def test_other_endpoints_have_the_limits_of_their_pages() -> None:
    now_ms = int(time.time() * 1000)
    async with started(rate_limits=RateLimits(), clock=lambda: now_ms) as client:
        asked = [await client.ask("account/config") for _ in range(6)]
        assert [answer.code for answer in asked] == ["0"] * 5 + ["50011"]
        asked = [await client.get("public/time") for _ in range(11)]
        assert [answer.status for answer in asked] == [200] * 10 + [429]
        now_ms += 2_001
        assert (await client.ask("account/config")).code == (await client.get("public/time")).code == "0"


async def test_a_reply_lost_after_acceptance_leaves_the_order_at_the_venue() -> None:
    async with started() as client:
        client.venue.faults.add(Place.REST, "/api/v5/trade/order", Fault(drop=True))
        with pytest.raises(aiohttp.ClientError):
            await client.place(clOrdId="lost")
        assert set(client.venue.truth(KEY).open_orders) == {"lost"}
        assert (await client.place(clOrdId="lost")).said == "51016"


FAULTS = [
    ("an outcome that is not known, done", Fault(status=400, carried_out=True), (400, "50004"), {"x"}),
    ("an outcome that is not known, not done", Fault(status=400), (400, "50004"), set()),
    ("a failure after it was done", Fault(status=500, carried_out=True), (500, "50026"), {"x"}),
    ("a venue that cannot be reached", Fault(status=503), (503, "50001"), set()),
    ("too many requests", Fault(status=429), (429, "50011"), set()),
]


@pytest.mark.parametrize(("fault", "said", "orders"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
async def test_a_fault_in_place_of_an_answer(fault, said, orders) -> None:
    async with started() as client:
        client.venue.faults.add(Place.REST, "/api/v5/trade/*", fault)
        answer = await client.place(clOrdId="x")
        assert (answer.status, answer.code) == said
        assert set(client.venue.truth(KEY).orders) == orders


async def test_a_delayed_reply_comes_after_one_that_was_asked_later() -> None:
    async with started() as client:
        client.venue.faults.add(Place.REST, "/api/v5/trade/order", Fault(delay_s=LATE_S))
        late = asyncio.create_task(client.place(clOrdId="late"))
        while not client.venue.truth(KEY).orders:
            await client.get("public/time")
        assert (await client.place(clOrdId="soon")).said == "0"
        assert not late.done()
        leap()
        assert (await late).said == "0"


SETTINGS = [
    ("leverage beyond the highest", "account/set-leverage", {"lever": "101", "mgnMode": "cross"}, "59102"),
    ("leverage below one", "account/set-leverage", {"lever": "0.5", "mgnMode": "cross"}, "51000"),
    ("leverage of the other margin mode", "account/set-leverage", {"lever": "5", "mgnMode": "isolated"}, "51000"),
    ("leverage", "account/set-leverage", {"lever": "5", "mgnMode": "cross"}, "0"),
    ("the mode that it is", "account/set-position-mode", {"posMode": "net_mode"}, "0"),
    ("a mode that is not served", "account/set-position-mode", {"posMode": "long_short_mode"}, "50062"),
    ("a mode that there is not", "account/set-position-mode", {"posMode": "hedge"}, "51000"),
]


async def test_settings_are_taken_or_refused() -> None:
    async with started() as client:
        for sentence, path, fields, code in SETTINGS:
            assert (await client.post(path, {"instId": BTC} | fields)).code == code, sentence
        assert (await client.ask(f"account/leverage-info?instId={BTC}&mgnMode=cross")).row["lever"] == "5"
        await client.place()
        assert (await client.post("account/set-position-mode", {"posMode": "net_mode"})).code == "59000"
        config = (await client.ask("account/config")).row
        assert (config["posMode"], config["acctStpMode"]) == ("net_mode", "cancel_maker")


async def test_orders_go_when_nobody_has_renewed_their_countdown() -> None:
    now_ms = int(time.time() * 1000)
    async with started(clock=lambda: now_ms) as client:
        for seconds in ("9", "121", "x"):
            assert (await client.post("trade/cancel-all-after", {"timeOut": seconds})).code == "51000"
        await client.place(clOrdId="a", tag="one")
        await client.place(clOrdId="b", tag="two")
        armed = (await client.post("trade/cancel-all-after", {"timeOut": "10", "tag": "one"})).row
        assert int(armed["triggerTime"]) == int(armed["ts"]) + 10_000
        await client.post("trade/cancel-all-after", {"timeOut": "60"})
        now_ms += 10_001
        client.venue.tick()
        row = await client.order("a")
        assert (row["state"], row["cancelSource"], set(client.venue.truth(KEY).open_orders)) == (
            "canceled",
            "20",
            {"b"},
        )
        await client.post("trade/cancel-all-after", {"timeOut": "0"})
        now_ms += 120_000
        client.venue.tick()
        assert set(client.venue.truth(KEY).open_orders) == {"b"}


@pytest.mark.usefixtures("due_funding")
async def test_funding_is_settled_when_it_is_due_and_written_down() -> None:
    now_ms = int(time.time() * 1000)
    async with started(clock=lambda: now_ms) as client:
        await client.place(ordType="market", px=None, sz="10")
        told = (await client.get(f"public/funding-rate?instId={BTC}")).row
        assert int(told["nextFundingTime"]) - int(told["fundingTime"]) == 28_800_000
        now_ms = int(told["fundingTime"])
        client.venue.tick()
        settled = (await client.get(f"public/funding-rate-history?instId={BTC}")).row
        assert (settled["fundingTime"], settled["realizedRate"]) == (told["fundingTime"], told["fundingRate"])
        bill = (await client.ask("account/bills?type=8")).row
        assert (bill["subType"], bill["balChg"][0]) == ("173", "-")


async def test_secrets_stay_out_of_every_repr() -> None:
    async with started() as client:
        said = repr(client.venue.floor.desks[KEY].account)
        assert "SECRET" not in said
        assert PASSPHRASE not in said
