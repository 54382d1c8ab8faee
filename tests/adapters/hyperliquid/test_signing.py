# ruff: noqa: E501 - a row of a table is a line
"""Action hashes and signatures: the venue's published vectors, and the official SDK on whatever hypothesis thinks of."""

import json
import sys
from typing import Any

import eth_account
import msgspec
import pytest
from hyperliquid.utils.signing import action_hash, sign_l1_action
from hypothesis import given
from hypothesis import strategies as st

from adapters import venue, venues
from adapters.base.client import Request
from adapters.base.ethereum import keccak
from adapters.base.query import Query
from adapters.base.settings import VenueSettings
from adapters.hyperliquid.client import Client
from adapters.hyperliquid.endpoints import Endpoints
from adapters.hyperliquid.formats import Formats
from adapters.hyperliquid.signer import Signer
from state.clock import WallClock
from state.errors import WrongUse
from state.secrets import Credentials, Secret
from tests.adapters.hyperliquid.heard import Heard
from tests.adapters.hyperliquid.sdk import AGENT, KEY, padded

OURS = b'{"type":"order","orders":[{"a":0,"b":true,"p":"65000","s":"0.01","r":false,"t":{"limit":{"tif":"Alo"}},"c":"0x0000000000000000000000006d6d0001"}],"grouping":"na"}'
CANCEL = b'{"type":"cancelByCloid","cancels":[{"asset":0,"cloid":"0x0000000000000000000000006d6d0001"}]}'
NOW = 1754000000900


def order(a: int, p: str, s: str, tif: str) -> bytes:
    row = {"a": a, "b": True, "p": p, "s": s, "r": False, "t": {"limit": {"tif": tif}}}
    return json.dumps({"type": "order", "orders": [row], "grouping": "na"}).encode()


@pytest.mark.parametrize(
    ("action", "nonce", "expires", "expected"),
    [
        pytest.param(order(4, "1670.1", "0.0147", "Ioc"), 1677777606040, None, "0fcbeda5ae3c4950a548021552a4fea2226858c4453571bf3f24ba017eac2908", id="official, ETH"),
        pytest.param(OURS, NOW, None, "a9cc87de61fefc08f792eb0baec8bf07cbf6654ebb4cbbdd735bd6ceaf246434", id="with a cloid"),
        pytest.param(OURS, NOW, NOW + 5000, "2b6c901dfe19577363e43f83f7b2c79eee131cf6e0c9357276327c985f9ca5fa", id="that expires"),
        pytest.param(CANCEL, NOW + 1, None, "00399161746e958261040e7757abd26fc586cf4ad8a5ee2ba2db66dd5af2fbee", id="cancel"),
        pytest.param(b'{"type":"scheduleCancel","time":1754000060000}', NOW + 2, None, "e9a07839fc6e31132ede63d54d79499b209d7860287eaaaf0249e913bab44dcb", id="dead man"),
    ],
)  # fmt: skip
def test_an_action_has_the_published_hash(action: bytes, nonce: int, expires: int | None, expected: str) -> None:
    assert Signer(KEY, mainnet=True).action_hash(action, nonce, expires).hex() == expected


@pytest.mark.parametrize(
    ("mainnet", "action", "nonce", "r", "s", "v"),
    [
        pytest.param(True, order(1, "100", "100", "Gtc"), 0, "d65369825a9df5d80099e513cce430311d7d26ddf477f5b3a33d2806b100d78e", "2b54116ff64054968aa237c20ca9ff68000f977c93289157748a3162b6ea940e", 28, id="official, mainnet"),
        pytest.param(False, order(1, "100", "100", "Gtc"), 0, "82b2ba28e76b3d761093aaded1b1cdad4960b3af30212b343fb2e6cdfa4e3d54", "6b53878fc99d26047f4d7e8c90eb98955a109f44209163f52d8dc4278cbbd9f5", 27, id="official, testnet"),
        pytest.param(True, OURS, NOW, "31b32d3cab521b03a21cd592831cb40a1668b735fb4fe973828ac01613f36bc1", "64ba92352846caf18dd837bea373bab2d1fa1816bdf05775bf09d6c8c6b5a9f1", 28, id="with a cloid"),
    ],
)  # fmt: skip
def test_an_action_has_the_published_signature(
    mainnet: bool, action: bytes, nonce: int, r: str, s: str, v: int
) -> None:
    signer = Signer(KEY, mainnet=mainnet)
    assert signer.address == AGENT
    assert signer.sign(action, nonce) == (f"0x{r}", f"0x{s}", v)


