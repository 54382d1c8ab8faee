"""Hyperliquid: ties its nouns together, and reads recordings without any network.

The account is named by its address, and its agent's key signs. Where orders are for a vault or a sub-account, the third word of
the credentials is its address.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from adapters.base.client import Budget, Request
from adapters.base.ethereum import is_address
from adapters.base.funded import FundedApart
from adapters.base.limits import Pool, Priority
from adapters.base.numbers import money
from adapters.base.placed import Placed
from adapters.base.query import Arguments, Query
from adapters.base.settings import Capabilities, Subscription, check
from adapters.base.shaped import Shaped
from adapters.base.sweeping import Sweeping
from adapters.hyperliquid import wire
from adapters.hyperliquid.account import PRIVATE_TOPICS
from adapters.hyperliquid.client import Client
from adapters.hyperliquid.endpoints import ACTIONS, BATCH, HOSTS, Endpoints
from adapters.hyperliquid.formats import Formats, Terms
from adapters.hyperliquid.orderid import OrderID
from adapters.hyperliquid.signer import Signer
from adapters.hyperliquid.types import MAINNET
from adapters.hyperliquid.websocket import DEPTHS, PrivateWebsocket, TradeWebsocket, Websocket
from state.errors import NotOffered, WrongUse
from state.events import AmendOrder, AnyEvent, InstrumentDefined, Intent, OrderUpdate
from state.secrets import Credentials, Secret
from state.words import Action

MARKETS = ("linear",)
LIMIT_EVERY_S = 60.0

CAPABILITIES = Capabilities(
    markets=MARKETS, environments=tuple(HOSTS), channels=("book", "trades", "ticker", "candles"), depths=DEPTHS,
    private=PRIVATE_TOPICS, place_batch=BATCH, amend_batch=BATCH, cancel_batch=BATCH, ws_order_entry=True,
    cancel_all=True, amend=True, dead_man="scheduleCancel, after a million of volume", actions=tuple(Endpoints.ALL),
)  # fmt: skip

_status = msgspec.json.Decoder(wire.Status).decode
_fees = msgspec.json.Decoder(wire.Fees).decode
_used = msgspec.json.Decoder(wire.Used).decode


class Exchange(FundedApart, Sweeping):
    """Perpetuals. Raises `WrongUse` for settings that the venue cannot serve, and where the extra that signs is missing."""

    capabilities = CAPABILITIES
    client: Client
    make_ids = OrderID

    def prepare(self) -> None:
        settings = self.settings
        check(settings, CAPABILITIES, "hyperliquid", is_trading=self.credentials is not None)
        self.batch_sizes = {"place": BATCH, "amend": BATCH, "cancel": BATCH, "cancel_all": 1}
        self._signer, user, is_mainnet = None, "", settings.environment == "mainnet"
        credentials = self.credentials
        if credentials is not None:
            words = (credentials.key, credentials.passphrase)
            account, vault = (word.reveal().lower() for word in words)  # as the venue writes addresses
            if is_address(account) is None:
                raise WrongUse("hyperliquid: the key is the account's address, 0x and 40 hex digits")
            user = vault or account
            self._signer = Signer(credentials.secret.reveal(), mainnet=is_mainnet, vault=vault)
            self.credentials = Credentials(Secret(account), credentials.secret, Secret(vault))
        self.formats = Formats(settings.venue, user, self._terms_of)
        if is_mainnet:  # until the instruments are read
            self.formats.assets = {name: number for number, name in enumerate(MAINNET)}
        self._placed = Placed()
        rest, socket = HOSTS[settings.environment]
        self._rest_url = settings.rest_url or rest
        self._public_url = settings.public_url or socket
        self._private_url = settings.private_url or socket
        self._trade_url = settings.trade_url or socket
        self.settle = ("",)  # its lists know no coins

    def make_client(self) -> Client:
        return Client(self._rest_url, self._signer, self.formats.user, self.settings.recv_window_ms)

    def pools(self) -> Iterable[Pool]:
        return Endpoints.POOLS

    # --- life ---

    async def start(self, subscriptions: Iterable[Subscription]) -> None:
        if self._signer is not None:
            where = urlsplit(self._rest_url).netloc  # each chain has its own
            self.client.nonces.on_failure = self._fatal
            self.client.nonces.keep(Path(self.settings.state_dir, f"{self._signer.address}@{where}.nonce"))
            await self.rate_limit()
            self._spawn(self._every(LIMIT_EVERY_S, self.rate_limit))
        await self.tickers()
        await super().start(subscriptions)

    async def close(self) -> None:
        await super().close()
        self.client.nonces.close()

    async def rate_limit(self) -> None:
        """How many actions the address has used, and how many its volume has earned."""
        answer = await self.sender.read(self.build("rate_limit", Query()))
        used = self._fitting(answer, _used)
        budget = Budget(used.nRequestsCap, max(used.nRequestsCap - used.nRequestsUsed, 0), 0)
        self.sender.gate.limits.learn(ACTIONS, budget, answer.recv)

    # --- orders ---

    def build(self, action: str, arguments: Arguments) -> Request:
        """Remembers the terms of what is placed, since an amendment is a whole new order."""
        self._placed.note(arguments)
        return self.formats.request(action, arguments)

    def _terms_of(self, client_id: str) -> Terms | None:
        known = self.known.orders.get(client_id)
        order = self._placed.get(client_id) or known
        if order is None or order.side is None:
            return None
        filled = self.formats.account.lives.filled(client_id)
        if known is not None and known.filled is not None:
            filled = max(filled, known.filled)
        return Terms(order.side, order.tif or "gtc", order.reduce_only, filled)

    def together(self, action: Action, intent: Intent) -> str:
        """What cannot leave, alone, so that it holds nobody back; cancels by the venue's numbers apart from those by ours."""
        try:
            asked = self.formats.request(action, intent)
        except NotOffered:
            return getattr(intent, "client_id", "") or "alone"
        return "numbers" if asked.body.startswith(b'{"type":"cancel"') else ""

    def already_told(self, intent: Intent, left_ns: int) -> Sequence[AnyEvent]:
        """An amended order that filled while the request was under way is larger than was asked for."""
        return self.formats.account.told_again(intent.client_id, intent.size) if isinstance(intent, AmendOrder) else ()

    def cancel_listed(self, orders: Sequence[OrderUpdate]) -> Sequence[Request]:
        return self.formats.cancel_listed(orders)

    def look_ups(self, symbol: str, client_id: str) -> Sequence[tuple[str, Query]]:
        return (("order", Query(symbol=symbol, client_id=client_id)),)

    # --- reading ---

    async def poll(
        self, action: str, query: Query, *, feed: bool = False, priority: Priority = Priority.READ
    ) -> Sequence[AnyEvent]:
        """Those of an order from the latest that there are, and money from where the account keeps it."""
        if action == "executions" and (query.client_id or query.order_id):
            action = "order_fills"
        if action == "wallet" and self.formats.account.collateral.is_unified:
            action = "spot_wallet"
        return await super().poll(action, query, feed=feed, priority=priority)

    def read(self, action: str, body: bytes, query: Query) -> tuple[Sequence[AnyEvent], str]:
        return self.formats.answer(action, body, query)

    def server_ns(self, body: bytes) -> int:
        return _status(body).time * 1_000_000

    def with_fees(self, instrument: InstrumentDefined, body: bytes) -> InstrumentDefined:
        said = _fees(body)
        maker, taker = money(said.userAddRate), money(said.userCrossRate)
        return msgspec.structs.replace(instrument, maker_fee=maker, taker_fee=taker)

    # --- sockets ---

    def public_sockets(self, subscriptions: Iterable[Subscription]) -> Sequence[Websocket]:
        sockets = Websocket.of(self.settings, self._public_url, subscriptions)
        for socket in sockets:
            socket.user, socket.marks = self.formats.user, self.formats.account.marks
        return sockets

    def private_socket(self) -> PrivateWebsocket:
        mode = self.build("account_mode", Query())
        return PrivateWebsocket(self._private_url, self.formats.account, self.formats.user, mode)

    def order_socket(self) -> TradeWebsocket | None:
        return None if self._signer is None else TradeWebsocket(self.venue, self._trade_url, self.client)


