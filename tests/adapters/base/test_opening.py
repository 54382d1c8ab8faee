"""Where folding starts: a session that begins while its account trades on comes to the venue's own position, in any order."""

import asyncio
import json
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from adapters.base.settings import VenueSettings
from adapters.bybit.exchange import Exchange
from state.record import Record
from state.reducer import Reducer
from state.secrets import Credentials, Secret
from state.shared import SharedState
from tests.adapters.base.conftest import FakeSocket, Heard, World
from tests.adapters.base.desk import BTC, orders
from tests.adapters.base.test_account_doubt import Executions, executed, friendly

D = Decimal
RULES = {
    "symbol": BTC, "baseCoin": "BTC", "quoteCoin": "USDT", "settleCoin": "USDT", "contractType": "LinearPerpetual",
    "status": "Trading", "priceFilter": {"tickSize": "0.1"},
    "lotSizeFilter": {"qtyStep": "0.001", "minOrderQty": "0.001", "minNotionalValue": "5", "maxOrderQty": "100"},
}  # fmt: skip


def position(size: str, at_ns: int) -> dict[str, Any]:
    side = "" if size == "0" else "Buy"
    return {"symbol": BTC, "side": side, "size": size, "avgPrice": "90", "updatedTime": str(at_ns // 1_000_000)}


class Trading:
    """A venue at which an order of an earlier session fills while the private stream is being subscribed."""

    def __init__(self, world: World, held: str, pushed: tuple[str, ...]) -> None:
        self.answers: dict[str, Any] = {"/v5/market/instruments-info": orders(RULES)}
        self.executions = Executions(world)
        friendly(world, self.answers)
        self._world, self._held, self._pushed = world, held, pushed
        self._greet = world.on_sent
        self._list(held, world.now - 3_600_000_000_000)
        world.on_sent = self._on_sent

    def _list(self, size: str, at_ns: int) -> None:
        rows = [] if size == "0" else [position(size, at_ns)]
        self.answers["/v5/position/list"] = orders(*rows)

    def _on_sent(self, socket: FakeSocket, frame: bytes) -> None:
        self._greet(socket, frame)
        if json.loads(frame)["op"] == "subscribe":
            self._world.now += 1_000_000
            row = executed("f1", self._world.now)
            self.executions.rows.append(row)
            now_held = str(D(self._held) + 1)
            self._list(now_held, self._world.now)
            data = {"execution": row, "position": position(now_held, self._world.now)}
            for topic in self._pushed:
                socket.say(json.dumps({"topic": topic, "creationTime": 1, "data": [data[topic]]}).encode())


PUSHED = [order for count in range(3) for order in permutations(("execution", "position"), count)]


@pytest.mark.parametrize("held", ["0", "5"])
@pytest.mark.parametrize("pushed", PUSHED, ids=[" then ".join(each) or "nothing is pushed" for each in PUSHED])
def test_a_fill_while_the_session_starts_counts_once(
    world: World, heard: Heard, pushed: tuple[str, ...], held: str
) -> None:
    async def run() -> None:
        Trading(world, held, pushed)
        settings = VenueSettings("bybit", order_entry="rest", symbols=(BTC,))
        exchange = Exchange(settings, heard, world, "s", Credentials(Secret("k"), Secret("s")), world)
        try:
            starting = asyncio.create_task(exchange.start([]))
            await world.passing(1)
            await starting
        finally:
            await exchange.close()

    asyncio.run(asyncio.wait_for(run(), 20))
    shared = SharedState()
    reducer = Reducer(shared)
    for seq, event in enumerate(heard.events, 1):
        reducer.apply(Record(seq, world.now, 0, event))
    folded = shared.account("bybit").ledger.position(BTC)
    assert folded.size == D(held) + 1
    assert folded.reported is not None
    assert folded.reported.size == D(held) + 1
