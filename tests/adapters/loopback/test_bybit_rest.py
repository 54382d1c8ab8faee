"""The HTTP side of the loopback Bybit where libraries do not go: signatures, windows, limits, malformed requests."""

from __future__ import annotations

import json
import time
from decimal import Decimal

import pytest

from adapters.loopback import Account, RateLimits
from adapters.loopback.bybit import auth
from tests.adapters.loopback.bybit_wire import CUSTOMER, KEY, SECRET, headers, started

BODY = (
    '{"category":"linear","symbol":"BTCUSDT","side":"Buy","orderType":"Limit","qty":"0.001","price":"50000",'
    '"timeInForce":"PostOnly","orderLinkId":"mm-1","reduceOnly":false,"positionIdx":0}'
)
VECTORS = [
    ("a query", "category=linear&symbol=BTCUSDT", "4e4cc548195ee63f2cc10766242875a5171c77645e30026dd66a14afc904e3f8"),
    ("a body", BODY, "aff53c0856804ec730d18fdf5b448d823c725a9e1842161454cb5a3b3f73674f"),
]


@pytest.mark.parametrize(("payload", "signature"), [v[1:] for v in VECTORS], ids=[v[0] for v in VECTORS])
def test_the_signature_of_the_fact_sheet_is_accepted_and_any_other_is_not(payload, signature) -> None:
    sent_ms, accounts = 1672211918471, {KEY: Account(KEY, SECRET)}
    said = {"X-BAPI-API-KEY": KEY, "X-BAPI-TIMESTAMP": str(sent_ms), "X-BAPI-RECV-WINDOW": "5000"}
    assert auth.check_request(said | {"X-BAPI-SIGN": signature}, payload, accounts, sent_ms).key == KEY
    with pytest.raises(auth.BybitError) as refusal:
        auth.check_request(said | {"X-BAPI-SIGN": signature}, payload + " ", accounts, sent_ms)
    assert refusal.value.code == 10004


def test_the_socket_signature_of_the_fact_sheet_is_accepted_until_it_expires() -> None:
    args = [KEY, 1662350400000, "6e7fcee084662c489eaa75b69136dccdf51fd177d87d587d720f623cb74b0258"]
    accounts = {KEY: Account(KEY, SECRET)}
    assert auth.check_socket(args, accounts, 1662350399999).key == KEY
    with pytest.raises(auth.BybitError):
        auth.check_socket(args, accounts, 1662350400000)


WINDOW = [
    ("now", 0, 0),
    ("almost a second ahead", 999, 0),
    ("a second ahead", 1_000, 10002),
    ("the window behind", -5_000, 0),
    ("more than the window behind", -5_001, 10002),
]


@pytest.mark.parametrize(("offset_ms", "code"), [w[1:] for w in WINDOW], ids=[w[0] for w in WINDOW])
def test_a_timestamp(offset_ms, code) -> None:
    if not code:
        auth.check_time(1_000_000 + offset_ms, 5_000, 1_000_000)
        return
    with pytest.raises(auth.BybitError) as refusal:
        auth.check_time(1_000_000 + offset_ms, 5_000, 1_000_000)
    assert refusal.value.code == code


async def test_the_query_is_checked_as_it_was_sent_percent_signs_and_all() -> None:
    async with started() as client:
        for number in range(3):
            await client.place(f"n{number}")
        first = (await client.get("/v5/order/realtime", "category=linear&symbol=BTCUSDT&limit=2"))["result"]
        cursor = first["nextPageCursor"]
        assert "%" in cursor
        for encoded in (cursor, cursor.replace("%", "%25")):
            query = f"symbol=BTCUSDT&cursor={encoded}&category=linear&limit=2"
            rest = (await client.get("/v5/order/realtime", query))["result"]
            assert [o["orderLinkId"] for o in rest["list"]] == ["n0"]
            assert rest["nextPageCursor"] == ""


WRONG = [
    ("a GET with a body", "GET", "/v5/order/realtime?category=linear", "{}", 403),
    ("an unknown path", "GET", "/v5/order/nope", None, 404),
    ("the wrong method", "GET", "/v5/order/create", None, 404),
    ("a private path without the headers", "GET", "/v5/order/realtime?category=linear&symbol=BTCUSDT", None, 401),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG])
async def test_what_is_no_proper_request_gets_an_http_status(method, path, body, status) -> None:
    async with started() as client, client.session.request(method, client.venue.rest_url + path, data=body) as reply:
        assert reply.status == status


BODIES = [
    ("no JSON", "{", "not JSON"),
    ("no object", "[]", "not a JSON object"),
    ("a number where text is due", BODY.replace('"0.001"', "0.001"), "qty must be a string"),
    ("a number that is none", BODY.replace("50000", "NaN"), "price invalid"),
    ("another category", BODY.replace("linear", "spot"), "spot"),
    ("a hedge position", BODY.replace('"positionIdx":0', '"positionIdx":1'), "position idx"),
    ("a conditional order", BODY.replace("{", '{"triggerPrice":"1",'), "triggerPrice is not served"),
]


@pytest.mark.parametrize(("body", "words"), [b[1:] for b in BODIES], ids=[b[0] for b in BODIES])
async def test_a_body_with_a_fault_is_answered_with_10001_and_words(body, words) -> None:
    async with started() as client:
        url = client.venue.rest_url + "/v5/order/create"
        async with client.session.post(url, data=body, headers=headers(body)) as reply:
            answer = await reply.json()
        assert answer["retCode"] == 10001
        assert words in answer["retMsg"]
        assert client.venue.truth(KEY).orders == {}


