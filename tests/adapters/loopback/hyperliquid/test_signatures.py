"""Who signed: the official vectors, and what becomes of bytes that are not the venue's, of nonces and of late actions."""

from __future__ import annotations

import eth_account
import msgspec
import pytest
from hyperliquid.utils.signing import action_hash, sign_agent, sign_l1_action
from hypothesis import given
from hypothesis import strategies as st

from adapters.loopback.hyperliquid import signatures, wire
from adapters.loopback.hyperliquid.refusals import ActionRefusedError
from adapters.loopback.hyperliquid.signatures import Network
from adapters.loopback.hyperliquid.wallets import Nonces
from tests.adapters.loopback.hyperliquid.hyperliquid_wire import (
    ADDRESS,
    SUB_ACCOUNT,
    WALLET,
    cloid,
    order,
    place,
    started,
)

DAY_MS = 86_400_000
STRANGER = eth_account.Account.from_key("0x" + "11" * 32)
VECTORS = [
    pytest.param(
        place(order("1670.1", "0.0147", asset=4, tif="Ioc")), 1_677_777_606_040, None,
        "0fcbeda5ae3c4950a548021552a4fea2226858c4453571bf3f24ba017eac2908",
        id="an order of the SDK's tests",
    ),
    pytest.param(
        {"type": "cancelByCloid", "cancels": [{"asset": 0, "cloid": "0x0000000000000000000000006d6d0001"}]},
        1_754_000_000_901, None, "00399161746e958261040e7757abd26fc586cf4ad8a5ee2ba2db66dd5af2fbee",
        id="a cancel by cloid",
    ),
    pytest.param(
        {"type": "scheduleCancel", "time": 1_754_000_060_000},
        1_754_000_000_902, None, "e9a07839fc6e31132ede63d54d79499b209d7860287eaaaf0249e913bab44dcb",
        id="a scheduled cancel",
    ),
    pytest.param(
        place(order("65000", tif="Alo", c="0x0000000000000000000000006d6d0001")), 1_754_000_000_900, 1_754_000_005_900,
        "2b6c901dfe19577363e43f83f7b2c79eee131cf6e0c9357276327c985f9ca5fa",
        id="an order that expires",
    ),
]  # fmt: skip


def packed(action: dict) -> bytes:
    """The bytes that the venue hashes, however the action was written."""
    return msgspec.msgpack.encode(msgspec.convert(action, wire.AnyAction))


@pytest.mark.parametrize(("action", "nonce", "expires", "expected"), VECTORS)
def test_the_hash_of_an_action_is_the_official_one(action, nonce, expires, expected) -> None:
    assert signatures.connection_id(packed(action), nonce, None, expires).hex() == expected
    shuffled = {key: action[key] for key in reversed(action)}
    assert signatures.connection_id(packed(shuffled), nonce, None, expires).hex() == expected


PRICES = st.decimals(min_value="0.0001", max_value="99999", places=4).map(lambda d: f"{d.normalize():f}")
ORDERS = st.builds(
    lambda asset, buy, price, size, reduces, tif, name: order(
        price, size, buy, asset, tif, r=reduces, **({"c": cloid(name)} if name else {})
    ),
    st.integers(0, 5), st.booleans(), PRICES, PRICES, st.booleans(), st.sampled_from(["Gtc", "Ioc", "Alo"]),
    st.integers(0, 2**128 - 1),
)  # fmt: skip
ACTIONS = st.one_of(
    st.builds(lambda orders: place(*orders), st.lists(ORDERS, max_size=20)),
    st.builds(
        lambda oids: {"type": "cancel", "cancels": [{"a": 1, "o": oid} for oid in oids]},
        st.lists(st.integers(0, 2**53), max_size=20),
    ),
    st.builds(
        lambda oid, wire_order: {"type": "batchModify", "modifies": [{"oid": oid, "order": wire_order}]},
        st.integers(0, 2**53) | st.integers(0, 9).map(cloid), ORDERS,
    ),
)  # fmt: skip


@given(
    ACTIONS, st.integers(1, 2**42), st.none() | st.just(SUB_ACCOUNT), st.none() | st.integers(1, 2**42), st.booleans()
)
def test_whatever_the_sdk_signs_recovers_to_its_wallet(action, nonce, vault, expires, is_mainnet) -> None:
    connection = signatures.connection_id(packed(action), nonce, vault, expires)
    assert connection == action_hash(action, vault, nonce, expires)
    signature = sign_l1_action(WALLET, action, vault, nonce, expires, is_mainnet)
    digest = signatures.agent_digest(connection, Network.MAINNET if is_mainnet else Network.TESTNET)
    assert signatures.recover(digest, **signature) == ADDRESS


def test_an_approval_is_signed_field_by_field() -> None:
    action = {"type": "approveAgent", "agentAddress": STRANGER.address, "agentName": "desk", "nonce": 5}
    signature = sign_agent(WALLET, action, False)
    read = msgspec.convert(action, wire.ApproveAgent)
    values = [(kind, name, getattr(read, name)) for kind, name in wire.ApproveAgent.signed]
    digest = signatures.typed_digest(int(read.signatureChainId, 16), "ApproveAgent", values)
    assert signatures.recover(digest, **signature) == ADDRESS


