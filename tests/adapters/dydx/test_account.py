"""What the account's frames and answers mean: the sheet's words on every status, code and sign, and ends by height."""

import json
from decimal import Decimal
from typing import Any

import pytest

from adapters.base.client import Request
from adapters.base.cosmos import Broadcast, checked
from adapters.base.query import Query
from adapters.dydx.account import GRACE_BLOCKS, Account
from adapters.dydx.client import BLOCK_WAIT_S, CODES, Client
from adapters.dydx.endpoints import HOSTS, Endpoints
from adapters.dydx.exchange import Decoder
from adapters.dydx.formats import Formats
from adapters.dydx.orderid import text
from state.errors import UnknownWord
from state.events import BalanceUpdate, Fill, FundingPayment, OrderUpdate, PositionUpdate
from state.orders import Orders

UNTIL = 66_624_100
ORDER = {
    "id": "9b315c48-7752-52be-a5b9-33f46beab106", "subaccountId": "8124c702-6ea3-5aba-9cec-70849e970b6f", "side": "BUY",
    "clientId": "123456789", "clobPairId": "0", "size": "0.01", "price": "89942", "status": "BEST_EFFORT_OPENED",
    "type": "LIMIT", "timeInForce": "GTT", "postOnly": True, "reduceOnly": False, "orderFlags": "0", "ticker": "BTC-USD",
    "goodTilBlock": str(UNTIL), "clientMetadata": "0",
}  # fmt: skip
FILL = {
    "id": "c5030bd3-cd85-5046-8f2a-518bbba6ec45", "side": "BUY", "liquidity": "MAKER", "type": "LIMIT", "clobPairId": "0",
    "orderId": ORDER["id"], "size": "0.004", "price": "89942", "createdAt": "2025-12-08T16:11:31.170Z",
    "createdAtHeight": "66624086", "ticker": "BTC-USD", "fee": "-0.039574",
}  # fmt: skip


def frame(contents: Any, height: int = 66_624_086, channel: str = "v4_subaccounts") -> bytes:
    said = contents | {"blockHeight": str(height)} if channel == "v4_subaccounts" else contents
    return json.dumps(
        {"type": "channel_data", "connection_id": "c", "id": "x/0", "channel": channel, "contents": said}
    ).encode()


def block(height: int) -> bytes:
    return frame({"blockHeight": str(height), "time": "2025-12-08T16:11:41.170Z"}, channel="v4_block_height")


def told(**more: Any) -> OrderUpdate:
    (update,) = Account("dydx").private(frame({"orders": [ORDER | more]}))
    assert isinstance(update, OrderUpdate)
    return update


@pytest.mark.parametrize(
    ("said", "status", "firm", "refusal"),
    [
        pytest.param({}, "open", False, None, id="one node has seen it"),
        pytest.param({"status": "OPEN", "totalFilled": "0"}, "open", True, None, id="on chain"),
        pytest.param({"status": "OPEN", "totalFilled": "0.004"}, "partially_filled", True, None, id="filled in part"),
        pytest.param({"status": "OPEN", "totalFilled": "0.01"}, "filled", True, None, id="a stale row, filled whole"),
        pytest.param({"status": "UNTRIGGERED"}, "open", True, None, id="waits for its trigger"),
        pytest.param({"status": "FILLED", "totalFilled": "0.01"}, "filled", True, None, id="filled"),
        pytest.param({"status": "CANCELED"}, "cancelled", True, None, id="cancelled for good"),
        pytest.param({"status": "BEST_EFFORT_CANCELED"}, "cancelled", False, None, id="a cancel is a wish"),
        pytest.param(
            {"status": "BEST_EFFORT_CANCELED", "removalReason": "ORDER_REMOVAL_REASON_POST_ONLY_WOULD_CROSS_MAKER_ORDER"},
            "rejected", False, "post_only", id="a post-only refusal comes as a cancel",
        ),
        pytest.param(
            {"status": "CANCELED", "removalReason": "ORDER_REMOVAL_REASON_INDEXER_EXPIRED"}, "expired", True, None, id="its time",
        ),
        pytest.param(
            {"status": "BEST_EFFORT_CANCELED", "removalReason": "IMMEDIATE_OR_CANCEL_WOULD_REST_ON_BOOK"},
            "cancelled", False, "would_not_fill", id="the rest of an immediate order, as of 2023",
        ),
        pytest.param(
            {"status": "CANCELED", "removalReason": "ORDER_REMOVAL_REASON_UNDERCOLLATERALIZED"}, "cancelled", True, "funds",
            id="no collateral while matching",
        ),
        pytest.param({"status": "ERROR"}, "rejected", True, None, id="refused by the chain"),
    ],
)  # fmt: skip
def test_what_an_orders_word_means(said: dict[str, str], status: str, firm: bool, refusal: str | None) -> None:
    update = told(**said)
    assert (update.status, update.firm, update.refusal) == (status, firm, refusal)
    assert (update.client_id, update.tif, update.price) == (text(123_456_789, 0), "post_only", Decimal(89942))


