"""The way out where the venue stands in it: positions too large for one order, orders that cannot be cancelled."""

import asyncio
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from adapters.base.client import Response, SignedRequest
from adapters.base.closing import _parts
from adapters.bybit.endpoints import IP_POOL
from state.events import OrderUpdate
from tests.adapters.base.desk import BTC, CANCEL, CREATE, Desk, orders, said, wire_order
from tests.adapters.base.test_opening import RULES

D = Decimal


class Holding:
    """A venue that holds a position of ours, and takes market orders of `most` at once."""

    def __init__(self, desk: Desk, size: str, most: str) -> None:
        self.held, self.most = D(size), D(most)
        self.sent: list[Decimal] = []
        self._scripted = desk.world.answer
        desk.world.answer = self.answer

    def answer(self, request: SignedRequest) -> Response | Exception:
        if "/v5/position/list" in request.url and "USDT" in request.url:
            row = {"symbol": BTC, "side": "Buy", "size": str(self.held), "avgPrice": "100", "updatedTime": "5"}
            return orders(*([row] if self.held else []))
        if request.url.endswith(CREATE):
            body = json.loads(request.body)
            size = D(body["qty"])
            assert (body["side"], body["orderType"], body["reduceOnly"]) == ("Sell", "Market", True)
            self.sent.append(size)
            if size > self.most:
                return said(10001, "The number of contracts exceeds maximum limit allowed")
            self.held -= min(size, self.held)
            return said(result={"orderId": f"id-{len(self.sent)}"})
        answer: Response | Exception = self._scripted(request)
        return answer


async def closed(desk: Desk) -> Any:

    ending = asyncio.create_task(desk.exchange.shutdown("flatten"))
    await desk.world.passing(60)
    return await ending


@pytest.mark.parametrize(("size", "most"), [("100", "100"), ("100", "30"), ("100", "3"), ("0.005", "0.002")])
def test_a_position_too_large_for_one_order_is_closed_in_several(play: Any, size: str, most: str) -> None:
    async def story(desk: Desk) -> None:
        await desk.exchange.rules.define([BTC], "no market")
        venue = Holding(desk, size, most)
        report = await closed(desk)
        assert venue.held == 0
        assert report.clean
        assert sum(part for part in venue.sent if part <= venue.most) == D(size)
        assert all(part % D("0.001") == 0 for part in venue.sent)
        told = [event for event in desk.heard.events if isinstance(event, OrderUpdate)]
        begun = [event.size for event in told if event.status == "pending"]
        assert begun == venue.sent, "what fills is known by its client id before it does"
        assert [e.size for e in told if e.status == "rejected"] == [part for part in venue.sent if part > venue.most]

    play(story, {"/v5/market/instruments-info": [orders(RULES)]})


def test_the_last_look_at_the_account_waits_for_no_budget_that_others_used_up(play: Any) -> None:
    async def story(desk: Desk) -> None:
        limits, began = desk.exchange.sender.gate.limits, desk.world.now
        limits.spend(IP_POOL, limits.limit(IP_POOL) - 60, began)
        ending = asyncio.create_task(desk.exchange.shutdown("cancel"))
        while not ending.done():
            await desk.world.passing(0.1)
        assert (await ending).clean
        assert desk.asked("/v5/execution/list"), "it was looked"
        assert desk.world.now - began < 2 * 10**9

    play(story, {})


def test_an_order_that_cannot_be_cancelled_keeps_no_position_from_being_closed(play: Any) -> None:
    async def story(desk: Desk) -> None:
        name = desk.exchange.order_ids.make(7)
        desk.script["/v5/order/realtime"] = [orders(wire_order(name))]
        venue = Holding(desk, "2", "5")
        report = await closed(desk)
        assert venue.held == 0
        assert set(report.open_orders) == {name}
        assert not report.clean

    play(story, {CANCEL: [said(110074, "the contract is not live")], "/v5/market/instruments-info": [orders(RULES)]})


def sizes() -> Iterator[tuple[str, int, str]]:
    for size in ("0.001", "0.007", "1", "100", "33.333"):
        for count in (1, 4, 16, 64):
            yield size, count, "0.001"
    yield "0.015", 4, "0.01"


@pytest.mark.parametrize(("size", "count", "lot"), list(sizes()))
def test_parts_are_the_whole(size: str, count: int, lot: str) -> None:
    parts = _parts(D(size), count, D(lot))
    assert sum(parts) == D(size)
    assert 0 < len(parts) <= count
    assert all(part > 0 for part in parts)
