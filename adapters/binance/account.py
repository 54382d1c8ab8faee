"""Orders, fills, positions and balances → events. Money is Decimal, read from the venue's text.

The private stream and REST spell the same objects differently, so each is read here.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation

import msgspec

from adapters.binance import wire
from adapters.binance.types import (
    BALANCE_REASONS,
    EXPIRED,
    EXPIRED_FILL_OR_KILL,
    EXPIRED_POST_ONLY,
    MADE_BY_VENUE,
    Types,
)
from state.events import AnyEvent, BalanceUpdate, FeedStatus, Fill, FundingPayment, OrderUpdate, PositionUpdate
from state.words import FillKind, OrderKind, OrderStatus, Origin, Refusal, TimeInForce

MS = 1_000_000  # ns
HOUR_MS = 3_600_000

_order = msgspec.json.Decoder(wire.OrderMessage).decode
_account = msgspec.json.Decoder(wire.AccountMessage).decode
_margin_call = msgspec.json.Decoder(wire.MarginCall).decode

# What is subscribed, and so the allow-list of the private stream; the last three tell nothing that an event here could say.
PRIVATE_EVENTS = (
    "ORDER_TRADE_UPDATE",
    "ACCOUNT_UPDATE",
    "MARGIN_CALL",
    "listenKeyExpired",
    "ACCOUNT_CONFIG_UPDATE",
    "ALGO_UPDATE",
    "CONDITIONAL_ORDER_TRIGGER_REJECT",
)
# Told by others, or told of other markets: a fill comes whole with its order, spot accounts are not read.
PASSED_OVER = frozenset(
    {
        *PRIVATE_EVENTS[3:],
        "TRADE_LITE",
        "STRATEGY_UPDATE",
        "GRID_UPDATE",
        "executionReport",
        "outboundAccountPosition",
        "outboundAccountInfo",
        "balanceUpdate",
        "listStatus",
    }
)


def money(text: str | None) -> Decimal | None:
    """The Decimal of the venue's text; empty means not said. Raises `ValueError` on what is no finite number."""
    if not text:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text[:40]!r} is no number") from None
    if not number.is_finite():
        raise ValueError(f"{text[:40]!r} is no number")
    return number


def owed(text: str | None) -> Decimal:
    """As `money`, where empty is not allowed."""
    number = money(text)
    if number is None:
        raise ValueError("a number is missing")
    return number


