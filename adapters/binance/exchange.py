"""Binance: ties its nouns together, and reads recordings without any network.

USD-M futures are traded; spot is public data. The two markets differ by a parameter.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from urllib.parse import parse_qs, urlsplit

import msgspec

from adapters.base.client import Client as BaseClient
from adapters.base.client import Request
from adapters.base.exchange import Exchange as BaseExchange
from adapters.base.limits import Pool, Priority
from adapters.base.query import Arguments, Query
from adapters.base.sender import Answer
from adapters.base.settings import Capabilities, Subscription, VenueSettings
from adapters.base.transport import Transport
from adapters.base.websocket import OrderSocket
from adapters.base.websocket import Websocket as BaseWebsocket
from adapters.binance import wire
from adapters.binance.account import PRIVATE_EVENTS, money
from adapters.binance.book import BookChannel
from adapters.binance.channels import Channel
from adapters.binance.client import Client
from adapters.binance.endpoints import HOSTS, Endpoints
from adapters.binance.formats import PAGE, Formats
from adapters.binance.private import PrivateWebsocket, TradeWebsocket
from adapters.binance.websocket import PARTIAL_DEPTHS, Websocket
from state.clock import Clock
from state.errors import WrongUse
from state.events import AnyEvent, Fill, FundingPayment, InstrumentDefined, OrderUpdate, PlaceOrder, PositionUpdate
from state.record import Inbox
from state.secrets import Credentials
from state.words import Action, Side

MARKETS = ("linear", "spot")
VENUES = {"linear": "binance", "spot": "binance.spot"}  # (venue, symbol) names a market, and both markets have BTCUSDT
ENVIRONMENTS = ("mainnet", "testnet")
SIDES_MOST = 10_000
WEEK_MS = 7 * 86_400_000  # fills are asked for by the week
HISTORY_MS = 13 * WEEK_MS  # and are kept for three months
DEAD_MAN_BEATS = 4  # how often the switch is put back within its time

# 5, 10 and 20 levels come whole each time; any other depth is the whole book, of which 1000 levels are known for certain.
DEPTHS = (*PARTIAL_DEPTHS, 50, 100, 200, 500, 1000)

CAPABILITIES = Capabilities(
    markets=MARKETS,
    environments=ENVIRONMENTS,
    channels=("book", "trades", "ticker", "candles", "liquidations"),
    depths=DEPTHS,
    place_batch=5,
    amend_batch=5,
    cancel_batch=10,
    ws_order_entry=True,
    cancel_all=True,
    amend=True,
    dead_man="countdownCancelAll, per symbol",
    private=PRIVATE_EVENTS,
    actions=tuple(Endpoints.ALL),
)

_envelope = msgspec.json.Decoder(wire.Envelope).decode
_error = msgspec.json.Decoder(wire.Error).decode
_named = msgspec.json.Decoder(wire.Named).decode
_server_time = msgspec.json.Decoder(wire.ServerTime).decode
_fee_rate = msgspec.json.Decoder(wire.FeeRate).decode


class Exchange(BaseExchange):
    """One Binance market. Raises `WrongUse` for settings that the venue cannot serve."""

    capabilities = CAPABILITIES
    one_symbol = frozenset[Action]({"cancel"})
    client: Client

    def __init__(
        self,
        settings: VenueSettings,
        inbox: Inbox,
        clock: Clock,
        session: str,
        credentials: Credentials | None = None,
        transport: Transport | None = None,
    ) -> None:
        _check(settings, credentials)
        self.batch_sizes: dict[Action, int] = {"place": 5, "amend": 5, "cancel": 10, "cancel_all": 1}
        self.formats = Formats(settings.venue, settings.market, self._side_of)
        self._sides: OrderedDict[str, Side] = OrderedDict()  # of what was placed here, by client id
        self._symbols: dict[str, None] = dict.fromkeys(settings.symbols)
        self._dead_man_armed = False
        rest, sockets, trade = HOSTS[settings.market][settings.environment]
        self._rest_url = settings.rest_url or rest
        self._public_url = settings.public_url or sockets
        self._private_url = settings.private_url or f"{sockets}/private/ws"
        self._trade_url = settings.trade_url or trade
        super().__init__(settings, inbox, clock, session, credentials, transport)
        self.settle = ("",)  # its lists hold all coins at once

    def make_client(self) -> BaseClient:
        return Client(self._rest_url, self.credentials, self.settings.recv_window_ms)

    def pools(self) -> Iterable[Pool]:
        return Endpoints.POOLS

    def shared_pool(self) -> str:
        return ""

    def build(self, action: str, arguments: Arguments) -> Request:
        for intent in arguments if isinstance(arguments, Sequence) else (arguments,):
            if isinstance(intent, PlaceOrder) and intent.client_id:
                self._sides[intent.client_id] = intent.side
                if len(self._sides) > SIDES_MOST:
                    self._sides.popitem(last=False)
        return self.formats.request(action, arguments)

    def _side_of(self, client_id: str) -> Side | None:
        known = self.known.orders.get(client_id)
        return self._sides.get(client_id) or (None if known is None else known.side)

    def read(self, action: str, body: bytes, query: Query) -> tuple[Sequence[AnyEvent], str]:
        page = self.formats.answer(action, body, query)
        if action == "instruments" and self.settings.market == "linear":
            self.client.learn(self.formats.limits)
        return page

    def server_ns(self, body: bytes) -> int:
        return _server_time(body).serverTime * 1_000_000

    def public_sockets(self, subscriptions: Iterable[Subscription]) -> Sequence[BaseWebsocket]:
        return Websocket.of(self.settings, self._public_url, subscriptions)

    def private_socket(self) -> BaseWebsocket:
        key, extension = self.build("listen_key", Query()), self.build("extend_listen_key", Query())
        return PrivateWebsocket(self._private_url, self.formats.account, key, extension)

    def order_socket(self) -> OrderSocket | None:
        if not self._trade_url or self.credentials is None:
            return None
        return TradeWebsocket(
            self.venue, self._trade_url, self.credentials, self.settings.recv_window_ms, self.client.limits
        )

    def with_fees(self, instrument: InstrumentDefined, body: bytes) -> InstrumentDefined:
        row = _fee_rate(body)
        maker, taker = money(row.makerCommissionRate), money(row.takerCommissionRate)
        return msgspec.structs.replace(instrument, maker_fee=maker, taker_fee=taker)

    # --- where the venue wants a symbol and we mean all ---

    async def start(self, subscriptions: Iterable[Subscription]) -> None:
        wanted = list(subscriptions)
        self._symbols |= dict.fromkeys(subscription.symbol for subscription in wanted)
        if self.settings.market == "linear":
            await self.poll("funding_info", Query())
        await super().start(wanted)

    def cancel_scopes(self, symbol: str) -> Sequence[Query]:
        return [Query(symbol=each) for each in ([symbol] if symbol else self._all_symbols())]

    def _all_symbols(self) -> Sequence[str]:
        known = (*self._symbols, *(order.symbol for order in self.known.orders.values()), *self.known.positions)
        return list(dict.fromkeys(known))

    async def poll(
        self, action: str, query: Query, *, feed: bool = False, priority: Priority = Priority.READ
    ) -> Sequence[AnyEvent]:
        """Fills of all symbols are asked for one by one; positions that are not listed are flat."""
        if action == "executions" and not query.symbol:
            return await self._all_executions(query, feed=feed, priority=priority)
        asked = self.clock.now_ns() + self.sender.offset.ns
        events = await super().poll(action, query, feed=feed, priority=priority)
        if action != "positions" or query.symbol:
            return events
        listed = {event.symbol for event in events if isinstance(event, PositionUpdate)}
        gone = [symbol for symbol, size in self.known.positions.items() if size and symbol not in listed]
        flat = [self.formats.account.flat(symbol, asked // 1_000_000) for symbol in gone]
        if feed and flat:
            self.account_inbox.feed(self.clock.now_ns(), flat)
        return [*events, *flat]

    async def _all_executions(self, query: Query, *, feed: bool, priority: Priority) -> Sequence[AnyEvent]:
        """Fills and funding since a time, oldest first."""
        now_ms = (self.clock.now_ns() + self.sender.offset.ns) // 1_000_000
        first = max(query.start_ms if query.start_ms is not None else now_ms - WEEK_MS, now_ms - HISTORY_MS)
        events: list[AnyEvent] = []
        for start in range(first, now_ms + 1, WEEK_MS):
            week = Query(start_ms=start, end_ms=start + WEEK_MS - 1, limit=PAGE)
            for symbol in self._all_symbols():
                asked = msgspec.structs.replace(week, symbol=symbol)
                events += await super().poll("executions", asked, feed=feed, priority=priority)
            events += await super().poll("funding", week, feed=feed, priority=priority)
        return sorted(events, key=lambda event: event.ts or 0 if isinstance(event, Fill | FundingPayment) else 0)

    async def find_order(self, symbol: str, client_id: str) -> tuple[Answer, OrderUpdate | None, Sequence[AnyEvent]]:
        query = Query(symbol=symbol, client_id=client_id)
        answer = await self.sender.read(self.build("order", query), Priority.CANCEL, ("ok", "gone"))
        if answer.verdict.meaning == "gone":
            return answer, None, ()
        for event in self._events("order", answer, query)[0]:
            if isinstance(event, OrderUpdate):
                fills = Query(symbol=symbol, order_id=event.order_id or "", limit=PAGE)
                told = await self.executions(fills) if event.filled else ()
                return answer, event, [fill for fill in told if not self.known.has(fill)]
        return answer, None, ()

    async def disconnect_cancel_all(self, window_s: int) -> None:
        """Arms the switch of every symbol, and keeps putting it back."""
        for symbol in self._all_symbols():
            await self._set("disconnect_cancel_all", Query(symbol=symbol, window_s=window_s))
        if not self._dead_man_armed:
            self._dead_man_armed = True
            self._spawn(self._every(window_s / DEAD_MAN_BEATS, lambda: self.disconnect_cancel_all(window_s)))


def _check(settings: VenueSettings, credentials: Credentials | None) -> None:
    if settings.market not in MARKETS:
        raise WrongUse(f"binance has no market {settings.market!r}; known: {', '.join(MARKETS)}")
    if settings.environment not in ENVIRONMENTS:
        raise WrongUse(f"binance has no environment {settings.environment!r}; known: {', '.join(ENVIRONMENTS)}")
    if settings.book_depth not in DEPTHS:
        raise WrongUse(f"binance has no book of depth {settings.book_depth}; known: {DEPTHS}")
    if settings.market == "spot" and credentials is not None:
        raise WrongUse("binance spot is public data here; orders go to linear")


class Decoder(Websocket):
    """Recorded frames of one market → events, public and private, by the same code as live and without a network.

    `receive` raises `UnknownWord` for an order word that no table has.
    """

    def __init__(self, market: str = "linear", venue: str = "") -> None:
        """Raises `WrongUse` for a market the venue does not have."""
        if market not in MARKETS:
            raise WrongUse(f"binance has no market {market!r}; known: {', '.join(MARKETS)}")
        super().__init__(venue or VENUES[market], "recorded", "", (), market)
        self._formats = Formats(self.venue, market)
        self._orphan = b""  # a book that came before anything said whose it is

    def receive(self, frame: bytes, recv: int) -> Sequence[AnyEvent]:
        events = super().receive(frame, recv)
        if not self._orphan or not any(isinstance(channel, BookChannel) for channel in self.channels):
            return events
        body, self._orphan = self._orphan, b""
        return [*events, *self._inlined("", body)]

    def _other(self, frame: bytes, recv: int) -> tuple[Channel | None, bytes, Sequence[AnyEvent]]:
        """Also what a recording inlines, and frames that no stream's name is wrapped around."""
        envelope = _envelope(frame)
        name, _, kind = (envelope.stream or "").partition("@")
        if envelope.stream is not None and (kind == "depthSnapshot" or not kind):
            if kind:
                return None, frame, self._inlined(name.upper(), bytes(envelope.data))
            return self._other(bytes(envelope.data), recv)  # of an account: the name is its listen key
        if envelope.stream is not None:
            return super()._other(frame, recv)
        if envelope.lastUpdateId is not None:
            return None, frame, self._inlined("", frame)
        if envelope.e is not None or (envelope.s is not None and envelope.id is None):
            events = self._formats.account.private(envelope.e or "", frame)
            if events is not None:
                return None, frame, events
            wrapped = b'{"stream":"%s","data":%s}' % (_stream_of(envelope).encode(), frame)
            return super()._other(wrapped, recv)
        if envelope.id is not None and envelope.status is not None:
            return None, frame, ()  # an answer to a request, which tells of no market and no account
        return super()._other(frame, recv)

    def _inlined(self, symbol: str, body: bytes) -> Sequence[AnyEvent]:
        """A REST book. Where nothing says whose it is, it belongs to the one book that waits for it."""
        books = [channel for channel in self.channels if isinstance(channel, BookChannel)]
        found = [book for book in books if (book.symbol == symbol if symbol else book.is_waiting)]
        if symbol and not found:
            added = self._add(f"{symbol.lower()}@depth@100ms")
            assert isinstance(added, BookChannel)
            found = [added]
        if len(found) == 1:
            return self.snapshot(found[0], body)
        if not books:
            self._orphan = body
        self.suspect = len(found) > 1
        return (self._status("gap", f"a book of nobody: {len(found)} wait for one"),) if self.suspect else ()

    def http(self, url: str, body: bytes, recv: int) -> Sequence[AnyEvent]:
        """The events of a REST answer, a `FeedStatus` where it does not fit; nothing for an endpoint that tells none."""
        parts, endpoints = urlsplit(url), self._formats.endpoints
        known = (name for name, e in endpoints.items() if e.method == "GET" and e.path.endswith(parts.path))
        action = next(known, None) if parts.path else None
        if action is None:
            return ()
        said = {name: words[0] for name, words in parse_qs(parts.query).items()}
        try:
            if body.lstrip()[:1] == b"{" and (error := _error(body)).code:
                return (self._status("gap", f"{parts.path}: {error.code} {error.msg}"),)
            if action == "book":
                return self._inlined(said.get("symbol", ""), body)
            limit = int(said["limit"]) if "limit" in said else None
            return self._formats.answer(action, body, Query(symbol=said.get("symbol", ""), limit=limit))[0]
        except (msgspec.DecodeError, ValueError, ArithmeticError, RecursionError) as error:
            return (self._misfit(error),)


_KINDS = {"depthUpdate": "depth", "markPriceUpdate": "markPrice", "24hrTicker": "ticker", "": "bookTicker"}


def _stream_of(envelope: wire.Envelope) -> str:
    """The name of the stream that a raw event comes from."""
    event = envelope.e or ""
    inner = _named(envelope.k or envelope.o) if envelope.k or envelope.o else wire.Named()
    kind = f"kline_{inner.i}" if event == "kline" else _KINDS.get(event, event)
    return f"{(envelope.s or inner.s).lower()}@{kind}"


def market_of(url: str) -> str | None:
    """The market that a socket's or a REST call's URL speaks of; None where it does not say."""
    parts = urlsplit(url)
    host, path = parts.hostname or "", parts.path
    if path.startswith("/fapi/") or host.startswith(("fapi.", "fstream.", "ws-fapi.")):
        return "linear"
    if path.startswith("/api/v3") or host.startswith(("api.binance", "stream.binance", "stream.testnet")):
        return "spot"
    return "linear" if path.startswith(("/public/", "/market/", "/private/")) else None
