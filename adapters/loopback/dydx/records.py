"""The indexer: what nodes say of orders at once, what blocks make final, and the subaccounts' rows that follow from both."""

# https://github.com/dydxprotocol/v4-chain/tree/main/indexer/services (vulcan: what nodes say; ender: blocks)

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from adapters.loopback.dydx import render, rows
from adapters.loopback.dydx.contracts import TERMS
from adapters.loopback.dydx.ids import FloorIds, fill_uuid, order_uuid, subaccount_uuid
from adapters.loopback.dydx.messages import OrderId, Subaccount, TimeInForce
from adapters.loopback.dydx.positions import Holdings, Position
from adapters.loopback.dydx.register import Placed
from adapters.loopback.dydx.render import OrderState
from adapters.loopback.dydx.tape import Tape
from adapters.loopback.dydx.texts import iso, plain
from adapters.loopback.dydx.views import Block, Moved
from adapters.loopback.floor import Fill
from adapters.loopback.market import Market
from adapters.loopback.orders import ZERO

KEPT_ROWS = 10_000
Push = Callable[[Subaccount, rows.Contents], None]


@dataclass(slots=True)
class Records:
    """All that the indexer has of one subaccount, oldest first."""

    holdings: Holdings
    orders: dict[str, OrderState] = field(default_factory=dict)
    fills: deque[rows.Fill] = field(default_factory=lambda: deque(maxlen=KEPT_ROWS))
    funding: deque[rows.FundingPayment] = field(default_factory=lambda: deque(maxlen=KEPT_ROWS))
    transfers: deque[rows.Transfer] = field(default_factory=lambda: deque(maxlen=KEPT_ROWS))

    @property
    def subaccount(self) -> Subaccount:
        return self.holdings.subaccount


