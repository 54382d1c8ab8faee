"""Signed transactions and the meaning of answers. A 0 is what one node's CheckTx says: taken, not resting.

https://github.com/dydxprotocol/v4-chain/blob/main/protocol/x/clob/types/errors.go
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

import msgspec

from adapters.base import cosmos
from adapters.base.client import Budget, ItemVerdict, Request, SignedRequest, Verdict, by_status
from adapters.base.client import Client as BaseClient
from adapters.dydx import wire
from adapters.dydx.endpoints import INDEXER, Host
from state.errors import WrongUse

if TYPE_CHECKING:
    from adapters.base.cosmos_key import Signer
    from adapters.dydx.messages import Bodies

BLOCK_WAIT_S = 0.6

_answer = msgspec.json.Decoder(wire.Answer, strict=False).decode
_rows = msgspec.json.Decoder(list[msgspec.Raw]).decode

_CLOB: cosmos.Table = {
    ("ok", None): (9,),  # a cancel that lives as long is there already
    ("gone", "gone"): (7, 24, 3006, 3008, 3009, 3010),
    ("unknown", None): (46,),  # each cancel of a batch failed, for whatever reasons
    ("retry", "clock"): (10,),
    ("retry", "rate"): (5001,),
    ("retry", "busy"): (47,),
    ("rejected", "duplicate"): (20, 30, 3005),  # and of an amendment: refused
    ("rejected", "post_only"): (2003,),
    ("rejected", "would_not_fill"): (2000, 2004),
    ("rejected", "reduce_only"): (2001, 2002, 9003),
    ("rejected", "funds"): (3007,),
    ("rejected", "risk"): (17, 2005, 10001),
    ("rejected", "market_state"): (28, 31, 34, 36),
    ("rejected", "rule"): (
        *range(2, 7), 8, 11, 12, 19, 29, 32, 42, 43, 44, 45, 48, 49, 50, 3000, 3001, 3002, 3003, 3004, 6000, 6001, 11000,
    ),
}  # fmt: skip
CODES = cosmos.codes({"clob": _CLOB, "sdk": cosmos.SDK, "accountplus": {("fatal", "fatal"): (1, 2, *range(100, 106))}})


class Client(BaseClient):
    """One account's transactions and this venue's answers; without credentials it signs nothing."""

    def __init__(self, host: Host, chain: cosmos.Account | None = None, owner: str = "") -> None:
        self._rest_url, self._node_url = host.rest.rstrip("/"), host.node.rstrip("/")
        self._chain = chain or cosmos.Account(host.chain_id)
        self._owner = owner

    def sign(self, request: Request, now_ms: int) -> SignedRequest:
        """Raises `WrongUse` where an account is asked for without credentials, `NotOffered` before its number is known."""
        endpoint = request.endpoint
        if endpoint.auth and not self._owner:
            raise WrongUse(f"dydx {endpoint.path} needs credentials")
        host = self._rest_url if endpoint.path.startswith("/v4/") else self._node_url
        url = f"{host}{endpoint.path}" + (f"?{request.query}" if request.query else "")
        if endpoint.path != cosmos.BROADCAST:
            return SignedRequest(endpoint.method, url, {}, b"", self._owner if endpoint.auth else "")
        body = self._chain.transaction(request.body, now_ms)
        return SignedRequest(endpoint.method, url, {"Content-Type": "application/json"}, body)

    def classify(self, status: int, body: bytes) -> Verdict:
        try:
            if status == 200 and body.lstrip()[:1] == b"[" and _rows(body) is not None:
                return Verdict("ok")
            answer = _answer(body)
        except msgspec.DecodeError:
            return _of_status(status, body[:200].decode(errors="replace"))
        if answer.tx_response is not None:
            return cosmos.checked(answer.tx_response, CODES, BLOCK_WAIT_S)
        if answer.errors is not None or (status != 200 and answer.code is None):
            texts = (complaint.msg for complaint in answer.errors or ())
            return _of_status(status, "; ".join(texts) or answer.message)
        if answer.code:
            return cosmos.unchecked(answer.code, answer.message)
        return Verdict("ok")

    def items(self, status: int, body: bytes, count: int) -> Sequence[ItemVerdict]:
        """A transaction is one: of a batch of cancels nothing says which were none, and 0 means that some were."""
        return [ItemVerdict(self.classify(status, body))] * count

    def budgets(self, request: Request, headers: Mapping[str, str]) -> Sequence[tuple[str, Budget]]:
        try:
            limit, left = int(headers["ratelimit-limit"]), int(headers["ratelimit-remaining"])
        except (KeyError, ValueError):
            return ()
        return ((INDEXER, Budget(limit, left, 0)),) if request.endpoint.pool == INDEXER else ()

    def retry_after_s(self, request: Request, named: int) -> float:
        """The Indexer counts in milliseconds."""
        return named / 1_000 if request.endpoint.pool == INDEXER else float(named)


def _of_status(status: int, text: str) -> Verdict:
    """What nobody made yet the Indexer calls 404."""
    return Verdict("gone", "gone", "http 404", text) if status == 404 else by_status(status, text, cosmos.RATE_WAIT_S)


def trader(owner: str, subaccount: int, authenticators: Sequence[int], secret: str) -> "tuple[Bodies, Signer]":
    """What writes and what signs an account's transactions. Raises `WrongUse` without the extra, or for no key."""
    try:
        keys, chain = import_module("adapters.base.cosmos_key"), import_module("adapters.dydx.messages")
    except ImportError as error:
        raise WrongUse(f"dydx orders need the extra: pip install 'tapeline[dydx]' ({error})") from None
    return chain.Bodies(owner, subaccount, authenticators), keys.Signer(secret)
