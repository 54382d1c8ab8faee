"""Orders, fills, positions and balances → events. Money is Decimal, read from the venue's text.

The same objects come by private stream and by REST, so both are read here. Sizes turn from contracts to base units.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from adapters.base.contracts import Contract
from adapters.base.numbers import money, owed
from adapters.okx import wire
from adapters.okx.channels import MS, rows
from adapters.okx.contracts import Contracts
from adapters.okx.types import ENDED, MADE_BY, Types, named, sort_of
from state.events import AnyEvent, BalanceUpdate, FeedStatus, Fill, FundingPayment, OrderUpdate, PositionUpdate
from state.words import FillKind, OrderStatus, Origin, Refusal

PRIVATE_CHANNELS = ("orders", "positions", "account", "balance_and_position")
FUNDING = "funding_fee"
REMEMBERED_MOST = 50_000

_orders, _positions = rows(wire.Order), rows(wire.Position)
_balances, _changes, _bills = rows(wire.Balance), rows(wire.Change), rows(wire.Bill)


def ms(text: str) -> int | None:
    """Milliseconds from text; raises `ValueError`."""
    if not text:
        return None
    number = int(text)
    if not 0 <= number <= 9_000_000_000_000:
        raise ValueError(f"{text[:40]!r} is no time in ms")
    return number


class Account:
    """What venue objects mean; `settle` learns each symbol's settlement asset from the instruments."""

    def __init__(self, venue: str, contracts: Contracts) -> None:
        self.venue = venue
        self.settle: dict[str, str] = {}
        self.is_funded = False  # a stream said that funding was paid, and not how much
        self._contracts = contracts
        self._told: OrderedDict[tuple[str, str, str], None] = OrderedDict()  # fills and bills that a stream told

    def private(self, channel: str, frame: bytes) -> Sequence[AnyEvent] | None:
        """The events of a private frame, or None for a channel that is none of ours.

        Raises `UnknownWord`, `msgspec.DecodeError`, `ValueError`.
        """
        read = _READERS.get(channel)
        return None if read is None else read(self, frame)

    def _order_frame(self, frame: bytes) -> Sequence[AnyEvent]:
        """A fill, if there is a new one, before what the order is after it."""
        events: list[AnyEvent] = []
        for row in _orders(frame).data:
            update = self.order(row)
            if row.tradeId and money(row.fillSz) and self._is_new(row.instId, row.side, row.tradeId):
                events.append(self._filled(row, update))
            events.append(update)
        return events

    def _filled(self, row: wire.Order, update: OrderUpdate) -> Fill:
        at, fee = ms(row.fillTime) or ms(row.uTime), money(row.fillFee) or Decimal(0)
        asset = row.fillFeeCcy or row.feeCcy or self._settle_of(row.instId)
        return Fill(
            update.venue, row.instId, None if at is None else at * MS, row.tradeId, update.order_id, update.client_id,
            Types.side.parse(row.side), owed(row.fillPx), self._base(row.instId, row.fillSz), fee, asset,
            _MAKER.get(row.execType), _FILL_KINDS.get(update.origin, "trade"), money(row.fillPnl),
        )  # fmt: skip

    def order(self, row: wire.Order) -> OrderUpdate:
        """What an order is now. A post-only refusal comes as a cancel and is told as what it is."""
        status: OrderStatus = Types.status.parse(row.state)
        kind, tif = sort_of(row.ordType)
        filled, updated = money(row.accFillSz), ms(row.uTime)
        origin: Origin = MADE_BY.get(row.category, "user")
        refusal: Refusal | None = None
        reason = None
        if status == "cancelled":
            other = f"cancelSource {row.cancelSource}" if row.cancelSource else ""
            ender, refusal, reason = ENDED.get(row.cancelSource, ("user", None, other))
            origin = ender if origin == "user" else origin
            if filled and refusal == "would_not_fill":
                refusal = None
            if refusal == "post_only" and not filled:
                status = "rejected"
        elif row.amendResult in ("-1", "1"):
            reason = f"the amend failed: {row.code} {row.msg}"
        contract = self._contract(row.instId)
        return OrderUpdate(
            named(self.venue, row.instId), row.instId, None if updated is None else updated * MS, row.clOrdId or None,
            row.ordId or None, status, Types.side.parse(row.side), kind, tif, None if kind == "market" else money(row.px),
            contract.owed(owed(row.sz)), None if filled is None else contract.owed(filled), money(row.avgPx) or None,
            row.reduceOnly in (True, "true"), reason or None, refusal, origin, version=updated,
        )  # fmt: skip

    def fill(self, row: wire.FillRow) -> Fill:
        """A fill told after the fact. A forced one has a negative id and says neither maker nor taker."""
        at = ms(row.fillTime) or ms(row.ts)
        kind: FillKind = "liquidation" if row.tradeId.startswith("-") else "trade"
        return Fill(
            named(self.venue, row.instId), row.instId, None if at is None else at * MS, row.tradeId, row.ordId or None,
            row.clOrdId or None, Types.side.parse(row.side), owed(row.fillPx), self._base(row.instId, row.fillSz),
            money(row.fee) or Decimal(0), row.feeCcy or self._settle_of(row.instId), _MAKER.get(row.execType),
            _FORCED.get(row.subType, kind), money(row.fillPnl), backfilled=True,
        )  # fmt: skip

    def _position_frame(self, frame: bytes) -> Sequence[AnyEvent]:
        return [self.position(row) for row in _positions(frame).data]

    def position(self, row: wire.Position) -> PositionUpdate | FeedStatus:
        """The signed position; one of hedge mode, or with a margin of its own, is refused: positions here are net and cross."""
        venue, size, updated = named(self.venue, row.instId), self._base(row.instId, row.pos or "0"), ms(row.uTime)
        odd = f"posSide {row.posSide}: the account is in long/short mode; switch it to net" * (row.posSide != "net")
        odd = odd or f"mgnMode {row.mgnMode}: only cross margin is traded here" * (row.mgnMode != "cross")
        if odd and size:
            return FeedStatus(venue, row.instId, "account", "down", odd)
        return PositionUpdate(
            venue, row.instId, None if updated is None else updated * MS, size, money(row.avgPx) or None, money(row.markPx),
            money(row.liqPx) or None, money(row.upl), money(row.realizedPnl), money(row.lever), updated,
        )  # fmt: skip

    def _balance_frame(self, frame: bytes) -> Sequence[AnyEvent]:
        return [event for row in _balances(frame).data for event in self.balances(row)]

    def balances(self, row: wire.Balance) -> list[BalanceUpdate]:
        """One event a coin."""
        told = []
        for coin in row.details:
            at = ms(coin.uTime) or ms(row.uTime)
            ts = None if at is None else at * MS
            told.append(BalanceUpdate(self.venue, "", ts, coin.ccy, owed(coin.cashBal), money(coin.availBal)))
        return told

    def _change_frame(self, frame: bytes) -> Sequence[AnyEvent]:
        """The first to say that funding was paid; the other channels tell the rest."""
        self.is_funded = self.is_funded or any(row.eventType == FUNDING for row in _changes(frame).data)
        return ()

    def bill(self, row: wire.Bill) -> FundingPayment:
        at = ms(row.ts)
        ts = None if at is None else at * MS
        return FundingPayment(self.venue, row.instId, ts, row.billId, owed(row.balChg), row.ccy)

    def funded_by(self, body: bytes) -> Sequence[FundingPayment]:
        """The payments of an answer that the stream has not told before, oldest first."""
        told = [self.bill(row) for row in reversed(_bills(body).data)]
        return [event for event in told if self._is_new(event.symbol, FUNDING, event.payment_id)]

    def _is_new(self, symbol: str, side: str, key: str) -> bool:
        """Pushes repeat, and a trade between two orders of ours has one id and two sides."""
        if (symbol, side, key) in self._told:
            return False
        self._told[symbol, side, key] = None
        if len(self._told) > REMEMBERED_MOST:
            self._told.popitem(last=False)
        return True

    def _contract(self, symbol: str) -> Contract:
        """Raises `ValueError` where nobody knows how much it is: money is not guessed."""
        contract = self._contracts.of(symbol)
        if not contract.is_known:
            raise ValueError(f"the contract size of {symbol} is not known")
        return contract

    def _base(self, symbol: str, contracts: str) -> Decimal:
        return self._contract(symbol).owed(owed(contracts))

    def _settle_of(self, symbol: str) -> str:
        """What a linear swap settles in stands second in its symbol; the instrument, once known, says it for certain."""
        known = self.settle.get(symbol)
        return known if known is not None else symbol.split("-")[1]


_READERS: Mapping[str, Callable[[Account, bytes], Sequence[AnyEvent]]] = {
    "orders": Account._order_frame,
    "positions": Account._position_frame,
    "account": Account._balance_frame,
    "balance_and_position": Account._change_frame,
}
_MAKER = {"M": True, "T": False}
_FILL_KINDS: Mapping[Origin, FillKind] = {"liquidation": "liquidation", "adl": "adl", "settlement": "settlement"}
# https://www.okx.com/docs-v5/en/#trading-account-rest-api-get-bills-details-last-7-days (subType)
_FORCED: Mapping[str, FillKind] = {
    **dict.fromkeys(("100", "101", "102", "103", "104", "105", "106", "107"), "liquidation"),
    **dict.fromkeys(("125", "126", "127", "128"), "adl"),
    **dict.fromkeys(("112", "113"), "delivery"),
}
