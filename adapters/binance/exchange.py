"""Binance: ties its nouns together, and reads recordings without any network.

USD-M futures are traded; spot is public data. The two markets differ by a parameter.
"""

from collections.abc import Iterable, Sequence
from urllib.parse import parse_qsl, urlsplit

import msgspec

from adapters.base.by_symbol import BySymbol
from adapters.base.chained import ChainedRecording
from adapters.base.channel import Channel
from adapters.base.client import Client as BaseClient
from adapters.base.client import Request
from adapters.base.limits import Pool
from adapters.base.numbers import money
from adapters.base.placed import Placed
from adapters.base.query import Arguments, Query
from adapters.base.settings import Capabilities, Subscription, check
from adapters.base.websocket import OrderSocket
from adapters.base.websocket import Websocket as BaseWebsocket
from adapters.binance import wire
from adapters.binance.account import PRIVATE_EVENTS
from adapters.binance.client import Client
from adapters.binance.endpoints import HOSTS, Endpoints
from adapters.binance.formats import Formats
from adapters.binance.private import PrivateWebsocket, TradeWebsocket
from adapters.binance.websocket import PARTIAL_DEPTHS, Websocket
from state.errors import WrongUse
from state.events import AnyEvent, InstrumentDefined
from state.words import Action, Side

MARKETS = ("linear", "spot")
VENUES = {"linear": "binance", "spot": "binance.spot"}  # (venue, symbol) names a market, and both markets have BTCUSDT
WEEK_MS = 7 * 86_400_000

# 5, 10 and 20 levels come whole each time; any other depth is the whole book, of which 1000 levels are known for certain.
DEPTHS = (*PARTIAL_DEPTHS, 50, 100, 200, 500, 1000)

CAPABILITIES = Capabilities(
    markets=MARKETS, environments=("mainnet", "testnet"), depths=DEPTHS,
    channels=("book", "trades", "ticker", "candles", "liquidations"), private=PRIVATE_EVENTS,
    place_batch=5, amend_batch=5, cancel_batch=10, ws_order_entry=True, cancel_all=True, amend=True,
    dead_man="countdownCancelAll, per symbol", actions=tuple(Endpoints.ALL),
)  # fmt: skip

_envelope = msgspec.json.Decoder(wire.Envelope).decode
_info = msgspec.json.Decoder(wire.ExchangeInfo).decode
_fee_rate = msgspec.json.Decoder(dict[str, str]).decode


class Exchange(BySymbol):
    """One Binance market. Raises `WrongUse` for settings that the venue cannot serve."""

    capabilities = CAPABILITIES
    amends_in_place = True
    one_symbol = frozenset[Action]({"cancel"})
    window_ms = WEEK_MS
    history_ms = 13 * WEEK_MS
    client: Client

    def prepare(self) -> None:
        settings = self.settings
        check(settings, CAPABILITIES, "binance", is_trading=self.credentials is not None)
        self.batch_sizes = {"place": 5, "amend": 5, "cancel": 10, "cancel_all": 1}
        self.formats = Formats(settings.venue, settings.market, self._side_of)
        self._placed = Placed()
        rest, sockets, trade = HOSTS[settings.market, settings.environment]
        self._rest_url = settings.rest_url or rest
        self._public_url = "/".join(
            (settings.public_url or sockets).split("/")[:3]
        )  # each stream has its own path there
        self._private_url = settings.private_url or f"{sockets}/private/ws"
        self._trade_url = settings.trade_url or trade

    def make_client(self) -> BaseClient:
        return Client(self._rest_url, self.credentials, self.settings.recv_window_ms)

    def pools(self) -> Iterable[Pool]:
        return Endpoints.POOLS

    def build(self, action: str, arguments: Arguments) -> Request:
        """Remembers the side of what is placed, since the venue wants it again where an order is amended."""
        self._placed.note(arguments)
        return self.formats.request(action, arguments)

    def _side_of(self, client_id: str) -> Side | None:
        order = self._placed.get(client_id) or self.known.orders.get(client_id)
        return None if order is None else order.side

    async def start(self, subscriptions: Iterable[Subscription]) -> None:
        if self.settings.market == "linear":
            await self.poll("funding_info", Query())
        await super().start(subscriptions)

    def read(self, action: str, body: bytes, query: Query) -> tuple[Sequence[AnyEvent], str]:
        page = self.formats.answer(action, body, query)
        if action == "instruments" and self.settings.market == "linear":
            self.client.learn(self.formats.limits)
        return page

    def server_ns(self, body: bytes) -> int:
        return _info(body).serverTime * 1_000_000

    def look_ups(self, symbol: str, client_id: str) -> Sequence[tuple[str, Query]]:
        return (("order", Query(symbol=symbol, client_id=client_id)),)

    def public_sockets(self, subscriptions: Iterable[Subscription]) -> Sequence[BaseWebsocket]:
        return Websocket.of(self.settings, self._public_url, subscriptions)

    def private_socket(self) -> BaseWebsocket:
        key, extension = self.build("listen_key", Query()), self.build("extend_listen_key", Query())
        return PrivateWebsocket(self._private_url, self.formats.account, key, extension)

    def order_socket(self) -> OrderSocket | None:
        if not self._trade_url or self.credentials is None:
            return None
        window_ms = self.settings.recv_window_ms
        return TradeWebsocket(self.venue, self._trade_url, self.credentials, window_ms, self.client)

    def with_fees(self, instrument: InstrumentDefined, body: bytes) -> InstrumentDefined:
        said = _fee_rate(body)
        maker, taker = money(said.get("makerCommissionRate")), money(said.get("takerCommissionRate"))
        return msgspec.structs.replace(instrument, maker_fee=maker, taker_fee=taker)


