"""What a return code means, beside the documentation's whole list for unified accounts, and beside ccxt's reading of it."""

import json
from typing import Any

import pytest

from adapters.bybit.client import CODES, Client
from tests.later import Later

ccxt = Later("ccxt")

CLIENT = Client("", None)

# Of https://bybit-exchange.github.io/docs/v5/error, without those of spot, options, borrowing and transfers.
DOCUMENTED = [
    -2015, -1, 0, 429, 10000, *range(10001, 10011), 10014, *range(10016, 10020), 10024, 10027, 10028, 10029, 10404, 10429,
    20003, 20006, *range(30133, 30137), 33004, 34040, 40004, 100028, 110001, *range(110003, 110081), 110082, 110083,
    *range(110085, 110091), *range(110092, 110122), 3100197, 3200320, 3200403, 3400139, 3400214,
]  # fmt: skip


def test_no_documented_refusal_of_an_order_is_taken_for_an_unknown_outcome() -> None:
    """Else each is looked up for ten seconds, while its strategy may not quote, and ends as "the venue does not know it"."""
    assert [code for code in DOCUMENTED if code not in CODES] == []
    vague = {code for code in DOCUMENTED if CODES[code][0] == "unknown"}
    assert vague == {10000, 10016, 3400214}, "a time-out and an error of the server say nothing"


@pytest.mark.parametrize(
    ("code", "meaning", "refusal"),
    [
        pytest.param(110016, "rejected", "risk", id="beyond the risk limit"),
        pytest.param(110021, "rejected", "risk", id="beyond the open interest's limit"),
        pytest.param(110089, "rejected", "risk", id="beyond the highest risk limit"),
        pytest.param(3400139, "rejected", "risk", id="beyond what all positions together may be worth"),
        pytest.param(110040, "rejected", "risk", id="it would liquidate"),
        pytest.param(110023, "rejected", "market_state", id="a contract that is being wound up"),
        pytest.param(110063, "rejected", "market_state", id="settlement"),
        pytest.param(110066, "rejected", "market_state", id="not at the current time"),
        pytest.param(110103, "rejected", "market_state", id="a stage that takes post-only orders alone"),
        pytest.param(110118, "rejected", "would_not_fill", id="a market order, and no market"),
        pytest.param(110121, "rejected", "price_band", id="above the price limit"),
        pytest.param(110053, "rejected", "funds", id="the balance does not cover it"),
        pytest.param(110030, "rejected", "duplicate", id="an id that is there already"),
        pytest.param(-1, "retry", "clock", id="it came too late to be executed"),
        pytest.param(110088, "fatal", "fatal", id="an account that may not trade at all"),
    ],
)
def test_what_a_refusal_means(code: int, meaning: str, refusal: str) -> None:
    verdict = CLIENT.classify(200, json.dumps({"retCode": code, "retMsg": "why"}).encode())
    assert (verdict.meaning, verdict.refusal, verdict.known) == (meaning, refusal, True)
    body = {"retCode": 0, "result": {"list": [{}]}, "retExtInfo": {"list": [{"code": code, "msg": "why"}]}}
    (item,) = CLIENT.items(200, json.dumps(body).encode(), 1)
    assert item.verdict == verdict


def test_what_ccxt_calls_by_another_name_is_of_the_same_kind() -> None:
    theirs: dict[str, type] = ccxt.bybit().exceptions["exact"]
    kinds: dict[type, set[Any]] = {
        ccxt.OrderNotFound: {"gone"},
        ccxt.RateLimitExceeded: {"rate"},
        ccxt.InsufficientFunds: {"funds"},
        ccxt.InvalidNonce: {"clock"},
        ccxt.AuthenticationError: {"fatal"},
        ccxt.AccountSuspended: {"fatal"},
        ccxt.NoChange: {None},
    }
    ours = {code: CODES[int(code)] for code in theirs if code.lstrip("-").isdigit() and int(code) in CODES}
    odd = {code: said for code, said in ours.items() if said[1] not in kinds.get(theirs[code], {said[1]})}
    assert odd == {"20001": ("ok", None)}, "on the order socket it says that one has logged in already"