class Decoder(Shaped, Websocket):
    """Recorded frames → events, public and private, as live. `receive` raises `UnknownWord` for an unknown order word."""

    shapes = (
        ((b"tokens",), ()), ((b"balances",), ("spot_wallet",)), ((b"universe", b"markPx"), ("tickers",)),
        ((b"universe",), ("instruments",)), ((b"levels",), ("book",)), ((b"assetPositions",), ("positions", "wallet")),
        ((b"limitPx", b"statusTimestamp"), ("order_history",)),
        ((b"limitPx",), ("open_orders",)), ((b"crossed",), ("executions",)), ((b"tid",), ("trades",)),
        ((b"delta",), ("funding",)), ((b"T", b"t", b"o", b"c"), ("klines",)),
    )  # fmt: skip
    word = ("account_mode",)

    def __init__(self, market: str = "linear", venue: str = "hyperliquid") -> None:
        """Raises `WrongUse` for a market the venue does not have."""
        if market not in MARKETS:
            raise WrongUse(f"hyperliquid has no market {market!r}; known: {', '.join(MARKETS)}")
        self._formats = Formats(venue or "hyperliquid")
        super().__init__(self._formats.venue, "recorded", "", (), self._formats.account)

    def answer(self, action: str, body: bytes) -> Sequence[AnyEvent]:
        is_one = action == "order_history" and body.lstrip()[:1] == b"{"
        return self._formats.answer("order" if is_one else action, body)[0]


def market_of(url: str) -> str | None:
    """There is one market."""
    return MARKETS[0] if "hyperliquid" in url else None
