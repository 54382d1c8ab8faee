"""Short-term orders: matched when they arrive, replaced under the same id, cancelled and expired by block height."""

# https://github.com/dydxprotocol/v4-chain/blob/main/protocol/x/clob/memclob/memclob.go

from __future__ import annotations

from adapters.loopback.dydx import codes
from adapters.loopback.dydx.checks import Checks
from adapters.loopback.dydx.codes import ChainError
from adapters.loopback.dydx.entry import REMOVALS, REPLACED, UNDERCOLLATERALIZED, Entry, is_short_of_funds
from adapters.loopback.dydx.ids import order_uuid
from adapters.loopback.dydx.messages import BatchCancel, CancelOrder, PlaceOrder, TimeInForce
from adapters.loopback.dydx.register import Placed, Register
from adapters.loopback.dydx.views import Watcher
from adapters.loopback.orders import Reason, RefusedError


class ShortTerm:
    """What a node does with short-term messages in CheckTx."""

    def __init__(self, register: Register, checks: Checks, entry: Entry, watcher: Watcher) -> None:
        self._register, self._checks, self._entry, self._watcher = register, checks, entry, watcher

    def place(self, place: PlaceOrder, next_height: int, now_ms: int) -> None:
        """Places or replaces; raises ChainError."""
        terms = self._checks.place(place, next_height, now_ms)
        if self._register.cancelled_until(place.order_id) >= place.good_til_block:
            raise ChainError(codes.IS_CANCELED)
        before = self._register.find(place.order_id)
        fresh = self._entry.placed(order_uuid(place.order_id), place, terms)
        if before is None:
            self._place_new(fresh, now_ms)
        elif before.is_resting:
            self._replace(before, fresh, now_ms)
        else:
            self._place_again(before, fresh, now_ms)

    def cancel(self, cancel: CancelOrder, next_height: int, now_ms: int) -> None:
        """Takes an order out if it is there, and keeps it out until the cancel's own good-til-block."""
        self._checks.cancel(cancel, next_height, now_ms)
        self._cancel(cancel, now_ms)

    def batch(self, batch: BatchCancel, next_height: int, now_ms: int) -> None:
        """Every cancel on its own; raises ChainError where none succeeded."""
        self._checks.batch(batch)
        done = 0
        for order_id in batch.order_ids():
            try:
                self.cancel(CancelOrder(order_id, batch.good_til_block, 0), next_height, now_ms)
                done += 1
            except ChainError as error:
                failed = error
        if not done:
            raise ChainError(codes.BATCH_FAILED, failed.log)

    def expire(self, placed: Placed, now_ms: int) -> None:
        """Its last block is made; the indexer is not told, it finds out by itself."""
        self._entry.take_out(placed, now_ms, Reason.EXPIRED)

    # -- within ------------------------------------------------------------------------------------------------------

    def _place_new(self, placed: Placed, now_ms: int) -> None:
        try:
            self._entry.enter(placed, now_ms)
        except RefusedError as error:
            self._refused(placed, error)
            return
        if placed.order is not None and placed.order.reason is Reason.WOULD_TAKE:
            self._watcher.opened(placed)
            self._watcher.removed(placed, REMOVALS[Reason.WOULD_TAKE])
            self._entry.forget(placed)
            raise ChainError(codes.POST_ONLY_CROSSES)
        self._register.placed[placed.uuid] = placed
        self._watcher.opened(placed)
        self._entry.tell()

    def _place_again(self, before: Placed, fresh: Placed, now_ms: int) -> None:
        """What was filled under the id counts, though the order that filled it is gone."""
        fresh.filled_before = before.filled
        if fresh.filled_before >= fresh.size:
            raise ChainError(codes.FULLY_FILLED)
        if fresh.filled_before and fresh.place.time_in_force == TimeInForce.IOC:
            raise ChainError(codes.IOC_PARTLY_FILLED)
        self._place_new(fresh, now_ms)

    def _replace(self, resting: Placed, fresh: Placed, now_ms: int) -> None:
        old, new = resting.place, fresh.place
        if new.good_til_block <= old.good_til_block:
            raise ChainError(codes.INVALID_REPLACEMENT, "GoodTilBlock must be greater than the existing order's")
        if (new.side, new.time_in_force, new.reduce_only) != (old.side, old.time_in_force, old.reduce_only):
            raise ChainError(codes.INVALID_REPLACEMENT, "side, time in force and reduce-only must not change")
        if fresh.size <= resting.filled:
            raise ChainError(codes.FULLY_FILLED)
        resting.place = new
        try:
            self._entry.replace(resting, fresh.price, fresh.size, now_ms)
        except RefusedError as error:
            self._entry.take_out(resting, now_ms)
            self._entry.forget(resting)
            self._refused(resting, error)
            return
        self._watcher.removed(resting, REPLACED)
        self._watcher.opened(resting)
        self._entry.tell()
        if resting.order is not None and resting.order.reason is Reason.WOULD_TAKE:
            raise ChainError(codes.POST_ONLY_CROSSES)

    def _refused(self, placed: Placed, error: RefusedError) -> None:
        """Who cannot pay for a short-term order is told so by the indexer only."""
        if not is_short_of_funds(error):
            raise ChainError(codes.REFUSED[error.refusal]) from error
        self._watcher.opened(placed)
        self._watcher.removed(placed, UNDERCOLLATERALIZED)

    def _cancel(self, cancel: CancelOrder, now_ms: int) -> None:
        order_id, until = cancel.order_id, cancel.good_til_block
        if self._register.cancelled_until(order_id) >= until:
            raise ChainError(codes.CANCEL_EXISTS)
        self._register.remember_cancel(order_id, until)
        placed = self._register.find(order_id)
        if placed is None:
            self._watcher.cancelled_unseen(order_id)
        elif placed.is_resting and until >= placed.place.good_til_block:
            self._entry.take_out(placed, now_ms)
            self._entry.tell()
        elif placed.is_resting:  # it outlives the cancel, and the indexer is told that it is gone all the same
            self._watcher.removed(placed, REMOVALS[Reason.BY_USER])
