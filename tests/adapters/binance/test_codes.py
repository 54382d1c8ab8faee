"""What an error code, a status and a counter mean, by REST and by socket."""

import json

import pytest

from adapters.base.client import Request
from adapters.binance.client import CODES, Client
from adapters.binance.endpoints import Endpoints
from adapters.binance.formats import Formats
from adapters.binance.private import TradeWebsocket
from state.events import (
    FeedStatus,
)
from state.secrets import Credentials, Secret
from tests.later import Later

ccxt = Later("ccxt")

LISTEN = Request(Endpoints.ALL["listen_key"])
CLIENT = Client("", None)


@pytest.mark.parametrize(
    ("code", "meaning", "refusal"),
    [
        (-4046, "ok", None), (-4059, "ok", None), (-5027, "ok", None), (-2011, "gone", "gone"), (-2013, "gone", "gone"),
        (-1003, "retry", "rate"), (-1015, "retry", "rate"), (-1021, "retry", "clock"), (-5028, "retry", "clock"),
        (-1008, "retry", "busy"), (-1007, "unknown", None), (-1006, "unknown", None), (-4116, "rejected", "duplicate"),
        (-5022, "rejected", "post_only"), (-5021, "rejected", "would_not_fill"), (-2022, "rejected", "reduce_only"),
        (-4016, "rejected", "price_band"), (-4014, "rejected", "rule"), (-1111, "rejected", "rule"),
        (-4164, "rejected", "rule"), (-4120, "rejected", "rule"), (-2019, "rejected", "funds"), (-2027, "rejected", "risk"),
        (-4400, "rejected", "risk"), (-4401, "rejected", "risk"), (-4087, "rejected", "risk"), (-4088, "fatal", "fatal"),
        (-1022, "fatal", "fatal"), (-2015, "fatal", "fatal"), (-2014, "fatal", "fatal"), (-4109, "fatal", "fatal"),
    ],
)  # fmt: skip
def test_what_a_code_means_by_rest_and_by_socket(code: int, meaning: str, refusal: str | None) -> None:
    for body in ({"code": code, "msg": "why"}, {"id": "o1", "status": 400, "error": {"code": code, "msg": "why"}}):
        verdict = CLIENT.classify(400 if "id" not in body else 200, json.dumps(body).encode())
        assert (verdict.meaning, verdict.refusal, verdict.code, verdict.text) == (meaning, refusal, str(code), "why")
        assert verdict.known


# Of https://developers.binance.com/docs/derivatives/usds-margined-futures/error-code, without those of what is sent wrongly.
DOCUMENTED = [
    *range(1000, 1008), 1010, 1011, *range(1013, 1017), *range(1020, 1024), *range(2010, 2029), *range(4000, 4034),
    *range(4044, 4089), 4104, 4109, *range(4114, 4119), 4120, 4131, 4135, *range(4137, 4143), 4144, 4161, 4164, 4165,
    *range(4167, 4173), 4183, 4184, 4192, 4202, 4203, 4205, 4206, *range(4208, 4212), *range(4400, 4404), 5021, 5022,
    *range(5024, 5030), *range(5037, 5042),
]  # fmt: skip


def test_no_documented_refusal_is_taken_for_an_unknown_outcome() -> None:
    assert [code for code in DOCUMENTED if -code not in CODES] == []
    assert {code for code in DOCUMENTED if CODES[-code][0] == "unknown"} == {1000, 1006, 1007}


@pytest.mark.parametrize(
    ("code", "meaning", "refusal"),
    [
        pytest.param(-2020, "rejected", "would_not_fill", id="unable to fill"),
        pytest.param(-5024, "rejected", "market_state", id="an amendment of a symbol that does not trade"),
        pytest.param(-4402, "rejected", "market_state", id="a symbol that is not for this region"),
        pytest.param(-4408, "rejected", "market_state", id="a symbol that can only be reduced here"),
        pytest.param(-4411, "rejected", "market_state", id="gold and stocks, whose agreement is not signed"),
        pytest.param(-4209, "rejected", "rule", id="a leverage that the symbol does not have"),
        pytest.param(-1004, "retry", "busy", id="a server that is busy"),
        pytest.param(-1005, "fatal", "fatal", id="an address that is not on the key's list"),
    ],
)
def test_what_a_code_means(code: int, meaning: str, refusal: str) -> None:
    verdict = CLIENT.classify(400, json.dumps({"code": code, "msg": "why"}).encode())
    assert (verdict.meaning, verdict.refusal, verdict.known) == (meaning, refusal, True)


def test_what_ccxt_calls_by_another_name_is_of_the_same_kind() -> None:
    said = ccxt.binanceusdm().exceptions
    theirs: dict[str, type] = said["exact"] | said["linear"]["exact"]
    kinds: dict[type, set[str | None]] = {
        ccxt.OrderNotFound: {"gone"},
        ccxt.RateLimitExceeded: {"rate", "busy"},
        ccxt.InsufficientFunds: {"funds"},
        ccxt.InvalidNonce: {"clock"},
        ccxt.AuthenticationError: {"fatal"},
        ccxt.NoChange: {None},
        ccxt.MarginModeAlreadySet: {None},
        ccxt.OrderImmediatelyFillable: {"post_only", "rule"},
        ccxt.OrderNotFillable: {"would_not_fill", "post_only"},
        ccxt.BadSymbol: {"rule", "market_state"},
        ccxt.RequestTimeout: {None},
    }
    ours = {code: CODES[int(code)] for code in theirs if code.lstrip("-").isdigit() and int(code) in CODES}
    assert len(ours) > 150
    odd = {
        code: (theirs[code].__name__, means[1])
        for code, means in ours.items()
        if means[1] not in kinds.get(theirs[code], {means[1]})
    }
    assert odd.keys() == {"-1125", "-4056", "-4057"}, (
        "a listen key that is over, and how keys are made: no other request fails by it"
    )


