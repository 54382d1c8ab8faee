"""Intents and queries → requests; rows, by stream and REST alike → events."""

from collections.abc import Sequence

from adapters.base.client import Request
from adapters.base.query import Arguments, Query
from adapters.blank import unanswered
from state.events import AnyEvent


class Formats:
    """What is sent, and what rows mean. Sizes are base units here, whatever the venue counts in."""

    def __init__(self, venue: str) -> None:
        self.venue = venue

    def request(self, action: str, arguments: Arguments) -> Request:
        """Raises `NotOffered` for an intent that the venue cannot be told, `WrongUse` for an action that it does not have."""
        # ? In which words is an order placed, changed, cancelled?
        unanswered(f"formats.request: what is sent for {action}?")

    def answer(self, action: str, body: bytes, query: Query) -> tuple[Sequence[AnyEvent], str]:
        """The events of an answer and the cursor of its next page; raises `msgspec.DecodeError`, `ValueError`, `UnknownWord`."""
        # ? What does each answer tell, and how does one ask for its next page?
        unanswered(f"formats.answer: what does an answer to {action} tell?")

    def account(self, frame: bytes) -> Sequence[AnyEvent]:
        """The events of a private frame, a fill before what its order is after it."""
        # ? What does the account's stream tell: orders, fills, positions, balances?
        unanswered("formats.account: what does a private frame tell?")
