"""Pond: ties its nouns together, and reads recordings without any network."""

from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

import msgspec

from adapters.base.channel import Channel
from adapters.base.client import Client as BaseClient
from adapters.base.client import Request
from adapters.base.exchange import Exchange as BaseExchange
from adapters.base.limits import Pool
from adapters.base.numbers import money
from adapters.base.query import Arguments, Query
from adapters.base.settings import Capabilities, Subscription, VenueSettings, check
from adapters.base.transport import Transport
from adapters.base.websocket import OrderSocket
from adapters.base.websocket import Websocket as BaseWebsocket
from pond import wire
from pond.client import Client
from pond.endpoints import HOSTS, Endpoints
from pond.formats import DEPTH, Formats
from pond.websocket import NAMES, PrivateWebsocket, Websocket
from state.clock import Clock
from state.errors import WrongUse
from state.events import AnyEvent, InstrumentDefined
from state.record import Inbox
from state.secrets import Credentials
from state.words import Action

MARKETS = ("linear",)

CAPABILITIES = Capabilities(
    markets=MARKETS, environments=tuple(HOSTS), channels=tuple(NAMES), depths=(50, DEPTH), private=("account",),
    place_batch=1, amend_batch=1, cancel_batch=1, ws_order_entry=False, cancel_all=True, amend=False, dead_man="none",
    actions=tuple(Endpoints.ALL),
)  # fmt: skip

_answer = msgspec.json.Decoder(wire.Answer).decode
_account = msgspec.json.Decoder(wire.AccountFrame).decode


class Exchange(BaseExchange):
    """Raises `WrongUse` for settings that the venue cannot serve."""

    capabilities = CAPABILITIES

    def __init__(
        self,
        settings: VenueSettings,
        inbox: Inbox,
        clock: Clock,
        session: str,
        credentials: Credentials | None = None,
        transport: Transport | None = None,
    ) -> None:
        check(settings, CAPABILITIES, "pond", is_trading=credentials is not None)
        self.batch_sizes: dict[Action, int] = {"place": 1, "amend": 1, "cancel": 1, "cancel_all": 1}
        self.formats = Formats(settings.venue)
        rest, socket = HOSTS[settings.environment]
        self._rest_url = settings.rest_url or rest
        self._socket_url = settings.public_url or socket
        super().__init__(settings, inbox, clock, session, credentials, transport)
        self.settle = ("",)  # its lists are of all coins

    def make_client(self) -> BaseClient:
        return Client(self._rest_url, self.credentials)

    def pools(self) -> Iterable[Pool]:
        return Endpoints.POOLS

    def shared_pool(self) -> str:
        return ""

    def build(self, action: str, arguments: Arguments) -> Request:
        return self.formats.request(action, arguments)

    def read(self, action: str, body: bytes, query: Query) -> tuple[Sequence[AnyEvent], str]:
        return self.formats.answer(action, body), ""  # nothing comes in pages

    def server_ns(self, body: bytes) -> int:
        return msgspec.json.decode(_answer(body).result, type=wire.Time).ms * 1_000_000

    def look_ups(self, symbol: str, client_id: str) -> Sequence[tuple[str, Query]]:
        return (("order", Query(symbol=symbol, client_id=client_id)),)

    def public_sockets(self, subscriptions: Iterable[Subscription]) -> Sequence[BaseWebsocket]:
        return Websocket.of(self.settings, self.formats, self._socket_url, subscriptions)

    def private_socket(self) -> BaseWebsocket:
        assert self.credentials is not None
        return PrivateWebsocket(self.formats, self.settings.private_url or self._socket_url, self.credentials)

    def order_socket(self) -> OrderSocket | None:
        return None

    def with_fees(self, instrument: InstrumentDefined, body: bytes) -> InstrumentDefined:
        fees = msgspec.json.decode(_answer(body).result, type=wire.Fees)
        return msgspec.structs.replace(instrument, maker_fee=money(fees.maker), taker_fee=money(fees.taker))


class Decoder(Websocket):
    """Recorded frames → events, public and private, by the same code as live and without a network."""

    def __init__(self, market: str = MARKETS[0], venue: str = "") -> None:
        """Raises `WrongUse` for a market the venue does not have."""
        if market not in MARKETS:
            raise WrongUse(f"pond has no market {market!r}; known: {', '.join(MARKETS)}")
        super().__init__(Formats(venue or "pond"), "recorded", "")

    def other(self, frame: bytes, recv: int) -> tuple[Channel | None, bytes, Sequence[AnyEvent]]:
        """Also the account's frames, and answers to a login."""
        if b'"account"' in frame[:40]:
            return None, frame, self._formats.account(_account(frame))
        return (None, frame, ()) if b'"login"' in frame[:40] else super().other(frame, recv)

    def http(self, url: str, body: bytes, recv: int) -> Sequence[AnyEvent]:
        """The events of a REST answer, a `FeedStatus` where it does not fit; nothing for an endpoint that tells none."""
        path = urlsplit(url).path
        action = next((name for name, e in Endpoints.ALL.items() if e.path == path and e.method == "GET"), "")
        if action in ("", "server_time", "fee_rates"):
            return ()
        try:
            return self._formats.answer(action, body)
        except (msgspec.DecodeError, ValueError, ArithmeticError, RecursionError) as error:
            return (self._misfit(error),)


def market_of(url: str) -> str | None:
    """There is one market; None for the address of somebody else."""
    return MARKETS[0] if "pond" in url else None
