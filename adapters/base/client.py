"""Requests, answers and what an answer means: pure values and functions, no I/O.

`sign` is a function of a request and a time, `classify` of a status and a body; the sender acts on what they say.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from msgspec import Struct

from adapters.base.endpoints import Endpoint
from state.words import Refusal

# ok; rejected and gone: refused for certain; retry: certainly not executed; fatal: no further request can succeed;
# unknown: nothing says what became of it.
Meaning: TypeAlias = Literal["ok", "rejected", "gone", "retry", "fatal", "unknown"]


# Both are made for every order: a Struct takes a tenth of the time of a frozen dataclass.
class Request(Struct, frozen=True, gc=False):
    """What is asked, before it is signed: either a query string or a body, in the exact text that is sent."""

    endpoint: Endpoint
    query: str = ""
    body: bytes = b""
    cost: int = 1


class SignedRequest(Struct, frozen=True, gc=False):
    """What goes over the wire. Headers may hold a key and a signature, so they are never shown; nor is `secret`, where the
    URL or the body holds one.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""
    secret: str = ""

    def __repr__(self) -> str:
        return f"SignedRequest(method={self.method!r})"

    __str__ = __repr__

    @property
    def kept_url(self) -> str:
        """The URL as it may be kept."""
        return self.url.replace(self.secret, "***") if self.secret else self.url

    @property
    def kept_body(self) -> bytes:
        """The body as it may be kept."""
        return self.body.replace(self.secret.encode(), b"***") if self.secret else self.body


@dataclass(frozen=True, slots=True)
class Response:
    """An answer as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer means; `wait_s` is how long to wait before another attempt, `known` False for a code no table has.

    `banned` shuts every door for that long, `stops` that of one pool; `until_ms` says by the venue's clock until when.
    """

    meaning: Meaning
    refusal: Refusal | None = None
    code: str = ""
    text: str = ""
    wait_s: float = 0.0
    banned: bool = False
    known: bool = True
    stops: str = ""
    until_ms: int = 0


@dataclass(frozen=True, slots=True)
class ItemVerdict:
    """What became of one order of a request."""

    verdict: Verdict
    order_id: str | None = None
    ts: int | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """What an answer said of a rate pool: `reset_ns` is when it is whole again."""

    limit: int
    remaining: int
    reset_ns: int


class Client(ABC):
    """One venue's signing and its meaning of answers."""

    @abstractmethod
    def sign(self, request: Request, now_ms: int) -> SignedRequest:
        """The request with its time and signature."""

    @abstractmethod
    def classify(self, status: int, body: bytes) -> Verdict:
        """What an answer means as a whole."""

    @abstractmethod
    def items(self, status: int, body: bytes, count: int) -> Sequence[ItemVerdict]:
        """What an answer to `count` orders means for each; a batch may fail item by item."""

    def retry_after_s(self, request: Request, named: int) -> float:
        """How long the answer's `Retry-After` says to wait: seconds, but for venues that count otherwise."""
        return float(named)

    def weighed(self, request: Request, status: int, body: bytes) -> int:
        """What a read came to, of its pool's units: what was granted for it, where the answer's length does not tell."""
        return request.cost

    def budget(self, headers: Mapping[str, str]) -> Budget | None:
        """What an answer's headers say of its pool, if they say it."""
        return None

    def budgets(self, request: Request, headers: Mapping[str, str]) -> Sequence[tuple[str, Budget]]:
        """What an answer's headers say, by pool."""
        budget = self.budget(headers)
        return () if budget is None else ((request.endpoint.pool, budget),)


def complete(judged: Sequence[ItemVerdict], count: int) -> Sequence[ItemVerdict]:
    """With those that the answer to `count` orders does not name: nothing says what became of them."""
    short = Verdict("unknown", None, "unreadable", "the answer names fewer orders than were sent")
    return [*judged, *[ItemVerdict(short)] * (count - len(judged))]


def by_status(status: int, text: str, rate_wait_s: float) -> Verdict:
    """What an HTTP status alone says, where no body can be read: 5xx says nothing of what became of the request."""
    code = f"http {status}"
    match status:
        case 429:
            return Verdict("retry", "rate", code, text, rate_wait_s)
        case 401 | 403:
            return Verdict("fatal", "fatal", code, text or "key, signature or address refused")
        case 400 | 404 | 405 | 410:
            return Verdict("rejected", "rule", code, text)
        case _:
            return Verdict("unknown", None, code, text)
