"""OKX v5: ties its nouns together, and reads recordings without any network.

Perpetual swaps are traded; spot is public data. The two markets differ by a parameter.
"""

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlsplit

import msgspec

from adapters.base.channel import Channel
from adapters.base.client import Client as BaseClient
from adapters.base.client import Request
from adapters.base.contracts import Counted
from adapters.base.limits import Pool, Priority
from adapters.base.query import Arguments, Query
from adapters.base.recorded import RestRecording
from adapters.base.settings import Capabilities, Subscription, check
from adapters.base.sweeping import Sweeping
from adapters.base.websocket import OrderSocket
from adapters.base.websocket import Websocket as BaseWebsocket
from adapters.okx import wire
from adapters.okx.account import PRIVATE_CHANNELS
from adapters.okx.channels import rows
from adapters.okx.client import Client
from adapters.okx.contracts import Contracts
from adapters.okx.endpoints import HOSTS, Endpoints
from adapters.okx.formats import BATCH, Formats
from adapters.okx.private import COUNT, PrivateWebsocket, TradeWebsocket
from adapters.okx.types import MARKETS as KINDS
from adapters.okx.types import SECONDS, VENUES
from adapters.okx.websocket import Websocket
from state.errors import WrongUse
from state.events import AnyEvent, Fill, FundingPayment, InstrumentDefined, OrderUpdate
from state.record import Frame
from state.words import Action

MARKETS = tuple(KINDS)
FILLS_KEPT_MS, BILLS_KEPT_MS = 3 * 86_400_000, 7 * 86_400_000  # by the quick calls; slower ones know three months

CAPABILITIES = Capabilities(  # 1 and 5 levels come whole each time; any other depth is the book of 400
    markets=MARKETS, environments=tuple(HOSTS), depths=(1, 5, 50, 400),
    channels=("book", "trades", "ticker", "candles", "liquidations"), private=PRIVATE_CHANNELS,
    place_batch=BATCH, amend_batch=BATCH, cancel_batch=BATCH, ws_order_entry=True, cancel_all=True, amend=True,
    dead_man="cancel-all-after, 10 to 120 s", actions=tuple(Endpoints.ALL),
)  # fmt: skip

_envelope = msgspec.json.Decoder(wire.Envelope).decode
_times = rows(dict[str, str])


class Exchange(Sweeping):
    """One OKX market. Raises `WrongUse` for settings that the venue cannot serve."""

    capabilities = CAPABILITIES
    amends_in_place = accepts_first = True
    one_symbol = frozenset[Action]({"place", "amend", "cancel"})  # each market has its own budget

    def prepare(self) -> None:
        settings = self.settings
        check(settings, CAPABILITIES, "okx", is_trading=self.credentials is not None)
        if self.credentials is not None and not self.credentials.passphrase:
            raise WrongUse("okx: its key has a passphrase: set TAPELINE_OKX_PASSPHRASE, or passphrase in the key file")
        self.batch_sizes = {"place": BATCH, "amend": BATCH, "cancel": BATCH, "cancel_all": 1}
        self.formats = Formats(settings.venue, settings.market)
        rest, sockets = HOSTS[settings.environment]
        self._rest_url = settings.rest_url or rest
        self._public_url = settings.public_url or f"{sockets}/public"
        self._private_url = settings.private_url or f"{sockets}/private"
        self._trade_url = settings.trade_url or self._private_url
        self._listed: dict[str, InstrumentDefined] = {}
        self._told: set[str] = set()  # markets that the session follows, or was told of since
        self.settle = ("",)  # its lists know no coins

    def make_client(self) -> BaseClient:
        simulated = self.settings.environment != "mainnet"
        return Client(self._rest_url, self.credentials, self.settings.recv_window_ms, is_simulated=simulated)

    def pools(self) -> Iterable[Pool]:
        return Endpoints.POOLS

    def build(self, action: str, arguments: Arguments) -> Request:
        return self.formats.request(action, arguments)

    def read(self, action: str, body: bytes, query: Query) -> tuple[Sequence[AnyEvent], str]:
        return self.formats.answer(action, body, query)

    def server_ns(self, body: bytes) -> int:
        return int(_times(body).data[0]["ts"]) * 1_000_000

    def with_fees(self, instrument: InstrumentDefined, body: bytes) -> InstrumentDefined:
        return self.formats.with_fees(instrument, body)

    def look_ups(self, symbol: str, client_id: str) -> Sequence[tuple[str, Query]]:
        return (("order", Query(symbol=symbol, client_id=client_id)),)

    def fills_of(self, order: OrderUpdate) -> Query:
        return Query(symbol=order.symbol, order_id=order.order_id or "")

    def cancel_listed(self, orders: Sequence[OrderUpdate]) -> Sequence[Request]:
        return self.formats.cancel_listed(orders)

    def public_sockets(self, subscriptions: Iterable[Subscription]) -> Sequence[BaseWebsocket]:
        return Websocket.of(self.settings, self._public_url, subscriptions, self.formats.contracts)

    def private_socket(self) -> BaseWebsocket:
        assert self.credentials is not None
        funding = self.build("funding", Query(limit=100))
        return PrivateWebsocket(self._private_url, self.formats.account, self.credentials, self.formats.kind, funding)

    def order_socket(self) -> OrderSocket | None:
        assert self.credentials is not None
        codes, expires_ms = self.formats.contracts.codes, self.settings.recv_window_ms
        return TradeWebsocket(self.venue, self._trade_url, self.credentials, codes, expires_ms)

    # --- an account may hold what the session does not follow ---

    async def _start_account(self, followed: Iterable[str]) -> None:
        """All contract sizes first: the account's first frame may speak of any market."""
        await self._list()
        await super()._start_account(followed)

    async def reconcile(self) -> None:
        """With what was listed since."""
        if self._reconciler.has_run:
            await self._list()
        await super().reconcile()

    async def _list(self) -> None:
        listed = await self.poll("instruments", Query())
        self._listed = {event.symbol: event for event in listed if isinstance(event, InstrumentDefined)}

    async def start(self, subscriptions: Iterable[Subscription]) -> None:
        wanted = list(subscriptions)
        self._told = {*self.settings.symbols, *(each.symbol for each in wanted)}
        await super().start(wanted)

    def _account_frame(self, recv: int, events: Sequence[AnyEvent], frame: Frame | None) -> None:
        """A market's rules are told before an account is told to have something there: its frames are in contracts."""
        for event in events:
            if event.symbol in self._listed and event.symbol not in self._told:
                self._told.add(event.symbol)
                self.inbox.feed(recv, (self._listed[event.symbol],))
        super()._account_frame(recv, events, frame)

    async def poll(
        self, action: str, query: Query, *, feed: bool = False, priority: Priority = Priority.READ
    ) -> Sequence[AnyEvent]:
        """Fills are read with the funding of that time, oldest first, from the call that still knows them."""
        if action != "executions" or query.order_id or query.client_id:
            return await super().poll(action, query, feed=feed, priority=priority)
        now_ms = (self.clock.now_ns() + self.sender.offset.ns) // 1_000_000
        since = query.start_ms if query.start_ms is not None else now_ms - FILLS_KEPT_MS
        fills = "execution_archive" if since < now_ms - FILLS_KEPT_MS else "executions"
        bills = "funding_archive" if since < now_ms - BILLS_KEPT_MS else "funding"
        events = [
            *await super().poll(fills, query, feed=feed, priority=priority),
            *await super().poll(bills, query, feed=feed, priority=priority),
        ]
        return sorted(events, key=lambda event: event.ts or 0 if isinstance(event, Fill | FundingPayment) else 0)


