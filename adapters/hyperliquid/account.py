"""Orders, fills, positions, balances and funding → events. Money is Decimal, read from the venue's text.

The same objects come by private stream and by REST. Only the stream teaches what is remembered here, so that its recording says
the same again.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

import msgspec

from adapters.base.collateral import Collateral
from adapters.base.lives import ORDERS_MOST, Lives
from adapters.base.numbers import money, owed
from adapters.base.once import Bounded, Once
from adapters.hyperliquid import wire
from adapters.hyperliquid.types import Types, fill_kind, status_of
from state.events import AnyEvent, BalanceUpdate, Fill, FundingPayment, OrderUpdate, PositionUpdate
from state.words import TERMINAL

MS = 1_000_000  # ns
HOUR_MS = 3_600_000
ASSET = "USDC"
SEEN_MOST = 20_000  # fills and payments; a snapshot has the last 2,000

# What is subscribed of an account. `userEvents` says nothing that the others do not, but why the venue ended an order.
PRIVATE_TOPICS = (
    "orderUpdates", "userFills", "userFundings", "userEvents", "clearinghouseState", "openOrders", "spotState",
)  # fmt: skip
PASSED_OVER = frozenset({
    "userEvents", "notification", "userNonFundingLedgerUpdates", "userTwapSliceFills", "userTwapHistory",
    "activeAssetData", "webData3", "twapStates", "userHistoricalOrders",
})  # fmt: skip

# Coins of perpetuals apart from spot, or all in one, told as spot: `clearinghouseState` then says only what positions need.
# https://hyperliquid.gitbook.io/hyperliquid-docs/trading/account-abstraction-modes
IS_UNIFIED = {
    "default": False, "disabled": False, "dexAbstraction": False, "unifiedAccount": True, "portfolioMargin": True,
}  # fmt: skip

_orders = msgspec.json.Decoder(wire.Message[list[wire.OrderStatus]]).decode
_fills = msgspec.json.Decoder(wire.Message[wire.Fills]).decode
_fundings = msgspec.json.Decoder(wire.Message[wire.Fundings]).decode
_state = msgspec.json.Decoder(wire.Message[wire.AccountState]).decode
_coins = msgspec.json.Decoder(wire.Message[dict[str, wire.Coins | str]]).decode
_open_orders = msgspec.json.Decoder(wire.Message[wire.OpenOrders]).decode


class Account:
    """What venue objects mean; `marks` learns what a coin is worth."""

    def __init__(self, venue: str) -> None:
        self.venue = venue
        self.lives = Lives()
        self.marks: dict[str, float] = {}
        self.collateral = Collateral(venue, ASSET, IS_UNIFIED)
        self._latest: Bounded[str, wire.OrderStatus] = Bounded(ORDERS_MOST)  # by cloid
        self._oids = Once(SEEN_MOST)  # that were told
        self._seen = Once(SEEN_MOST)  # fills and payments
        self._snapshots = Once(2)  # channels whose first was heard
        self._held: dict[str, None] = {}

    def knows(self, channel: str) -> bool:
        """True for what is told to an account's owner."""
        return channel in _READERS or channel in PASSED_OVER

    def private(self, channel: str, frame: bytes) -> Sequence[AnyEvent]:
        """The events of a private frame. Raises `UnknownWord`, `msgspec.DecodeError`, `ValueError`."""
        read = _READERS.get(channel)
        return () if read is None else read(self, frame)

    # --- by stream ---

    def _order_updates(self, frame: bytes) -> Sequence[AnyEvent]:
        """New lives before the ends of old ones, which then are no ends."""
        rows = [row for row in _orders(frame).data if is_perpetual(row.order.coin)]
        if len(rows) > 1:
            rows.sort(key=lambda row: status_of(row.status).status in TERMINAL)
        return [event for row in rows for event in self._order_update(row)]

    def _order_update(self, row: wire.OrderStatus) -> Sequence[AnyEvent]:
        order, said = row.order, status_of(row.status)
        cloid, oid = order.cloid, order.oid
        self._oids.is_new(oid)
        if cloid is None:
            return (self.order(row),)
        before = self.lives.latest(cloid)
        if said.status == "rejected" and 0 < before < oid:
            self.lives.forget(cloid, oid)
            return ()  # a change was refused: its request is told so, and the old number's end ends the order
        known = self.lives.filled(cloid)
        self.lives.tell(cloid, oid, _filled(order))
        if oid < before or (said.status in TERMINAL and self.lives.is_replaced(cloid, oid)):
            return self.told_again(cloid) if self.lives.filled(cloid) > known else ()
        self._latest[cloid] = row
        return (self.order(row),)

    def told_again(self, cloid: str, size: Decimal | None = None) -> Sequence[AnyEvent]:
        """The order as it was told last, if it lives, and with what is known by now of its earlier lives: it may be larger.

        With a `size`, only where it has another.
        """
        row = self._latest.get(cloid)
        update = None if row is None else self.order(row)
        return () if update is None or update.status in TERMINAL or update.size == size else (update,)

    def _user_fills(self, frame: bytes) -> Sequence[AnyEvent]:
        """The first snapshot is of before; what is new in a later one was missed."""
        said = _fills(frame).data
        first = said.isSnapshot and self._snapshots.is_new("fills")
        events = list[AnyEvent]()
        for row in sorted(said.fills, key=lambda row: row.time) if said.isSnapshot else said.fills:
            if not is_perpetual(row.coin):
                continue
            fill = self.fill(row, said.user, backfilled=said.isSnapshot)
            if not self._seen.is_new(fill.symbol, fill.side, fill.fill_id) or first:
                continue
            if row.cloid is not None:
                self.lives.fill(row.cloid, row.oid, fill.size)
                if row.oid < self.lives.latest(row.cloid):
                    events += self.told_again(row.cloid)
            events.append(fill)
        return events

    def _user_fundings(self, frame: bytes) -> Sequence[AnyEvent]:
        said = _fundings(frame).data
        first = said.isSnapshot and self._snapshots.is_new("fundings")
        paid = [self.funding(row.time, row) for row in said.fundings]
        return [each for each in paid if self._seen.is_new(each.symbol, each.payment_id) and not first]

    def _clearinghouse(self, frame: bytes) -> Sequence[AnyEvent]:
        state = _state(frame).data.clearinghouseState
        positions = self.positions(state)
        listed = dict.fromkeys(position.symbol for position in positions)
        ts = state.time * MS or None
        flat = [PositionUpdate(self.venue, each, ts, Decimal(0)) for each in self._held if each not in listed]
        self._held = listed
        return [*positions, *flat] if self.collateral.is_unified else [*positions, *flat, self.balance(state)]

    def _spot_state(self, frame: bytes) -> Sequence[AnyEvent]:
        """Of an account that keeps all its coins together; spot is not traded here, so what others hold there is not told."""
        held = _coins(frame).data.get("spotState")
        return self.collateral.listed(held.balances) if isinstance(held, wire.Coins) else ()

    def _open_orders(self, frame: bytes) -> Sequence[AnyEvent]:
        """A list that repeats what was told; of an order that it was not told of, it is the first word."""
        new = [
            row for row in _open_orders(frame).data.orders if is_perpetual(row.coin) and (row.oid,) not in self._oids
        ]
        return [event for row in new for event in self._order_update(wire.OrderStatus(row, "open", row.timestamp))]

    # --- by stream or REST ---

    def order(self, row: wire.OrderStatus) -> OrderUpdate:
        """What an order is now, over all ids that it has had."""
        order, said, ts = row.order, status_of(row.status), row.statusTimestamp
        cloid = order.cloid
        before = self.lives.filled(cloid, order.oid) if cloid else Decimal(0)
        former = self.lives.former(cloid, order.oid) if cloid else 0
        filled = max(before + _filled(order), self.lives.filled(cloid, order.oid + 1) if cloid else Decimal(0))
        size = before + owed(order.origSz or order.sz)
        status = "partially_filled" if said.status == "open" and filled else said.status
        status = "cancelled" if status == "rejected" and former else status  # by a change that was refused
        return OrderUpdate(
            self.venue, order.coin, ts * MS, cloid, str(order.oid), status, Types.side.parse(order.side),
            None if order.orderType is None else Types.kind.parse(order.orderType),
            None if order.tif is None else Types.tif.parse(order.tif), owed(order.limitPx), size, filled,
            reduce_only=order.reduceOnly, reason=said.reason, refusal=said.refusal, origin=said.origin,
            replaces=str(former) if former else None, version=ts,
        )  # fmt: skip

    def fill(self, row: wire.Fill, user: str, *, backfilled: bool = False) -> Fill:
        """`user` is the account's address, or what stands for it where that was struck out."""
        ours = row.liquidation is not None and row.liquidation.liquidatedUser in (user, "***")
        fill_id = f"{row.time}-{row.tid or f'{row.oid}-{row.startPosition}-{row.sz}'}"
        return Fill(
            self.venue, row.coin, row.time * MS, fill_id, str(row.oid), row.cloid, Types.side.parse(row.side),
            owed(row.px), owed(row.sz), -owed(row.fee), row.feeToken, not row.crossed,
            fill_kind(row.dir, ours=ours), money(row.closedPnl), backfilled,
        )  # fmt: skip

    def funding(self, time_ms: int, row: wire.Funding) -> FundingPayment:
        """Paid every hour, so the hour is the id."""
        return FundingPayment(
            self.venue, row.coin, time_ms * MS, str(time_ms // HOUR_MS * HOUR_MS), owed(row.usdc), ASSET,
            money(row.fundingRate), money(row.szi),
        )  # fmt: skip

    def positions(self, state: wire.Clearinghouse) -> list[PositionUpdate]:
        """All that are not flat."""
        return [self._position(held.position, state.time) for held in state.assetPositions]

    def _position(self, row: wire.Position, time_ms: int) -> PositionUpdate:
        size = owed(row.szi)
        if size:
            self.marks[row.coin] = float(owed(row.positionValue) / abs(size))
        return PositionUpdate(
            self.venue, row.coin, time_ms * MS or None, size, money(row.entryPx), None, money(row.liquidationPx),
            money(row.unrealizedPnl), None, Decimal(row.leverage.value), time_ms or None,
        )  # fmt: skip

    def balance(self, state: wire.Clearinghouse) -> BalanceUpdate:
        """Collateral: the account's value without what its positions have not realized."""
        unrealized = sum((owed(held.position.unrealizedPnl) for held in state.assetPositions), Decimal(0))
        total = owed(state.marginSummary.accountValue) - unrealized
        return BalanceUpdate(self.venue, "", state.time * MS or None, ASSET, total, money(state.withdrawable))


_READERS: Mapping[str, Callable[[Account, bytes], Sequence[AnyEvent]]] = {
    "orderUpdates": Account._order_updates, "userFills": Account._user_fills, "userFundings": Account._user_fundings,
    "clearinghouseState": Account._clearinghouse, "webData2": Account._clearinghouse,
    "openOrders": Account._open_orders, "spotState": Account._spot_state,
}  # fmt: skip


def is_perpetual(coin: str) -> bool:
    """Spot pairs are named by number, or with a slash."""
    return not coin.startswith("@") and "/" not in coin


def _filled(order: wire.Order) -> Decimal:
    return owed(order.origSz) - owed(order.sz) if order.origSz else Decimal(0)
