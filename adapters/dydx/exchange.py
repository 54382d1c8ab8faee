"""dYdX v4: ties its nouns together.

A key is an address, `dydx1…` or `dydx1…/3` for its third subaccount; the secret is a key in hex or a mnemonic. Where another key
than the owner's signs, the passphrase names its authenticators: `12` or `12,13`.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec

from adapters.base import cosmos, iso
from adapters.base.client import Client as BaseClient
from adapters.base.client import Request
from adapters.base.expiring import Expiring, GivenOrder
from adapters.base.funded import FundedApart
from adapters.base.limits import Pool, Priority
from adapters.base.on_chain import OnChain
from adapters.base.query import Arguments, Query, said
from adapters.base.settings import Capabilities, ShutdownPolicy, ShutdownReport, Subscription, check
from adapters.base.shapes import part_of
from adapters.base.websocket import OrderSocket
from adapters.base.websocket import Websocket as BaseWebsocket
from adapters.dydx import wire
from adapters.dydx.account import HEIGHTS, SUBACCOUNTS
from adapters.dydx.channels import SNAPSHOT_LEVELS
from adapters.dydx.client import Client, trader
from adapters.dydx.endpoints import HOSTS, Endpoints
from adapters.dydx.formats import BATCH, Formats
from adapters.dydx.orderid import numbers, order_id, subaccount_id
from adapters.dydx.recorded import MARKETS, Decoder, market_of
from adapters.dydx.types import FLAGS, LONG_TERM, SHORT_TERM
from adapters.dydx.websocket import PrivateWebsocket, Websocket
from state.errors import WrongUse
from state.events import AnyEvent, BalanceUpdate, CancelOrder, InstrumentDefined, Intent, OrderUpdate, PositionUpdate
from state.secrets import Credentials, Secret
from state.words import Action

__all__ = ["CAPABILITIES", "MARKETS", "Decoder", "Exchange", "market_of"]

DEPTHS = (50, SNAPSHOT_LEVELS)  # one book serves both
PRICES_EVERY_S = 20.0

CAPABILITIES = Capabilities(
    markets=MARKETS, environments=tuple(HOSTS), depths=DEPTHS, private=(SUBACCOUNTS, HEIGHTS),
    channels=("book", "trades", "ticker", "candles", "liquidations"), place_batch=1, amend_batch=1, cancel_batch=BATCH,
    ws_order_entry=False, cancel_all=True, amend=True, dead_man="", expires=True,
    actions=tuple(name for name in Endpoints.ALL if name != "place_stateful"),
)  # fmt: skip

_time, _tier = part_of("iso", str), part_of("tier", wire.FeeTier)
_height = msgspec.json.Decoder(wire.Height, strict=False).decode


class Given(msgspec.Struct, forbid_unknown_fields=True):
    """What the venue would have told, for requests that are only shown."""

    height: int = 0
    account_number: int | None = None
    orders: dict[str, GivenOrder] = {}


class Exchange(FundedApart, Expiring, OnChain):
    """One dYdX subaccount. Raises `WrongUse` for settings that the venue cannot serve, and without the extra where it trades."""

    capabilities = CAPABILITIES
    closing_rounds = 16  # an order that was cancelled can fill until a block that is some ten seconds away
    kinds = FLAGS
    chain_ids = frozenset(host.chain_id for host in HOSTS.values())

    def prepare(self) -> None:
        settings, credentials = self.settings, self.credentials
        check(settings, CAPABILITIES, "dydx", is_trading=credentials is not None)
        self.batch_sizes: dict[Action, int] = {"place": 1, "amend": 1, "cancel": BATCH, "cancel_all": 1}
        where = {"rest": settings.rest_url, "socket": settings.public_url, "node": settings.trade_url}
        self._host = HOSTS[settings.environment]._replace(**said(where))
        self.settle = ("",)  # its lists know no coins
        self._used: tuple[str, ...] = settings.symbols
        address, number, bodies, signer = "", 0, None, None
        if credentials is not None:
            self.credentials, number, authenticators = _taken_apart(credentials)
            address = self.credentials.key.reveal()
            bodies, signer = trader(address, number, authenticators, credentials.secret.reveal())
            if signer.address != address and not authenticators:
                raise WrongUse(
                    "dydx: the secret is of another address than the key, and no passphrase names an authenticator"
                )
        self.chain = cosmos.Account(self._host.chain_id, signer)
        self.formats = Formats(settings.venue, address, number, settings.order_life_s)
        self.formats.bodies, self.lifetimes = bodies, self.formats.account.lifetimes
        self.lifetimes.now_s = lambda: (self.clock.now_ns() + self.sender.offset.ns) / 1e9
        self._subaccount_id = subaccount_id(address, number)

    def make_client(self) -> BaseClient:
        return Client(self._host, self.chain, self.formats.address)

    def pools(self) -> Iterable[Pool]:
        return Endpoints.pools(own_node=bool(self.settings.trade_url))

    # --- life ---

    async def start(self, subscriptions: Iterable[Subscription]) -> None:
        wanted = list(subscriptions)
        self._used = tuple(dict.fromkeys([*self.settings.symbols, *(each.symbol for each in wanted)]))
        if self.credentials is not None:
            await self.instruments()  # of all markets: the account may hold orders in one that is not followed
        await super().start(wanted)
        if self.credentials is not None:
            self._spawn(self._every(PRICES_EVERY_S, self._prices))

    async def _open_account(self, followed: Iterable[str]) -> None:
        """Its stream begins with all that is held, as of one block; its lists are as of a block that they do not name."""

    async def reconcile(self) -> None:
        if not self._reconciler.has_run:
            self.known.opened_ns = self.formats.account.as_of_ns or 0
        await super().reconcile()

    async def shutdown(self, policy: ShutdownPolicy) -> ShutdownReport:
        if policy == "flatten":
            await self._attempt(self._prices)  # a market order is limited by them
        return await super().shutdown(policy)

    async def poll(
        self, action: str, query: Query, *, feed: bool = False, priority: Priority = Priority.READ
    ) -> Sequence[AnyEvent]:
        """On the way out the account's stream may be away: the height is asked for, and listed orders are over by it."""
        if action == "positions" and priority is Priority.URGENT:
            answer = await self.sender.read(self.build("height", Query()), priority)
            block = self._fitting(answer, _height)
            self.formats.account.blocks.asked(block.height, iso.ns(block.time))
        events = await super().poll(action, query, feed=feed, priority=priority)
        if action == "open_orders" and priority is Priority.URGENT:
            return [each for each in events if isinstance(each, OrderUpdate) and not self.lifetimes.is_past(each)]
        return events

    async def _prices(self) -> None:
        """Of what is followed, and of whatever else the account holds."""
        held = (symbol for symbol, size in self.known.positions.items() if size)
        for symbol in dict.fromkeys((*self._used, *held)):
            await self.tickers(Query(symbol=symbol))

    # --- orders ---

    def build(self, action: str, arguments: Arguments) -> Request:
        return self.formats.request(action, arguments)

    def given(self, text: str) -> None:
        try:
            told = msgspec.json.decode(text, type=Given, strict=False)
        except msgspec.DecodeError as error:
            raise WrongUse(f"dydx, given {text[:80]}: {error}") from None
        self.formats.account.blocks.passed(told.height, None)
        self.chain.number = told.account_number
        for client_id, order in told.orders.items():
            self.lifetimes[client_id] = order.lifetime(LONG_TERM if order.stateful else SHORT_TERM)

    def together(self, action: Action, intent: Intent) -> str:
        """Short-term orders are cancelled together, stateful ones alone."""
        if not isinstance(intent, CancelOrder):
            return ""
        life = self.lifetimes.get(intent.client_id)
        return "" if life is None or life.kind == SHORT_TERM else intent.client_id

    def computed_id(self, client_id: str, symbol: str, kind: int) -> str:
        pair = self.formats.market(symbol).clobPairId or 0
        return order_id(self._subaccount_id, numbers(client_id)[0], pair, kind)

    def cancel_scopes(self, symbol: str) -> Sequence[Query]:
        return self.formats.scopes(symbol)

    # --- reads ---

    def read(self, action: str, body: bytes, query: Query) -> tuple[Sequence[AnyEvent], str]:
        events, cursor = self.formats.answer(action, body, query)
        if action == "positions":
            held = [event for event in events if isinstance(event, PositionUpdate)]
            return [*held, *self.known.flats(held, self.formats.account.as_of_ns)], cursor
        if action == "wallet":
            return [event for event in events if isinstance(event, BalanceUpdate)], cursor
        return events, cursor

    def server_ns(self, body: bytes) -> int:
        return iso.ns(_time(body)) or 0

    def with_fees(self, instrument: InstrumentDefined, body: bytes) -> InstrumentDefined:
        tier = _tier(body)
        maker, taker = (Decimal(ppm).scaleb(-6) for ppm in (tier.maker_fee_ppm, tier.taker_fee_ppm))
        return msgspec.structs.replace(instrument, maker_fee=maker, taker_fee=taker)

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