texts = st.from_regex(r"[a-zA-Z0-9.:]{0,40}", fullmatch=True)
leaves = st.none() | st.booleans() | st.integers(0, 2**63 - 1) | texts
actions = st.dictionaries(
    texts, st.recursive(leaves, lambda inner: st.lists(inner, max_size=40) | st.dictionaries(texts, inner, max_size=20), max_leaves=40), max_size=20
)  # fmt: skip
addresses = st.none() | st.binary(min_size=20, max_size=20).map(lambda body: f"0x{body.hex()}")
keys = st.integers(1, 2**255).map(lambda number: f"0x{number:064x}")
times = st.integers(0, 2**48)


@given(actions, times, addresses, st.none() | times, keys, st.booleans())
def test_any_action_has_the_hash_and_the_signature_of_the_official_sdk(
    action: dict[str, Any], nonce: int, vault: str | None, expires: int | None, key: str, mainnet: bool
) -> None:
    signer = Signer(key, mainnet=mainnet, vault=vault or "")
    text = msgspec.json.encode(action)
    assert signer.action_hash(text, nonce, expires) == action_hash(action, vault, nonce, expires)
    r, s, v = signer.sign(text, nonce, expires)
    account = eth_account.Account.from_key(key)
    assert {"r": r, "s": s, "v": v} == padded(sign_l1_action(account, action, vault, nonce, expires, mainnet))
    assert int(s, 16) <= 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF // 2, "low"
    assert signer.sign(text, nonce, expires) == (r, s, v), "and always the same"
    assert signer.address == account.address.lower()


@pytest.mark.parametrize("secret", ["", "0x12", "x" * 64, "0x" + "0" * 64, KEY[:-1] + "g"])
def test_what_is_no_key_is_refused_and_never_quoted(secret: str) -> None:
    with pytest.raises(WrongUse) as refusal:
        Signer(secret, mainnet=True)
    assert not secret or secret not in str(refusal.value)


def test_a_vault_that_is_no_address_is_refused() -> None:
    with pytest.raises(WrongUse, match="vault"):
        Signer(KEY, mainnet=True, vault="0x12")


@pytest.mark.parametrize("missing", ["coincurve", "Crypto.Hash"])
def test_without_the_extra_the_venue_is_listed_and_read_and_only_signing_says_what_is_missing(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    assert "hyperliquid" in venues()
    found = venue("hyperliquid")
    where = VenueSettings("hyperliquid")
    found.exchange(where, Heard(), WallClock(), "s")
    with pytest.raises(WrongUse, match=r"pip install 'tapeline\[hyperliquid\]'"):
        found.exchange(where, Heard(), WallClock(), "s", Credentials(Secret(AGENT), Secret(KEY)))


def test_a_signed_request_shows_neither_address_nor_signature_where_it_is_kept() -> None:
    client = Client("https://x", Signer(KEY, mainnet=True), user=AGENT)
    place = Request(Endpoints.ALL["place"], body=OURS)
    signed = client.sign(place, NOW)
    body, kept = json.loads(signed.body), json.loads(signed.kept_body)
    assert kept["signature"] == {"r": "***", "v": body["signature"]["v"]}
    assert (body["nonce"], body["vaultAddress"], body["expiresAfter"]) == (NOW, None, NOW + 5000)
    assert AGENT not in repr(signed)
    wallet = Formats("hyperliquid", AGENT).request("wallet", Query())
    assert json.loads(client.sign(wallet, NOW).body) == {"type": "clearinghouseState", "user": AGENT}
    assert AGENT.encode() not in client.sign(wallet, NOW).kept_body


def test_keccak_is_the_one_of_before_the_standard() -> None:
    assert keccak(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
