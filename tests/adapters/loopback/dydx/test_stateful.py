"""Long-term and conditional orders on the loopback dYdX, transfers, and what the chain asks of a transaction."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest
from dydx_v4_client.node import message as messages
from v4_proto.dydxprotocol.subaccounts.subaccount_pb2 import SubaccountId

from adapters.loopback import Account
from adapters.loopback.dydx.limits import RateLimits
from adapters.loopback.dydx.messages import read
from adapters.loopback.dydx.signatures import public_key_of
from adapters.loopback.dydx.venue import DydxVenue
from adapters.loopback.faults import Fault, Place
from adapters.loopback.ledger import UnusableKeyError
from tests.adapters.loopback.dydx.dydx_wire import ADDRESS, IOC, POST_ONLY, SECRET, Client, started
from tests.adapters.loopback.dydx.shapes import recorded, shape

OK = ("", 0)
ORDERS = f"{ADDRESS}/0"
LONG, CONDITIONAL = 64, 32
SOCKETS = "nautilus-legacy/websocket/"


def later(seconds: int = 3_600) -> int:
    return int(time.time()) + seconds


async def test_a_long_term_order_comes_with_one_block_and_matches_with_the_next() -> None:
    async with started() as client:
        socket, ask = await client.socket(), client.best("asks")
        await socket.subscribe("v4_subaccounts", ORDERS)
        assert await client.place(1, ask + 5, flags=LONG, good_til_block_time=later()) == OK
        assert await client.mine("/v4/orders") == []
        kept = client.venue.make_block()
        (opened,) = (await socket.contents("v4_subaccounts"))[0]["orders"]
        assert (opened["status"], opened["createdAtHeight"], opened["orderFlags"]) == ("OPEN", str(kept), "64")
        assert (await client.mine("/v4/fills"))["fills"] == []
        client.venue.make_block()
        filled = (await socket.contents("v4_subaccounts"))[0]
        assert (filled["orders"][0]["status"], filled["fills"][0]["createdAtHeight"]) == ("FILLED", str(kept + 1))


async def test_its_messages_have_the_shape_of_recorded_ones(recordings) -> None:
    async with started() as client:
        socket = await client.socket()
        await socket.subscribe("v4_subaccounts", ORDERS)
        until = later()
        await client.place(1, 80_000, flags=LONG, good_til_block_time=until)
        client.venue.make_block()
        opened = await socket.hear()
        assert shape(opened) == shape(recorded(recordings, f"{SOCKETS}v4_accounts_channel_data_order.json"))
        assert await client.place(1, 81_000, flags=LONG, good_til_block_time=until + 9) == ("clob", 3005)
        assert await client.cancel(1, flags=LONG, good_til_block_time=until - 9) == ("clob", 29)
        assert await client.cancel(1, flags=LONG, good_til_block_time=until) == OK
        assert await client.cancel(1, flags=LONG, good_til_block_time=until) == ("clob", 32)
        assert await client.place(1, 81_000, flags=LONG, good_til_block_time=until) == ("clob", 3008)
        client.venue.make_block()
        gone = await socket.hear()
        path = f"{SOCKETS}v4_accounts_channel_data_order_canceled.json"
        assert shape(gone) == shape(recorded(recordings, path))
        assert (gone["contents"]["orders"][0]["status"], await client.cancel(1, flags=LONG, good_til_block_time=until)) == (
            "CANCELED", ("clob", 3006),
        )  # fmt: skip
        assert client.venue.truth(ADDRESS).open_orders == {}


async def test_it_can_be_cancelled_before_a_block_has_it() -> None:
    async with started() as client:
        until = later()
        assert await client.place(1, 80_000, flags=LONG, good_til_block_time=until) == OK
        assert await client.place(1, 80_000, flags=LONG, good_til_block_time=until + 1) == ("clob", 3005)
        assert await client.cancel(1, flags=LONG, good_til_block_time=until) == OK
        client.venue.make_block(2)
        assert [order["status"] for order in await client.mine("/v4/orders")] == ["CANCELED"]
        assert client.venue.truth(ADDRESS).open_orders == {}


async def test_it_ends_with_its_time_and_says_why() -> None:
    now = [1_765_210_316_125]
    async with started(clock=lambda: now[0]) as client:
        socket = await client.socket()
        await socket.subscribe("v4_subaccounts", ORDERS)
        client.venue.make_block()
        ends = now[0] // 1_000 + 60
        more = {"flags": LONG, "good_til_block_time": ends}
        assert await client.send(messages.place_order(client.order(1, 80_000, **more)), sequence=0) == OK
        client.venue.make_block()
        assert (await socket.contents("v4_subaccounts"))[0]["orders"][0]["status"] == "OPEN"
        now[0] += 61_000
        client.venue.make_block()
        gone = (await socket.contents("v4_subaccounts"))[0]["orders"][0]
        assert (gone["status"], gone["removalReason"]) == ("CANCELED", "ORDER_REMOVAL_REASON_EXPIRED")
        assert client.venue.truth(ADDRESS).open_orders == {}


async def test_a_post_only_one_that_crosses_is_on_the_chain_and_then_gone() -> None:
    async with started() as client:
        more = {"flags": LONG, "good_til_block_time": later(), "time_in_force": POST_ONLY}
        assert await client.place(1, client.best("asks") + 5, **more) == OK
        client.venue.make_block(2)
        (order,) = await client.mine("/v4/orders")
        assert (order["status"], order["postOnly"], order["totalFilled"]) == ("CANCELED", True, "0")


async def test_a_condition_waits_for_the_oracle() -> None:
    async with started() as client:
        market = client.venue.floor.markets["BTC-USD"]
        oracle = int(market.index_price)
        trigger = (oracle + 100) * 10**5
        more = {"flags": CONDITIONAL, "good_til_block_time": later(), "condition_type": 1}
        place = {"time_in_force": IOC, "conditional_order_trigger_subticks": trigger} | more
        assert await client.place(1, oracle + 500, **place) == OK
        client.venue.make_block(2)
        (order,) = await client.mine("/v4/orders")
        assert (order["status"], order["type"], order["triggerPrice"]) == (
            "UNTRIGGERED", "STOP_MARKET", f"{oracle + 100}",
        )  # fmt: skip
        market.index_price = Decimal(oracle + 101)
        client.venue.make_block()
        assert [one["status"] for one in await client.mine("/v4/orders")] == ["OPEN"]
        client.venue.make_block()
        assert [one["status"] for one in await client.mine("/v4/orders")] == ["FILLED"]
        assert client.venue.truth(ADDRESS).positions["BTC-USD"].size == Decimal("0.01")


REFUSED = [
    ("no time", {"good_til_block_time": 0}, ("clob", 3001)),
    ("a time that is over", {"good_til_block_time": -60}, ("clob", 3003)),
    ("a time too far", {"good_til_block_time": 96 * 86_400}, ("clob", 3004)),
    ("immediate or cancel", {"time_in_force": IOC}, ("clob", 3002)),
    ("more than the collateral", {"size": "100"}, ("clob", 3007)),
    ("fill or kill", {"time_in_force": 3}, ("clob", 48)),
    ("a condition without a trigger", {"flags": CONDITIONAL, "condition_type": 1}, ("clob", 6001)),
    ("conditional flags without a condition", {"flags": CONDITIONAL}, ("clob", 6000)),
]


async def test_what_the_chain_says_to_a_stateful_order() -> None:
    async with started() as client:
        client.venue.make_block()
        for number, (name, change, verdict) in enumerate(REFUSED):
            given = {"flags": LONG, "good_til_block_time": 3_600} | change
            until = given.pop("good_til_block_time")
            given["good_til_block_time"] = later(until) if until else 0
            assert await client.place(number, 80_000, **given) == verdict, name
        assert await client.cancel(99, flags=LONG, good_til_block_time=later()) == ("clob", 3006)


async def test_so_many_stateful_orders_a_block_and_so_many_for_the_equity() -> None:
    async with started(rate_limits=RateLimits(), accounts=[Account(ADDRESS, SECRET, Decimal(50))]) as client:
        more = {"flags": LONG, "good_til_block_time": later(), "size": "0.0001"}
        assert [await client.place(number, 80_000, **more) for number in range(3)] == [OK, OK, ("clob", 5001)]
        for number in range(3, 11):
            client.venue.make_block()
            assert await client.place(number, 80_000, **more) == OK
        client.venue.make_block()
        assert await client.place(11, 80_000, **more) == ("clob", 10001)


# -- the envelope -----------------------------------------------------------------------------------------------------


async def test_a_transaction_has_the_hash_that_was_known_before_and_is_taken_once() -> None:
    async with started() as client:
        encoded = client.signed(messages.place_order(client.order(1, 80_000)))
        first = await client.broadcast(encoded)
        assert (first["code"], first["txhash"]) == (0, read(encoded).hash)
        again = await client.broadcast(encoded)
        assert (again["codespace"], again["code"]) == ("sdk", 19)
        assert len(await client.mine("/v4/orders")) == 1


ENVELOPES = [
    ("the wrong account number", {"account_number": 1}, ("sdk", 4)),
    ("an old timestamp nonce", {"sequence": 1_700_000_000_000}, ("sdk", 32)),
    ("a sequence ahead", {"sequence": 3}, ("sdk", 32)),
    ("the sequence", {"sequence": 0}, OK),
    ("the sequence once more", {"sequence": 0}, ("sdk", 32)),
    ("the next sequence", {"sequence": 1}, OK),
    ("an authenticator that there is not", {"authenticators": [7]}, ("accountplus", 1)),
]


async def test_what_a_stateful_transaction_is_signed_with() -> None:
    async with started() as client:
        for number, (name, options, verdict) in enumerate(ENVELOPES):
            place = client.order(number, 80_000, flags=LONG, good_til_block_time=later())
            assert await client.send(messages.place_order(place), **options) == verdict, name
        nonce = time.time_ns() // 1_000_000
        for number, verdict in ((50, OK), (51, ("sdk", 32))):
            place = client.order(number, 80_000, flags=LONG, good_til_block_time=later())
            assert await client.send(messages.place_order(place), sequence=nonce) == verdict


async def test_short_term_orders_need_no_sequence_but_a_signature_of_their_owner() -> None:
    async with started() as client:
        for number in range(2):
            assert await client.send(messages.place_order(client.order(number, 80_000)), sequence=99) == OK
        stranger = Client(client.venue, client.session, "11" * 32)
        order = client.order(5, 80_000)
        assert await stranger.send(messages.place_order(order)) == ("sdk", 8)
        client.builder.chain_id = "dydx-mainnet-1"
        assert await client.place(6, 80_000) == ("sdk", 4)
        unreadable = await client.broadcast(b"\x0a\xff")
        assert (unreadable["codespace"], unreadable["code"]) == ("sdk", 2)


async def test_a_key_that_an_authenticator_names_trades_for_its_owner() -> None:
    async with started() as client:
        trader = Client(client.venue, client.session, "22" * 32)
        key = trader.wallet.key.public_key_bytes
        client.venue.permit(ADDRESS, 3, key)
        order = messages.place_order(client.order(1, 80_000))
        assert await trader.send(order, authenticators=[3]) == OK
        stranger = Client(client.venue, client.session, "33" * 32)
        assert await stranger.send(order, authenticators=[3]) == ("accountplus", 100)


async def test_usdc_goes_to_another_subaccount_and_can_be_traded_there() -> None:
    async with started() as client:
        socket = await client.socket()
        await socket.subscribe("v4_subaccounts", f"{ADDRESS}/128")
        mine, other = (SubaccountId(owner=ADDRESS, number=number) for number in (0, 128))
        assert await client.send(messages.transfer(mine, other, 0, 2_500_000_000)) == OK
        client.venue.make_block()
        heard = (await socket.contents("v4_subaccounts"))[0]
        assert (heard["transfers"]["type"], heard["assetPositions"][0]["size"]) == ("TRANSFER_IN", "2500")
        assert await client.place(1, client.best("asks") + 5, number=128, time_in_force=IOC) == OK
        client.venue.make_block()
        parent = await client.get(f"/v4/addresses/{ADDRESS}/parentSubaccountNumber/0")
        assert [one["subaccountNumber"] for one in parent["subaccount"]["childSubaccounts"]] == [0, 128]
        assert client.venue.truth(f"{ADDRESS}/128").positions["BTC-USD"].size == Decimal("0.01")
        assert client.venue.truth(ADDRESS).wallet == Decimal(97_500)
        moved = (await client.mine("/v4/transfers"))["transfers"]
        assert [(row["type"], row["size"]) for row in moved] == [("TRANSFER_OUT", "2500")]
        assert await client.send(messages.transfer(mine, mine, 0, 1)) == ("sending", 1)
        assert await client.send(messages.transfer(mine, other, 1, 1)) == ("sending", 1101)
        encoded = client.signed(messages.transfer(other, mine, 0, 9_000_000_000))
        assert (await client.broadcast(encoded))["code"] == 0  # whether there is the money shows in the block
        client.venue.make_block()
        delivered = client.venue.chain.delivered[read(encoded).hash]
        assert (delivered.codespace, delivered.code) == ("subaccounts", 102)


UNUSABLE = [
    ("a word", Account(ADDRESS, "secret"), "64 hex digits"),
    ("another's mnemonic", Account(ADDRESS, "abandon " * 11 + "zoo"), "not of dydx19rl"),
    ("another's key", Account(ADDRESS, "11" * 32), "not of dydx19rl"),
]


@pytest.mark.parametrize(("account", "words"), [row[1:] for row in UNUSABLE], ids=[row[0] for row in UNUSABLE])
def test_a_customer_is_an_address_with_its_own_key(account: Account, words: str) -> None:
    with pytest.raises(UnusableKeyError, match=words):
        DydxVenue(accounts=[account], warm_up_steps=0)


def test_a_mnemonic_is_its_first_key() -> None:
    assert public_key_of("abandon " * 11 + "about") == public_key_of(SECRET) != b""


# -- the node ---------------------------------------------------------------------------------------------------------


async def test_the_node_says_where_it_is_and_who_somebody_is() -> None:
    async with started() as client:
        height = str(client.venue.make_block())
        assert (await client.get("/abci_info"))["result"]["response"]["last_block_height"] == height
        assert (await client.get("/status"))["result"]["sync_info"]["latest_block_height"] == height
        block = await client.get("/cosmos/base/tendermint/v1beta1/blocks/latest")
        assert block["block"]["header"]["height"] == height
        account = (await client.get(f"/cosmos/auth/v1beta1/accounts/{ADDRESS}"))["account"]
        assert (account["account_number"], account["sequence"]) == ("12345", "0")
        assert (await client.get("/cosmos/auth/v1beta1/accounts/dydx1nobody"))["code"] == 5
        assert (await client.get("/cosmos/nothing"))["code"] == 12
        rates = (await client.get("/dydxprotocol/clob/block_rate"))["block_rate_limit_config"]
        assert rates["max_stateful_orders_per_n_blocks"] == []  # this venue was opened without limits
        tiers = (await client.get("/dydxprotocol/clob/equity_tier"))["equity_tier_limit_config"]
        assert tiers["stateful_order_equity_tiers"][1] == {"usd_tnc_required": "20000000", "limit": 10}


async def test_a_stateful_transaction_is_found_by_its_hash_once_a_block_has_it() -> None:
    async with started() as client:
        place = client.order(1, 80_000, flags=LONG, good_til_block_time=later())
        encoded = client.signed(messages.place_order(place))
        tx_hash = (await client.broadcast(encoded))["txhash"]
        assert (await client.get(f"/cosmos/tx/v1beta1/txs/{tx_hash}"))["code"] == 5
        height = client.venue.make_block()
        found = (await client.get(f"/cosmos/tx/v1beta1/txs/{tx_hash}"))["tx_response"]
        assert (found["height"], found["code"]) == (str(height), 0)
        assert (await client.get("/tx", hash=f"0x{tx_hash}"))["result"]["height"] == str(height)


async def test_any_refusal_can_be_ordered_by_its_codespace_and_code() -> None:
    async with started() as client:
        client.venue.faults.add(Place.TRADE, "MsgPlaceOrder", Fault(words="sdk 20"))
        assert await client.place(1, 80_000) == ("sdk", 20)
        assert client.venue.truth(ADDRESS).orders == {}
        assert await client.place(1, 80_000) == OK


@pytest.mark.parametrize("fault", [Fault(status=503, carried_out=True), Fault(status=503)], ids=["after", "before"])
async def test_a_fault_stands_before_or_after_what_a_transaction_does(fault: Fault) -> None:
    async with started() as client:
        client.venue.faults.add(Place.TRADE, "MsgPlaceOrder", fault)
        encoded = client.signed(messages.place_order(client.order(1, 80_000)))
        url = f"{client.venue.trade_url}/broadcast_tx_sync"
        async with client.session.get(url, params={"tx": f"0x{encoded.hex()}"}) as reply:
            assert reply.status == 503
        assert len(client.venue.truth(ADDRESS).open_orders) == fault.carried_out
        async with client.session.get(url, params={"tx": f"0x{encoded.hex()}"}) as reply:
            answer = await reply.json()
        if fault.carried_out:
            assert answer["error"]["data"] == "tx already exists in cache"
        else:
            assert (answer["result"]["code"], answer["result"]["hash"]) == (0, read(encoded).hash)
