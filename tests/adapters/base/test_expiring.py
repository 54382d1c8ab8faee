"""What silence about an order means while a block can take it and after; whom a chain's node is asked about; fills and funding.

Seams of the base that some venues are made of, held here through one that is.
"""

import asyncio
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from adapters.base.client import Response, SignedRequest
from adapters.base.query import Query
from adapters.base.settings import VenueSettings
from adapters.dydx.exchange import Exchange as Dydx
from adapters.hyperliquid import formats
from adapters.hyperliquid.exchange import Exchange as Hyperliquid
from state.errors import OutcomeUnknown, VenueError, WrongUse
from state.events import Fill, FundingPayment, OrderUpdate, PlaceOrder
from state.secrets import Credentials, Secret
from state.words import OrderStatus
from tests.adapters.base.conftest import Heard, World
from tests.adapters.dydx.desk import ADDRESS, BTC, ID, KEY

UNTIL = 100
GIVEN = {"height": UNTIL, "account_number": 1, "orders": {ID: {"symbol": "BTC-USD", "side": "buy", "until": UNTIL}}}


def dydx(world: World, heard: Heard, **settings: Any) -> Dydx:
    keys = Credentials(Secret(ADDRESS), Secret(KEY))
    exchange = Dydx(VenueSettings("dydx", environment="testnet", **settings), heard, world, "s", keys, world)
    exchange.given(json.dumps(GIVEN))
    exchange.read("instruments", json.dumps({"markets": {"BTC-USD": BTC}}).encode(), Query())
    return exchange


def answering(answers: dict[str, Response]) -> Callable[[SignedRequest], Response | Exception]:
    return lambda request: next(answer for part, answer in answers.items() if part in request.url)


NOBODY = Response(404, {}, b'{"errors":[{"msg":"none"}]}')


@pytest.mark.parametrize("told", [True, False], ids=["its stream told of it", "nobody told of it"])
def test_that_a_venue_lacks_an_order_proves_nothing_while_a_block_can_take_it(
    world: World, heard: Heard, told: bool
) -> None:
    exchange = dydx(world, heard)
    exchange.lifetimes[ID].told = told
    world.answer = answering({"/v4/orders/": NOBODY})

    async def found() -> object:
        return (await exchange.find_order("BTC-USD", ID))[1]

    if told:
        assert asyncio.run(found()) is None
    else:
        with pytest.raises(OutcomeUnknown, match=f"may still arrive until {UNTIL}"):
            asyncio.run(found())
        exchange.formats.account.blocks.passed(UNTIL + 50, None)
        assert asyncio.run(found()) is None


def test_what_was_told_of_a_cancelled_order_stands_where_the_venue_forgot_it(world: World, heard: Heard) -> None:
    exchange = dydx(world, heard)
    wish = OrderUpdate("dydx", "BTC-USD", 1, ID, "o", "cancelled", "buy", firm=False)
    exchange.account_inbox.feed(0, [wish])
    world.answer = answering({"/v4/orders/": NOBODY})
    assert asyncio.run(exchange.find_order("BTC-USD", ID))[1] == wish


@pytest.mark.parametrize("word", ["open", None], ids=["it was told open", "a node took it, and nobody said a word"])
def test_an_order_that_nobody_ends_is_asked_for_once_its_block_is_over_and_silence_is_believed(
    world: World, heard: Heard, word: OrderStatus | None
) -> None:
    exchange = dydx(world, heard)
    if word is None:
        exchange.lifetimes[ID].told = False
        assert exchange.order_id_of(PlaceOrder("dydx", "BTC-USD", "buy", Decimal(1), client_id=ID))
    else:
        exchange.account_inbox.feed(0, [OrderUpdate("dydx", "BTC-USD", 1, ID, "o", word, "buy")])
    world.answer = answering({"/v4/orders/": NOBODY})
    asyncio.run(exchange._sweep())
    assert world.requests == [], "it may live"
    exchange.formats.account.blocks.passed(UNTIL + 50, None)
    asyncio.run(exchange._sweep())
    ended = heard.events[-1]
    assert (ended.client_id, ended.status, ended.reason, ended.firm) == (ID, "expired", "EXPIRED", True)
    assert ended.order_id == exchange.computed_id(ID, "BTC-USD", 0)
    asked = len(world.requests)
    asyncio.run(exchange._sweep())
    assert len(world.requests) == asked, "once"


