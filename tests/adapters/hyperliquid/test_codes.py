"""What answers mean, which are told by their words alone: each text, each envelope, by REST and by socket."""

import json

import pytest

from adapters.hyperliquid.client import Client, verdict_of
from adapters.hyperliquid.types import FAULTS, status_of
from state.errors import UnknownWord

CLIENT = Client("https://x")


@pytest.mark.parametrize(
    ("text", "meaning", "refusal"),
    [
        ("Price must be divisible by tick size. asset=0", "rejected", "rule"),
        ("Order must have minimum value of $10. asset=4", "rejected", "rule"),
        ("Insufficient margin to place order. asset=84", "rejected", "funds"),
        ("Reduce only order would increase position. asset=0", "rejected", "reduce_only"),
        ("Post only order would have immediately matched, bbo was 64999@65001. asset=0", "rejected", "post_only"),
        ("Order could not immediately match against any resting orders. asset=0", "rejected", "would_not_fill"),
        ("No liquidity available for market order.", "rejected", "would_not_fill"),
        ("Invalid TP/SL price. asset=0", "rejected", "rule"),
        ("Order has invalid size.", "rejected", "rule"),
        ("Order has zero size. asset=0", "rejected", "rule"),
        ("Order price cannot be more than 80% away from the reference price", "rejected", "price_band"),
        ("Order price too far from oracle", "rejected", "price_band"),
        ("Order would increase open interest while open interest is capped", "rejected", "risk"),
        ("Order would increase open interest too quickly", "rejected", "risk"),
        (
            "Order rejected due to price more aggressive than oracle while at open interest cap",
            "rejected",
            "price_band",
        ),
        ("Order would cause position to exceed margin tier limit at current leverage", "rejected", "risk"),
        ("Order was never placed, already canceled, or filled. asset=0", "gone", "gone"),
        ("Cannot modify canceled or filled order", "gone", "gone"),
        (
            "Error placing new order during modify: Post only order would have immediately matched, bbo was 1@2.",
            "gone",
            "post_only",
        ),
        ("Error placing new order during modify: Insufficient margin to place order.", "gone", "funds"),
        ("Only post-only orders allowed immediately after network upgrade", "rejected", "market_state"),
        ("Order price cannot be more than 95% away from the reference price", "rejected", "price_band"),
        ("Must deposit before performing actions. User: 0x1", "rejected", "funds"),
        ("Too many cumulative requests sent (37986 > 10436) for cumulative volume traded $437.92.", "rejected", "rate"),
        ("Cannot set scheduled cancel time until enough volume traded. Required: $1000000.", "rejected", "rule"),
        ("Invalid nonce: duplicate nonce", "retry", "clock"),
        ("User or API Wallet 0xb8a6f8b26223de27c31938d56e470a5b832703a5 does not exist.", "fatal", "fatal"),
        ("L1 error: User or API Wallet 0x1 does not exist.", "fatal", "fatal"),
        ("Vault not registered: 0x1", "fatal", "fatal"),
    ],
)
def test_a_text_has_a_class_whatever_stands_behind_it(text: str, meaning: str, refusal: str) -> None:
    refused = json.dumps({"status": "err", "response": text}).encode()
    leg = json.dumps({"status": "ok", "response": {"type": "order", "data": {"statuses": [{"error": text}]}}}).encode()
    for verdict in (verdict_of(text), CLIENT.classify(200, refused), CLIENT.items(200, leg, 1)[0].verdict):
        assert (verdict.meaning, verdict.refusal, verdict.known, verdict.text) == (meaning, refusal, True, text)
    assert CLIENT.classify(200, leg).meaning == "ok", "the request was taken; its leg was not"


def test_no_text_is_told_by_the_beginning_of_another_of_a_different_class() -> None:
    for fault in FAULTS:
        first = verdict_of(fault.start)
        assert (first.meaning, first.refusal) == (fault.meaning, fault.refusal), fault.start


def test_a_text_that_no_table_has_is_loud_and_its_outcome_unknown() -> None:
    verdict = verdict_of("The moon is full. asset=0")
    assert (verdict.meaning, verdict.known, verdict.text) == ("unknown", False, "The moon is full. asset=0")


