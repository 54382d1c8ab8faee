"""`sign(request, now)` and the meaning of answers: pure functions."""

from collections.abc import Mapping, Sequence

from adapters.base.client import Client as BaseClient
from adapters.base.client import ItemVerdict, Meaning, Request, SignedRequest, Verdict
from adapters.blank import unanswered
from state.secrets import Credentials
from state.words import Refusal

# ? Which of the venue's codes means what? ok, gone, retry, rejected, fatal, unknown, and the class of a refusal.
CODES: Mapping[str, tuple[Meaning, Refusal | None]] = {}


class Client(BaseClient):
    """One account's signature and this venue's answers; without credentials it signs nothing."""

    def __init__(self, rest_url: str, credentials: Credentials | None) -> None:
        self._rest_url = rest_url
        self._credentials = credentials

    def sign(self, request: Request, now_ms: int) -> SignedRequest:
        # ? What is signed, with what, and where do key, time and signature stand?
        unanswered("client.sign: how is a request signed?")

    def classify(self, status: int, body: bytes) -> Verdict:
        # ? How does an answer say that it is a refusal? A status alone, 5xx above all, is "unknown".
        unanswered("client.classify: what does an answer mean?")

    def items(self, status: int, body: bytes, count: int) -> Sequence[ItemVerdict]:
        # ? How does an answer to several orders tell which of them was refused? What is missing there is "unknown".
        unanswered("client.items: what does an answer mean for each order of it?")
