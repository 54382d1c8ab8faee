"""Signing and the meaning of answers. A 0 is only an acceptance; HTTP 200 alone means nothing.

https://www.okx.com/docs-v5/en/#overview-rest-authentication-making-requests, #error-code
"""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from adapters.base import iso
from adapters.base.client import Client as BaseClient
from adapters.base.client import ItemVerdict, Meaning, Request, SignedRequest, Verdict, by_status, complete
from adapters.base.mac import Mac
from adapters.base.numbers import ns
from adapters.okx import wire
from adapters.okx.endpoints import Endpoints
from state.errors import WrongUse
from state.secrets import Credentials
from state.words import Refusal

ACCOUNT_FULL = "50061"  # new and amended orders of all markets together
WAIT_S = {"rate": 2.0, "busy": 0.5, "clock": 0.2}  # every rate window is as long

_answer = msgspec.json.Decoder(wire.Envelope).decode
_items = msgspec.json.Decoder(list[wire.Item]).decode

_MEANINGS: Mapping[tuple[Meaning, Refusal | None], Iterable[int]] = {
    ("rejected", "rule"): (  # something was wrong with the request or the order itself; each class below goes before it
        50000, 50002, 50006, 50010, *range(50014, 50017), 50024, 50025, 50038, 50039, 50044, 50045, *range(50047, 50051), 50053,
        50067, 50072, 50076, 50077, 50115, 50122, *range(51000, 51004), 51005, 51007, 51010, 51012, 51014, 51015,
        *range(51017, 51026), *range(51031, 51054), *range(51055, 51060), 51066, *range(51068, 51101), *range(51108, 51112),
        *range(51115, 51119), *range(51120, 51151), 51156, 51159, *range(51162, 51169), *range(51171, 51198),
        *range(51201, 51208), *range(51250, 51288), *range(51298, 51334), *range(51403, 51417), *range(51500, 51544),
        *range(51600, 51603), 54000, 54001, 54004, 54005, 54009, *range(54024, 54030), 54036, *range(54039, 54047), 54049, 54051,
        54070, 54071, 54074, 54075, 54078, 54079, 59000, 59001, 59004, 59005, *range(59100, 59115), *range(59668, 59671), 60012,
        60013, 60017, 60018, 60019, 60020, 60025, 60027, *range(60028, 60031), 60033, *range(64000, 64005),
    ),
    ("ok", None): (0,),
    ("gone", "gone"): (51063, 51400, 51401, 51402, 51410, 51503, 51509, 51510, 51603),
    ("retry", "rate"): (50011, 50061, 51113, 60014),
    ("retry", "clock"): (50102, 50112, 60004, 60006, 50036, 50037),
    ("retry", "busy"): (50001, 50005, 50013, 50040, 51412, 51513, 54047, 54048, 60016, 60023, 63999),
    ("unknown", None): (50004, 50026, 51054, 51149, 64007),
    ("rejected", "duplicate"): (50042, 50071, 51011, 51016),
    ("rejected", "post_only"): (51511,),
    ("rejected", "reduce_only"): (51112, 51169, 51170, 51521, 51522),
    ("rejected", "price_band"): (51006, 51031, 51116, *range(51135, 51139), 54084),
    ("rejected", "funds"): (51008, 51119, 51127, 51131, 51502, 59200, 59201),
    ("rejected", "risk"): (
        *range(50017, 50024), 51004, 51025, 51034, 51037, 51038, *range(51101, 51108), 51129, 51186, 51187, *range(51209, 51215),
        54006, 54018, 54019, 54030, 54031, 54035,
    ),
    ("rejected", "market_state"): (
        50032, 50033, 50046, 50052, 50062, 50075, 51021, 51022, *range(51026, 51031), 51087, 51196, 51197, 51505, 51507,
        54007, 54008, 54011, 54012, 54072, 54073, 54092, 54094, 54109,
    ),
    ("fatal", "fatal"): (
        50007, 50008, 50009, 50012, *range(50027, 50031), 50035, 50041, 50051, 50059, 50060, 50100, 50101, *range(50103, 50112),
        50113, 50114, 50116, *range(50118, 50122), 51009, 51024, 51155, *range(60001, 60004), 60005, 60007, *range(60008, 60012),
        60021, 60022, 60024, 60026, 60031, 60032,
    ),
}  # fmt: skip
CODES = {str(code): meaning for meaning, codes in _MEANINGS.items() for code in codes}


