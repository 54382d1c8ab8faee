"""Long-term and conditional orders: checked when they arrive, on the chain with the next block, matched after it."""

# https://github.com/dydxprotocol/v4-chain/blob/main/protocol/x/clob/keeper/orders.go

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from adapters.loopback.dydx import codes
from adapters.loopback.dydx.checks import Checks
from adapters.loopback.dydx.codes import ChainError
from adapters.loopback.dydx.entry import UNDERCOLLATERALIZED, Entry, is_short_of_funds
from adapters.loopback.dydx.ids import order_uuid
from adapters.loopback.dydx.limits import most_stateful
from adapters.loopback.dydx.messages import CancelOrder, Condition, OrderId, OrderSide, PlaceOrder
from adapters.loopback.dydx.register import Placed, Register
from adapters.loopback.dydx.views import Watcher
from adapters.loopback.orders import Reason, RefusedError


class Stateful:
    """What the chain does with orders that it keeps itself."""

    def __init__(
        self,
        register: Register,
        checks: Checks,
        entry: Entry,
        watcher: Watcher,
        equity: Callable[[str], Decimal],
        free: Callable[[str], Decimal],
    ) -> None:
        self._register, self._checks, self._entry, self._watcher = register, checks, entry, watcher
        self._equity, self._free = equity, free
        self._placing: dict[OrderId, PlaceOrder] = {}
        self._cancelling: dict[OrderId, None] = {}
        """Taken, and in no block yet."""
        self._included: list[Placed] = []
        """On the chain since this block, to be matched now that it is made."""

    # -- when a message arrives --------------------------------------------------------------------------------------

    def check_place(self, place: PlaceOrder, next_height: int, now_ms: int) -> None:
        """Raises ChainError."""
        terms = self._checks.place(place, next_height, now_ms)
        found = self._register.find(place.order_id)
        if place.order_id in self._cancelling:
            raise ChainError(codes.PREVIOUSLY_CANCELLED)
        if place.order_id in self._placing or (found is not None and found.is_live):
            raise ChainError(codes.STATEFUL_EXISTS)
        key = place.order_id.subaccount.key
        equity = self._equity(key)
        if self._register.open_stateful(key) >= most_stateful(equity):
            raise ChainError(codes.EQUITY_TIER, f"equity {equity}")
        value = terms.size(place.quantums) * terms.price(place.subticks)
        if value * terms.initial_margin_fraction > self._free(key) and not place.reduce_only:
            raise ChainError(codes.COLLATERAL)
        self._placing[place.order_id] = place

    def check_cancel(self, cancel: CancelOrder, next_height: int, now_ms: int) -> None:
        """Raises ChainError."""
        self._checks.cancel(cancel, next_height, now_ms)
        if cancel.order_id in self._cancelling:
            raise ChainError(codes.CANCEL_PENDING)
        found = self._register.find(cancel.order_id)
        there = found.place if found is not None and found.is_live else self._placing.get(cancel.order_id)
        if there is None:
            raise ChainError(codes.STATEFUL_MISSING)
        if cancel.good_til_time_s < there.good_til_time_s:
            raise ChainError(codes.INVALID_CANCEL)
        self._cancelling[cancel.order_id] = None

    # -- when a block is made ----------------------------------------------------------------------------------------

    def include(self, message: PlaceOrder | CancelOrder, now_ms: int) -> None:
        """Carries a message out that the block holds; raises ChainError where the chain has moved on since it came."""
        if isinstance(message, CancelOrder):
            self._cancelling.pop(message.order_id, None)
            placed = self._register.find(message.order_id)
            if placed is None or not placed.is_live:
                raise ChainError(codes.STATEFUL_MISSING)
            self._end(placed, "USER_CANCELED", Reason.BY_USER, now_ms)
            return
        self._placing.pop(message.order_id, None)
        terms = self._checks.terms(message.order_id.pair_id)
        placed = self._entry.placed(order_uuid(message.order_id), message, terms)
        self._register.placed[placed.uuid] = placed
        self._watcher.kept(placed)
        if not message.condition:
            self._included.append(placed)

    def expire(self, placed: Placed, now_ms: int) -> None:
        """Its time is over."""
        self._end(placed, "EXPIRED", Reason.EXPIRED, now_ms)

    def trigger(self, oracle: Mapping[str, Decimal]) -> None:
        """Finds the conditional orders that the oracle prices set off."""
        for placed in self._register.waiting():
            if placed.is_live and self._is_set_off(placed, oracle[placed.ticker]):
                placed.is_triggered = True
                self._watcher.triggered(placed)
                self._included.append(placed)

    def match(self, now_ms: int) -> None:
        """Puts on the floor what the block just made has brought; the matches are the next block's."""
        included, self._included = self._included, []
        for placed in included:
            if self._register.placed.get(placed.uuid) is not placed:
                continue
            try:
                self._entry.enter(placed, now_ms)
            except RefusedError as error:
                reason = UNDERCOLLATERALIZED if is_short_of_funds(error) else "REDUCE_ONLY_RESIZE"
                del self._register.placed[placed.uuid]
                self._watcher.removed(placed, reason)
        self._entry.tell()

    # -- within ------------------------------------------------------------------------------------------------------

    def _end(self, placed: Placed, removal: str, reason: Reason, now_ms: int) -> None:
        if placed.is_resting:
            self._entry.take_out(placed, now_ms, reason)
            self._entry.tell()
        else:
            del self._register.placed[placed.uuid]
            self._watcher.removed(placed, removal)

    def _is_set_off(self, placed: Placed, oracle: Decimal) -> bool:
        place = placed.place
        trigger = self._checks.terms(place.order_id.pair_id).price(place.trigger_subticks)
        rising = (place.side == OrderSide.BUY) == (place.condition == Condition.STOP_LOSS)
        return oracle >= trigger if rising else oracle <= trigger