def test_a_replacement_and_an_optimistic_fill_say_nothing_and_an_unknown_word_is_loud() -> None:
    account = Account("dydx")
    replaced = ORDER | {"status": "BEST_EFFORT_CANCELED", "removalReason": "ORDER_REMOVAL_REASON_REPLACED"}
    assert account.private(frame({"orders": [replaced]})) == []
    optimistic = {name: word for name, word in ORDER.items() if name != "status"} | {"totalOptimisticFilled": "0.004"}
    assert account.private(frame({"orders": [optimistic]})) == []
    for field, word in (("status", "SLEEPING"), ("type", "ICEBERG"), ("timeInForce", "DAY"), ("side", "LONG")):
        with pytest.raises(UnknownWord, match=word):
            account.private(frame({"orders": [ORDER | {field: word}]}))


@pytest.mark.parametrize(
    ("words", "end"),
    [
        pytest.param([{}], "expired", id="it rested"),
        pytest.param([{}, {"status": "BEST_EFFORT_CANCELED"}], "cancelled", id="it was cancelled"),
        pytest.param(
            [{}, {"status": "BEST_EFFORT_CANCELED", "goodTilBlock": None, "side": None, "price": "", "size": "", "type": None}],
            "cancelled", id="a cancel that names little but ids",
        ),
        pytest.param(
            [{"status": "BEST_EFFORT_CANCELED", "removalReason": "ORDER_REMOVAL_REASON_POST_ONLY_WOULD_CROSS_MAKER_ORDER"}],
            "rejected", id="it was refused",
        ),
    ],
)  # fmt: skip
def test_no_order_outlives_its_block(words: list[dict[str, Any]], end: str) -> None:
    decoder, orders = Decoder(), Orders("dydx")
    for word in words:
        for event in decoder.receive(frame({"orders": [ORDER | word]}), 0):
            assert isinstance(event, OrderUpdate)
            orders.updated(event, 1)
    (order,) = orders.working()
    assert order.pending_cancel == (end != "expired"), "a wish, and it can still fill"
    for height in range(UNTIL, UNTIL + GRACE_BLOCKS + 1):
        assert decoder.receive(block(height), 0) == []
    (last,) = decoder.receive(block(UNTIL + GRACE_BLOCKS + 1), 0)
    assert isinstance(last, OrderUpdate)
    assert (last.status, last.firm, last.client_id) == (end, True, text(123_456_789, 0))
    orders.updated(last, 2)
    assert [order.status for order in orders.ended()] == [end]
    assert decoder.receive(block(UNTIL + 50), 0) == [], "once"


def test_a_fill_between_a_wish_and_its_block_is_booked_and_the_order_ends_filled() -> None:
    decoder, orders = Decoder(), Orders("dydx")
    for contents in (
        {"orders": [ORDER]},
        {"orders": [ORDER | {"status": "BEST_EFFORT_CANCELED"}]},
        {"fills": [FILL | {"size": "0.01"}], "orders": [ORDER | {"status": "FILLED", "totalFilled": "0.01"}]},
    ):
        for event in decoder.receive(frame(contents), 0):
            if isinstance(event, OrderUpdate):
                orders.updated(event, 1)
            else:
                assert isinstance(event, Fill)
                assert orders.filled(event, 1)
    assert [(order.status, order.filled) for order in orders.ended()] == [("filled", Decimal("0.01"))]
    assert decoder.receive(block(UNTIL + 50), 0) == []


