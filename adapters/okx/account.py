"""Orders, fills, positions and balances → events. Money is Decimal, read from the venue's text.

The same objects come by private stream and by REST, so both are read here. Sizes turn from contracts to base units.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from adapters.base.contracts import Contract
from adapters.base.numbers import money, ns, owed
from adapters.base.once import Once
from adapters.okx import wire
from adapters.okx.channels import MS, rows
from adapters.okx.client import CODES
from adapters.okx.contracts import Contracts
from adapters.okx.types import ENDED, MADE_BY, Types, named
from state.events import AnyEvent, BalanceUpdate, FeedStatus, Fill, FundingPayment, OrderUpdate, PositionUpdate
from state.words import FillKind, OrderStatus, Origin, Refusal

PRIVATE_CHANNELS = ("orders", "positions", "account", "balance_and_position")
FUNDING = "funding_fee"
REMEMBERED_MOST = 50_000

read_orders, read_fills, read_bills = rows(wire.Order), rows(wire.FillRow), rows(wire.Bill)
_positions, _balances, _changes = rows(wire.Position), rows(wire.Balance), rows(dict[str, object])


class Account:
    """What venue objects mean; `settle` learns each symbol's settlement asset from the instruments."""

    def __init__(self, venue: str, contracts: Contracts) -> None:
        self.venue = venue
        self.settle: dict[str, str] = {}
        self.is_funded = False  # a stream said that funding was paid, and not how much
        self._contracts = contracts
        self._told = Once(REMEMBERED_MOST)  # fills and bills that a stream told: pushes repeat

    def private(self, channel: str, frame: bytes) -> Sequence[AnyEvent] | None:
        """The events of a private frame, or None for a channel that is none of ours; raises `UnknownWord`."""
        read = _READERS.get(channel)
        return None if read is None else read(self, frame)

    def _order_frame(self, frame: bytes) -> Sequence[AnyEvent]:
        """A fill, if there is a new one, before what the order is after it. A trade with ourselves has one id and two sides."""
        events: list[AnyEvent] = []
        for row in read_orders(frame).data:
            update = self.order(row)
            if row.tradeId and money(row.fillSz) and self._told.is_new(row.instId, row.side, row.tradeId):
                events.append(self._filled(row, update))
            events.append(update)
        return events

    def _filled(self, row: wire.Order, update: OrderUpdate) -> Fill:
        fee, asset = money(row.fillFee) or Decimal(0), row.fillFeeCcy or row.feeCcy or self._settle_of(row.instId)
        return Fill(
            update.venue, row.instId, ns(row.fillTime) or update.ts, row.tradeId, update.order_id, update.client_id,
            Types.side.parse(row.side), owed(row.fillPx), self._base(row.instId, row.fillSz), fee, asset,
            _MAKER.get(row.execType), _FILL_KINDS.get(update.origin, "trade"), money(row.fillPnl),
        )  # fmt: skip

    def order(self, row: wire.Order) -> OrderUpdate:
        """What an order is now. A post-only refusal comes as a cancel and is told as what it is."""
        status: OrderStatus = Types.status.parse(row.state)
        kind, tif = Types.kind.parse(row.ordType), Types.tif.parse(row.ordType)
        filled, ts, contract = money(row.accFillSz), ns(row.uTime), self._contract(row.instId)
        origin: Origin = MADE_BY.get(row.category, "user")
        refusal: Refusal | None = (CODES.get(row.code, ("", None))[1] or "rule") if row.amendResult == "-1" else None
        reason = f"the amend failed: {row.code} {row.msg}" if row.amendResult in ("-1", "1") else ""
        if status == "cancelled":
            other: tuple[Origin, Refusal | None, str] = ("user", None, f"cancelSource {row.cancelSource}")
            ender, refusal, reason = ENDED.get(row.cancelSource, other)
            origin = ender if origin == "user" else origin
            refusal = None if filled and refusal == "would_not_fill" else refusal
            status = "rejected" if refusal == "post_only" and not filled else "cancelled"
        return OrderUpdate(
            named(self.venue, row.instId), row.instId, ts, row.clOrdId or None, row.ordId or None, status,
            Types.side.parse(row.side), kind, tif, None if kind == "market" else money(row.px),
            contract.owed(owed(row.sz)), None if filled is None else contract.owed(filled), money(row.avgPx) or None,
            row.reduceOnly in (True, "true"), reason or None, refusal, origin, version=None if ts is None else ts // MS,
        )  # fmt: skip

    def fill(self, row: wire.FillRow) -> Fill:
        """A fill told after the fact. A forced one has a negative id and says neither maker nor taker."""
        kind: FillKind = "liquidation" if row.tradeId.startswith("-") else "trade"
        return Fill(
            named(self.venue, row.instId), row.instId, ns(row.fillTime) or ns(row.ts), row.tradeId, row.ordId or None,
            row.clOrdId or None, Types.side.parse(row.side), owed(row.fillPx), self._base(row.instId, row.fillSz),
            money(row.fee) or Decimal(0), row.feeCcy or self._settle_of(row.instId), _MAKER.get(row.execType),
            _FORCED.get(row.subType, kind), money(row.fillPnl), backfilled=True,
        )  # fmt: skip

    def positions(self, frame: bytes) -> Sequence[AnyEvent]:
        return [self._position(row) for row in _positions(frame).data]

    def _position(self, row: wire.Position) -> PositionUpdate | FeedStatus:
        """The signed position; one of hedge mode, or with a margin of its own, is refused: positions here are net and cross."""
        venue, size, ts = named(self.venue, row.instId), self._base(row.instId, row.pos or "0"), ns(row.uTime)
        odd = f"posSide {row.posSide}: the account is in long/short mode; switch it to net" * (row.posSide != "net")
        odd = odd or f"mgnMode {row.mgnMode}: only cross margin is traded here" * (row.mgnMode != "cross")
        if odd and size:
            return FeedStatus(venue, row.instId, "account", "down", odd)
        return PositionUpdate(
            venue, row.instId, ts, size, money(row.avgPx) or None, money(row.markPx), money(row.liqPx) or None,
            money(row.upl), money(row.realizedPnl), money(row.lever), None if ts is None else ts // MS,
        )  # fmt: skip

    def balances(self, frame: bytes) -> Sequence[AnyEvent]:
        """One event a coin."""
        told = [(coin, ns(coin.uTime) or ns(row.uTime)) for row in _balances(frame).data for coin in row.details]
        return [BalanceUpdate(self.venue, "", ts, c.ccy, owed(c.cashBal), money(c.availBal)) for c, ts in told]

    def _change_frame(self, frame: bytes) -> Sequence[AnyEvent]:
        """The first to say that funding was paid; the other channels tell the rest."""
        self.is_funded = self.is_funded or any(row.get("eventType") == FUNDING for row in _changes(frame).data)
        return ()

    def bill(self, row: wire.Bill) -> FundingPayment:
        return FundingPayment(self.venue, row.instId, ns(row.ts), row.billId, owed(row.balChg), row.ccy)

    def funded_by(self, body: bytes) -> Sequence[FundingPayment]:
        """The payments of an answer that the stream has not told before, oldest first."""
        told = [self.bill(row) for row in reversed(read_bills(body).data)]
        return [event for event in told if self._told.is_new(event.symbol, FUNDING, event.payment_id)]

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
        return self.settle.get(symbol) or f"{symbol}-".split("-")[1]


_READERS: Mapping[str, Callable[[Account, bytes], Sequence[AnyEvent]]] = {
    "orders": Account._order_frame, "positions": Account.positions, "account": Account.balances,
    "balance_and_position": Account._change_frame,
}  # fmt: skip
_MAKER = {"M": True, "T": False}
_FILL_KINDS: Mapping[Origin, FillKind] = {"liquidation": "liquidation", "adl": "adl", "settlement": "settlement"}
# https://www.okx.com/docs-v5/en/#trading-account-rest-api-get-bills-details-last-7-days (subType)
_FORCED: Mapping[str, FillKind] = {
    **dict.fromkeys(map(str, range(100, 108)), "liquidation"), **dict.fromkeys(map(str, range(125, 129)), "adl"),
    "112": "delivery", "113": "delivery",
}  # fmt: skip