class Account:
    """What venue objects mean; `settle` learns each symbol's settlement asset from the instruments."""

    def __init__(self, venue: str) -> None:
        self.venue = venue
        self.settle: dict[str, str] = {}

    # --- by stream ---

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
        o = _order(frame).o
        update = self._order_update(o)
        if o.x not in ("TRADE", "CALCULATED") or not money(o.l):
            return (update,)
        origin = update.origin
        kind: FillKind = "adl" if origin == "adl" else "settlement" if origin == "settlement" else "trade"
        if origin == "liquidation" or (o.x == "CALCULATED" and kind == "trade"):
            kind = "liquidation"
        fill = Fill(
            self.venue,
            o.s,
            o.T * MS,
            str(o.t),
            str(o.i),
            o.c or None,
            Types.side.parse(o.S),
            owed(o.L),
            owed(o.l),
            -(money(o.n) or Decimal(0)),
            o.N or self._settle_of(o.s),
            o.m,
            kind,
            money(o.rp),
        )
        return (fill, update)

    def _order_update(self, o: wire.OrderEvent) -> OrderUpdate:
        kind, tif = Types.kind.parse(o.o), Types.tif.parse(o.f)
        filled = money(o.z)
        status: OrderStatus = Types.status.parse(o.X)
        reason, refusal, origin = None, None, _maker_of(o.c)
        word = str(o.er)
        if o.X == "EXPIRED_IN_MATCH":
            word = "1"
        if o.X in ("EXPIRED", "EXPIRED_IN_MATCH"):
            status, refusal = _ended(kind, tif, word, bool(filled))
            ender, reason = EXPIRED.get(word, (origin, None))
            origin = ender if origin == "user" else origin
        return OrderUpdate(
            self.venue,
            o.s,
            o.T * MS,
            o.c or None,
            str(o.i),
            status,
            Types.side.parse(o.S),
            kind,
            tif,
            None if kind == "market" else money(o.p),
            owed(o.q),
            filled,
            money(o.ap) or None,
            o.R,
            reason,
            refusal,
            origin,
            version=o.T,
        )

    def _account_event(self, frame: bytes) -> Sequence[AnyEvent]:
        message = _account(frame)
        rows, ts = message.a, message.T
        events: list[AnyEvent] = []
        if rows.m == "FUNDING_FEE":
            symbol = rows.S or (rows.P[0].s if len(rows.P) == 1 else "")
            if symbol:  # else it is told by `income`, when the account is next read
                events += [self.funding(symbol, ts, owed(row.bc), row.a) for row in rows.B if money(row.bc)]
        events += [self._position_row(row, ts) for row in rows.P]
        reason = BALANCE_REASONS.get(rows.m)
        events += [
            BalanceUpdate(self.venue, "", ts * MS, row.a, owed(row.wb), None, money(row.bc) or None, reason)
            for row in rows.B
        ]
        return events

    def _margin_call(self, frame: bytes) -> Sequence[AnyEvent]:
        message = _margin_call(frame)
        return [self._position_row(row, message.E) for row in message.p]

    def _position_row(self, row: wire.PositionRow, time_ms: int) -> PositionUpdate | FeedStatus:
        return self._position(
            row.s,
            row.ps,
            owed(row.pa),
            time_ms,
            money(row.ep) or None,
            money(row.mp),
            None,
            money(row.up),
            money(row.cr),
        )

    def _position(
        self,
        symbol: str,
        side: str,
        size: Decimal,
        time_ms: int,
        entry: Decimal | None,
        mark: Decimal | None,
        liquidation: Decimal | None,
        unrealized: Decimal | None,
        realized: Decimal | None,
    ) -> PositionUpdate | FeedStatus:
        """The signed position; a row of hedge mode that holds something is refused, since positions here are net."""
        if side != "BOTH" and size:
            reason = f"positionSide {side}: the account is in hedge mode; switch it to one-way"
            return FeedStatus(self.venue, symbol, "account", "down", reason)
        return PositionUpdate(
            self.venue, symbol, time_ms * MS or None, size, entry, mark, liquidation, unrealized, realized, None,
            time_ms or None,
        )  # fmt: skip

    def funding(self, symbol: str, time_ms: int, amount: Decimal, asset: str) -> FundingPayment:
        """Stream and REST share no id, and their times differ by seconds, so the period's hour is the id."""
        return FundingPayment(self.venue, symbol, time_ms * MS, str(time_ms // HOUR_MS * HOUR_MS), amount, asset)

    # --- by REST ---

    def order(self, row: wire.Order) -> OrderUpdate:
        """What an order is; REST does not say why one expired."""
        kind, tif = Types.kind.parse(row.type), Types.tif.parse(row.timeInForce)
        status: OrderStatus = Types.status.parse(row.status)
        filled, refusal, origin = money(row.executedQty), None, _maker_of(row.clientOrderId)
        if row.status == "EXPIRED":
            status, refusal = _ended(kind, tif, "", bool(filled))
        return OrderUpdate(
            self.venue,
            row.symbol,
            row.updateTime * MS or None,
            row.clientOrderId or None,
            str(row.orderId),
            status,
            Types.side.parse(row.side),
            kind,
            tif,
            None if kind == "market" else money(row.price),
            owed(row.origQty),
            filled,
            money(row.avgPrice) or None,
            row.reduceOnly,
            None,
            refusal,
            "stp" if row.status == "EXPIRED_IN_MATCH" else origin,
            version=row.updateTime or None,
        )

    def fill(self, row: wire.UserTrade) -> Fill:
        """A fill told after the fact: it knows its order only by the venue's id."""
        return Fill(
            self.venue,
            row.symbol,
            row.time * MS,
            str(row.id),
            None if row.orderId is None else str(row.orderId),
            None,
            Types.side.parse(row.side),
            owed(row.price),
            owed(row.qty),
            -owed(row.commission),
            row.commissionAsset,
            row.maker,
            "trade",
            money(row.realizedPnl),
            backfilled=True,
        )

    def position(self, row: wire.Position) -> PositionUpdate | FeedStatus:
        return self._position(
            row.symbol,
            row.positionSide,
            owed(row.positionAmt),
            row.updateTime,
            money(row.entryPrice) or None,
            money(row.markPrice),
            money(row.liquidationPrice) or None,
            money(row.unRealizedProfit),
            None,
        )

    def flat(self, symbol: str, time_ms: int) -> PositionUpdate:
        """A position that the venue does not list any more."""
        return PositionUpdate(self.venue, symbol, time_ms * MS, Decimal(0), version=time_ms)

    def balance(self, row: wire.Balance) -> BalanceUpdate:
        available = money(row.availableBalance)
        return BalanceUpdate(self.venue, "", row.updateTime * MS or None, row.asset, owed(row.balance), available)

    def _settle_of(self, symbol: str) -> str:
        """What a contract settles in ends its symbol; the instrument, once known, says it for certain."""
        known = self.settle.get(symbol)
        if known is not None:
            return known
        return "USDC" if "USDC" in symbol else "USDT"


_READERS: Mapping[str, Callable[[Account, bytes], Sequence[AnyEvent]]] = {
    "ORDER_TRADE_UPDATE": Account._order_event,
    "ACCOUNT_UPDATE": Account._account_event,
    "MARGIN_CALL": Account._margin_call,
}


def _maker_of(client_id: str) -> Origin:
    return next((origin for start, origin in MADE_BY_VENUE.items() if client_id.startswith(start)), "user")


def _ended(kind: OrderKind, tif: TimeInForce, word: str, filled: bool) -> tuple[OrderStatus, Refusal | None]:
    """What EXPIRED means: a time that is over, the rest of an order that never rests, or a refusal come late."""
    if word == EXPIRED_POST_ONLY or (not word and tif == "post_only" and not filled):
        return "rejected", "post_only"
    if word == EXPIRED_FILL_OR_KILL or (tif == "fok" and not filled):
        return "cancelled", "would_not_fill"
    if tif == "ioc" or kind == "market":
        return "cancelled", None if filled else "would_not_fill"
    return "cancelled" if word in EXPIRED else "expired", None
