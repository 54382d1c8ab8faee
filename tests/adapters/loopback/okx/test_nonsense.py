"""Whatever a customer says, the loopback OKX answers it and goes on: values of every kind in every place."""

from __future__ import annotations

import json
import random
from urllib.parse import urlencode

from adapters.loopback.okx.channels import CHANNELS
from tests.adapters.loopback.okx.okx_wire import BTC, BTC_CODE, KEY, coded, order, started
from tests.patience import PATIENCE_S

ROUNDS = 400
VALUES = [
    None, True, False, 0, 1, -1, 1.5, 10**30, "", " ", "0", "1", "-1", "1e9", "1e400", "1e-400", "1e999999", "1e-999999",
    "1." + "0" * 40 + "1", "NaN", "Infinity", "0x1", "\u0661", "\u00b2", "buy", "limit", "cross", BTC, BTC_CODE, "a" * 40,
    "\u00e9", "\u0000", [], ["a"], {}, {"a": 1}, [[1]], "null", "true",
]  # fmt: skip
OPS = ["order", "amend-order", "cancel-order", "batch-orders", "batch-amend-orders", "batch-cancel-orders"]
POSTS = ["order", "amend-order", "cancel-order", "batch-orders", "amend-batch-orders", "cancel-batch-orders"]
READS = [
    "market/books", "market/candles", "market/trades", "market/history-trades", "market/index-tickers", "market/tickers",
    "public/instruments", "public/funding-rate", "public/funding-rate-history", "public/position-tiers", "trade/order",
    "trade/orders-pending", "trade/orders-history", "trade/fills", "account/positions", "account/bills",
    "account/leverage-info", "account/max-size", "account/trade-fee",
]  # fmt: skip
NAMES = [
    "instType",
    "instId",
    "instFamily",
    "after",
    "before",
    "limit",
    "bar",
    "sz",
    "ordId",
    "clOrdId",
    "state",
    "begin",
]


def spoiled(dice: random.Random, fields: dict, more: tuple[str, ...] = ()) -> dict:
    """The fields with some of them, or one more, of another value."""
    made = dict(fields)
    for name in dice.sample([*fields, *more], dice.randrange(1, 3)):
        made[name] = dice.choice(VALUES)
    return made


MORE = (
    "clOrdId",
    "ordId",
    "tag",
    "reduceOnly",
    "stpMode",
    "newSz",
    "newPx",
    "reqId",
    "cxlOnFail",
    "pxAmendType",
    "posSide",
)


async def test_the_private_socket_answers_whatever_it_is_told_to_do() -> None:
    dice = random.Random(5)
    async with started() as client:
        socket = await client.private()
        for number in range(ROUNDS):
            items = [spoiled(dice, coded(), MORE) for _ in range(dice.randrange(1, 3))]
            answer = await socket.call(dice.choice(OPS), *items, request_id=str(number))
            assert answer.get("id", str(number)) == str(number)
            assert answer["code"].isdigit()
            assert len(answer.get("data", [])) in (0, len(items)), answer
        assert (await socket.call("order", coded()))["code"] == "0"


async def test_a_subscription_to_whatever_is_answered() -> None:
    dice = random.Random(6)
    async with started(vip_level=9) as client:
        for path in ("/public", "/business", "/private"):
            socket = await client.open(path)
            await socket.login()
            for number in range(ROUNDS // 4):
                arg = {"channel": dice.choice(list(CHANNELS)), "instId": BTC, "instType": "SWAP", "extraParams": "{}"}
                await socket.say(
                    op=dice.choice(("subscribe", "unsubscribe")), args=[spoiled(dice, arg)], id=str(number)
                )
                answer = await socket.hear_event("subscribe", "unsubscribe", "error", "channel-conn-count-error")
                assert answer["event"] != "error" or answer["code"].isdigit(), answer
            client.venue.step(3)
            await client.place()
            await socket.raw.send_str("ping")
            while await socket.raw.receive_str(timeout=PATIENCE_S) != "pong":
                pass


async def test_rest_answers_whatever_is_posted_and_asked() -> None:
    dice = random.Random(7)
    async with started() as client:
        for _ in range(ROUNDS // 2):
            path, content = dice.choice(POSTS), spoiled(dice, order(), MORE)
            answer = await client.post(f"trade/{path}", [content] if "batch" in path else content)
            assert answer.status in (200, 400), answer.body
            query = urlencode({name: dice.choice(VALUES) for name in dice.sample(NAMES, 3)})
            answer = await client.ask(f"{dice.choice(READS)}?{query}")
            assert answer.status in (200, 400), answer.body
            answer = await client.signed("POST", "/api/v5/trade/order", json.dumps(dice.choice(VALUES)))
            assert answer.status in (200, 400), answer.body
        assert (await client.place()).said == "0"
        assert client.venue.truth(KEY).orders