class Decoder(ChainedRecording, Websocket):
    """Recorded frames of one market → events, public and private, by the same code as live and without a network.

    `receive` raises `UnknownWord` for an order word that no table has.
    """

    def __init__(self, market: str = "linear", venue: str = "") -> None:
        """Raises `WrongUse` for a market the venue does not have."""
        if market not in MARKETS:
            raise WrongUse(f"binance has no market {market!r}; known: {', '.join(MARKETS)}")
        super().__init__(venue or VENUES[market], "recorded", "", (), market)
        self._formats = Formats(self.venue, market)

    def other(self, frame: bytes, recv: int) -> tuple[Channel | None, bytes, Sequence[AnyEvent]]:
        """Also what a recording inlines, and frames that no stream's name is wrapped around."""
        said = _envelope(frame)
        name, _, kind = (said.stream or "").partition("@")
        if kind == "depthSnapshot":
            return None, frame, self.inlined(f"{name}@depth@100ms", bytes(said.data))
        if said.stream is not None:  # without a kind it is the listen key of an account
            return super().other(frame, recv) if kind else self.other(bytes(said.data), recv)
        if said.lastUpdateId is not None:
            return None, frame, self.inlined("", frame)
        if said.id is not None and said.status is not None:
            return None, frame, ()  # an answer to a request, which tells of no market and no account
        if said.e is None and said.s is None:
            return super().other(frame, recv)
        events = self._formats.account.private(said.e or "", frame)
        if events is not None:
            return None, frame, events
        return super().other(b'{"stream":"%s","data":%s}' % (_stream_of(said).encode(), frame), recv)

    def http(self, url: str, body: bytes, recv: int) -> Sequence[AnyEvent]:
        """The events of a REST answer, a `FeedStatus` where it does not fit; nothing for an endpoint that tells none."""
        parts = urlsplit(url)
        reads = ((name, each.path) for name, each in self._formats.endpoints.items() if each.method == "GET")
        action = next((name for name, path in reads if path.endswith(parts.path or "?")), None)
        if action is None:
            return ()
        said = dict(parse_qsl(parts.query))
        limit = said.get("limit", "")
        asked = Query(symbol=said.get("symbol", ""), limit=int(limit) if limit.isdecimal() else None)
        try:
            if body.lstrip()[:1] == b"{" and (error := _envelope(body)).code:
                return (self._status("gap", f"{parts.path}: {error.code} {error.msg}"),)
            if action == "book":
                return self.inlined(f"{asked.symbol.lower()}@depth@100ms" if asked.symbol else "", body)
            return self._formats.answer(action, body, asked)[0]
        except (msgspec.DecodeError, ValueError, ArithmeticError, RecursionError) as error:
            return (self._misfit(error),)


_KINDS = {"depthUpdate": "depth", "markPriceUpdate": "markPrice", "24hrTicker": "ticker", "": "bookTicker"}


def _stream_of(said: wire.Envelope) -> str:
    """The name of the stream that a raw event comes from."""
    inner = _envelope(said.k or said.o) if said.e in ("kline", "forceOrder") else said
    kind = f"kline_{inner.i}" if said.e == "kline" else _KINDS.get(said.e or "", said.e)
    return f"{(said.s or inner.s or '').lower()}@{kind}"


def market_of(url: str) -> str | None:
    """The market that a socket's or a REST call's URL speaks of; None where it does not say."""
    parts = urlsplit(url)
    host, path = parts.hostname or "", parts.path
    if path.startswith(("/fapi/", "/public/", "/market/", "/private/")) or host.startswith(("fapi.", "fstream.")):
        return "linear"
    spot = ("api.binance", "stream.binance", "stream.testnet")
    return "spot" if path.startswith("/api/v3") or host.startswith(spot) else None