def signature(mac: Mac, text: bytes) -> str:
    return b64encode(mac.digest(text)).decode()


class Client(BaseClient):
    """One account's signature and this venue's answers; without credentials it signs nothing."""

    def __init__(
        self, rest_url: str, credentials: Credentials | None, expires_ms: int = 5_000, *, is_simulated: bool = False
    ) -> None:
        self._rest_url = rest_url.rstrip("/")
        self._credentials = credentials
        self._mac = Mac(credentials.secret.reveal().encode()) if credentials is not None else None
        self._expires_ms = expires_ms
        self._common = {"x-simulated-trading": "1"} if is_simulated else {}

    def sign(self, request: Request, now_ms: int) -> SignedRequest:
        """Raises `WrongUse` where a private endpoint is asked without credentials."""
        endpoint = request.endpoint
        path = endpoint.path + (f"?{request.query}" if request.query else "")
        headers = dict(self._common)
        if endpoint.method == "POST":
            headers["Content-Type"] = "application/json"
        if endpoint.auth:
            if self._credentials is None or self._mac is None:
                raise WrongUse(f"okx {endpoint.path} needs credentials")
            stamp = iso.stamp(now_ms)
            signed = f"{stamp}{endpoint.method}{path}".encode() + request.body
            headers |= {
                "OK-ACCESS-KEY": self._credentials.key.reveal(), "OK-ACCESS-SIGN": signature(self._mac, signed),
                "OK-ACCESS-TIMESTAMP": stamp, "OK-ACCESS-PASSPHRASE": self._credentials.passphrase.reveal(),
            }  # fmt: skip
        if endpoint.method == "POST" and endpoint.path in Endpoints.EXPIRING:
            headers["expTime"] = str(now_ms + self._expires_ms)
        return SignedRequest(endpoint.method, self._rest_url + path, headers, request.body)

    def classify(self, status: int, body: bytes) -> Verdict:
        """The answer as a whole; where it is to one order, that order's own word. 5xx without one says nothing."""
        try:
            answer = _answer(body)
            if answer.code in ("1", "2"):
                return _of_items(answer)
        except msgspec.DecodeError:
            return by_status(status, body[:200].decode(errors="replace"), WAIT_S["rate"])
        if answer.code == "0" and status != 200:
            return by_status(status, answer.msg, WAIT_S["rate"])
        return verdict_of(answer.code, answer.msg)

    def items(self, status: int, body: bytes, count: int) -> Sequence[ItemVerdict]:
        """Item verdicts in request order; an answer to a batch that is too short leaves the rest unknown."""
        verdict = self.classify(status, body)
        if verdict.meaning != "ok":
            return [ItemVerdict(verdict)] * count
        try:
            told = _items(_answer(body).data)[:count]
            judged = [ItemVerdict(verdict_of(i.sCode or "0", i.sMsg), i.ordId or None, ns(i.ts)) for i in told]
        except (msgspec.DecodeError, ValueError) as error:
            return [ItemVerdict(Verdict("unknown", None, "unreadable", f"the answer did not fit: {error}"))] * count
        return complete(judged, count)


def _of_items(answer: wire.Envelope) -> Verdict:
    """All failed, or some did: each item says why, and where there is one it speaks for the whole."""
    told = _items(answer.data)
    if not told or not told[0].sCode:
        return Verdict("unknown", None, answer.code, answer.msg or "failed, and nothing says why")
    return verdict_of(told[0].sCode, told[0].sMsg) if len(told) == 1 else Verdict("ok")


def verdict_of(code: str, text: str) -> Verdict:
    """What a code means; one that no table has is unknown, and loudly so."""
    known = CODES.get(code)
    if known is None:
        return Verdict("unknown", None, code, text, known=False)
    return Verdict(*known, code, text, WAIT_S.get(known[1] or "", 0.0), stops="orders" if code == ACCOUNT_FULL else "")
