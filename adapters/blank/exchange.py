"""Blank: ties its nouns together, and reads recordings without any network."""

from collections.abc import Iterable, Sequence

from adapters.base.client import Client as BaseClient
from adapters.base.client import Request
from adapters.base.exchange import Exchange as BaseExchange
from adapters.base.limits import Pool
from adapters.base.query import Arguments, Query
from adapters.base.settings import Capabilities, Subscription, check
from adapters.base.websocket import OrderSocket
from adapters.base.websocket import Websocket as BaseWebsocket
from adapters.blank import unanswered
from adapters.blank.client import Client
from adapters.blank.endpoints import HOSTS, Endpoints
from adapters.blank.formats import Formats
from adapters.blank.websocket import PrivateWebsocket, Websocket
from state.errors import WrongUse
from state.events import AnyEvent, InstrumentDefined

MARKETS = ("linear",)  # ? Which markets are there? Orders go to the first; the others are public data.

# ? What can it do: channels, depths of a book, orders a request, order entry by socket, a dead man's switch?
CAPABILITIES = Capabilities(
    markets=MARKETS, environments=tuple(HOSTS), channels=("book", "trades", "ticker"), depths=(50,), private=(),
    place_batch=1, amend_batch=1, cancel_batch=1, ws_order_entry=False, cancel_all=True, amend=True, dead_man="none",
    actions=tuple(Endpoints.ALL),
)  # fmt: skip


class Exchange(BaseExchange):
    """Raises `WrongUse` for settings that the venue cannot serve."""

    capabilities = CAPABILITIES
    amends_in_place = False  # ? Is an amended order the same order, or another one in its place?
    accepts_first = (
        False  # ? Is an acceptance all there is to hear, or only that a request was taken, and may still fail?
    )

    def prepare(self) -> None:
        settings = self.settings
        check(settings, CAPABILITIES, "blank", is_trading=self.credentials is not None)
        self.batch_sizes = {"place": 1, "amend": 1, "cancel": 1, "cancel_all": 1}
        self.formats = Formats(settings.venue)
        rest, socket = HOSTS[settings.environment]
        self._rest_url = settings.rest_url or rest
        self._public_url = settings.public_url or socket
        self._private_url = settings.private_url or socket

    def make_client(self) -> BaseClient:
        return Client(self._rest_url, self.credentials)

    def pools(self) -> Iterable[Pool]:
        return Endpoints.POOLS

    def shared_pool(self) -> str:
        return ""  # ? Is there a budget that every request draws from?

    def build(self, action: str, arguments: Arguments) -> Request:
        return self.formats.request(action, arguments)

    def read(self, action: str, body: bytes, query: Query) -> tuple[Sequence[AnyEvent], str]:
        return self.formats.answer(action, body, query)

    def server_ns(self, body: bytes) -> int:
        # ? How does the venue tell its time?
        unanswered("exchange.server_ns: how does the venue tell its time?")

    def public_sockets(self, subscriptions: Iterable[Subscription]) -> Sequence[BaseWebsocket]:
        return Websocket.of(self.settings, self.formats, self._public_url, subscriptions)

    def private_socket(self) -> BaseWebsocket:
        return PrivateWebsocket(self.formats, self._private_url)

    def order_socket(self) -> OrderSocket | None:
        return None  # ? May orders go over a socket?

    def with_fees(self, instrument: InstrumentDefined, body: bytes) -> InstrumentDefined:
        # ? How does the venue tell what this account pays?
        unanswered("exchange.with_fees: what does this account pay?")


class Decoder(Websocket):
    """Recorded frames → events, public and private, by the same code as live and without a network."""

    def __init__(self, market: str = MARKETS[0], venue: str = "") -> None:
        """Raises `WrongUse` for a market the venue does not have."""
        if market not in MARKETS:
            raise WrongUse(f"blank has no market {market!r}; known: {', '.join(MARKETS)}")
        super().__init__(Formats(venue or "blank"), "recorded", "")

    def http(self, url: str, body: bytes, recv: int) -> Sequence[AnyEvent]:
        """The events of a REST answer; nothing for an endpoint that tells none."""
        unanswered("exchange.Decoder.http: which answer comes from which address?")


def market_of(url: str) -> str | None:
    """The market that an address speaks of; None where it does not say."""
    # ? Which of its markets does a socket's or a call's address name?
    return MARKETS[0] if "blank" in url else None