class Indexer:
    """Written by the chain, read by REST and the sockets."""

    def __init__(self, markets: dict[str, Market], ids: FloorIds, expiry_notice_blocks: int, height: int) -> None:
        self.tapes = {ticker: Tape(market) for ticker, market in markets.items()}
        self.subaccounts: dict[str, Records] = {}
        """By the subaccount's name on the floor."""
        self.height, self.time_ms = height, 0
        self._tickers = {TERMS[ticker].pair_id: ticker for ticker in markets}
        self.oracle: dict[str, Decimal] = {t: market.index_price for t, market in markets.items()}
        self.listeners: list[Push] = []
        self._ids, self._notice = ids, expiry_notice_blocks
        self._removed: list[tuple[Placed, str]] = []
        """Stateful orders that left the book, for the next block to say."""
        self._expiring: deque[tuple[int, OrderState]] = deque()

    # -- what is asked -----------------------------------------------------------------------------------------------

    def join(self, subaccount: Subaccount, usdc: Decimal) -> None:
        """A subaccount that something was paid into."""
        self.subaccounts[subaccount.key] = Records(Holdings(subaccount, usdc, updated_height=self.height))

    def equity(self, key: str) -> Decimal:
        records = self.subaccounts.get(key)
        return records.holdings.equity(self.oracle) if records else ZERO

    def free(self, key: str) -> Decimal:
        records = self.subaccounts.get(key)
        return records.holdings.free(self.oracle) if records else ZERO

    # -- what a node says --------------------------------------------------------------------------------------------

    def opened(self, placed: Placed) -> None:
        state = self._state(placed)
        state.status, state.place = "BEST_EFFORT_OPENED", placed.place
        state.price, state.size = placed.price, placed.size
        row = render.order(state)
        row.totalFilled = row.createdAtHeight = row.updatedAt = row.updatedAtHeight = msgspec.UNSET
        self._push(placed.order_id.subaccount, rows.Contents(orders=[row]))

    def removed(self, placed: Placed, reason: str) -> None:
        if not placed.order_id.is_short_term:
            self._removed.append((placed, reason))
            if reason not in ("USER_CANCELED", "EXPIRED"):
                state = self._state(placed)
                state.status = "BEST_EFFORT_CANCELED"
                self._push_removal(state, reason, plain(placed.filled))
            return
        state = self._state(placed)
        if reason == "EXPIRED":
            self._expiring.append((self.height + self._notice, state))
            return
        state.status = "BEST_EFFORT_CANCELED"
        self._push_removal(state, reason, plain(placed.filled))
        if not state.is_kept and not placed.filled and not placed.is_resting:
            self._records(placed).orders.pop(placed.uuid, None)

    def cancelled_unseen(self, order_id: OrderId) -> None:
        records = self.subaccounts.get(order_id.subaccount.key)
        if records is None or order_uuid(order_id) not in records.orders:
            row = render.unseen(order_id, order_uuid(order_id), self._tickers[order_id.pair_id])
            self._push(order_id.subaccount, rows.Contents(orders=[row]))

    # -- what a block says -------------------------------------------------------------------------------------------

    def begin(self, block: Block) -> None:
        """A block is being made, and its matches come first; what follows until `finish` is in it too."""
        self.height, self.time_ms, self.oracle = block.height, block.ts_ms, block.oracle
        forced: set[str] = set()
        for ticker, trades in block.trades.items():
            for one in trades:
                event_id = self._ids.event_of(one.trade_id)
                if one.trade_id in block.forced:
                    forced.add(event_id)
                row = render.trade(one, event_id, event_id in forced, block.height, block.ts_ms)
                self.tapes[ticker].trade(row, one.side, one.price, one.size, block.ts_ms)
        for ticker, tape in self.tapes.items():
            tape.settled(block.height, block.ts_ms)
            if tape.open_minute(None, block.ts_ms):
                block.began.append(ticker)
        changed: dict[str, list[Position]] = {}
        for fill in block.fills:
            if fill.kind == "funding":
                self._settle(fill, block)
            else:
                held = changed.setdefault(fill.account, [])
                held += [position for position in self._fill(fill, block, forced) if position not in held]
        for key, positions in changed.items():
            self._push_holdings(key, positions)
        self._tell_removed()

    def kept(self, placed: Placed) -> None:
        state = self._state(placed)
        state.created_height, state.is_kept = self.height, True
        state.status = "UNTRIGGERED" if placed.place.condition else "OPEN"
        row = self._update(state)
        row.totalFilled = msgspec.UNSET
        self._push(placed.order_id.subaccount, rows.Contents(orders=[row]), behind=1)

    def triggered(self, placed: Placed) -> None:
        state = self._state(placed)
        state.status = "OPEN"
        self._push(placed.order_id.subaccount, rows.Contents(orders=[self._update(state)]), behind=1)

    def finish(self, block: Block) -> None:
        """Says what else is final with the block."""
        for moved in block.transfers:
            self._move(moved, block)
        self._tell_removed()
        self._expire()

    def _tell_removed(self) -> None:
        removed, self._removed = self._removed, []
        for placed, reason in removed:
            state = self._state(placed)
            state.status = "CANCELED"
            self._update(state)
            row = render.order(state, removal=reason)
            self._push(placed.order_id.subaccount, rows.Contents(orders=[row]), behind=1)

    def _fill(self, fill: Fill, block: Block, forced: set[str]) -> list[Position]:
        """One side of a match: the order, the fill, the position; `forced` are the matches that liquidated somebody."""
        records = self.subaccounts[fill.account]
        state, event_id = records.orders[fill.order_id], self._ids.event_of(fill.exec_id)
        of, metadata = records.subaccount, str(state.place.client_metadata)
        row = render.fill(fill, event_id in forced, block.height, block.ts_ms, of.number, metadata)
        records.fills.append(row)
        state.filled += fill.size
        state.is_kept = True
        if state.created_height is None:
            state.created_height = block.height
        state.status = _status_after_fill(state)
        event = render.fill_event(row, event_id, subaccount_uuid(of))
        self._push(of, rows.Contents(fills=[event], orders=[self._update(state)]))
        return records.holdings.fill(fill, event_id, block.height, block.ts_ms)

    def _settle(self, fill: Fill, block: Block) -> None:
        """Funding, which nobody is told of: it is in the rows from now on."""
        records = self.subaccounts[fill.account]
        records.holdings.funding(fill, block.height)
        terms = TERMS[fill.symbol]
        records.funding.append(
            rows.FundingPayment(
                iso(block.ts_ms),
                str(block.height),
                str(terms.pair_id),
                fill.symbol,
                plain(fill.price),
                plain(fill.size),
                "LONG" if fill.side is fill.side.BUY else "SHORT",
                plain(fill.fee_rate),
                plain(-fill.fee),
                records.subaccount.number,
                plain(fill.price * fill.fee_rate),
            )
        )

    def _move(self, moved: Moved, block: Block) -> None:
        transfer = rows.Transfer(
            id=fill_uuid(self._ids.event(), "TRANSFER"),
            sender=rows.Holder(moved.sender.owner, moved.sender.number),
            recipient=rows.Holder(moved.recipient.owner, moved.recipient.number),
            size=plain(moved.amount),
            createdAt=iso(block.ts_ms),
            createdAtHeight=str(block.height),
            symbol=render.USDC,
            type="TRANSFER_OUT",
            transactionHash=moved.tx_hash,
        )
        for of, amount, word in ((moved.sender, -moved.amount, "OUT"), (moved.recipient, moved.amount, "IN")):
            records = self.subaccounts[of.key]
            records.holdings.usdc += amount
            records.holdings.updated_height = block.height
            row = msgspec.structs.replace(transfer, type=f"TRANSFER_{word}")
            records.transfers.append(row)
            assets = [render.asset_event(records.holdings)]
            self._push(of, rows.Contents(transfers=row, assetPositions=assets))

    def _push_holdings(self, key: str, positions: list[Position]) -> None:
        holdings = self.subaccounts[key].holdings
        drawn = [render.position_event(held, self.oracle[held.ticker], holdings) for held in positions]
        contents = rows.Contents(perpetualPositions=drawn, assetPositions=[render.asset_event(holdings)])
        self._push(holdings.subaccount, contents)

    def _expire(self) -> None:
        """The indexer's own tasks find short-term orders that are over, some time later."""
        while self._expiring and self._expiring[0][0] <= self.height:
            state = self._expiring.popleft()[1]
            orders = self.subaccounts[state.place.order_id.subaccount.key].orders
            was_placed_again = orders.get(state.uuid) is not state or state.place.good_til_block > self.height
            if was_placed_again:
                continue
            is_open = state.status in ("BEST_EFFORT_OPENED", "OPEN")
            if is_open:
                state.status = "CANCELED"
            if not state.is_kept:
                if is_open:
                    self._push_removal(state, "INDEXER_EXPIRED", "0")
                del orders[state.uuid]

    # -- within ------------------------------------------------------------------------------------------------------

    def _records(self, placed: Placed) -> Records:
        return self.subaccounts[placed.order_id.subaccount.key]

    def _state(self, placed: Placed) -> OrderState:
        """The order's state, a new one where the chain has forgotten what was filled under its id before."""
        orders = self._records(placed).orders
        state = orders.get(placed.uuid)
        if state is None or (state.placed is not placed and not placed.filled_before):
            orders.pop(placed.uuid, None)  # the new one is the newest
            state = OrderState(placed, placed.place, placed.price, placed.size)
            orders[placed.uuid] = state
        state.placed = placed
        return state

    def _update(self, state: OrderState) -> rows.Order:
        state.updated_ms, state.updated_height = self.time_ms, self.height
        return render.order(state)

    def _push_removal(self, state: OrderState, reason: str, optimistic: str) -> None:
        row = render.order(state, removal=reason, optimistic=optimistic)
        self._push(state.place.order_id.subaccount, rows.Contents(orders=[row]))

    def _push(self, to: Subaccount, contents: rows.Contents, behind: int = 0) -> None:
        """Tells whoever listens; what a block says of stateful orders still has the height before it."""
        contents.blockHeight = str(self.height - behind)
        for listener in self.listeners:
            listener(to, contents)


def _status_after_fill(state: OrderState) -> str:
    if state.filled >= state.size:
        return "FILLED"
    if state.status == "BEST_EFFORT_CANCELED":
        return "CANCELED" if state.place.time_in_force == TimeInForce.IOC else "BEST_EFFORT_CANCELED"
    return "CANCELED" if state.status == "CANCELED" else "OPEN"
