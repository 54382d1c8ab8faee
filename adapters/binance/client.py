"""Signing and the meaning of answers: everything signed stands in the query or the form, the signature last.

https://developers.binance.com/docs/derivatives/usds-margined-futures/general-info, /error-code
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from hmac import new as hmac

import msgspec

from adapters.base.client import Budget, ItemVerdict, Meaning, Request, SignedRequest, Verdict
from adapters.base.client import Client as BaseClient
from adapters.binance import wire
from adapters.binance.endpoints import ORDERS_1M, ORDERS_10S, WEIGHT, Endpoints
from state.errors import WrongUse
from state.secrets import Credentials
from state.words import Refusal

MS = 1_000_000  # ns
RATE_WAIT_S = 60.0  # where an answer names no time: the counters' own minute
BAN_WAIT_S = 120.0  # the shortest there is
BUSY_WAIT_S = 0.4
FORM = "application/x-www-form-urlencoded"

_answer = msgspec.json.Decoder(wire.Answer).decode
_items = msgspec.json.Decoder(list[wire.Item]).decode
_item = msgspec.json.Decoder(wire.Item).decode
_socket_answer = msgspec.json.Decoder(wire.SocketAnswer).decode
_until = re.compile(r"until (\d{13})\b").search


def _table(groups: Mapping[tuple[Meaning, Refusal | None], Iterable[int]]) -> dict[int, tuple[Meaning, Refusal | None]]:
    return {-code: meaning for meaning, codes in groups.items() for code in codes}


CODES: dict[int, tuple[Meaning, Refusal | None]] = _table(
    {
        # The request itself was wrong, in general; what means something else stands below.
        ("rejected", "rule"): (
            *range(1100, 1137), *range(4000, 4087), 1010, 1013, 1014, 1020, 1023, 2010, 2020, 2021, 2026, 4104, 4105,
            4106, 4107, 4112, 4113, 4114, 4115, 4117, 4120, 4137, 4138, 4139, 4142, 4144, 4161, 4164, 4165, 4166, 4167,
            4168, 4169, 4170, 4183, 4184, 5023, 5024, 5025, 5026, 5029, 5037, 5038, 5039, 5040, 5041, 5047,
        ),
        ("ok", None): (-200, 4046, 4059, 5027),
        ("gone", "gone"): (2011, 2013),
        ("retry", "rate"): (1003, 1015),
        ("retry", "clock"): (1021, 5028),
        ("retry", "busy"): (1001, 1008, 1016),
        ("unknown", None): (1000, 1006, 1007),
        ("rejected", "duplicate"): (4116,),
        ("rejected", "post_only"): (5022,),
        ("rejected", "would_not_fill"): (5021,),
        ("rejected", "reduce_only"): (2022, 4118),
        ("rejected", "price_band"): (4016, 4024, 4131),
        ("rejected", "funds"): (2018, 2019, 2024, 4050, 4051),
        ("rejected", "risk"): (2025, 2027, 2028, 4045),
        ("rejected", "market_state"): (4108, 4140, 4141),
        ("fatal", "fatal"): (1002, 1011, 1022, 2014, 2015, 2017, 2023, 4087, 4088, 4109, 4192, 4400, 4401),
    }
)  # fmt: skip


def signature(secret: str, payload: str) -> str:
    """https://developers.binance.com/docs/derivatives/usds-margined-futures/general-info#signed-trade-and-user_data-endpoint-security"""
    return hmac(secret.encode(), payload.encode(), sha256).hexdigest()