@pytest.mark.parametrize(
    ("status", "meaning", "refusal", "banned"),
    [(429, "retry", "rate", True), (422, "rejected", "rule", False), (400, "rejected", "rule", False),
     (500, "unknown", None, False), (502, "unknown", None, False)],
)  # fmt: skip
def test_a_status_alone_has_a_class_by_rest_and_before_a_text_by_socket(
    status: int, meaning: str, refusal: str | None, banned: bool
) -> None:
    posted = {"id": 1, "response": {"type": "error", "payload": f"{status} Too Many Requests"}}
    frame = json.dumps({"channel": "post", "data": posted}, separators=(",", ":")).encode()
    for verdict in (CLIENT.classify(status, b"words"), CLIENT.items(200, frame, 1)[0].verdict):
        assert (verdict.meaning, verdict.refusal, verdict.banned) == (meaning, refusal, banned)
    assert CLIENT.classify(429, b"").wait_s > 0


STATUSES = [
    {"resting": {"oid": 77738308, "cloid": "0x0000000000000000000000006d6d0001"}},
    {"filled": {"totalSz": "0.02", "avgPx": "1891.4", "oid": 77747314}},
    "success", "waitingForFill", {"error": "Order was never placed, already canceled, or filled. asset=0"},
]  # fmt: skip


@pytest.mark.parametrize("by_socket", [False, True])
def test_a_batch_is_judged_order_by_order(by_socket: bool) -> None:
    """Accepted and resting, filled at once, cancelled, waiting, already gone."""
    answer = {"status": "ok", "response": {"type": "order", "data": {"statuses": STATUSES}}}
    frame: object = {"channel": "post", "data": {"id": 256, "response": {"type": "action", "payload": answer}}}
    items = CLIENT.items(200, json.dumps(frame if by_socket else answer, separators=(",", ":")).encode(), 6)
    assert [(item.verdict.meaning, item.order_id) for item in items] == [
        ("ok", "77738308"), ("ok", "77747314"), ("ok", None), ("ok", None), ("gone", None), ("unknown", None),
    ]  # fmt: skip


def test_one_refusal_alone_is_meant_for_the_whole_batch() -> None:
    statuses = [{"error": "Order has zero size. asset=0"}]
    answer = {"status": "ok", "response": {"type": "order", "data": {"statuses": statuses}}}
    items = CLIENT.items(200, json.dumps(answer).encode(), 3)
    assert [item.verdict.refusal for item in items] == ["rule"] * 3
    err = b'{"status":"err","response":"Must deposit before performing actions. User: 0x1"}'
    assert [item.verdict.refusal for item in CLIENT.items(200, err, 2)] == ["funds"] * 2


def test_an_answer_that_does_not_fit_leaves_every_order_unknown() -> None:
    for body in (b"", b"[]", b'{"status":7}', b'{"status":"ok","response":{"data":{"statuses":[7]}}}'):
        assert {item.verdict.meaning for item in CLIENT.items(200, body, 2)} == {"unknown"}
    done = b'{"status":"ok","response":{"type":"default"}}'
    assert CLIENT.classify(200, done).meaning == "ok"


@pytest.mark.parametrize(
    ("word", "status", "refusal", "origin"),
    [
        ("open", "open", None, "user"), ("filled", "filled", None, "user"), ("triggered", "open", None, "user"),
        ("canceled", "cancelled", None, "user"), ("rejected", "rejected", None, "user"),
        ("selfTradeCanceled", "cancelled", None, "stp"), ("liquidatedCanceled", "cancelled", None, "liquidation"),
        ("scheduledCancel", "cancelled", None, "dead_man"), ("marginCanceled", "cancelled", None, "venue"),
        ("delistedCanceled", "cancelled", None, "settlement"), ("newKindCanceled", "cancelled", None, "venue"),
        ("tickRejected", "rejected", "rule", "user"), ("badAloPxRejected", "rejected", "post_only", "user"),
        ("iocCancelRejected", "rejected", "would_not_fill", "user"), ("perpMarginRejected", "rejected", "funds", "user"),
        ("reduceOnlyRejected", "rejected", "reduce_only", "user"), ("oracleRejected", "rejected", "price_band", "user"),
        ("minTradeNtlRejected", "rejected", "rule", "user"), ("perpMaxPositionRejected", "rejected", "risk", "user"),
        ("positionFlipAtOpenInterestCapRejected", "rejected", "risk", "user"), ("newRejected", "rejected", "rule", "user"),
    ],
)  # fmt: skip
def test_a_status_word_has_a_meaning(word: str, status: str, refusal: str | None, origin: str) -> None:
    said = status_of(word)
    assert (said.status, said.refusal, said.origin) == (status, refusal, origin)


def test_a_status_word_of_no_known_ending_is_not_guessed() -> None:
    with pytest.raises(UnknownWord, match="levitating"):
        status_of("levitating")
