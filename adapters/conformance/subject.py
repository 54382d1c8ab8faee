"""What a venue declares of itself to the suite: its loopback, the names of its wire, and what it does not offer, with why.

A package that is a venue has a module `conformance` with a function `subject(market) -> Subject`, which raises `WrongUse` for
a market that no loopback venue serves.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Literal, TypeAlias

from adapters import Venue, venue, venues
from adapters.base.client import Meaning
from adapters.base.settings import MarketChannel
from adapters.loopback.contract import LoopbackVenue
from adapters.loopback.faults import Fault
from adapters.loopback.ledger import Account
from state.errors import WrongUse
from state.secrets import Credentials
from state.words import Refusal

MODULE = "conformance"

# What a venue may lack. Anything else it must have.
Feature: TypeAlias = Literal[
    "orders",  # an account; without it the venue is market data
    "ws",  # order entry over a socket
    "rest",  # order entry by REST
    "amend",
    "amend_total",  # an amend that meets a fill on its way still means the whole size
    "gone",  # what has ended is gone for good: a cancel or an amend of it is refused
    "batch",
    "cancel_all",
    "fok",
    "market",  # market orders
    "reduce_only",
    "candles",
    "liquidations",
    "ticker",
    "deltas",  # a book of updates; else each frame tells it whole
    "sequence",  # update ids, by which a lost or doubled update shows
    "checksum",
    "trade_history",  # public trades by REST, from which a reconnect makes good what it missed
    "funding",
    "fees",  # told with each fill
    "signed_time",  # requests that carry a time which the venue holds against its clock
    "rate_answer",  # a refusal for too many requests
    "ban",
]
Call: TypeAlias = Literal["place", "amend", "cancel", "cancel_all", "read"]
Topic: TypeAlias = Literal["book", "trades", "fills"]


@dataclass(frozen=True, slots=True)
class Terms:
    """How a case wants its loopback venue: the markets, the customer, and the venue's clock, ms."""

    symbols: Sequence[str]
    account: Account
    clock: Callable[[], int]
    seed: int = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One market of a venue, as the suite sees it.

    `symbols` are markets that the loopback lists, the first is traded in; `open` makes a loopback without rate limits, not
    yet started. `asked` is the exact text of the frames that ask for a channel of the first symbol, book at the default
    depth. `rest`, `socket` and `topics` are the words by which the loopback's faults know a call or a topic. `answers` has an
    answer of the venue, as status and body, for each meaning and class of refusal that the venue knows; `unanswered` says of
    the others why they have none. `book_sides` are the names of bids and asks in its frames, one name twice where a list
    holds both; `maps` are fields whose own fields are names, such as positions by market; `strangers` are frames that might
    come from the venue and that no adapter knows, `elsewhere` the names of fields by which an account's row says that it is
    of another market, and is passed over. `ban` is how the venue shuts its door. `known_as` says which client id of the
    suite's session a loopback's own word for an order is, where the two differ. `id_alphabet` is a pattern that every client
    order id matches whole, `id_length` the longest one that the venue takes. `lacks` says why something is not offered.
    """

    symbols: tuple[str, ...]
    account: Account
    credentials: Credentials
    stranger: Credentials  # of the right form, and nobody's
    open: Callable[[Terms], LoopbackVenue]
    asked: Mapping[MarketChannel, Sequence[str]]
    topics: Mapping[Topic, str]
    rest: Mapping[Call, str] = field(default_factory=dict)
    socket: Mapping[Call, str] = field(default_factory=dict)
    answers: Mapping[Meaning | Refusal, Sequence[tuple[int, str]]] = field(default_factory=dict)
    unanswered: Mapping[Meaning | Refusal, str] = field(default_factory=dict)
    book_sides: Sequence[tuple[str, str]] = (("b", "a"), ("bids", "asks"))
    maps: Sequence[str] = ()
    strangers: Sequence[str] = ()
    elsewhere: Sequence[str] = ()
    ban: Fault | None = None
    known_as: Callable[[str], str] | None = None
    id_alphabet: str = ""
    id_length: int = 0
    lacks: Mapping[Feature, str] = field(default_factory=dict)

    def channels(self, found: Venue) -> tuple[str, ...]:
        """The public channels of this market."""
        return tuple(name for name in found.capabilities.channels if name not in self.lacks)


def subject_of(name: str) -> tuple[Venue, Subject]:
    """The venue and what it declares; raises `WrongUse` where there is no such venue or it declares nothing."""
    found = venue(name)
    package = venues()[name][0]
    try:
        module = import_module(f"{package}.{MODULE}")
    except ModuleNotFoundError as missing:
        if missing.name != f"{package}.{MODULE}":
            raise
        raise WrongUse(f"{name} declares nothing to the suite: {package} has no module {MODULE!r}") from None
    declared: Subject = module.subject(found.market)
    return found, declared


def subjects() -> Iterable[str]:
    """Every installed venue that declares itself to the suite."""
    for name in venues():
        try:
            subject_of(name)
        except WrongUse:
            continue
        yield name