def chain_of(name: str) -> Response:
    return Response(200, {}, json.dumps({"block": {"header": {"chain_id": name}}}).encode())


NUMBERED = Response(200, {}, b'{"info":{"account_number":"77"}}')


@pytest.mark.parametrize(
    ("node", "own", "chain"),
    [
        pytest.param("", "dydx-testnet-4", "dydx-testnet-4", id="the chain that was meant"),
        pytest.param("", "dydx-mainnet-1", None, id="another environment's"),
        pytest.param("", "somebodys", None, id="nobody's, at the venue's own address"),
        pytest.param("http://here", "somebodys", "somebodys", id="a chain of one's own, at an address that was given"),
        pytest.param("http://here", "dydx-mainnet-1", None, id="another environment's, at an address that was given"),
    ],
)
def test_nothing_is_signed_for_a_chain_that_was_not_meant(
    world: World, heard: Heard, node: str, own: str, chain: str | None
) -> None:
    exchange = dydx(world, heard, trade_url=node)
    exchange.chain.number = None
    world.answer = answering({"blocks/latest": chain_of(own), "account_info": NUMBERED})
    if chain is None:
        with pytest.raises(WrongUse, match=f"of {own}, and dydx-testnet-4 was meant"):
            asyncio.run(exchange._introduce())
        assert exchange.chain.number is None
        return
    asyncio.run(exchange._introduce())
    assert (exchange.chain.chain_id, exchange.chain.number) == (chain, 77)


def test_an_account_that_the_chain_does_not_know_is_the_end(world: World, heard: Heard) -> None:
    exchange = dydx(world, heard)
    missing = Response(404, {}, b'{"code":5,"message":"account not found"}')
    world.answer = answering({"blocks/latest": chain_of("dydx-testnet-4"), "account_info": missing})
    with pytest.raises(VenueError, match="account not found") as refused:
        asyncio.run(exchange._introduce())
    assert refused.value.meaning == "fatal"


def test_fills_and_funding_are_one_list_in_their_order_each_once_though_pages_overlap(
    world: World, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(formats.A_PAGE, "executions", 2)

    def fill(ms: int) -> dict[str, Any]:
        return {
            "coin": "BTC", "px": "9", "sz": "1", "side": "B", "time": ms, "oid": 1, "fee": "0", "crossed": True, "tid": ms,
        }  # fmt: skip

    def answer(request: SignedRequest) -> Response:
        asked = json.loads(request.body)
        if asked["type"] == "userFunding":
            paid = {"type": "funding", "coin": "BTC", "usdc": "1", "szi": "1", "fundingRate": "0.1"}
            rows: list[Any] = [{"time": 25, "delta": paid}]
        else:
            rows = [fill(ms) for ms in (10, 20, 30) if ms >= asked["startTime"]][:2]
        return Response(200, {}, json.dumps(rows).encode())

    world.answer = answer
    keys = Credentials(Secret("0x" + "1" * 40), Secret("0x" + "2" * 64))
    exchange = Hyperliquid(VenueSettings("hyperliquid"), heard, world, "s", keys, world)
    told = asyncio.run(exchange.executions(feed=True))
    assert [(type(event), event.ts) for event in told if isinstance(event, Fill | FundingPayment)] == [
        (Fill, 10_000_000), (Fill, 20_000_000), (FundingPayment, 25_000_000), (Fill, 30_000_000),
    ]  # fmt: skip
    assert [event for event in heard.events if isinstance(event, Fill | FundingPayment)] == list(told)
