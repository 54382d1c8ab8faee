"""Orders, fills, positions and balances → events. Money is Decimal, read from the venue's text.

The same objects come by private stream and by REST, so both are read here. A short-term order ends by itself once a block is
higher than its good-til-block, and often nobody says so: it is ended here when the stream tells of a block that is high enough.
"""

from collections.abc import Iterable, Sequence

import msgspec

from adapters.base.blocks import Blocks
from adapters.base.iso import ns
from adapters.base.lifetimes import Lifetimes
from adapters.base.numbers import money, owed
from adapters.base.once import Bounded
from adapters.dydx import wire
from adapters.dydx.orderid import text
from adapters.dydx.types import BEST_EFFORT, EXPIRED, ORIGINS, REFUSALS, REMOVAL, REPLACED, Types
from state.events import AnyEvent, BalanceUpdate, Fill, FundingPayment, OrderUpdate, PositionUpdate
from state.words import OrderStatus, Refusal, TimeInForce

SUBACCOUNTS, HEIGHTS = "v4_subaccounts", "v4_block_height"
COLLATERAL = "USDC"
GRACE_BLOCKS = 3  # a fill of the last block is told a little later
NONCE_S = 35.0  # a transaction whose nonce is older can be in no block any more
NAMES_MOST = 20_000
UINT32_MOST = 2**32 - 1

_account = msgspec.json.Decoder(wire.Frame[wire.Account | list[wire.Account]], strict=False).decode
_height = msgspec.json.Decoder(wire.Frame[wire.Height | list[wire.Height]], strict=False).decode


