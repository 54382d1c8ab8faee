"""A seeded day at the loopback dYdX: after each block, what the indexer says is what the node's floor knows."""

from __future__ import annotations

import random
from collections import Counter
from decimal import Decimal

import pytest
from dydx_v4_client.node import message as messages
from v4_proto.dydxprotocol.clob.tx_pb2 import OrderBatch
from v4_proto.dydxprotocol.subaccounts.subaccount_pb2 import SubaccountId

from adapters.loopback.dydx.limits import RateLimits
from adapters.loopback.dydx.rows import Contents
from adapters.loopback.dydx.texts import plain
from adapters.loopback.dydx.venue import DydxVenue
from tests.adapters.loopback.dydx.dydx_wire import ADDRESS, BUY, CUSTOMER, IOC, POST_ONLY, RESTS, SELL, Client

BLOCKS, ACTIONS = 60, 6
SIDES = {"BUY": 1, "SELL": -1}


class Day:
    """Somebody without a plan, on a clock of their own."""

    def __init__(self, seed: int) -> None:
        self.now_ms = 1_765_210_316_125
        self.venue = DydxVenue(
            ("BTC-USD", "ETH-USD"), seed=seed, accounts=[CUSTOMER], rate_limits=RateLimits.off(),
            clock=lambda: self.now_ms, warm_up_steps=60,
        )  # fmt: skip
        self.client = Client(self.venue, None)
        self.dice = random.Random(seed)
        self.verdicts: Counter[tuple[str, int]] = Counter()
        self.heard: list[Contents] = []
        self.venue._indexer.listeners.append(lambda _, contents: self.heard.append(contents))
        self._nonce = 0

    def send(self, message) -> None:
        self._nonce += 1
        encoded = self.client.signed(message, sequence=self.now_ms + self._nonce)
        verdict = self.venue.chain.broadcast(encoded, self.now_ms)
        self.verdicts[verdict.codespace, verdict.code] += 1

    def act(self) -> None:
        dice, number = self.dice, self.dice.randrange(12)
        roll = dice.random()
        if roll < 0.65:
            self.send(messages.place_order(self.order(number, 0)))
        elif roll < 0.72:
            until = {"good_til_block_time": self.now_ms // 1_000 + dice.randrange(3, 60)}
            self.send(messages.place_order(self.order(number, 64, **until)))
        elif roll < 0.85:
            blocks = self.venue.chain.height + dice.randrange(1, 8)
            self.send(messages.cancel_order(self.client.order_id(number), blocks))
        elif roll < 0.93:
            batch = OrderBatch(clob_pair_id=0, client_ids=dice.sample(range(12), 3))
            owner = SubaccountId(owner=ADDRESS, number=0)
            self.send(messages.batch_cancel(owner, [batch], self.venue.chain.height + dice.randrange(1, 8)))
        else:
            until = self.now_ms // 1_000 + 90
            self.send(messages.cancel_order(self.client.order_id(number, 64), None, until))

    def order(self, number: int, flags: int, **more):
        dice, book = self.dice, self.venue.books["BTC-USD"]
        side = dice.choice((BUY, SELL))
        touch = (book.asks if side == BUY else book.bids)[0][0]
        price = touch + dice.randrange(-12, 6) * (1 if side == BUY else -1)
        force = dice.choice((RESTS, RESTS, POST_ONLY, IOC)) if not flags else dice.choice((RESTS, POST_ONLY))
        reduce_only = force == IOC and dice.random() < 0.3
        blocks = dice.randrange(1, 8)
        size = Decimal(dice.randrange(1, 4_000)) / 10_000
        return self.client.order(
            number, price, size, side, blocks, flags=flags, time_in_force=force, reduce_only=reduce_only, **more
        )

    def block(self) -> None:
        for _ in range(ACTIONS):
            self.now_ms += 150
            self.act()
            for flow in self.venue.flows.values():
                flow.step(self.now_ms)
        self.venue.make_block()


def check(venue: DydxVenue) -> None:
    truth, records = venue.truth(ADDRESS), venue._indexer.subaccounts[ADDRESS]
    holdings, height = records.holdings, venue.chain.height
    pending = [
        fill for fill in venue.chain._block.fills if fill.account == ADDRESS
    ]  # what the block has set free to match
    told = [fill.id for fill in records.fills]
    assert told + [fill.exec_id for fill in pending] == [fill.exec_id for fill in truth.fills]
    if not pending:
        assert {t: p.size for t, p in truth.positions.items() if p.size} == {
            t: p.size for t, p in holdings.open.items()
        }
        assert holdings.usdc == truth.wallet
    paid = sum((SIDES[f.side] * Decimal(f.price) * Decimal(f.size) + Decimal(f.fee) for f in records.fills), Decimal(0))
    assert holdings.usdc == 100_000 - paid
    for uuid, state in records.orders.items():
        since = (state.created_height or height) + (
            not state.place.order_id.is_short_term
        )  # matched from the next block on
        fills = [Decimal(f.size) for f in records.fills if f.orderId == uuid and int(f.createdAtHeight) >= since]
        assert state.filled == sum(fills)
        assert (state.status == "FILLED") == (state.filled >= state.size), state
    live = {order.order_id for order in truth.open_orders.values()}
    open_words = (
        "OPEN",
        "BEST_EFFORT_OPENED",
        "BEST_EFFORT_CANCELED",
    )  # the last by a cancel that ends before the order
    shown = {u for u, s in records.orders.items() if s.status in open_words}
    assert live <= shown
    for uuid in live:
        place = records.orders[uuid].place
        assert not place.order_id.is_short_term or place.good_til_block > height
    for ticker, book in venue.books.items():
        view = venue._indexer.tapes[ticker].trades
        assert len({row.id for row in view}) == len(view)
        assert book.bids[0][0] < book.asks[0][0]


@pytest.mark.parametrize("seed", [3, 5, 11])
def test_the_indexer_follows_the_floor_block_by_block(seed: int) -> None:
    day = Day(seed)
    for _ in range(BLOCKS):
        day.block()
        check(day.venue)
    assert day.verdicts["", 0] > BLOCKS
    assert len(day.verdicts) > 4, day.verdicts
    assert len(day.venue.truth(ADDRESS).fills) > 20
    check_heard(day)


def check_heard(day: Day) -> None:
    """Who only listened knows the fills, the USDC, the positions and how each order stands."""
    records = day.venue._indexer.subaccounts[ADDRESS]
    assert [fill.id for said in day.heard for fill in said.fills] == [fill.id for fill in records.fills]
    asset = [said.assetPositions[0] for said in day.heard if said.assetPositions][-1]
    assert Decimal(asset.size) * (1 if asset.side == "LONG" else -1) == records.holdings.usdc
    positions = {row.market: row.size for said in day.heard for row in said.perpetualPositions}
    assert {t: size for t, size in positions.items() if size != "0"} == {
        ticker: plain(held.size) for ticker, held in records.holdings.open.items()
    }
    last = {order.id: order.status for said in day.heard for order in said.orders}
    for uuid, state in records.orders.items():
        is_silent = state.status == "CANCELED" and state.place.order_id.is_short_term  # partly filled, then expired
        assert last[uuid] == state.status or is_silent, (uuid, last[uuid], state.status)