class Client(BaseClient):
    """One account's signature and this venue's answers; without credentials it signs nothing."""

    def __init__(self, rest_url: str, credentials: Credentials | None, recv_window_ms: int = 5_000) -> None:
        self._rest_url = rest_url.rstrip("/")
        self._credentials = credentials
        self._recv_window_ms = recv_window_ms
        self.limits = {pool.name: pool.limit for pool in Endpoints.POOLS if not pool.draws}

    def sign(self, request: Request, now_ms: int) -> SignedRequest:
        """Raises `WrongUse` where a private endpoint is asked without credentials."""
        endpoint, query, body, secret = request.endpoint, request.query, request.body.decode(), ""
        headers = {"Content-Type": FORM} if endpoint.method in ("POST", "PUT") else {}
        if endpoint.auth:
            if self._credentials is None:
                raise WrongUse(f"binance {endpoint.path} needs credentials")
            headers["X-MBX-APIKEY"] = self._credentials.key.reveal()
            if endpoint.path not in Endpoints.KEY_ONLY:
                stamp = f"recvWindow={self._recv_window_ms}&timestamp={now_ms}"
                if endpoint.method in ("POST", "PUT"):
                    body = f"{body}&{stamp}" if body else stamp
                else:
                    query = f"{query}&{stamp}" if query else stamp
                secret = signature(self._credentials.secret.reveal(), query + body)
                if endpoint.method in ("POST", "PUT"):
                    body += f"&signature={secret}"
                else:
                    query += f"&signature={secret}"
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
            rows = _items(body) if body.lstrip()[:1] == b"[" else [_item(_result(body))]
        except msgspec.DecodeError as error:
            return [ItemVerdict(Verdict("unknown", None, "unreadable", f"the answer did not fit: {error}"))] * count
        short = Verdict("unknown", None, "unreadable", "the answer names fewer orders than were sent")
        judged = [_judged(row) for row in rows[:count]]
        return [*judged, *([ItemVerdict(short)] * (count - len(judged)))]

    def budgets(self, request: Request, headers: Mapping[str, str]) -> Sequence[tuple[str, Budget]]:
        return [
            (pool, budget(self.limits[pool], int(headers[name])))
            for name, pool in _HEADERS.items()
            if headers.get(name, "").isdecimal()
        ]

    def learn(self, limits: Iterable[wire.RateLimit]) -> None:
        """The venue's own limits; of the address's minute a fifth is left alone, since others may share it."""
        for limit in limits:
            pool = pool_of(limit)
            if pool is not None:
                self.limits[pool] = limit.limit * 4 // 5 if pool == WEIGHT else limit.limit


_HEADERS = {
    "x-mbx-used-weight-1m": WEIGHT,
    "x-mbx-order-count-10s": ORDERS_10S,
    "x-mbx-order-count-1m": ORDERS_1M,
}


def budget(limit: int, used: int) -> Budget:
    return Budget(limit, max(limit - used, 0), 0)


def pool_of(limit: wire.RateLimit) -> str | None:
    """Which pool a rate limit speaks of, None for one that is not kept here."""
    match limit.rateLimitType, limit.interval, limit.intervalNum:
        case "REQUEST_WEIGHT", "MINUTE", 1:
            return WEIGHT
        case "ORDERS", "SECOND", 10:
            return ORDERS_10S
        case "ORDERS", "MINUTE", 1:
            return ORDERS_1M
        case _:
            return None


def verdict_of(status: int, code: int, text: str) -> Verdict:
    """What a code means; one that no table has is unknown, and loudly so."""
    known, named = CODES.get(code), _until(text)
    until_ms = int(named[1]) if named else 0
    if status == 418:
        return Verdict("retry", "rate", str(code), text, BAN_WAIT_S, banned=True, until_ms=until_ms)
    if status == 503 and code != -1008:
        return _by_status(status, text)
    if known is None:
        return Verdict("unknown", None, str(code), text, known=False)
    meaning, refusal = known
    if code == -1003:
        return Verdict(meaning, refusal, str(code), text, RATE_WAIT_S, banned=True, until_ms=until_ms)
    if code == -1015:
        return Verdict(meaning, refusal, str(code), text, RATE_WAIT_S / 6, stops=ORDERS_10S, until_ms=until_ms)
    return Verdict(meaning, refusal, str(code), text, BUSY_WAIT_S if refusal == "busy" else 0.0)


def _by_status(status: int, text: str) -> Verdict:
    """A status alone: 503 has three meanings, and of one of them only the text knows that nothing was done."""
    code = f"http {status}"
    match status:
        case 503 if "Service Unavailable" in text or "Internal error; unable to process" in text:
            return Verdict("retry", "busy", code, text, BUSY_WAIT_S)
        case 418:
            return Verdict("retry", "rate", code, text, BAN_WAIT_S, banned=True)
        case 429:
            return Verdict("retry", "rate", code, text, RATE_WAIT_S, banned=True)
        case 403:  # the firewall
            return Verdict("retry", "rate", code, text, RATE_WAIT_S, banned=True)
        case 401:
            return Verdict("fatal", "fatal", code, text or "key or signature refused")
        case 400 | 404 | 405:
            return Verdict("rejected", "rule", code, text)
        case _:
            return Verdict("unknown", None, code, text)


def _judged(row: wire.Item) -> ItemVerdict:
    if row.code is not None and row.code != 200:
        return ItemVerdict(verdict_of(200, row.code, row.msg))
    order_id = None if row.orderId is None else str(row.orderId)
    return ItemVerdict(Verdict("ok"), order_id, row.updateTime * MS or None)


def _result(body: bytes) -> bytes:
    """An answer's own body, out of the order socket's wrapping."""
    answer = _socket_answer(body)
    return body if answer.id is None else bytes(answer.result)
