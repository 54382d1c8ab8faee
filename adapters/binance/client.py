"""Signing and the meaning of answers: everything signed stands in the query or the form, the signature last.

https://developers.binance.com/docs/derivatives/usds-margined-futures/general-info, /error-code
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from hmac import new as hmac

import msgspec

from adapters.base.client import Budget, ItemVerdict, Meaning, Request, SignedRequest, Verdict, complete
from adapters.base.client import Client as BaseClient
from adapters.base.mac import Mac
from adapters.binance import wire
from adapters.binance.endpoints import ORDERS_1M, ORDERS_10S, WEIGHT, Endpoints
from state.errors import WrongUse
from state.secrets import Credentials
from state.words import Refusal

MS = 1_000_000  # ns
MINUTE_S = 60.0  # what is waited where an answer names no time: the counters' own
BAN_S = 120.0  # the shortest there is
BUSY_S = 0.4

_answer = msgspec.json.Decoder(wire.Envelope).decode
_answers = msgspec.json.Decoder(list[wire.Envelope]).decode
_until = re.compile(r"until (\d{13})\b").search

_MEANINGS: Mapping[tuple[Meaning, Refusal | None], Iterable[int]] = {
    # The request itself was wrong, in general; what means something else stands below.
    ("rejected", "rule"): (
        *range(1100, 1137), *range(4000, 4087), 1010, 1013, 1014, 1020, 1023, 2010, 2012, 2021, 2026,
        *range(4104, 4108), *range(4112, 4118), 4120, *range(4135, 4140), 4142, 4144, 4161, *range(4164, 4171), 4172,
        4183, 4184, *range(4202, 4212), 4403, 4531, *range(5023, 5027), 5029, *range(5037, 5042), 5047,
    ),
    ("ok", None): (-200, 4046, 4059, 4171, 5027),
    ("gone", "gone"): (2011, 2013),
    ("retry", "rate"): (1003, 1015),
    ("retry", "clock"): (1021, 5028),
    ("retry", "busy"): (1001, 1004, 1008, 1016),
    ("unknown", None): (1000, 1006, 1007),
    ("rejected", "duplicate"): (4116,),
    ("rejected", "post_only"): (5022,),
    ("rejected", "would_not_fill"): (2020, 5021),
    ("rejected", "reduce_only"): (2022, 4118),
    ("rejected", "price_band"): (4016, 4024, 4131),
    ("rejected", "funds"): (2018, 2019, 2024, 4050, 4051),
    ("rejected", "risk"): (2025, 2027, 2028, 4045, 4087, 4400, 4401),  # the last three for a time, or reduce-only passes
    ("rejected", "market_state"): (2016, 4108, 4140, 4141, 4402, 4408, 4411, 5024),
    ("fatal", "fatal"): (1002, 1005, 1011, 1022, 1099, 2014, 2015, 2017, 2023, 4088, 4109, 4192),
}  # fmt: skip
CODES = {-code: meaning for meaning, codes in _MEANINGS.items() for code in codes}


def signature(secret: str, payload: str) -> str:
    return hmac(secret.encode(), payload.encode(), sha256).hexdigest()


class Client(BaseClient):
    """One account's signature and this venue's answers; without credentials it signs nothing."""

    def __init__(self, rest_url: str, credentials: Credentials | None, recv_window_ms: int = 5_000) -> None:
        self._rest_url = rest_url.rstrip("/")
        self._key = credentials.key if credentials is not None else None
        self._mac = Mac(credentials.secret.reveal().encode()) if credentials is not None else None
        self._recv_window_ms = recv_window_ms
        self.limits = {pool.name: pool.limit for pool in Endpoints.POOLS if not pool.draws}

    def sign(self, request: Request, now_ms: int) -> SignedRequest:
        """Raises `WrongUse` where a private endpoint is asked without credentials."""
        endpoint, query, body = request.endpoint, request.query, request.body.decode()
        is_form, secret = endpoint.method in ("POST", "PUT"), ""
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if is_form else {}
        if endpoint.auth:
            if self._key is None:
                raise WrongUse(f"binance {endpoint.path} needs credentials")
            headers["X-MBX-APIKEY"] = self._key.reveal()
        if endpoint.auth and self._mac is not None and endpoint.path not in Endpoints.KEY_ONLY:
            stamp = f"recvWindow={self._recv_window_ms}&timestamp={now_ms}"
            signed = "&".join(filter(None, (body if is_form else query, stamp)))
            secret = self._mac.hex((query + signed if is_form else signed + body).encode())
            signed = f"{signed}&signature={secret}"
            query, body = (query, signed) if is_form else (signed, body)
        url = f"{self._rest_url}{endpoint.path}" + (f"?{query}" if query else "")
        return SignedRequest(endpoint.method, url, headers, body.encode(), secret)

    def classify(self, status: int, body: bytes) -> Verdict:
        """What the body says, inside the order socket's wrapping too; its number of status stands for HTTP's there."""
        if status == 200 and body.lstrip()[:1] == b"[":
            return Verdict("ok")
        try:
            answer = _answer(body)
        except msgspec.DecodeError:
            return _by_status(status, body[:200].decode(errors="replace"))
        if isinstance(answer.status, int):
            status = answer.status
        error = answer.error or wire.Error(answer.code or 0, answer.msg)
        if error.code not in (0, 200):
            return verdict_of(status, error.code, error.msg)
        return Verdict("ok") if status == 200 else _by_status(status, error.msg)

    def items(self, status: int, body: bytes, count: int) -> Sequence[ItemVerdict]:
        """Item verdicts in request order; an answer to a batch that is too short leaves the rest unknown."""
        verdict = self.classify(status, body)
        if verdict.meaning != "ok":
            return [ItemVerdict(verdict)] * count
        try:
            rows = _answers(body) if body.lstrip()[:1] == b"[" else [_answer(body)]
            rows = [row if row.id is None else _answer(row.result) for row in rows]
        except msgspec.DecodeError as error:
            return [ItemVerdict(Verdict("unknown", None, "unreadable", f"the answer did not fit: {error}"))] * count
        judged = [_judged(row) for row in rows[:count]]
        return complete(judged, count)

    def budgets(self, request: Request, headers: Mapping[str, str]) -> Sequence[tuple[str, Budget]]:
        said = ((pool, headers.get(name, "")) for name, pool in _HEADERS.items())
        return [self.budget_of(pool, int(used)) for pool, used in said if used.isdecimal()]

    def budget_of(self, pool: str, used: int) -> tuple[str, Budget]:
        """What a count of units used leaves of a pool."""
        return pool, Budget(self.limits[pool], max(self.limits[pool] - used, 0), 0)

    def learn(self, limits: Iterable[wire.RateLimit]) -> None:
        """The venue's own limits; of the address's minute a fifth is left alone, since others may share it."""
        for limit in limits:
            pool = pool_of(limit)
            if pool is not None:
                self.limits[pool] = limit.limit * 4 // 5 if pool == WEIGHT else limit.limit


_HEADERS = {
    "x-mbx-used-weight-1m": WEIGHT, "x-mbx-order-count-10s": ORDERS_10S, "x-mbx-order-count-1m": ORDERS_1M,
}  # fmt: skip
_POOLS = {
    ("REQUEST_WEIGHT", "MINUTE", 1): WEIGHT, ("ORDERS", "SECOND", 10): ORDERS_10S, ("ORDERS", "MINUTE", 1): ORDERS_1M,
}  # fmt: skip


def pool_of(limit: wire.RateLimit) -> str | None:
    """Which pool a rate limit speaks of, None for one that is not kept here."""
    return _POOLS.get((limit.rateLimitType, limit.interval, limit.intervalNum))


def verdict_of(status: int, code: int, text: str) -> Verdict:
    """What a code means; one that no table has is unknown, and loudly so."""
    known, named = CODES.get(code), _until(text)
    if status in (418, 503) and code != -1008:
        verdict = replace(_by_status(status, text), code=str(code))
    elif known is None:
        return Verdict("unknown", None, str(code), text, known=False)
    else:
        wait_s = {-1003: MINUTE_S, -1015: MINUTE_S / 6}.get(code, BUSY_S if known[1] == "busy" else 0.0)
        stops = ORDERS_10S if code == -1015 else ""
        verdict = Verdict(*known, str(code), text, wait_s, banned=code == -1003, stops=stops)
    return replace(verdict, until_ms=int(named[1])) if named else verdict


def _by_status(status: int, text: str) -> Verdict:
    """A status alone: 503 has three meanings, and of one of them only the text knows that nothing was done."""
    code = f"http {status}"
    match status:
        case 503 if "Service Unavailable" in text or "Internal error; unable to process" in text:
            return Verdict("retry", "busy", code, text, BUSY_S)
        case 418 | 429 | 403:  # banned, too many, the firewall
            return Verdict("retry", "rate", code, text, BAN_S if status == 418 else MINUTE_S, banned=True)
        case 401:
            return Verdict("fatal", "fatal", code, text or "key or signature refused")
        case 400 | 404 | 405:
            return Verdict("rejected", "rule", code, text)
        case _:
            return Verdict("unknown", None, code, text)


def _judged(row: wire.Envelope) -> ItemVerdict:
    if row.code not in (None, 0, 200):
        return ItemVerdict(verdict_of(200, row.code or 0, row.msg))
    return ItemVerdict(Verdict("ok"), None if row.orderId is None else str(row.orderId), row.updateTime * MS or None)
