"""What answers mean: by the sheet's table, beside ccxt's, item by item, and where nothing can be read."""

import json
from typing import Any

import pytest

from adapters.okx.client import CODES, Client, verdict_of
from adapters.okx.endpoints import Endpoints
from tests.later import Later

ccxt = Later("ccxt")

CLIENT = Client("https://x", None)

# The venue sheet's classes, by its own codes.
SHEET: dict[tuple[str, str | None], str] = {
    ("gone", "gone"): "51400 51401 51402 51410 51503 51509 51510 51603",
    ("retry", "rate"): "50011 50061 60014",
    ("retry", "busy"): "50013 50001 50040 51513 51412",
    ("retry", "clock"): "50102 50112 60004 60006 50036 50037",
    ("unknown", None): "50004 51054 51149 50026 64007",
    ("rejected", "duplicate"): "51016 51011",
    ("rejected", "post_only"): "51511",
    ("rejected", "reduce_only"): "51112 51169 51170",
    ("rejected", "price_band"): "51006 51137 51138",
    ("rejected", "funds"): "51008 51127 51131",
    ("rejected", "risk"): "51004 51101 51102 51103",
    ("rejected", "market_state"): "51030 51028 51029",
    ("rejected", "rule"): "51000 51001 51020 51121 51148 51171 51501 60012 60013 60018 64003",
    ("fatal", "fatal"): (
        "50101 50103 50104 50105 50106 50107 50110 50111 50113 50114 50119 50120 50100 50007 50008 50009 50012 50027 50028 "
        "50029 50030 50035 51024 51155 60005 60007 60009 60011 60024 60032"
    ),
}


@pytest.mark.parametrize(("meaning", "codes"), SHEET.items(), ids=[f"{m} {r or ''}".strip() for m, r in SHEET])
def test_the_sheets_codes_mean_what_it_says(meaning: tuple[str, str | None], codes: str) -> None:
    assert {code: CODES.get(code) for code in codes.split()} == dict.fromkeys(codes.split(), meaning)


# Of https://www.okx.com/docs-v5/en/#error-code, without those of loans, bots, options, and of transfers.
DOCUMENTED = [
    50000, 50001, 50002, *range(50004, 50031), 50032, 50033, *range(50035, 50043), 50044, 50046, 50047, *range(50051, 50054),
    *range(50059, 50063), 50067, 50071, 50072, *range(50075, 50078), *range(50100, 50117), *range(50118, 50123),
    *range(51000, 51013), *range(51014, 51045), *range(51046, 51055), 51056, 51058, 51059, 51063, 51066, *range(51068, 51097),
    *range(51098, 51114), *range(51115, 51118), *range(51120, 51140), *range(51147, 51151), 51155, 51156, 51159, 51162, 51163,
    *range(51165, 51172), *range(51173, 51183), *range(51185, 51188), *range(51192, 51198), *range(51201, 51208),
    *range(51209, 51215), 51298, 51299, *range(51327, 51334), *range(51400, 51414), 51415, 51416, *range(51500, 51504),
    *range(51505, 51515), *range(51521, 51533), *range(51536, 51540), 51543, *range(51600, 51604), 54000, 54001,
    *range(54004, 54010), 54011, 54012, 54018, 54019, *range(54024, 54032), 54035, 54036, *range(54039, 54050),
    *range(54070, 54076), 54078, 54079, 54092, 54094, 59000, *range(59100, 59115), 59200, 59201, *range(59668, 59671),
    *range(60004, 60010), *range(60011, 60015), 60018, 60019, 60023, 60024, *range(60026, 60029), *range(60031, 60034), 63999,
    *range(64000, 64005), 64007,
]  # fmt: skip


def test_no_documented_refusal_is_taken_for_an_unknown_outcome() -> None:
    assert [code for code in DOCUMENTED if str(code) not in CODES] == []
    told = {code for code in DOCUMENTED if CODES[str(code)][0] == "unknown"}
    assert told == {50004, 50026, 51054, 51149, 64007}, "those of which the venue itself says that it does not know"


@pytest.mark.parametrize(
    ("code", "meaning", "refusal"),
    [
        pytest.param("51186", "rejected", "risk", id="the leverage is beyond the platform's limit"),
        pytest.param("51187", "rejected", "risk", id="position and orders are beyond the platform's limit"),
        pytest.param("54031", "rejected", "risk", id="the platform's open interest is full"),
        pytest.param("51022", "rejected", "market_state", id="suspended"),
        pytest.param("54012", "rejected", "market_state", id="too thin a book: post-only alone"),
        pytest.param("54072", "rejected", "market_state", id="to be looked at only"),
        pytest.param("54092", "rejected", "market_state", id="a disclaimer is not yet accepted"),
        pytest.param("54094", "rejected", "market_state", id="a cool-off"),
        pytest.param("54109", "rejected", "market_state", id="trading for USDC is not yet activated"),
        pytest.param("51116", "rejected", "price_band", id="beyond the price limit"),
        pytest.param("51522", "rejected", "reduce_only", id="an amended order would no longer reduce"),
        pytest.param("50071", "rejected", "duplicate", id="the client's id is taken"),
        pytest.param("54048", "retry", "busy", id="a cancel in the speed bump"),
        pytest.param("63999", "retry", "busy", id="a login that failed within the venue"),
        pytest.param("59107", "rejected", "rule", id="a leverage that open orders hold"),
        pytest.param("50121", "fatal", "fatal", id="an address that is not served"),
    ],
)
def test_documented_refusals_are_told_apart(code: str, meaning: str, refusal: str) -> None:
    assert CODES.get(code) == (meaning, refusal)


