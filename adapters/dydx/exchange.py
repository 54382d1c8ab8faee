"""dYdX v4: ties its nouns together.

A key is an address, `dydx1…` or `dydx1…/3` for its third subaccount; the secret is a key in hex or a mnemonic. Where another key
than the owner's signs, the passphrase names its authenticators: `12` or `12,13`.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from adapters.base import cosmos, iso
from adapters.base.client import Client as BaseClient
from adapters.base.client import Request
from adapters.base.exchange import Exchange as BaseExchange
from adapters.base.limits import Pool, Priority
from adapters.base.query import Arguments, Query
from adapters.base.sender import Answer
from adapters.base.settings import Capabilities, ShutdownPolicy, ShutdownReport, Subscription, VenueSettings, check
from adapters.base.shapes import part_of
from adapters.base.transport import Transport
from adapters.base.websocket import OrderSocket
from adapters.base.websocket import Websocket as BaseWebsocket
from adapters.dydx import wire
from adapters.dydx.account import GRACE_BLOCKS, HEIGHTS, SUBACCOUNTS
from adapters.dydx.channels import SNAPSHOT_LEVELS
from adapters.dydx.client import Client, trader
from adapters.dydx.endpoints import HOSTS, Endpoints
from adapters.dydx.formats import BATCH, Formats
from adapters.dydx.orderid import numbers, order_id, subaccount_id
from adapters.dydx.recorded import MARKETS, Decoder, market_of
from adapters.dydx.terms import Life
from adapters.dydx.types import FLAGS, LONG_TERM, SHORT_TERM
from adapters.dydx.websocket import PrivateWebsocket, Websocket
from state.clock import Clock
from state.errors import NotOffered, OutcomeUnknown, VenueError, WrongUse
from state.events import (
    AmendOrder,
    AnyEvent,
    BalanceUpdate,
    CancelOrder,
    Fill,
    FundingPayment,
    InstrumentDefined,
    Intent,
    OrderUpdate,
    PlaceOrder,
    PositionUpdate,
)  # fmt: skip
from state.record import Inbox
from state.secrets import Credentials, Secret
from state.words import TERMINAL, Action, Side, TimeInForce

__all__ = ["CAPABILITIES", "MARKETS", "Decoder", "Exchange", "market_of"]

DEPTHS = (50, SNAPSHOT_LEVELS)  # one book serves both
PRICES_EVERY_S = 20.0
SWEEP_EVERY_S = 2.0
BLOCK_LATE_S = 10.0  # a chain that makes no block for so long is not to be traded on

CAPABILITIES = Capabilities(
    markets=MARKETS, environments=tuple(HOSTS), depths=DEPTHS, private=(SUBACCOUNTS, HEIGHTS),
    channels=("book", "trades", "ticker", "candles", "liquidations"), place_batch=1, amend_batch=1, cancel_batch=BATCH,
    ws_order_entry=False, cancel_all=True, amend=True, dead_man="", expires=True,
    actions=tuple(name for name in Endpoints.ALL if name != "place_stateful"),
)  # fmt: skip

_time, _tier = part_of("iso", str), part_of("tier", wire.FeeTier)


class GivenOrder(msgspec.Struct, forbid_unknown_fields=True):
    """An order that is to be amended or cancelled; `until` is a block, or unix seconds where it is stateful."""

    symbol: str
    side: Side
    until: int
    tif: TimeInForce = "gtc"
    reduce_only: bool = False
    stateful: bool = False


class Given(msgspec.Struct, forbid_unknown_fields=True):
    """What the venue would have told, for requests that are only shown."""

    height: int = 0
    account_number: int | None = None
    orders: dict[str, GivenOrder] = {}


class Exchange(BaseExchange):
    """One dYdX subaccount. Raises `WrongUse` for settings that the venue cannot serve, and without the extra where it trades."""

    capabilities = CAPABILITIES
    closing_rounds = 16  # an order that was cancelled can fill until a block that is some ten seconds away
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
        check(settings, CAPABILITIES, "dydx", is_trading=credentials is not None)
        self.batch_sizes: dict[Action, int] = {"place": 1, "amend": 1, "cancel": BATCH, "cancel_all": 1}
        self._host = HOSTS[settings.environment].or_else(settings.rest_url, settings.public_url, settings.trade_url)
        address, number, authenticators = "", 0, ()  # type: tuple[str, int, tuple[int, ...]]
        if credentials is not None:
            credentials, number, authenticators = _taken_apart(credentials)
            address = credentials.key.reveal()
        self.formats = Formats(settings.venue, address, number, settings.order_life_s)
        self.formats.height, self.formats.now_s = self._newest, lambda: (clock.now_ns() + self.sender.offset.ns) / 1e9
        self._signer = None
        if credentials is not None:
            self.formats.bodies, self._signer = trader(address, number, authenticators, credentials.secret.reveal())
            if self._signer.address != address and not authenticators:
                raise WrongUse(
                    "dydx: the secret is of another address than the key, and no passphrase names an authenticator"
                )
        self._subaccount_id = subaccount_id(address, number)
        self._used: tuple[str, ...] = settings.symbols
        super().__init__(settings, inbox, clock, session, credentials, transport)

    def make_client(self) -> BaseClient:
        return Client(self._host, self._signer, self.formats.address)

    def pools(self) -> Iterable[Pool]:
        return Endpoints.pools(own_node=bool(self.settings.trade_url))

    def shared_pool(self) -> str:
        return ""

    # --- life ---

    async def start(self, subscriptions: Iterable[Subscription]) -> None:
        wanted = list(subscriptions)
        self.settle = ("",)  # its lists know no coins
        self._used = tuple(dict.fromkeys([*self.settings.symbols, *(each.symbol for each in wanted)]))
        if self.credentials is not None:
            await self._introduce()
            await self.instruments()  # of all markets: the account may hold orders in one that is not followed
        await super().start(wanted)
        if self.credentials is not None:
            self._spawn(self._every(PRICES_EVERY_S, self._prices))
            self._spawn(self._every(SWEEP_EVERY_S, self._sweep))

    async def _introduce(self) -> None:
        """Asks the node what the account is called there, and whether it is of the chain that was meant.

        Raises `WrongUse` where it is not: an order signed for one chain says nothing on another.
        """
        answer = await self.sender.read(self.build("block", Query()))
        chain_id = self._fitting(answer, cosmos.chain_id)
        known = {host.chain_id for host in HOSTS.values()}
        if chain_id != self._host.chain_id and (chain_id in known or not self.settings.trade_url):
            raise WrongUse(f"dydx: the node is of {chain_id}, and {self._host.chain_id} was meant")
        self.client.chain_id = chain_id
        try:
            answer = await self.sender.read(self.build("account", Query()))
        except VenueError as error:
            raise VenueError(error.venue, error.code, error.text, "fatal") from None
        self.client.account_number = self._fitting(answer, cosmos.account_number)

    async def shutdown(self, policy: ShutdownPolicy) -> ShutdownReport:
        if policy == "flatten":
            await self._attempt(self._prices)  # a market order is limited by them
        return await super().shutdown(policy)

    async def _prices(self) -> None:
        for symbol in self._used:
            await self.tickers(Query(symbol=symbol))

    def _newest(self) -> int:
        """The newest block. Raises `NotOffered` where none was heard of lately: an order's end would be a guess."""
        told, made_ns = self.formats.account.height, self.formats.account.block_ns
        if not told:
            raise NotOffered("dydx: no block's height is known", "busy")
        if made_ns is not None and self.formats.now_s() - made_ns / 1e9 > BLOCK_LATE_S:
            raise NotOffered(f"dydx: no block since {told}, for {BLOCK_LATE_S:.0f} s and more", "market_state")
        return told

    async def _sweep(self) -> None:
        """Orders that nobody told the end of though their time is over: the Indexer is asked, and silence is believed then."""
        account, now_s = self.formats.account, self.formats.now_s()
        for client_id, life in list(self.formats.lives.items()):
            open_here = client_id in self.known.orders
            if life.may_live(account.height - GRACE_BLOCKS, now_s) or not (open_here or (life.taken and not life.told)):
                continue
            _, update, fills = await self.find_order(life.symbol, client_id)
            life.taken = False
            if update is None:
                uuid = self._order_id(client_id, life.symbol, life.flags)
                update = OrderUpdate(self.venue, life.symbol, None, client_id, uuid, "expired", reason="EXPIRED")
            self.account_inbox.feed(self.clock.now_ns(), [*fills, update])

    # --- orders ---

    def build(self, action: str, arguments: Arguments) -> Request:
        return self.formats.request(action, arguments)

    def given(self, text: str) -> None:
        try:
            said = msgspec.json.decode(text, type=Given, strict=False)
        except msgspec.DecodeError as error:
            raise WrongUse(f"dydx, given {text[:80]}: {error}") from None
        self.formats.account.passed(said.height, None)
        self.client.account_number = said.account_number
        for client_id, it in said.orders.items():
            flags = LONG_TERM if it.stateful else SHORT_TERM
            self.formats.lives[client_id] = Life(it.symbol, flags, it.side, it.tif, it.reduce_only, it.until, told=True)

    def together(self, action: Action, intent: Intent) -> str:
        """Short-term orders are cancelled together, stateful ones alone."""
        if not isinstance(intent, CancelOrder):
            return ""
        life = self.formats.lives.get(intent.client_id)
        return "" if life is None or life.is_short else intent.client_id

    def order_id_of(self, intent: Intent) -> str | None:
        """Computed, from what a node has just accepted."""
        if not isinstance(intent, PlaceOrder | AmendOrder | CancelOrder):
            return None
        life = self.formats.lives.get(intent.client_id)
        if life is None:
            return None
        life.taken = life.taken or isinstance(intent, PlaceOrder)
        return self._order_id(intent.client_id, intent.symbol, life.flags)

    def _order_id(self, client_id: str, symbol: str, flags: int) -> str:
        pair = self.formats.market(symbol).clobPairId or 0
        return order_id(self._subaccount_id, numbers(client_id)[0], pair, flags)

    def cancel_scopes(self, symbol: str) -> Sequence[Query]:
        return self.formats.scopes(symbol)

    def look_ups(self, symbol: str, client_id: str) -> Sequence[tuple[str, Query]]:
        """By the id that the Indexer computes; whose flags nobody knows is asked for under each."""
        life = self.formats.lives.get(client_id)
        ids = [self._order_id(client_id, symbol, flags) for flags in (FLAGS if life is None else (life.flags,))]
        return [("order", Query(symbol=symbol, order_id=each)) for each in ids]

    def fills_of(self, order: OrderUpdate) -> Query:
        return Query(symbol=order.symbol, order_id=order.order_id or "")

    async def find_order(self, symbol: str, client_id: str) -> tuple[Answer, OrderUpdate | None, Sequence[AnyEvent]]:
        """That the Indexer knows nothing of an order that nobody told yet proves nothing while a block can still take it.

        One that a node has cancelled it forgets; what the stream told of it stands.
        """
        found = await super().find_order(symbol, client_id)
        life, known = self.formats.lives.get(client_id), self.known.orders.get(client_id)
        if found[1] is None and known is not None and known.status in TERMINAL:
            return found[0], known, found[2]
        if found[1] is not None or life is None or life.told:
            return found
        if life.may_live(self.formats.account.height, self.formats.now_s()):
            raise OutcomeUnknown(f"dydx: {client_id} is not known, and may still arrive until {life.until}")
        return found

    # --- reads ---

    def read(self, action: str, body: bytes, query: Query) -> tuple[Sequence[AnyEvent], str]:
        events, cursor = self.formats.answer(action, body, query)
        if action == "positions":
            held = [event for event in events if isinstance(event, PositionUpdate)]
            return [*held, *self.known.flats(held, self.formats.account.as_of_ns)], cursor
        if action == "wallet":
            return [event for event in events if isinstance(event, BalanceUpdate)], cursor
        return events, cursor

    async def poll(
        self, action: str, query: Query, *, feed: bool = False, priority: Priority = Priority.READ
    ) -> Sequence[AnyEvent]:
        """Executions are fills, each once though pages overlap, and funding, which no stream tells."""
        if action != "executions":
            return await super().poll(action, query, feed=feed, priority=priority)
        fills = await super().poll("executions", query, priority=priority)
        events: list[AnyEvent] = list({event.fill_id: event for event in fills if isinstance(event, Fill)}.values())
        if not query.order_id:
            events += await super().poll(
                "funding", msgspec.structs.replace(query, cursor="", limit=None), priority=priority
            )
        events.sort(key=lambda event: event.ts or 0 if isinstance(event, Fill | FundingPayment) else 0)
        if feed and events:
            self.account_inbox.feed(self.clock.now_ns(), events)
        return events

    def server_ns(self, body: bytes) -> int:
        return iso.ns(_time(body)) or 0

    def with_fees(self, instrument: InstrumentDefined, body: bytes) -> InstrumentDefined:
        tier = _tier(body)
        maker, taker = (Decimal(ppm).scaleb(-6) for ppm in (tier.maker_fee_ppm, tier.taker_fee_ppm))
        return replace(instrument, maker_fee=maker, taker_fee=taker)

    # --- sockets ---

    def public_sockets(self, subscriptions: Iterable[Subscription]) -> Sequence[BaseWebsocket]:
        return Websocket.of(self.settings, self._host.socket, subscriptions)

    def private_socket(self) -> BaseWebsocket:
        url = self.settings.private_url or self._host.socket
        return PrivateWebsocket(url, self.formats.account, self.formats.address, self.formats.number)

    def order_socket(self) -> OrderSocket | None:
        return None


def _taken_apart(credentials: Credentials) -> tuple[Credentials, int, tuple[int, ...]]:
    """The address alone, the subaccount's number and the authenticators' ids. Raises `WrongUse`."""
    address, _, number = credentials.key.reveal().partition("/")
    ids = [word.strip() for word in credentials.passphrase.reveal().split(",") if word.strip()]
    if not address.startswith("dydx1") or not all(word.isdecimal() for word in (number or "0", *ids)):
        raise WrongUse(
            "dydx: the key is an address, dydx1… or dydx1…/3, and the passphrase authenticators: 12 or 12,13"
        )
    apart = Credentials(Secret(address), credentials.secret, credentials.passphrase)
    return apart, int(number or "0"), tuple(map(int, ids))
