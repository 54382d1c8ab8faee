"""Signing and the meaning of answers. A 0 is only "accepted for processing"; HTTP 200 alone means nothing.

https://bybit-exchange.github.io/docs/v5/guide#authentication, https://bybit-exchange.github.io/docs/v5/error
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from adapters.base.client import Budget, ItemVerdict, Meaning, Request, SignedRequest, Verdict
from adapters.base.client import Client as BaseClient
from adapters.base.mac import Mac
from adapters.bybit import wire
from state.errors import WrongUse
from state.secrets import Credentials
from state.words import Refusal

BANNED_S = 600.0  # after HTTP 403 "access too frequent"
RATE_WAIT_S = 1.0
BUSY_WAIT_S = 0.5

_answer = msgspec.json.Decoder(wire.Answer).decode
_acknowledged = msgspec.json.Decoder(wire.Acknowledged).decode
_acknowledged_list = msgspec.json.Decoder(wire.Page[wire.Acknowledged]).decode
_item_verdicts = msgspec.json.Decoder(wire.Page[wire.ItemVerdict]).decode


def _table(groups: Mapping[tuple[Meaning, Refusal | None], Iterable[int]]) -> dict[int, tuple[Meaning, Refusal | None]]:
    return {code: meaning for meaning, codes in groups.items() for code in codes}


CODES: dict[int, tuple[Meaning, Refusal | None]] = _table(
    {
        # The request or the order itself was wrong, in general; what means something else stands below.
        ("rejected", "rule"): (
            10001, 10017, 10029, 10404, 20006, 30133, 30134, 110009, 110015, 110018, 110019, 110020, 110024,
            *range(110028, 110030), *range(110031, 110035), *range(110036, 110039), 110041, 110049, 110050,
            *range(110054, 110063), 110064, 110065, 110067, 110068, 110070, 110071, 110073, *range(110076, 110079), 110082,
            110083, *range(110092, 110095), 110096, 110097, *range(110099, 110103), *range(110106, 110116), 110117, 110119,
            3200403,
        ),
        ("ok", None): (0, 110025, 110026, 110027, 110043, 110075, 34040, 20001),
        ("gone", "gone"): (110001, 110008, 110010),
        ("retry", "rate"): (10006, 10018, 10403, 20003),
        ("retry", "clock"): (-1, 10002),
        ("retry", "busy"): (10429, 429, 10019, 110079, 40004),
        ("unknown", None): (10000, 10016, 3400214),
        ("rejected", "duplicate"): (110072, 110030, 10014),
        ("rejected", "would_not_fill"): (110118,),
        ("rejected", "price_band"): (110003, 30208, 30209, 110116, 110120, 110121),
        ("rejected", "reduce_only"): (110017,),
        ("rejected", "market_state"): (110023, 110042, 110063, 110066, 110074, 110095, 110098, 110103),
        ("rejected", "funds"): (110004, 110006, 110007, 110012, 110014, 110044, 110045, *range(110051, 110054)),
        ("rejected", "risk"): (
            30135, 30136, 30150, 30151, 110005, 110011, 110013, 110016, 110021, 110022, 110035, 110039, 110040,
            *range(110046, 110049), 110080, *range(110085, 110088), 110089, 110090, 110104, 110105, 3200320, 3400139,
        ),
        ("fatal", "fatal"): (
            -2015, 10003, 10004, 10005, *range(10007, 10011), 10024, 10027, 10028, 33004, 100028, 110069, 110088,
            3100197,
        ),
    }
)  # fmt: skip


class Client(BaseClient):
    """One account's signature and this venue's answers; without credentials it signs nothing."""

    def __init__(self, rest_url: str, credentials: Credentials | None, recv_window_ms: int = 5_000) -> None:
        self._rest_url = rest_url.rstrip("/")
        self._recv_window = str(recv_window_ms)
        self._key = credentials.key if credentials is not None else None
        self._mac = Mac(credentials.secret.reveal().encode()) if credentials is not None else None

    def sign(self, request: Request, now_ms: int) -> SignedRequest:
        """Raises `WrongUse` where a private endpoint is asked without credentials."""
        endpoint = request.endpoint
        url = self._rest_url + endpoint.path
        if request.query:
            url = f"{url}?{request.query}"
        is_post = endpoint.method == "POST"
        headers = {"Content-Type": "application/json"} if is_post else {}
        if endpoint.auth:
            if self._key is None or self._mac is None:
                raise WrongUse(f"bybit {endpoint.path} needs credentials")
            key, stamp, window = self._key.reveal(), str(now_ms), self._recv_window
            payload = request.body if is_post else request.query.encode()
            headers["X-BAPI-API-KEY"] = key
            headers["X-BAPI-TIMESTAMP"] = stamp
            headers["X-BAPI-RECV-WINDOW"] = window
            headers["X-BAPI-SIGN"] = self._mac.hex(f"{stamp}{key}{window}".encode() + payload)
        return SignedRequest(endpoint.method, url, headers, request.body)

    def classify(self, status: int, body: bytes) -> Verdict:
        """A status without a readable body is judged alone: 5xx says nothing about what became of the request."""
        try:
            answer = _answer(body)
        except msgspec.DecodeError:
            return _by_status(status, body)
        if answer.retCode == 0 and status != 200:
            return _by_status(status, body)
        return verdict_of(answer.retCode, answer.retMsg)

    def items(self, status: int, body: bytes, count: int) -> Sequence[ItemVerdict]:
        """Item verdicts in request order; an answer to a batch that is too short leaves the rest unknown."""
        verdict = self.classify(status, body)
        if verdict.meaning != "ok":
            return [ItemVerdict(verdict)] * count
        answer = _answer(body)
        ts = answer.time * 1_000_000 or None
        result = answer.result if answer.op == "" else answer.data
        try:
            if count == 1 and b'"list"' not in bytes(result):
                return [ItemVerdict(verdict, _acknowledged(result).orderId or None, ts)]
            verdicts = [verdict_of(item.code, item.msg) for item in _item_verdicts(answer.retExtInfo).rows]
            orders = [row.orderId or None for row in _acknowledged_list(result).rows]
        except msgspec.DecodeError as error:
            return [ItemVerdict(_unreadable(f"the answer did not fit: {error}"))] * count
        missing = count - len(verdicts)
        orders += [None] * (count - len(orders))
        verdicts += [_unreadable("the answer names fewer orders than were sent")] * missing
        return [ItemVerdict(v, order, ts) for v, order in zip(verdicts[:count], orders, strict=False)]

    def budget(self, headers: Mapping[str, str]) -> Budget | None:
        try:
            limit, left = int(headers["x-bapi-limit"]), int(headers["x-bapi-limit-status"])
            return Budget(limit, left, int(headers.get("x-bapi-limit-reset-timestamp", "0")) * 1_000_000)
        except (KeyError, ValueError):
            return None


def verdict_of(code: int, text: str) -> Verdict:
    """What a return code means; one that no table has is unknown, and loudly so."""
    if (known := CODES.get(code)) is None:
        return Verdict("unknown", None, str(code), text, known=False)
    meaning, refusal = known
    is_ban = code == 10018  # what HTTP 403 says, in a body
    wait_s = BANNED_S if is_ban else {"rate": RATE_WAIT_S, "busy": BUSY_WAIT_S}.get(refusal or "", 0.0)
    return Verdict(meaning, refusal, str(code), text, wait_s, banned=is_ban)


def _unreadable(text: str) -> Verdict:
    return Verdict("unknown", None, "unreadable", text)


def _by_status(status: int, body: bytes) -> Verdict:
    code, text = f"http {status}", body[:200].decode(errors="replace")
    match status:
        case 403:  # too many requests from this address, or an address that is not served
            return Verdict("retry", "rate", code, text or "access too frequent", BANNED_S, banned=True)
        case 429:
            return Verdict("retry", "busy", code, text, BUSY_WAIT_S)
        case 401:
            return Verdict("fatal", "fatal", code, text or "key or signature refused")
        case 400 | 404:
            return Verdict("rejected", "rule", code, text)
        case _:
            return Verdict("unknown", None, code, text)
