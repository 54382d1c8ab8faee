"""Orders, executions, positions and wallets → events. Money is Decimal, read from the venue's text.

The same objects come by private stream and by REST, so both are read here.
"""

from collections.abc import Sequence

import msgspec

from adapters.base.numbers import money, ns, owed
from adapters.bybit import wire
from adapters.bybit.types import CANCEL_ORIGINS, CREATE_ORIGINS, NO_REASON, PAYMENTS, POST_ONLY_REFUSED, REFUSALS, Types
from state.events import AnyEvent, BalanceUpdate, FeedStatus, Fill, FundingPayment, OrderUpdate, PositionUpdate
from state.words import OrderStatus, Origin, Refusal

MS = 1_000_000  # ns

_orders = msgspec.json.Decoder(wire.Push[wire.Order]).decode
_executions = msgspec.json.Decoder(wire.Push[wire.Execution]).decode
_positions = msgspec.json.Decoder(wire.Push[wire.Position]).decode
_wallet = msgspec.json.Decoder(wire.WalletMessage).decode


class Account:
    """What venue objects mean for one market; `settle` learns each symbol's settlement asset from the instruments."""

    def __init__(self, venue: str, market: str = "linear") -> None:
        self.venue = venue
        self.market = market
        self.settle: dict[str, str] = {}

    # --- account objects, by stream or REST ---

    def private(self, topic: str, frame: bytes) -> Sequence[AnyEvent] | None:
        """The events of a private frame, or None for a topic that is none of ours. Other markets' rows are passed over.

        Raises `UnknownWord`, `msgspec.DecodeError`, `ValueError`.
        """
        kind = topic.removesuffix(f".{self.market}")
        match kind:
            case "order":
                return [self.order(row) for row in _orders(frame).data if self._is_ours(row.category)]
            case "execution":
                return [self.execution(row) for row in _executions(frame).data if self._is_ours(row.category)]
            case "position":
                return [self.position(row) for row in _positions(frame).data if self._is_ours(row.category)]
            case "wallet":
                message = _wallet(frame)
                return self.wallet(message.data, message.creationTime)
            case "dcp" | "dcp.future":
                return ()
            case _:
                return None

    def _is_ours(self, category: str) -> bool:
        return category in ("", self.market)

    def order(self, row: wire.Order) -> OrderUpdate:
        """What an order is now. A post-only refusal comes as a cancel and is told as what it is."""
        status: OrderStatus = Types.status.parse(row.orderStatus)
        filled = money(row.cumExecQty)
        refusal: Refusal | None = REFUSALS.get(row.rejectReason) if status in ("cancelled", "rejected") else None
        if status == "cancelled" and row.rejectReason == POST_ONLY_REFUSED and not filled:
            status = "rejected"
        kind = Types.kind.parse(row.orderType)
        updated = ns(row.updatedTime)
        price = money(row.price)
        return OrderUpdate(
            self.venue, row.symbol, updated, row.orderLinkId or None, row.orderId or None, status,
            Types.side.parse(row.side), kind, Types.tif.parse(row.timeInForce),
            None if kind == "market" and not price else price, owed(row.qty), filled, money(row.avgPrice) or None,
            row.reduceOnly, _reason(row), refusal, _origin(row), version=None if updated is None else updated // MS,
        )  # fmt: skip

    def execution(self, row: wire.Execution, *, backfilled: bool = False) -> Fill | FundingPayment:
        """A fill, or a payment of funding or of a dividend, told as an execution. Fees turn their sign: + comes in."""
        ts = ns(row.execTime)
        asset = row.feeCurrency or self._settle_of(row.symbol)
        if row.execType in PAYMENTS:
            price = money(row.markPrice) or money(row.execPrice)
            rate, size = money(row.feeRate), money(row.execQty)
            return FundingPayment(self.venue, row.symbol, ts, row.execId, -owed(row.execFee), asset, rate, size, price)
        return Fill(
            self.venue, row.symbol, ts, row.execId, row.orderId or None, row.orderLinkId or None,
            Types.side.parse(row.side), owed(row.execPrice), owed(row.execQty), -owed(row.execFee), asset,
            row.isMaker, Types.execution.parse(row.execType), money(row.execPnl), backfilled,
        )  # fmt: skip

    def position(self, row: wire.Position) -> PositionUpdate | FeedStatus:
        """The signed position; a row of hedge mode that holds something is refused, since positions here are net."""
        size = owed(row.size)
        if row.positionIdx and size:
            reason = f"positionIdx {row.positionIdx}: the account is in hedge mode; switch it to one-way"
            return FeedStatus(self.venue, row.symbol, "account", "down", reason)
        updated = ns(row.updatedTime)
        return PositionUpdate(
            self.venue, row.symbol, updated, -size if size and Types.side.parse(row.side) == "sell" else size,
            (money(row.entryPrice) or money(row.avgPrice)) or None, money(row.markPrice), money(row.liqPrice),
            money(row.unrealisedPnl), money(row.cumRealisedPnl), money(row.leverage),
            None if updated is None else updated // MS,
        )  # fmt: skip

    def wallet(self, rows: Sequence[wire.Wallet], time_ms: int) -> list[BalanceUpdate]:
        """One event a coin."""
        ts = time_ms * MS
        return [
            BalanceUpdate(self.venue, "", ts, coin.coin, owed(coin.walletBalance), money(coin.availableToWithdraw))
            for row in rows
            for coin in row.coin
        ]

    def _settle_of(self, symbol: str) -> str:
        """Linear contracts settle in what their symbol ends with; the instrument, once known, says it for certain."""
        return self.settle.get(symbol) or ("USDT" if "USDT" in symbol else "USDC")


def _reason(row: wire.Order) -> str | None:
    words = [word for word in (row.rejectReason, row.cancelType) if word not in NO_REASON]
    return " ".join(words) or None


def _origin(row: wire.Order) -> Origin:
    return CANCEL_ORIGINS.get(row.cancelType) or CREATE_ORIGINS.get(row.createType) or "user"
