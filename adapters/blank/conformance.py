"""What Blank says of itself to the suite of `adapters/conformance`."""

from adapters.blank import unanswered
from adapters.conformance.subject import Subject, Terms
from adapters.loopback.contract import LoopbackVenue
from adapters.loopback.ledger import Account
from state.secrets import Credentials, Secret

KEY, SECRET = "blank-key", "blank-secret"  # of the loopback's customer


def subject(market: str) -> Subject:
    return Subject(
        symbols=("BTCUSDT",),
        account=Account(KEY, SECRET),
        credentials=Credentials(Secret(KEY), Secret(SECRET)),
        stranger=Credentials(Secret("nobodys-key"), Secret("nobodys-secret")),
        open=_open,
        asked={},  # ? What exactly is sent to ask for each channel?
        topics={},  # ? By which words does the loopback know a topic, and a call?
        rest={},
        answers={},  # ? How does each class of refusal read, word for word, in the venue's documentation?
        strangers=(),
        id_alphabet="",
        id_length=0,
        lacks={},  # ? What does the venue not offer, and why?
    )


def _open(terms: Terms) -> LoopbackVenue:
    # ? How does the other side of the wire look? Matching, accounts and order flow are in `adapters.loopback`.
    unanswered("conformance: the loopback venue is not written")
