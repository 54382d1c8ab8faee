"""Chains of Cosmos' kind, as a node's REST gateway serves them: how a transaction is sent, and what its answers mean.

A code means nothing without its codespace: `sdk` is every chain's, the others are its own.
https://docs.cosmos.network/api, cosmos-sdk/types/errors/errors.go, google.rpc.Code
"""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from adapters.base.client import Meaning, Verdict
from adapters.base.nonces import Nonces
from adapters.base.shapes import part_of
from state.errors import NotOffered, WrongUse
from state.words import Refusal

if TYPE_CHECKING:
    from adapters.base.cosmos_key import Signer

BROADCAST = "/cosmos/tx/v1beta1/txs"
LATEST_BLOCK = "/cosmos/base/tendermint/v1beta1/blocks/latest"
ACCOUNT = "/cosmos/auth/v1beta1/account_info/{address}"
GATEWAY_DOCS = "https://docs.cosmos.network/api#"
RATE_WAIT_S = 2.0

Word: TypeAlias = tuple[Meaning, Refusal | None]
Table: TypeAlias = Mapping[Word, Iterable[int]]

SDK: Table = {
    ("ok", None): (19,),  # the same transaction is in this node's cache
    ("retry", "clock"): (32,),
    ("retry", "busy"): (20,),
    ("rejected", "funds"): (5, 13),
    ("rejected", "rule"): (2, 6, 7, 10, 11, 12, 14, 18, 21, 30),
    ("fatal", "fatal"): (4, 8, 9),
}

# What a node says where it did not even check.
_GATEWAY: Mapping[int, Word] = {
    3: ("rejected", "rule"), 5: ("gone", "gone"), 7: ("fatal", "fatal"), 8: ("retry", "rate"), 12: ("rejected", "rule"),
    16: ("fatal", "fatal"),
}  # fmt: skip

chain_id, account_number = part_of("block.header.chain_id", str), part_of("info.account_number", int)
_encode = msgspec.json.Encoder().encode


class Broadcast(msgspec.Struct, gc=False):
    """What CheckTx of one node says: 0 is taken, not done."""

    code: int = 0
    codespace: str = ""
    raw_log: str = ""


def broadcast(transaction: bytes) -> bytes:
    """What is posted: the node answers once it has checked, before a block is made."""
    return _encode({"tx_bytes": b64encode(transaction).decode(), "mode": "BROADCAST_MODE_SYNC"})


class Account:
    """Who signs, and for which chain; `number` is what the chain calls it, and nothing can be signed before that is known."""

    def __init__(self, chain_id: str, signer: "Signer | None" = None) -> None:
        self.chain_id = chain_id
        self.number: int | None = None
        self._signer = signer
        self._nonces = Nonces()

    def transaction(self, body: bytes, now_ms: int) -> bytes:
        """What is posted. Its sequence is the time, for chains that take it for a nonce: each a millisecond later at least.

        Raises `WrongUse` where there is no key, `NotOffered` before the account's number is known.
        """
        if self._signer is None:
            raise WrongUse("a transaction needs credentials")
        if self.number is None:
            raise NotOffered("the account's number on the chain is not known yet", "busy")
        return broadcast(self._signer.signed(body, self.chain_id, self.number, self._nonces.take(now_ms)))


def codes(spaces: Mapping[str, Table]) -> dict[tuple[str, int], Word]:
    """By codespace and code."""
    return {
        (space, code): word for space, table in spaces.items() for word, several in table.items() for code in several
    }


def checked(said: Broadcast, known: Mapping[tuple[str, int], Word], block_s: float) -> Verdict:
    """What CheckTx means; a code that no table has is unknown, and loudly so."""
    if said.code == 0:
        return Verdict("ok")
    word, name = known.get((said.codespace, said.code)), f"{said.codespace} {said.code}"
    if word is None:
        return Verdict("unknown", None, name, said.raw_log, known=False)
    wait_s = {"rate": RATE_WAIT_S, "busy": block_s, "clock": block_s}.get(word[1] or "", 0.0)
    return Verdict(*word, name, said.raw_log, wait_s)


def unchecked(code: int, message: str) -> Verdict:
    """What the gateway's own refusal means."""
    word = _GATEWAY.get(code, ("unknown", None))
    return Verdict(*word, f"grpc {code}", message, RATE_WAIT_S if word[1] == "rate" else 0.0)
