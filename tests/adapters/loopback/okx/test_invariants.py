"""A seeded day on the loopback OKX: whatever is done, its channels, its rows and its truth say the same."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from decimal import Decimal

import pytest

from adapters.loopback.orders import Side
from tests.adapters.loopback.okx.okx_wire import BTC, BTC_CODE, CONTRACT, KEY, coded, started
from tests.adapters.loopback.okx.test_streams import Kept, same_as_the_venues
from tests.patience import PATIENCE_S

STEPS = 250
FULL_DAY = 4
"""The seed of a day on which everything happens that can."""
COMMON = ("ordId", "px", "sz", "state", "accFillSz", "avgPx", "fee", "pnl", "cancelSource", "uTime")


class Day:
    """A customer who does what a die says, over the socket."""

    def __init__(self, client, seed: int) -> None:
        self.client, self.seed, self.dice = client, seed, random.Random(seed)
        self.names: list[str] = []
        self.told: list[dict] = []
        """The rows of `orders`, in order."""

    def commands(self) -> tuple[str, list[dict]]:
        """The next operation with its arguments."""
        act = self.dice.choice(("order", "order", "batch-orders", "amend-order", "cancel-order", "batch-cancel-orders"))
        if act == "order":
            return act, [self.order()]
        if act == "batch-orders":
            return act, [self.order() for _ in range(self.dice.randrange(1, 5))]
        many = act.startswith("batch")
        chosen = [self.dice.choice(self.names[-4:] or ["none"]) for _ in range(3 if many else 1)]
        args = [{"instIdCode": BTC_CODE, "clOrdId": name} for name in chosen]
        if act == "amend-order":
            args[0] |= {"newPx": self.price(args[0]["clOrdId"][0]), "newSz": self.size(), "reqId": "q"}
        return act, args

    def order(self) -> dict:
        side = self.dice.choice(("buy", "sell"))
        name = f"{side[0]}{len(self.names)}"
        self.names.append(name)
        ord_type = self.dice.choice(("limit", "limit", "post_only", "ioc", "fok", "market"))
        fields = {"clOrdId": name, "side": side, "ordType": ord_type, "sz": self.size(), "px": self.price(name[0])}
        if self.dice.random() < 0.2:
            fields["reduceOnly"] = True
        if self.dice.random() < 0.2:
            fields["stpMode"] = "cancel_taker"
        return coded(**fields)

    def size(self) -> str:
        return str(Decimal(self.dice.randrange(1, 2_000)) / 100)

    def price(self, side: str) -> str:
        best = self.client.best("bids" if side == "b" else "asks")
        away = Decimal(self.dice.randrange(-10, 60)) / 10
        return str(best - away if side == "b" else best + away)


async def hear_out(socket, name: str) -> list[dict]:
    """All frames up to the answer to a ping."""
    frames = []
    await socket.raw.send_str("ping")
    while (text := await socket.raw.receive_str(timeout=PATIENCE_S)) != "pong":
        frames.append(json.loads(text))
    return [frame for frame in frames if frame.get("arg", {}).get("channel") == name and "data" in frame]


@pytest.mark.parametrize("seed", [1, FULL_DAY])
async def test_channels_rows_and_truth_say_the_same(seed) -> None:
    async with started(seed=seed, symbols=(BTC,)) as client:
        market, own, book = await client.open("/public"), await client.private(), Kept()
        await own.subscribe(channel="orders", instType="SWAP")
        await market.subscribe(channel="books", instId=BTC)
        day = Day(client, seed)
        for number in range(STEPS):
            op, args = day.commands()
            await own.say(id=str(number), op=op, args=args)
            await hear_to(own, str(number), day)
            client.venue.step(5)
        await tell_all(client, market, own, book, day)


async def hear_to(own, name: str, day: Day) -> None:
    """Keeps what the channel says until the command is answered."""
    while (message := await own.hear()).get("id") != name:
        if "data" in message:
            day.told.extend(message["data"])


async def tell_all(client, market, own, book: Kept, day: Day) -> None:
    day.told += [row for frame in await hear_out(own, "orders") for row in frame["data"]]
    for frame in await hear_out(market, "books"):
        book.take(frame)
    assert same_as_the_venues(book, client)
    truth, rows = client.venue.truth(KEY), await listed(client)
    by_order: dict[str, list[dict]] = defaultdict(list)
    for row in day.told:
        by_order[row["ordId"]].append(row)
    assert by_order.keys() == rows.keys() == {order.order_id for order in truth.orders.values()}
    for name, told in by_order.items():
        assert told[0]["state"] == ("canceled" if told[0]["cancelSource"] == "31" else "live")  # 31: never in the book
        assert {key: told[-1][key] for key in COMMON} == {key: rows[name][key] for key in COMMON}
        final = [row for row in told if row["state"] in ("filled", "canceled")]
        assert len(final) <= 1
        fills = [row for row in told if row["tradeId"]]
        assert sum(Decimal(row["fillSz"]) for row in fills) == Decimal(told[-1]["accFillSz"])
        assert sum(Decimal(row["fillFee"]) for row in fills) == Decimal(told[-1]["fee"])
    filled = [row for row in day.told if row["tradeId"]]
    if day.seed == FULL_DAY:
        assert {row["cancelSource"] for row in day.told} == {"", "1", "2", "13", "14", "31", "32"}
        assert {row["amendResult"] for row in day.told} == {"", "0", "-1"}
        assert {row["amendSource"] for row in day.told} == {"", "1", "2", "3", "4"}
    assert len({row["tradeId"] for row in filled}) == len(filled) == len(truth.fills)
    signed = sum(Decimal(row["fillSz"]) * (1 if row["side"] == "buy" else -1) for row in filled)
    assert signed * CONTRACT == truth.positions[BTC].size
    assert sum(Decimal(row["fillFee"]) for row in filled) == -truth.fees
    assert {row["clOrdId"] for row in rows.values() if row["state"] in ("live", "partially_filled")} == set(
        truth.open_orders
    )


async def listed(client) -> dict[str, dict]:
    """Every order as REST lists it."""
    found: dict[str, dict] = {}
    for path in ("trade/orders-pending?instType=SWAP", "trade/orders-history?instType=SWAP"):
        page = (await client.ask(path)).rows
        while page:
            found |= {row["ordId"]: row for row in page}
            page = (await client.ask(f"{path}&after={page[-1]['ordId']}")).rows
    return found


async def test_a_trade_of_ones_own_has_the_name_that_everybody_sees() -> None:
    async with started() as client:
        own = await client.private({"channel": "orders", "instType": "SWAP"})
        price = client.best("asks") - Decimal("0.1")
        await client.place(clOrdId="m", side="sell", px=str(price), sz="5")
        await own.hear_from("orders")
        public = await client.open("/public")
        await public.subscribe(channel="trades", instId=BTC)
        client.street(Side.BUY, price, "5")
        printed, mine = (await public.hear_from("trades"))["data"][0], (await own.hear_from("orders"))["data"][0]
        assert (mine["tradeId"], mine["fillPx"], mine["fillSz"]) == (printed["tradeId"], printed["px"], printed["sz"])