@pytest.mark.parametrize(
    ("kind", "ours"),
    [
        ("LIMIT", "trade"),
        ("LIQUIDATION", "trade"),
        ("LIQUIDATED", "liquidation"),
        ("DELEVERAGED", "adl"),
        ("OFFSETTING", "adl"),
    ],
)
def test_a_fill_is_signed_from_our_side_and_forced_ones_are_told_apart(kind: str, ours: str) -> None:
    (fill,) = Account("dydx").private(frame({"fills": [FILL | {"type": kind}]}))
    assert isinstance(fill, Fill)
    assert (fill.kind, fill.fee, fill.fee_asset, fill.maker) == (ours, Decimal("0.039574"), "USDC", True), (
        "a rebate comes in"
    )
    assert (fill.ts, fill.order_id) == (1_765_210_291_170_000_000, ORDER["id"])


def test_positions_are_net_a_turned_one_is_one_and_a_debt_is_negative() -> None:
    closed = {"market": "BTC-USD", "status": "CLOSED", "side": "LONG", "size": "0"}
    turned = {"market": "BTC-USD", "status": "OPEN", "side": "SHORT", "size": "-0.2", "entryPrice": "90000"}
    for rows in ([closed, turned], [turned, closed]):
        (position,) = Account("dydx").private(frame({"perpetualPositions": rows}))
        assert isinstance(position, PositionUpdate)
        assert (position.size, position.entry_price) == (Decimal("-0.2"), Decimal(90000))
    (flat,) = Account("dydx").private(frame({"perpetualPositions": [closed]}))
    assert isinstance(flat, PositionUpdate)
    assert flat.size == 0
    (debt,) = Account("dydx").private(frame({"assetPositions": [{"symbol": "USDC", "side": "SHORT", "size": "5"}]}))
    assert isinstance(debt, BalanceUpdate)
    assert debt.total == -5


