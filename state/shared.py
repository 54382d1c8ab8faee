"""SharedState: everything that is known, for many venues and many symbols.

The reducer writes it, everybody else reads. `shared.exchange` is the way to the venues' order side.
"""

from collections.abc import Callable
from decimal import Decimal
from functools import cache
from hashlib import blake2b
from typing import TypeVar

import msgspec

from state.decisions import check_shape, check_terms
from state.errors import LogCorrupt, SchemaUnknown, WrongUse
from state.events import AmendOrder, CancelAll, CancelOrder, Intent, PlaceOrder
from state.instruments import Instrument
from state.ledger import Ledger, LedgerSnapshot
from state.market import Market, MarketSnapshot
from state.orders import Order, Orders, OrdersSnapshot
from state.words import FeedState, OrderKind, RiskState, Side, TimeInForce


class Account:
    """Orders, positions and balances at one venue; `status` is "ok" once they are reconciled with it, `has_begun` since the
    first time that they were.
    """

    __slots__ = ("has_begun", "ledger", "orders", "status", "venue")

    def __init__(self, venue: str) -> None:
        self.venue = venue
        self.orders = Orders(venue)
        self.ledger = Ledger(venue)
        self.status: FeedState = "connecting"
        self.has_begun = False

    @property
    def is_ready(self) -> bool:
        """True while what is known of the account can be relied on."""
        return self.status == "ok"

    def dump(self) -> "AccountSnapshot":
        return AccountSnapshot(self.venue, self.status, self.has_begun, self.orders.dump(), self.ledger.dump())


class RiskStanding(msgspec.Struct, frozen=True, array_like=True):
    """What a strategy may still do, and why."""

    state: RiskState
    reason: str


class SharedState:
    """What is known at `seq`; `now` is the time of receipt of that record, ns UTC."""

    def __init__(self) -> None:
        self.seq = 0
        self.now = 0
        self.session = ""
        self.seed = 0
        self.halted: str | None = None
        self.closed = False
        self.failed: dict[str, str] = {}  # strategy -> error
        self.risk: dict[str, RiskStanding] = {}  # of strategies whose standing was changed
        self.parameters: dict[str, dict[str, msgspec.Raw]] = {}  # strategy -> those changed in flight, as JSON
        self.signals: dict[str, float] = {}
        self.connections: dict[tuple[str, str], FeedState] = {}  # venue and channel, of what is no one market's
        self.markets: dict[tuple[str, str], Market] = {}
        self.accounts: dict[str, Account] = {}
        self.exchange = Exchanges(self)
        self.order_call: Callable[[Intent], None] | None = None  # the pipeline, which makes order calls intents

    def market(self, venue: str, symbol: str) -> Market:
        """The market, empty before its first event."""
        key = (venue, symbol)
        market = self.markets.get(key)
        if market is None:
            market = self.markets[key] = Market(venue, symbol)
        return market

    def account(self, venue: str) -> Account:
        """The account, empty before its first event."""
        account = self.accounts.get(venue)
        if account is None:
            account = self.accounts[venue] = Account(venue)
        return account

    def instrument(self, venue: str, symbol: str) -> Instrument:
        """Raises `WrongUse` where the venue has not defined it in this session."""
        instrument = self.market(venue, symbol).instrument
        if instrument is None:
            raise WrongUse(
                f"the rules of {venue} {symbol} are not known: an order waits until `market.instrument` is there, of a "
                "market that the session follows"
            )
        return instrument

    def change_parameters(self, strategy: str, params: str) -> None:
        """`params` (JSON) of a strategy are other ones from here on."""
        changed = msgspec.json.decode(params, type=dict[str, msgspec.Raw])
        self.parameters.setdefault(strategy, {}).update(changed)

    def dump(self) -> bytes:
        """The whole state as canonical bytes: equal states give equal bytes.

        Markets and accounts that were only asked for, and of which nothing was heard, are not part of it.
        """
        return _shape() + _encode(
            StateSnapshot(
                seq=self.seq,
                now=self.now,
                session=self.session,
                seed=self.seed,
                halted=self.halted,
                closed=self.closed,
                failed=dict(sorted(self.failed.items())),
                risk=dict(sorted(self.risk.items())),
                parameters={
                    strategy: {name: bytes(value).decode() for name, value in sorted(params.items())}
                    for strategy, params in sorted(self.parameters.items())
                },
                signals=dict(sorted(self.signals.items())),
                connections=[(venue, channel, state) for (venue, channel), state in sorted(self.connections.items())],
                markets=_heard([self.markets[key].dump() for key in sorted(self.markets)], _silent_market),
                accounts=_heard([self.accounts[venue].dump() for venue in sorted(self.accounts)], _silent_account),
            )
        )

    @classmethod
    def load(cls, body: bytes) -> "SharedState":
        """Raises `SchemaUnknown` for what another version dumped, `LogCorrupt` for what nobody did."""
        if not body.startswith(_shape()):
            raise SchemaUnknown("the snapshot was made by another version of Tapeline")
        try:
            snapshot = _decode(memoryview(body)[_SHAPE_BYTES:])
        except msgspec.DecodeError as error:
            raise LogCorrupt(f"a snapshot cannot be read: {error}") from error
        shared = cls()
        shared.seq, shared.now = snapshot.seq, snapshot.now
        shared.session, shared.seed = snapshot.session, snapshot.seed
        shared.halted, shared.closed = snapshot.halted, snapshot.closed
        shared.failed, shared.signals = dict(snapshot.failed), dict(snapshot.signals)
        shared.risk = dict(snapshot.risk)
        shared.parameters = {
            strategy: {name: msgspec.Raw(value.encode()) for name, value in params.items()}
            for strategy, params in snapshot.parameters.items()
        }
        shared.connections = {(venue, channel): state for venue, channel, state in snapshot.connections}
        for market in snapshot.markets:
            shared.markets[(market.venue, market.symbol)] = Market.load(market)
        for known in snapshot.accounts:
            account = shared.account(known.venue)
            account.status, account.has_begun = known.status, known.has_begun
            account.orders = Orders.load(known.orders)
            account.ledger = Ledger.load(known.ledger)
        return shared