def test_a_code_that_no_table_has_is_unknown_and_loud() -> None:
    verdict = CLIENT.classify(400, b'{"code":-9999,"msg":"new"}')
    assert (verdict.meaning, verdict.known) == ("unknown", False)
    assert -9999 not in CODES


@pytest.mark.parametrize(
    ("status", "body", "meaning", "refusal", "banned"),
    [
        (200, b"[]", "ok", None, False),
        (200, b'{"code":200,"msg":"The operation of cancel all open order is done."}', "ok", None, False),
        (200, b'{"orderId":1,"status":"NEW"}', "ok", None, False),
        (200, b"<html>", "unknown", None, False),
        (
            503,
            b'{"code":-1000,"msg":"Unknown error, please check your request or try again later."}',
            "unknown",
            None,
            False,
        ),
        (503, b'{"code":-1000,"msg":"Service Unavailable."}', "retry", "busy", False),
        (503, b"Internal error; unable to process your request. Please try again.", "retry", "busy", False),
        (503, b'{"code":-1008,"msg":"Request throttled by system-level protection."}', "retry", "busy", False),
        (408, b'{"code":-1007,"msg":"Timeout waiting for response from backend server."}', "unknown", None, False),
        (429, b'{"code":-1003,"msg":"Too many requests."}', "retry", "rate", True),
        (429, b'{"code":-1015,"msg":"Too many new orders."}', "retry", "rate", False),
        (418, b"", "retry", "rate", True),
        (403, b"<html>", "retry", "rate", True),
        (401, b"", "fatal", "fatal", False),
        (404, b"", "rejected", "rule", False),
        (500, b"", "unknown", None, False),
        (200, b'{"id":"x","status":418,"error":{"code":-1003,"msg":"banned"}}', "retry", "rate", True),
        (
            200,
            b'{"id":"x","status":503,"error":{"code":-1000,"msg":"Unknown error, please check"}}',
            "unknown",
            None,
            False,
        ),
    ],
)
def test_what_a_status_means(status: int, body: bytes, meaning: str, refusal: str | None, banned: bool) -> None:
    verdict = CLIENT.classify(status, body)
    assert (verdict.meaning, verdict.refusal, verdict.banned) == (meaning, refusal, banned)


def test_a_ban_lasts_until_the_time_that_it_names_and_an_order_limit_stops_orders_only() -> None:
    ban = CLIENT.classify(418, b'{"code":-1003,"msg":"Way too many requests; IP(1.2.3.4) banned until 1754000123456."}')
    assert (ban.until_ms, ban.banned, ban.stops) == (1754000123456, True, "")
    orders = CLIENT.classify(
        429, b'{"code":-1015,"msg":"Too many new orders; current limit is 300 orders per 10 SECOND."}'
    )
    assert (orders.stops, orders.banned, orders.wait_s) == ("orders.10s", False, 10.0)


def test_a_batch_is_judged_item_by_item_and_what_is_not_named_is_unknown() -> None:
    body = b'[{"orderId":7,"status":"NEW","updateTime":1754000000906},{"code":-4014,"msg":"Price not increased by tick size."}]'
    first, second, third = CLIENT.items(200, body, 3)
    assert (first.verdict.meaning, first.order_id, first.ts) == ("ok", "7", 1754000000906_000_000)
    assert (second.verdict.refusal, second.order_id) == ("rule", None)
    assert third.verdict.meaning == "unknown"
    one = {"id": "o1", "status": 200, "result": {"orderId": 8, "updateTime": 5}, "rateLimits": []}
    (accepted,) = CLIENT.items(200, json.dumps(one).encode(), 1)
    assert (accepted.verdict.meaning, accepted.order_id, accepted.ts) == ("ok", "8", 5_000_000)
    refused = CLIENT.items(400, b'{"code":-2015,"msg":"key"}', 2)
    assert [item.verdict.meaning for item in refused] == ["fatal", "fatal"]


def test_counters_are_read_from_headers_and_from_socket_answers_against_the_venues_own_limits() -> None:
    client = Client("", None)
    headers = {"x-mbx-used-weight-1m": "20", "x-mbx-order-count-10s": "7", "x-mbx-order-count-1m": "soon"}
    weight, orders = client.budgets(LISTEN, headers)
    assert (weight[0], weight[1].limit, weight[1].remaining) == ("weight", 1920, 1900)
    assert (orders[0], orders[1].limit, orders[1].remaining) == ("orders.10s", 300, 293)
    limits = [
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 1000, "count": 1},
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100, "count": 99},
        {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 1, "count": 1},
    ]
    formats = Formats("binance", "linear")
    formats.answer("instruments", json.dumps({"serverTime": 1, "symbols": [], "rateLimits": limits}).encode())
    client.learn(formats.limits)
    assert (client.limits["weight"], client.limits["orders.10s"], client.limits["orders.1m"]) == (800, 100, 1200)
    socket = TradeWebsocket("binance", "", Credentials(Secret("k"), Secret("s")), 5000, client)
    assert socket.receive(json.dumps({"id": "o1", "status": 200, "result": {}, "rateLimits": limits}).encode(), 0) == ()
    assert [(pool, b.limit, b.remaining) for pool, b in socket.budgets] == [
        ("weight", 800, 799),
        ("orders.10s", 100, 1),
    ]
    assert [request_id for request_id, _ in socket.answers] == ["o1"]
    (odd,) = socket.receive(b'{"id":null,"status":401,"error":{"code":-2015,"msg":"key"}}', 0)
    assert isinstance(odd, FeedStatus)
    assert (odd.channel, odd.status) == ("trade", "gap")