def test_none_of_ccxts_codes_of_orders_is_unheard_of() -> None:
    theirs: dict[str, type] = ccxt.okx().exceptions["exact"]
    reached = {
        code for code in theirs if code[:2] in ("50", "51", "54", "60") and code[:3] != "517"
    }  # those are of loans
    assert reached - set(CODES) == {"60015"}, "only the word of a connection that is over"


def test_what_ccxt_calls_by_another_name_is_of_the_same_kind() -> None:
    theirs: dict[str, type] = ccxt.okx().exceptions["exact"]
    kinds: dict[type, set[str]] = {
        ccxt.OrderNotFound: {"gone"},
        ccxt.RateLimitExceeded: {"retry"},
        ccxt.InsufficientFunds: {"rejected"},
        ccxt.InvalidOrder: {"rejected", "gone"},
        ccxt.RequestTimeout: {"unknown"},
        ccxt.InvalidNonce: {"retry"},
        ccxt.AuthenticationError: {"fatal", "retry", "rejected"},
        ccxt.PermissionDenied: {"fatal", "rejected"},
    }
    odd = {
        code: (error.__name__, CODES[code])
        for code, error in theirs.items()
        if code in CODES and CODES[code][0] not in kinds.get(error, {CODES[code][0]})
    }
    assert odd == {}
    retried = {code for code, (meaning, _) in CODES.items() if meaning == "retry"}
    wrong_keys = {code for code, error in theirs.items() if error in (ccxt.AuthenticationError, ccxt.PermissionDenied)}
    assert retried & wrong_keys == {"50112", "60004"}, "a time that is no time is tried again, a wrong key never"


def answer(code: str, *items: tuple[str, str], msg: str = "") -> bytes:
    data = [
        {"ordId": order_id, "clOrdId": "", "sCode": said, "sMsg": "why", "ts": "1754000000910"}
        for order_id, said in items
    ]
    return json.dumps(
        {"id": "r", "op": "order", "code": code, "msg": msg, "data": data, "inTime": "1", "outTime": "2"}
    ).encode()


@pytest.mark.parametrize(
    ("status", "body", "meaning", "code"),
    [
        pytest.param(200, answer("0", ("7", "0")), "ok", "0", id="accepted"),
        pytest.param(200, answer("1", ("", "51008")), "rejected", "51008", id="the one order says why"),
        pytest.param(200, answer("1", ("", "51016")), "rejected", "51016", id="a duplicate"),
        pytest.param(200, answer("2", ("7", "0"), ("", "51008")), "ok", "", id="some of several"),
        pytest.param(200, answer("1"), "unknown", "1", id="failed, and nothing says why"),
        pytest.param(200, answer("60013", msg="Invalid args"), "rejected", "60013", id="the socket's own word"),
        pytest.param(200, answer("99999"), "unknown", "99999", id="a code that no table has"),
        pytest.param(429, b'{"code":"50011","msg":"slow down","data":[]}', "retry", "50011", id="too many"),
        pytest.param(429, b"<html>", "retry", "http 429", id="too many, from something in between"),
        pytest.param(401, b'{"code":"50113","msg":"Invalid Sign"}', "fatal", "50113", id="a wrong signature"),
        pytest.param(403, b"", "fatal", "http 403", id="an address that is not served"),
        pytest.param(502, b"bad gateway", "unknown", "http 502", id="a gateway"),
        pytest.param(500, b'{"code":"0","msg":"","data":[]}', "unknown", "http 500", id="no error in a failure"),
        pytest.param(404, b"{", "rejected", "http 404", id="no such path"),
        pytest.param(200, b"[]", "unknown", "http 200", id="a list"),
        pytest.param(200, b"{}", "unknown", "", id="an object that says nothing"),
    ],
)
def test_what_an_answer_means(status: int, body: bytes, meaning: str, code: str) -> None:
    verdict = CLIENT.classify(status, body)
    assert (verdict.meaning, verdict.code) == (meaning, code)
    assert verdict.known == (code not in ("99999", "") or meaning == "ok")


def test_a_batch_is_judged_item_by_item_and_a_short_answer_leaves_the_rest_unknown() -> None:
    verdicts = CLIENT.items(200, answer("2", ("7", "0"), ("", "51008"), ("", "50061")), 4)
    assert [(v.verdict.meaning, v.order_id) for v in verdicts] == [
        ("ok", "7"), ("rejected", None), ("retry", None), ("unknown", None),
    ]  # fmt: skip
    assert verdicts[0].ts == 1754000000910 * 10**6
    assert verdicts[2].verdict.wait_s == 2.0
    (all_failed,) = {v.verdict.code for v in CLIENT.items(200, answer("1", ("", "51000"), ("", "51000")), 2)}
    assert all_failed == "51000"
    assert [v.verdict.meaning for v in CLIENT.items(200, answer("50011"), 2)] == ["retry", "retry"]


@pytest.mark.parametrize("data", ["{}", '[{"sCode":5}]', '[{"sCode":"0","ts":"soon"}]'])
def test_items_that_do_not_fit_are_unknown(data: str) -> None:
    body = b'{"code":"0","msg":"","data":%s}' % data.encode()
    (item,) = CLIENT.items(200, body, 1)
    assert item.verdict.meaning == "unknown"


def test_a_code_of_no_table_is_loud_and_each_wait_is_its_classes() -> None:
    assert not verdict_of("12345", "new").known
    waits: dict[str, Any] = {code: verdict_of(code, "").wait_s for code in ("50011", "50013", "50102", "51008")}
    assert waits == {"50011": 2.0, "50013": 0.5, "50102": 0.2, "51008": 0.0}
    assert (verdict_of("50061", "").stops, verdict_of("50011", "").stops) == ("orders", "")
    assert "orders" in {pool.name for pool in Endpoints.POOLS}