def _heard(snapshots: "list[_Snapshot]", silent: "Callable[[_Snapshot], _Snapshot]") -> "list[_Snapshot]":
    return [snapshot for snapshot in snapshots if snapshot != silent(snapshot)]


def _silent_market(snapshot: MarketSnapshot) -> MarketSnapshot:
    return Market(snapshot.venue, snapshot.symbol).dump()


def _silent_account(snapshot: "AccountSnapshot") -> "AccountSnapshot":
    return Account(snapshot.venue).dump()


class AccountSnapshot(msgspec.Struct, frozen=True, array_like=True):
    """An account at one seq."""

    venue: str
    status: FeedState
    has_begun: bool
    orders: OrdersSnapshot
    ledger: LedgerSnapshot


class StateSnapshot(msgspec.Struct, frozen=True, array_like=True):
    """Everything that is known at one seq."""

    seq: int
    now: int
    session: str
    seed: int
    halted: str | None
    closed: bool
    failed: dict[str, str]
    risk: dict[str, RiskStanding]
    parameters: dict[str, dict[str, str]]
    signals: dict[str, float]
    connections: list[tuple[str, str, FeedState]]
    markets: list[MarketSnapshot]
    accounts: list[AccountSnapshot]


_Snapshot = TypeVar("_Snapshot", MarketSnapshot, AccountSnapshot)

_SHAPE_BYTES = 16


@cache
def _shape() -> bytes:
    """Names the fields of a snapshot and of all that is in it: a state is only ever loaded by code of the same shape."""
    return blake2b(msgspec.json.encode(msgspec.json.schema(StateSnapshot)), digest_size=_SHAPE_BYTES).digest()


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(StateSnapshot).decode


class ExchangeDoor:
    """The order calls of one venue. Each is checked against the grid here and becomes an intent; nothing is sent directly."""

    def __init__(self, shared: "SharedState", venue: str = "") -> None:
        self._shared = shared
        self._venue = venue

    @property
    def venue(self) -> str:
        """The venue spoken of; raises `WrongUse` where none was said and the session has not just one."""
        if self._venue:
            return self._venue
        venues = sorted(self._shared.accounts)
        if len(venues) != 1:
            raise WrongUse(
                f"say which venue: shared.exchange(venue); this session has {', '.join(venues) or 'none yet'}"
            )
        return venues[0]

    def create(
        self,
        symbol: str,
        side: Side,
        size: Decimal,
        price: Decimal | None = None,
        *,
        kind: OrderKind = "limit",
        tif: TimeInForce = "gtc",
        reduce_only: bool = False,
        label: str = "",
    ) -> None:
        """Raises `WrongUse` for terms that do not go together, `OffGrid` for numbers that are not the instrument's."""
        self._call(PlaceOrder(self.venue, symbol, side, size, price, kind, tif, reduce_only, label=label))

    def amend(self, symbol: str, client_id: str, price: Decimal, size: Decimal) -> None:
        """`size` is the new total; raises `OffGrid`, or `WrongUse` for an order that is not open."""
        self._open(client_id)
        self._call(AmendOrder(self.venue, symbol, client_id, price, size))

    def cancel(self, symbol: str, client_id: str) -> None:
        """Raises `WrongUse` for an order that is not open."""
        self._open(client_id)
        self._call(CancelOrder(self.venue, symbol, client_id))

    def cancel_all(self, symbol: str = "") -> None:
        """All orders of a market, or of the venue, also those of the account that are not ours."""
        self._call(CancelAll(self.venue, symbol))

    def _open(self, client_id: str) -> Order:
        order = self._shared.account(self.venue).orders.get(client_id)
        if order is None or not order.is_open:
            raise WrongUse(f"no open order {client_id} at {self.venue}")
        return order

    def _call(self, intent: Intent) -> None:
        call = self._shared.order_call
        if call is None:
            raise WrongUse("this state is only read (a rebuild or a copy): it takes no orders")
        check_shape(intent)
        if isinstance(intent, PlaceOrder | AmendOrder):
            amended = self._shared.account(intent.venue).orders.get(intent.client_id)
            check_terms(intent, self._shared.instrument(intent.venue, intent.symbol), amended)
        call(intent)


class Exchanges(ExchangeDoor):
    """`shared.exchange("bybit")`, or its calls directly where the session has only one venue."""

    def __call__(self, venue: str) -> ExchangeDoor:
        return ExchangeDoor(self._shared, venue)
