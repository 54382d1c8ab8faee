"""Signing and the meaning of answers, which are told by their words: HTTP 200 comes with a refusal as well.

https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/exchange-endpoint, /error-responses
"""

from collections.abc import Sequence

import msgspec

from adapters.base.client import Client as BaseClient
from adapters.base.client import ItemVerdict, Request, SignedRequest, Verdict, complete
from adapters.base.nonces import Nonces
from adapters.hyperliquid import wire
from adapters.hyperliquid.endpoints import ACTIONS, USUAL
from adapters.hyperliquid.signer import Signer
from adapters.hyperliquid.types import FAULTS, MODIFYING
from state.errors import WrongUse

MINUTE_S = 5.0  # what is waited where the address's minute is used up: enough of it is free again then
EARNED_S = 10.0  # and where its volume has earned no more: one action is let through in so long

_rows = msgspec.json.Decoder(list[msgspec.Raw]).decode
_answer = msgspec.json.Decoder(wire.Answer).decode
_posted = msgspec.json.Decoder(wire.Message[wire.Posted]).decode
_OK = Verdict("ok")


class Client(BaseClient):
    """One account's signature and this venue's answers; without a signer it signs nothing.

    What places or changes an order is refused by the venue `recv_window_ms` after it was signed; a cancel never is. The `user`
    is struck out of what is kept.
    """

    def __init__(
        self, rest_url: str, signer: Signer | None = None, user: str = "", recv_window_ms: int = 5_000
    ) -> None:
        self.nonces = Nonces()
        self._url = rest_url.rstrip("/")
        self._signer = signer
        self._user = user
        self._recv_window_ms = recv_window_ms

    def sign(self, request: Request, now_ms: int) -> SignedRequest:
        """Raises `WrongUse` where a private endpoint is asked without credentials."""
        endpoint, body, secret = request.endpoint, request.body, self._user if request.endpoint.auth else ""
        if endpoint.auth and self._signer is None:
            raise WrongUse(f"hyperliquid {endpoint.path} needs credentials")
        if endpoint.path == "/exchange":
            body, secret = self.payload(request, now_ms)
        headers = {"Content-Type": "application/json"}
        return SignedRequest("POST", self._url + endpoint.path, headers, body, secret)

    def payload(self, request: Request, now_ms: int) -> tuple[bytes, str]:
        """The action with its nonce and signature, and the words of it that nobody may keep."""
        assert self._signer is not None
        action, nonce = request.body, self.nonces.take(now_ms)
        if request.query:  # so long from now on
            action = b'%s,"time":%d}' % (action[:-1], now_ms + int(request.query))
        expires_ms = now_ms + self._recv_window_ms if request.endpoint.pool == "orders" else None
        r, s, v = self._signer.sign(action, nonce, expires_ms)
        secret = f'{r}","s":"{s}'
        expiry = b"" if expires_ms is None else b',"expiresAfter":%d' % expires_ms
        vault = b'"%s"' % self._signer.vault.encode() if self._signer.vault else b"null"
        parts = b'{"action":%s,"nonce":%d,"signature":{"r":"%s","v":%d},"vaultAddress":%s%s}'
        return parts % (action, nonce, secret.encode(), v, vault, expiry), secret

    def weighed(self, request: Request, status: int, body: bytes) -> int:
        """Rows weigh, of candles less; granted was what the longest answer weighs. What is no answer of the venue has none."""
        if request.cost <= USUAL or status != 200:
            return min(request.cost, USUAL)
        try:
            return USUAL + len(_rows(body)) // (60 if b'"candleSnapshot"' in request.body else 20)
        except msgspec.DecodeError:
            return request.cost

    def classify(self, status: int, body: bytes) -> Verdict:
        """What the answer means as a whole; a question is answered by whatever was asked for."""
        if status != 200:
            return by_status(status, body[:200].decode(errors="replace"))
        said = _said(body)
        if isinstance(said, str):
            return verdict_of(said)
        return verdict_of(said.response) if said.status == "err" and isinstance(said.response, str) else _OK

    def items(self, status: int, body: bytes, count: int) -> Sequence[ItemVerdict]:
        """Verdicts in the order of the request. One refusal alone is meant for all; what is not named is unknown."""
        verdict = self.classify(status, body)
        if verdict.meaning != "ok":
            return [ItemVerdict(verdict)] * count
        said = _said(body)
        done = said.response if isinstance(said, wire.Answer) else ""
        legs = done.data.statuses if isinstance(done, wire.Done) and done.data is not None else []
        judged = [_judged(leg) for leg in legs[:count]]
        if len(judged) == 1 and judged[0].verdict.meaning != "ok":
            return judged * count
        return complete(judged, count)


def verdict_of(text: str) -> Verdict:
    """What a text means; one that no table has is unknown, and loudly so. By socket, a status may stand before it."""
    if text[:3].isdecimal() and text[3:4] in ("", " ", ":"):
        return by_status(int(text[:3]), text)
    why = text.removeprefix("L1 error: ").removeprefix(MODIFYING)
    for fault in FAULTS:
        if why.startswith(fault.start):
            wait_s, stops = (EARNED_S, ACTIONS) if fault.refusal == "rate" else (0.0, "")
            meaning = "gone" if text.startswith(MODIFYING) else fault.meaning
            return Verdict(meaning, fault.refusal, fault.name, text, wait_s, stops=stops)
    return Verdict("unknown", None, "text", text, known=False)


def by_status(status: int, text: str) -> Verdict:
    """A status alone."""
    if status == 429:
        return Verdict("retry", "rate", "http 429", text, MINUTE_S, banned=True)
    known = status in (400, 403, 404, 405, 422)
    return Verdict("rejected" if known else "unknown", "rule" if known else None, f"http {status}", text)


def _said(body: bytes) -> wire.Answer | str:
    """An answer to an action, out of the socket's wrapping; the text of one that failed there; nothing of what is neither."""
    try:
        return _posted(body).data.response.payload if body.startswith(b'{"channel"') else _answer(body)
    except msgspec.DecodeError:
        return wire.Answer("")


def _judged(leg: wire.Leg | str) -> ItemVerdict:
    """A word alone is a success: done, or waiting for what triggers it."""
    if isinstance(leg, str):
        return ItemVerdict(_OK)
    if leg.error is not None:
        return ItemVerdict(verdict_of(leg.error))
    order = leg.resting or leg.filled
    return ItemVerdict(_OK, None if order is None else str(order.oid))