def test_funding_is_read_with_its_sign_and_pages_of_fills_overlap() -> None:
    formats = Formats("dydx", "dydx1x")
    payment = {
        "createdAt": "2025-12-08T17:00:00.100Z", "createdAtHeight": "66629000", "ticker": "BTC-USD", "payment": "-0.12",
        "rate": "0.0000025", "size": "0.5", "oraclePrice": "89919.2", "side": "LONG",
    }  # fmt: skip
    (paid,), _ = formats.answer("funding", json.dumps({"fundingPayments": [payment]}).encode())
    assert isinstance(paid, FundingPayment)
    assert (paid.amount, paid.payment_id, paid.asset) == (Decimal("-0.12"), "66629000", "USDC")
    rows = [FILL | {"id": f"f{n}", "createdAtHeight": str(90 - n // 2)} for n in range(4)]
    page, cursor = formats.answer("executions", json.dumps({"fills": rows}).encode(), Query(limit=4))
    assert [fill.fill_id for fill in page if isinstance(fill, Fill)] == ["f3", "f2", "f1", "f0"], "oldest first"
    assert cursor == "89"
    request = formats.request("executions", Query(symbol="BTC-USD", limit=4, cursor=cursor))
    assert "createdBeforeOrAtHeight=89" in request.query
    assert "market=BTC-USD&marketType=PERPETUAL" in request.query, "alone the market filters nothing"
    _, again = formats.answer("executions", json.dumps({"fills": rows[2:] * 2}).encode(), Query(limit=4, cursor="89"))
    assert again == "88", "a block that fills a page is not asked for for ever"
    _, done = formats.answer(
        "executions", json.dumps({"fills": rows}).encode(), Query(limit=4, start_ms=1_765_300_000_000)
    )
    assert done == ""


# --- what answers mean --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("space", "code", "meaning", "refusal"),
    [
        ("", 0, "ok", None), ("sdk", 19, "ok", None), ("clob", 19, "rejected", "rule"), ("clob", 9, "ok", None),
        ("clob", 24, "gone", "gone"), ("clob", 3006, "gone", "gone"), ("clob", 3010, "gone", "gone"), ("clob", 7, "gone", "gone"),
        ("clob", 2003, "rejected", "post_only"), ("clob", 2004, "rejected", "would_not_fill"), ("clob", 48, "rejected", "rule"),
        ("clob", 2001, "rejected", "reduce_only"), ("clob", 9003, "rejected", "reduce_only"), ("clob", 12, "rejected", "rule"),
        ("clob", 10, "retry", "clock"), ("clob", 11, "rejected", "rule"), ("clob", 20, "rejected", "duplicate"),
        ("clob", 30, "rejected", "duplicate"), ("clob", 11000, "rejected", "rule"),
        ("clob", 3005, "rejected", "duplicate"), ("clob", 34, "rejected", "market_state"), ("clob", 47, "retry", "busy"),
        ("clob", 3007, "rejected", "funds"), ("clob", 10001, "rejected", "risk"), ("clob", 5001, "retry", "rate"),
        ("sdk", 5, "rejected", "funds"), ("sdk", 32, "retry", "clock"), ("sdk", 20, "retry", "busy"),
        ("sdk", 4, "fatal", "fatal"), ("accountplus", 104, "fatal", "fatal"), ("clob", 46, "unknown", None),
    ],
)  # fmt: skip
def test_a_code_means_what_the_sheet_says_with_its_codespace(
    space: str, code: int, meaning: str, refusal: str | None
) -> None:
    answer = {"tx_response": {"code": code, "codespace": space, "raw_log": "why", "txhash": "AB", "height": "0"}}
    verdict = Client(HOSTS["testnet"]).classify(200, json.dumps(answer).encode())
    assert (verdict.meaning, verdict.refusal, verdict.known) == (meaning, refusal, True)


def test_a_code_that_no_table_has_is_unknown_and_loud() -> None:
    verdict = checked(Broadcast(987, "clob", "?"), CODES, BLOCK_WAIT_S)
    assert (verdict.meaning, verdict.known) == ("unknown", False)
    assert ("sending", 19) not in CODES


@pytest.mark.parametrize(
    ("status", "body", "meaning"),
    [
        (400, {"errors": [{"msg": "Invalid"}]}, "rejected"), (404, {"errors": [{"msg": "none"}]}, "gone"),
        (403, {"errors": [{"msg": "region"}]}, "fatal"), (429, {"errors": [{"msg": "slow"}]}, "retry"),
        (500, {"errors": [{"msg": "oh"}]}, "unknown"), (501, {"code": 12, "message": "Not Implemented"}, "rejected"),
        (404, {"code": 5, "message": "no account"}, "gone"), (503, {"code": 14, "message": "unavailable"}, "unknown"),
        (500, {"code": 13, "message": "internal"}, "unknown"), (429, {"code": 8, "message": "exhausted"}, "retry"),
        (502, "<html>", "unknown"), (200, [], "ok"), (200, {"markets": {}}, "ok"),
    ],
)  # fmt: skip
def test_statuses_of_indexer_and_node(status: int, body: Any, meaning: str) -> None:
    assert Client(HOSTS["testnet"]).classify(status, json.dumps(body).encode()).meaning == meaning


def test_the_indexers_limits_are_heard_and_its_waits_are_milliseconds() -> None:
    client = Client(HOSTS["testnet"])
    read, send = Request(Endpoints.ALL["book"]), Request(Endpoints.ALL["place"])
    assert (client.retry_after_s(read, 1_500), client.retry_after_s(send, 2)) == (1.5, 2.0)
    headers = {"ratelimit-limit": "100", "ratelimit-remaining": "7", "ratelimit-reset": "1765210316125"}
    ((pool, budget),) = client.budgets(read, headers)
    assert (pool, budget.limit, budget.remaining) == ("indexer", 100, 7)
    assert client.budgets(send, headers) == ()
