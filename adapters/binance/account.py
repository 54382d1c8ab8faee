"""Orders, fills, positions and balances → events. Money is Decimal, read from the venue's text.

The same objects come by private stream and by REST, so both are read here.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

import msgspec

from adapters.base.numbers import money, owed
from adapters.binance import wire
from adapters.binance.types import BALANCE_REASONS, EXPIRED, FILL_OR_KILL, MADE_BY_VENUE, POST_ONLY, SELF_TRADED, Types
from state.events import AnyEvent, BalanceUpdate, FeedStatus, Fill, FundingPayment, OrderUpdate, PositionUpdate
from state.words import BalanceReason, FillKind, OrderKind, OrderStatus, Origin, Refusal, TimeInForce

MS = 1_000_000  # ns
HOUR_MS = 3_600_000

# The private stream's allow-list; the last four are no account events here: leverage, conditional orders, the key's end.
PRIVATE_EVENTS = (
    "ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE", "MARGIN_CALL",
    "ACCOUNT_CONFIG_UPDATE", "ALGO_UPDATE", "CONDITIONAL_ORDER_TRIGGER_REJECT", "listenKeyExpired",
)  # fmt: skip
# A fill comes whole with its order, and spot accounts are not read.
PASSED_OVER = frozenset(
    {
        *PRIVATE_EVENTS[3:], "TRADE_LITE", "STRATEGY_UPDATE", "GRID_UPDATE", "executionReport",
        "outboundAccountPosition", "outboundAccountInfo", "balanceUpdate", "listStatus",
    }
)  # fmt: skip

_order = msgspec.json.Decoder(wire.OrderEvent).decode
_account = msgspec.json.Decoder(wire.AccountEvent).decode
_margin_call = msgspec.json.Decoder(wire.MarginCall).decode


class Account:
    """What venue objects mean; `settle` learns each symbol's settlement asset from the instruments."""

    def __init__(self, venue: str) -> None:
        self.venue = venue
        self.settle: dict[str, str] = {}

    def private(self, event: str, frame: bytes) -> Sequence[AnyEvent] | None:
        """The events of a private event, or None for one that is none of ours.

        Raises `UnknownWord`, `msgspec.DecodeError`, `ValueError`.
        """
        read = _READERS.get(event)
        if read is not None:
            return read(self, frame)
        return () if event in PASSED_OVER else None

    def _order_event(self, frame: bytes) -> Sequence[AnyEvent]:
        """A fill, if there is one, before what the order is after it."""
        row = _order(frame).o
        update = self.order(row)
        if not money(row.fill_size):
            return (update,)
        return (self._fill(row, update), update)

    def _fill(self, row: wire.Order, update: OrderUpdate) -> Fill:
        kind = _FILL_KINDS.get(update.origin, Types.fill.parse(row.event))
        side, fee, asset = Types.side.parse(row.side), -(money(row.fee) or Decimal(0)), row.fee_asset
        return Fill(
            self.venue, row.symbol, row.time * MS, str(row.fill_id), update.order_id, update.client_id, side,
            owed(row.fill_price), owed(row.fill_size), fee, asset or self._settle_of(row.symbol), row.maker, kind,
            money(row.profit),
        )  # fmt: skip

    def order(self, row: wire.Order) -> OrderUpdate:
        """What an order is now; only the stream says why one expired."""
        kind, tif, status = Types.kind.parse(row.kind), Types.tif.parse(row.tif), Types.status.parse(row.status)
        made = (maker for start, maker in MADE_BY_VENUE.items() if row.client_id.startswith(start))
        origin: Origin = next(made, "user")
        filled, reason, refusal, word = money(row.filled), None, None, str(row.ended)
        if row.status == "EXPIRED_IN_MATCH":
            word = SELF_TRADED
        if row.status.startswith("EXPIRED"):
            status, refusal = _ended(kind, tif, word, bool(filled))
            ender, reason = EXPIRED.get(word, (origin, None))
            origin = ender if origin == "user" else origin
        price = None if kind == "market" else money(row.price)
        return OrderUpdate(
            self.venue, row.symbol, row.time * MS or None, row.client_id or None, str(row.order_id), status,
            Types.side.parse(row.side), kind, tif, price, owed(row.size), filled, money(row.average) or None,
            row.reduce_only, reason, refusal, origin, version=row.time or None,
        )  # fmt: skip

    def _account_event(self, frame: bytes) -> Sequence[AnyEvent]:
        message = _account(frame)
        rows, events = message.a, list[AnyEvent]()
        if rows.m == "FUNDING_FEE":
            symbol = rows.S or (rows.P[0].symbol if len(rows.P) == 1 else "")
            if symbol:  # else it is told by `income`, when the account is next read
                paid = [row for row in rows.B if money(row.change)]
                events += [self.funding(symbol, message.T, owed(row.change), row.asset) for row in paid]
        events += [self.position(row, message.T) for row in rows.P]
        reason = BALANCE_REASONS.get(rows.m)
        return [*events, *(self.balance(row, message.T, reason) for row in rows.B)]

    def _margin_call(self, frame: bytes) -> Sequence[AnyEvent]:
        message = _margin_call(frame)
        return [self.position(row, message.E) for row in message.p]

    def position(self, row: wire.Position, time_ms: int = 0) -> PositionUpdate | FeedStatus:
        """The signed position; a row of hedge mode that holds something is refused, since positions here are net."""
        size, ms = owed(row.size), time_ms or row.time
        if row.side != "BOTH" and size:
            reason = f"positionSide {row.side}: the account is in hedge mode; switch it to one-way"
            return FeedStatus(self.venue, row.symbol, "account", "down", reason)
        return PositionUpdate(
            self.venue, row.symbol, ms * MS or None, size, money(row.entry) or None, money(row.mark),
            money(row.liquidation) or None, money(row.unrealized), money(row.realized), version=ms or None,
        )  # fmt: skip

    def balance(self, row: wire.Balance, time_ms: int = 0, reason: BalanceReason | None = None) -> BalanceUpdate:
        ts, available, change = (time_ms or row.time) * MS or None, money(row.available), money(row.change) or None
        return BalanceUpdate(self.venue, "", ts, row.asset, owed(row.total), available, change, reason)

    def funding(self, symbol: str, time_ms: int, amount: Decimal, asset: str) -> FundingPayment:
        """Stream and REST share no id, and their times differ by seconds, so the period's hour is the id."""
        return FundingPayment(self.venue, symbol, time_ms * MS, str(time_ms // HOUR_MS * HOUR_MS), amount, asset)

    def fill(self, row: wire.UserTrade) -> Fill:
        """A fill told after the fact: it knows its order only by the venue's id."""
        order_id = None if row.orderId is None else str(row.orderId)
        return Fill(
            self.venue, row.symbol, row.time * MS, str(row.id), order_id, None, Types.side.parse(row.side),
            owed(row.price), owed(row.qty), -owed(row.commission), row.commissionAsset, row.maker, "trade",
            money(row.realizedPnl), backfilled=True,
        )  # fmt: skip

    def _settle_of(self, symbol: str) -> str:
        """What a contract settles in ends its symbol; the instrument, once known, says it for certain."""
        known = self.settle.get(symbol)
        return known if known is not None else "USDC" if "USDC" in symbol else "USDT"


_READERS: Mapping[str, Callable[[Account, bytes], Sequence[AnyEvent]]] = {
    "ORDER_TRADE_UPDATE": Account._order_event,
    "ACCOUNT_UPDATE": Account._account_event,
    "MARGIN_CALL": Account._margin_call,
}
_FILL_KINDS: Mapping[Origin, FillKind] = {"liquidation": "liquidation", "adl": "adl", "settlement": "settlement"}


def _ended(kind: OrderKind, tif: TimeInForce, word: str, filled: bool) -> tuple[OrderStatus, Refusal | None]:
    """What EXPIRED means: a time that is over, the rest of an order that never rests, or a refusal come late."""
    if word == POST_ONLY or (not word and tif == "post_only" and not filled):
        return "rejected", "post_only"
    if word == FILL_OR_KILL or (tif == "fok" and not filled):
        return "cancelled", "would_not_fill"
    if tif == "ioc" or kind == "market":
        return "cancelled", None if filled else "would_not_fill"
    return "cancelled" if word in EXPIRED else "expired", None