class Account:
    """What venue objects mean; `symbols` learns the symbol of each pair from the instruments."""

    def __init__(self, venue: str) -> None:
        self.venue = venue
        self.symbols: dict[int, str] = {}
        self.as_of_ns: int | None = None  # when the subaccount was last told whole
        self.blocks = Blocks(GRACE_BLOCKS)
        self.lifetimes = Lifetimes(self.blocks, NONCE_S)
        self._names = Bounded[str, str](NAMES_MOST)  # client ids by the Indexer's, as the stream told them

    # --- frames ---

    def told(self, topic: str, frame: bytes) -> Sequence[AnyEvent]:
        return self.private(frame) if topic == SUBACCOUNTS else self.heights(frame)

    def heights(self, frame: bytes) -> Sequence[AnyEvent]:
        """A frame of `v4_block_height`: what ends by it. Raises `msgspec.DecodeError`, `ValueError`."""
        contents = _height(frame).contents
        events: list[AnyEvent] = []
        for block in contents if isinstance(contents, list) else [contents]:
            events += self.blocks.passed(block.blockHeight or block.height, ns(block.time))
        return events

    def private(self, frame: bytes) -> Sequence[AnyEvent]:
        """A frame of `v4_subaccounts`: fills before what their orders are after them.

        Raises `UnknownWord`, `msgspec.DecodeError`, `ValueError`.
        """
        contents = _account(frame).contents
        events: list[AnyEvent] = []
        for said in contents if isinstance(contents, list) else [contents]:
            updates = []
            for row in said.orders:
                if (update := self.order(row, said.blockHeight or 0)) is not None:
                    self.blocks.told(update, row.goodTilBlock)
                    if update.order_id and update.client_id:
                        self._names[update.order_id] = update.client_id
                    updates.append(update)
            events += [self.fill(row) for row in said.fills]
            events += updates
            if said.subaccount is not None:
                events += self.snapshot(said.subaccount)
            events += self._positions(said.perpetualPositions)
            events += [self.balance(row) for row in said.assetPositions]
        return events

    # --- objects ---

    def order(self, row: wire.Order, height: int = 0) -> OrderUpdate | None:
        """What an order is, seen at a height; None for a word that says nothing: a replacement, an optimistic fill."""
        reason = row.removalReason.removeprefix(REMOVAL)
        if row.status is None or reason == REPLACED:
            return None
        filled, size = money(row.totalFilled), money(row.size)
        status, refusal = _status(row, reason, bool(filled))
        firm = not row.status.startswith(BEST_EFFORT)
        if status == "open" and filled:
            status = "filled" if firm and size and filled >= size else "partially_filled"
        kind, tif = row.type and Types.kind.parse(row.type), row.timeInForce and Types.tif.parse(row.timeInForce)
        post_only: TimeInForce = "post_only"
        update = OrderUpdate(
            self.venue, self._symbol(row.ticker, row.clobPairId), ns(row.updatedAt),
            _client_id(row), row.id, status,
            Types.side.parse(row.side) if row.side else None, kind or None, post_only if row.postOnly else tif or None,
            money(row.price), size, filled, None, row.reduceOnly, reason or None, refusal, ORIGINS.get(reason, "user"),
            firm, version=row.updatedAtHeight,
        )  # fmt: skip
        if row.orderFlags is not None:
            until = row.goodTilBlock or (ns(row.goodTilBlockTime or "") or 0) // 1_000_000_000
            self.lifetimes.note(update, row.orderFlags, until)
        is_over = row.goodTilBlock is not None and self.blocks.is_over(row.goodTilBlock, height)
        return self.blocks.ended(update, height, update.ts) if is_over else update

    def fill(self, row: wire.Fill, *, backfilled: bool = False) -> Fill:
        """Fees turn their sign: + comes in. Forced fills have no order; another's client id is what its order was told with."""
        return Fill(
            self.venue, row.ticker or row.market, ns(row.createdAt), row.id, row.orderId, self._names.get(row.orderId or ""),
            Types.side.parse(row.side), owed(row.price), owed(row.size), -owed(row.fee or "0"), COLLATERAL,
            row.liquidity == "MAKER" if row.liquidity else None, Types.fill.parse(row.type), backfilled=backfilled,
        )  # fmt: skip

    def snapshot(self, said: wire.Subaccount) -> Sequence[AnyEvent]:
        """Positions and balances, as of one block."""
        at = said.latestProcessedBlockHeight
        self.as_of_ns = self.blocks.time_of(at)
        assets = [self.balance(row, at, said.freeCollateral) for row in said.assetPositions.values()]
        return [*self._positions(said.openPerpetualPositions.values(), at), *assets]

    def _positions(self, rows: Iterable[wire.Position], height: int | None = None) -> Sequence[AnyEvent]:
        """A position that turned is two rows, of which the closed one says nothing."""
        net: dict[str, wire.Position] = {}
        for row in rows:
            if row.status == "OPEN" or row.market not in net:
                net[row.market] = row
        return [self.position(row, height) for row in net.values()]

    def position(self, row: wire.Position, height: int | None = None) -> PositionUpdate:
        size = owed(row.size) if row.status == "OPEN" else owed("0")
        if row.side == "SHORT" and size > 0:  # recordings of 2023
            size = -size
        return PositionUpdate(
            self.venue, row.market, None if height is None else self.blocks.time_of(height), size,
            money(row.entryPrice) if size else None, unrealized_pnl=money(row.unrealizedPnl) if size else None,
            realized_pnl=money(row.realizedPnl), version=height,
        )  # fmt: skip

    def balance(self, row: wire.Asset, height: int | None = None, available: str = "") -> BalanceUpdate:
        total = owed(row.size)
        ts = None if height is None else self.blocks.time_of(height)
        free = money(available) if row.symbol == COLLATERAL else None
        return BalanceUpdate(self.venue, "", ts, row.symbol, -total if row.side == "SHORT" else total, free)

    def funding(self, row: wire.Payment) -> FundingPayment:
        """A market pays once a block at most, so its height is the payment's id."""
        return FundingPayment(
            self.venue, row.ticker, ns(row.createdAt), row.createdAtHeight, owed(row.payment), COLLATERAL,
            money(row.rate), money(row.size), money(row.oraclePrice),
        )  # fmt: skip

    def _symbol(self, ticker: str, pair: int | None) -> str:
        """Where the ticker is left out, what the instruments call the pair; its number where nobody has told them."""
        if ticker or pair is None:
            return ticker
        return self.symbols.get(pair, str(pair))


def _client_id(row: wire.Order) -> str | None:
    """None where one of its two numbers is not told, or is from before they were what they are."""
    if row.clientId is None or row.clientMetadata is None or row.clientId > UINT32_MOST:
        return None
    return text(row.clientId, row.clientMetadata)


def _status(row: wire.Order, reason: str, filled: bool) -> tuple[OrderStatus, Refusal | None]:
    """A post-only refusal comes as a cancel and is told as what it is; so does the end of an order's time."""
    status: OrderStatus = Types.status.parse(row.status or "")
    if status != "cancelled":
        return status, None
    refusal = REFUSALS.get(reason)
    if reason in EXPIRED:
        return "expired", None
    return "rejected" if refusal == "post_only" and not filled else "cancelled", refusal