OTHERWISE_WRITTEN = [
    pytest.param({"p": "64000.0"}, id="a price with a zero at its end"),
    pytest.param({"s": "0.010"}, id="a size with a zero at its end"),
    pytest.param({"c": "0x000000000000000000000000000000AB"}, id="a cloid in capitals"),
]


@pytest.mark.parametrize("changes", OTHERWISE_WRITTEN)
async def test_other_bytes_than_the_venues_are_signed_by_somebody_unknown(changes) -> None:
    async with started() as client:
        good = place(order("64000", c=cloid(0xAB)))
        odd = place(order("64000", c=cloid(0xAB)) | changes)
        assert "resting" in (await client.statuses(good, sent=odd))[0]
        answer = await client.act(odd)
        assert answer["status"] == "err"
        assert answer["response"].startswith("User or API Wallet 0x")
        assert answer["response"].endswith(" does not exist.")


async def test_keys_in_another_order_are_signed_by_somebody_unknown() -> None:
    async with started() as client:
        action = place(order("64000"))
        answer = await client.act({key: action[key] for key in ("orders", "type", "grouping")})
        assert answer["response"].endswith(" does not exist.")
        assert client.venue.truth(ADDRESS).orders == {}


async def test_a_stranger_is_named_and_another_network_is_a_stranger() -> None:
    async with started(network=Network.MAINNET) as client:
        action = place(order("64000"))
        stranger = f"User or API Wallet {STRANGER.address.lower()} does not exist."
        refused = await client.act(action, wallet=STRANGER, is_mainnet=True)
        assert refused == {"status": "err", "response": stranger}
        assert (await client.act(action))["response"].endswith(" does not exist.")
        assert "resting" in (await client.statuses(action, is_mainnet=True))[0]
        body = client.signed(action)
        body["signature"] = {"r": "0x0", "s": "0x1", "v": 27}
        assert (await client.post("/exchange", body))[1] == '{"response":"Invalid signature.","status":"err"}'


async def test_both_networks_are_served_unless_one_is_named() -> None:
    async with started() as client:
        for is_mainnet in (True, False):
            assert "resting" in (await client.statuses(place(order("64000")), is_mainnet=is_mainnet))[0]


def test_nonces_are_used_once_within_their_time_and_above_the_hundred_highest() -> None:
    nonces, now = Nonces(), 1_754_000_000_000

    def taken(nonce: int, signer: str = "a") -> str:
        try:
            nonces.take(signer, nonce, now)
        except ActionRefusedError as refused:
            return refused.words.removeprefix("Invalid nonce: ").replace(str(nonce), "N")
        return ""

    assert [taken(now + n) for n in range(0, 200, 2)] == [""] * 100
    assert [taken(now + 50), taken(now - 1), taken(now + 51), taken(now)] == [
        "duplicate nonce N.", "nonce too low N.", "", "nonce too low N.",
    ]  # fmt: skip
    assert taken(now + 50, "b") == ""
    assert [bool(taken(now + age)) for age in (-2 * DAY_MS, DAY_MS, -2 * DAY_MS + 1, DAY_MS - 1)] == [True] * 3 + [
        False
    ]


async def test_the_same_payload_again_does_nothing_again() -> None:
    async with started() as client:
        body = client.signed(place(order("64000")))
        first, second = [await client.post("/exchange", body) for _ in range(2)]
        assert '"resting"' in first[1]
        assert second[1] == f'{{"response":"Invalid nonce: duplicate nonce {body["nonce"]}.","status":"err"}}'
        assert len(client.venue.truth(ADDRESS).orders) == 1


async def test_an_action_that_comes_too_late_is_not_done_and_uses_its_nonce_up() -> None:
    async with started() as client:
        nonce = client.nonce()
        late = await client.act(place(order("64000")), nonce=nonce, expires=client.venue.clock() - 1_000)
        assert late["response"].startswith("Action expired")
        again = await client.act(place(order("64000")), nonce=nonce)
        assert again["response"].startswith("Invalid nonce: duplicate nonce")
        assert "resting" in (await client.statuses(place(order("64000")), expires=client.venue.clock() + 60_000))[0]


MALFORMED = [
    pytest.param("/exchange", "{", id="no JSON"),
    pytest.param("/exchange", {"action": {"type": "order"}}, id="an action without its fields"),
    pytest.param("/exchange", {"action": {"type": "fly"}, "nonce": 1, "signature": {"r": "1", "s": "1", "v": 27}}, id="a word"),
    pytest.param("/info", {"type": "nothing"}, id="a question that there is not"),
    pytest.param("/info", {"type": "l2Book", "coin": "DOGE"}, id="a coin that there is not"),
    pytest.param("/info", {"type": "l2Book", "coin": "BTC", "nSigFigs": 9}, id="too many figures"),
    pytest.param("/info", {"type": "openOrders", "user": "0x12"}, id="an address that is none"),
    pytest.param("/info", {"type": "candleSnapshot", "req": {"coin": "BTC", "interval": "7m", "startTime": 0}}, id="7m"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "body"), MALFORMED)
async def test_what_cannot_be_read_is_answered_with_422(path, body) -> None:
    async with started(warm_up_steps=0) as client:
        assert await client.post(path, body) == (422, "Failed to deserialize the JSON body into the target type")
