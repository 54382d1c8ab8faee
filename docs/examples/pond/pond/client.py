"""Signing, and the meaning of answers. https://pond.example/docs#signing, #errors"""

from collections.abc import Iterable, Mapping, Sequence
from hmac import digest

import msgspec

from adapters.base.client import Client as BaseClient
from adapters.base.client import ItemVerdict, Meaning, Request, SignedRequest, Verdict
from pond import wire
from state.errors import WrongUse
from state.secrets import Credentials
from state.words import Refusal

RATE_WAIT_S = 1.0
BUSY_WAIT_S = 0.3

_answer = msgspec.json.Decoder(wire.Answer).decode
_placed = msgspec.json.Decoder(wire.Placed).decode

_MEANINGS: Mapping[tuple[Meaning, Refusal | None], Iterable[str]] = {
    ("gone", "gone"): ("no_such_order", "order_has_ended"),
    ("retry", "rate"): ("too_many_requests",),
    ("retry", "clock"): ("time_too_far_off",),
    ("retry", "busy"): ("try_again",),
    ("unknown", None): ("internal",),
    ("rejected", "duplicate"): ("client_id_taken",),
    ("rejected", "reduce_only"): ("nothing_to_reduce",),
    ("rejected", "rule"): ("bad_request", "off_tick", "off_lot", "too_small", "no_such_market"),
    ("rejected", "funds"): ("no_funds",),
    ("rejected", "market_state"): ("market_shut",),
    ("fatal", "fatal"): ("no_such_key", "bad_signature", "key_may_not_trade"),
}
CODES = {code: meaning for meaning, codes in _MEANINGS.items() for code in codes}


def signature(secret: str, stamp: str, method: str, target: str, body: bytes) -> str:
    return digest(secret.encode(), f"{stamp}{method}{target}".encode() + body, "sha256").hex()


class Client(BaseClient):
    """One account's signature and this venue's answers; without credentials it signs nothing."""

    def __init__(self, rest_url: str, credentials: Credentials | None) -> None:
        self._rest_url = rest_url.rstrip("/")
        self._credentials = credentials

    def sign(self, request: Request, now_ms: int) -> SignedRequest:
        """Raises `WrongUse` where a private endpoint is asked without credentials."""
        endpoint = request.endpoint
        target = endpoint.path + (f"?{request.query}" if request.query else "")
        headers = {"Content-Type": "application/json"} if request.body else {}
        if endpoint.auth:
            if self._credentials is None:
                raise WrongUse(f"pond {endpoint.path} needs credentials")
            stamp, secret = str(now_ms), self._credentials.secret.reveal()
            headers |= {
                "Pond-Key": self._credentials.key.reveal(),
                "Pond-Time": stamp,
                "Pond-Sign": signature(secret, stamp, endpoint.method, target, request.body),
            }
        return SignedRequest(endpoint.method, self._rest_url + target, headers, request.body)

    def classify(self, status: int, body: bytes) -> Verdict:
        """A status without a readable body is judged alone: 5xx says nothing about what became of the request."""
        try:
            answer = _answer(body)
        except msgspec.DecodeError:
            return _by_status(status, body[:200].decode(errors="replace"))
        return Verdict("ok") if answer.ok else verdict_of(answer.code, answer.text)

    def items(self, status: int, body: bytes, count: int) -> Sequence[ItemVerdict]:
        """There are no batches, so an answer speaks of one order."""
        verdict = self.classify(status, body)
        if verdict.meaning != "ok":
            return [ItemVerdict(verdict)] * count
        try:
            placed = _placed(_answer(body).result)
        except msgspec.DecodeError:
            return [ItemVerdict(verdict)] * count  # a cancel has no result
        return [ItemVerdict(verdict, placed.id, placed.ms * 1_000_000)] * count


def verdict_of(code: str, text: str) -> Verdict:
    """What a code means; one that no table has is unknown, and loudly so."""
    known = CODES.get(code)
    if known is None:
        return Verdict("unknown", None, code, text, known=False)
    wait_s = {"rate": RATE_WAIT_S, "busy": BUSY_WAIT_S}.get(known[1] or "", 0.0)
    return Verdict(*known, code, text, wait_s)


def _by_status(status: int, text: str) -> Verdict:
    code = f"http {status}"
    match status:
        case 429:
            return Verdict("retry", "rate", code, text, RATE_WAIT_S)
        case 401 | 403:
            return Verdict("fatal", "fatal", code, text or "key or signature refused")
        case 400 | 404:
            return Verdict("rejected", "rule", code, text)
        case _:
            return Verdict("unknown", None, code, text)