async def test_a_late_request_is_answered_with_10002() -> None:
    async with started() as client:
        query = "category=linear&symbol=BTCUSDT"
        said = headers(query, at_ms=int(time.time() * 1000) - 6_000)
        async with client.session.get(f"{client.venue.rest_url}/v5/order/realtime?{query}", headers=said) as reply:
            assert (await reply.json())["retCode"] == 10002


async def test_the_eleventh_order_in_a_second_is_refused_and_the_headers_count_down() -> None:
    now_ms = int(time.time() * 1000)
    async with started(rate_limits=RateLimits(), clock=lambda: now_ms) as client:
        answers = [await client.place(f"n{number}") for number in range(11)]
        assert [a["retCode"] for a in answers] == [0] * 10 + [10006]
        assert [a["headers"]["X-Bapi-Limit-Status"] for a in answers] == [str(n) for n in range(9, -1, -1)] + ["0"]
        assert answers[-1]["headers"]["X-Bapi-Limit-Reset-Timestamp"] == str(now_ms + 1_000)
        now_ms += 1_000
        assert (await client.place("later"))["retCode"] == 0


async def test_a_batch_larger_than_what_is_left_is_taken_up_to_the_limit() -> None:
    now_ms = int(time.time() * 1000)
    async with started(rate_limits=RateLimits(), clock=lambda: now_ms) as client:
        item = {"symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.001", "price": "64500.00"}
        answer = await client.post("/v5/order/create-batch", request=[item] * 12)
        assert answer["retCode"] == 0
        assert [i["code"] for i in answer["retExtInfo"]["list"]] == [0] * 10 + [10006] * 2
        assert (await client.post("/v5/order/create-batch", request=[item] * 21))["retCode"] == 10006
        now_ms += 1_000
        assert (await client.post("/v5/order/create-batch", request=[item] * 21))["retCode"] == 10001


async def test_an_address_that_comes_too_often_is_shut_out() -> None:
    now_ms = int(time.time() * 1000)
    async with started(rate_limits=RateLimits(ip_per_5s=3), clock=lambda: now_ms) as client:
        statuses = []
        for _ in range(4):
            async with client.session.get(client.venue.rest_url + "/v5/market/time") as reply:
                statuses.append((reply.status, await reply.text()))
        assert [status for status, _ in statuses] == [200, 200, 200, 403]
        assert statuses[-1][1] == "access too frequent"


SETTINGS = [
    ("a leverage that it has", "/v5/position/set-leverage", {"buyLeverage": "10", "sellLeverage": "10"}, 110043),
    ("leverages that differ", "/v5/position/set-leverage", {"buyLeverage": "5", "sellLeverage": "6"}, 10001),
    ("the mode that it has", "/v5/position/switch-mode", {"mode": 0}, 110025),
    ("hedge mode", "/v5/position/switch-mode", {"mode": 3}, 10001),
    ("a window out of bounds", "/v5/order/disconnected-cancel-all", {"timeWindow": 2}, 10001),
]


@pytest.mark.parametrize(("path", "fields", "code"), [s[1:] for s in SETTINGS], ids=[s[0] for s in SETTINGS])
async def test_a_setting_that_changes_nothing_or_cannot_be_has_its_code(path, fields, code) -> None:
    async with started() as client:
        assert (await client.post(path, symbol="BTCUSDT", **fields))["retCode"] == code


async def test_the_real_capture_has_the_same_instrument_fields(recordings) -> None:
    listing = recordings / "bybit/jkorf/Endpoints/V5Api/ExchangeData/GetLinearInverseSymbols.txt"
    real = json.loads(listing.read_text().split("false\n", 1)[1])["result"]["list"][0]
    async with started() as client:
        ours = (await client.get("/v5/market/instruments-info", "category=linear&symbol=BTCUSDT"))["result"]["list"][0]
    assert set(real) <= set(ours)
    for part in ("leverageFilter", "priceFilter", "lotSizeFilter"):
        assert set(real[part]) <= set(ours[part])
    assert {name: type(value) for name, value in real.items()} == {name: type(ours[name]) for name in real}


REAL_ROWS = [
    ("orders", "http_get_orders_realtime.json", "/v5/order/realtime"),
    ("executions", "http_get_executions.json", "/v5/execution/list"),
    ("positions", "http_get_positions.json", "/v5/position/list"),
]


@pytest.mark.parametrize(("name", "path"), [r[1:] for r in REAL_ROWS], ids=[r[0] for r in REAL_ROWS])
async def test_private_rows_have_every_field_of_the_recorded_ones(recordings, name, path) -> None:
    real = json.loads((recordings / "bybit/nautilus" / name).read_text())["result"]["list"][0]
    async with started() as client:
        await client.place("rest")
        await client.place("take", orderType="Market")
        ours = (await client.get(path, "category=linear&symbol=BTCUSDT"))["result"]["list"][0]
    assert set(real) - set(ours) == set()
    strings = {field for field, value in real.items() if isinstance(value, str)}
    assert {field for field in strings if not isinstance(ours[field], str)} == set()


async def test_what_is_true_of_an_account_can_be_asked_of_the_venue() -> None:
    async with started() as client:
        await client.place("rest")
        await client.place("take", side="Sell", orderType="Market")
        truth = client.venue.truth(KEY)
        assert set(truth.orders) == {"rest", "take"}
        assert set(truth.open_orders) == {"rest"}
        assert truth.positions["BTCUSDT"].size == Decimal("-0.001")
        assert truth.wallet == CUSTOMER.balance - truth.fees
        assert sum(fill.size for fill in truth.fills) == Decimal("0.001")