class Decoder(RestRecording, Websocket):
    """Recorded frames of all markets → events, public and private, by the same code as live and without a network.

    `receive` raises `UnknownWord` for an order word that no table has. Frames of a market whose contract size was not told
    before them are read in contracts, and its feed stays "connecting".
    """

    def __init__(self, market: str = "swap", venue: str = "") -> None:
        """Raises `WrongUse` for a market the venue does not have."""
        if market not in MARKETS:
            raise WrongUse(f"okx has no market {market!r}; known: {', '.join(MARKETS)}")
        super().__init__(venue or VENUES[market], "recorded", "", (), Contracts())
        self._formats = Formats(self.venue, market, self.contracts)

    def define(self, instrument: InstrumentDefined) -> None:
        self._formats.define(instrument)

    def receive(self, frame: bytes, recv: int) -> Sequence[AnyEvent]:
        known = len(self._channels)
        events = super().receive(frame, recv)
        channel = self.channels[-1] if len(self._channels) > known else None
        if not isinstance(channel, Counted) or channel.contract.is_known:
            return events
        why = "how much a contract is, is not known: sizes are in contracts"
        return [*events, Channel.distrust(channel, "connecting", why)]

    def other(self, frame: bytes, recv: int) -> tuple[Channel | None, bytes, Sequence[AnyEvent]]:
        """Also the account's frames, and answers to requests, which tell of no market and no account."""
        if frame[:1] == b"{":
            said = _envelope(frame)
            if said.event in ("login", "error", "notice", COUNT, f"{COUNT}-error") or (said.arg is None and said.code):
                return None, frame, ()
            if said.arg is not None and not said.event:
                if said.arg.channel == "instruments":
                    return None, frame, self._formats.answer("instruments", frame)[0]
                events = self._formats.account.private(said.arg.channel, frame)
                if events is not None:
                    return None, frame, events
        return super().other(frame, recv)

    def answer(self, path: str, asked: Mapping[str, str], body: bytes) -> Sequence[AnyEvent]:
        action, said = Endpoints.READS.get(path), _envelope(body)
        if action is not None and said.code != "0":
            return (self._status("gap", f"{path}: {said.code} {said.msg}"),)
        if action == "funding":
            return self._formats.account.funded_by(body)
        limit, bar = asked.get("limit", asked.get("sz", "")), asked.get("bar", "1m").removesuffix("utc")
        most = int(limit) if limit.isdecimal() else None
        query = Query(symbol=asked.get("instId", ""), limit=most, interval_s=SECONDS.get(bar, 60))
        return () if action is None else self._formats.answer(action, body, query)[0]


def market_of(url: str) -> str | None:
    """One socket serves all markets, and symbols tell them apart, so that one decoder reads a whole recording."""
    parts = urlsplit(url)
    is_okx = parts.path.startswith(("/ws/v5/", "/api/v5/")) or "okx." in parts.netloc or "okex." in parts.netloc
    return MARKETS[0] if is_okx else None
