"""What is wrong with a message before anybody looks into a book: words, steps, good-til."""

# https://github.com/dydxprotocol/v4-chain/blob/main/protocol/x/clob/types/message_place_order.go

from __future__ import annotations

from collections.abc import Iterable, Mapping

from adapters.loopback.dydx import codes
from adapters.loopback.dydx.codes import ChainError
from adapters.loopback.dydx.contracts import STEP_BASE_QUANTUMS, Terms
from adapters.loopback.dydx.messages import (
    CONDITIONAL,
    LONG_TERM,
    SHORT_TERM,
    BatchCancel,
    CancelOrder,
    Condition,
    OrderId,
    PlaceOrder,
    TimeInForce,
)
from adapters.loopback.dydx.register import SIDES

STATEFUL_WINDOW_MS = 95 * 86_400_000
MOST_BATCH_CANCELS = 100


class Checks:
    """The rules that need no state but the markets and the block."""

    def __init__(self, terms: Iterable[Terms], short_block_window: int) -> None:
        self._terms: Mapping[int, Terms] = {one.pair_id: one for one in terms}
        self._window = short_block_window

    def terms(self, pair_id: int) -> Terms:
        """Raises ChainError where there is no such pair."""
        found = self._terms.get(pair_id)
        if found is None:
            raise ChainError(codes.BAD_PAIR, f"ClobPairId {pair_id}")
        return found

    def place(self, place: PlaceOrder, next_height: int, now_ms: int) -> Terms:
        """The market of an order that may be placed, as far as its own words go."""
        self._flags(place.order_id)
        if place.side not in tuple(SIDES):
            raise ChainError(codes.BAD_SIDE, f"invalid order side ({place.side})")
        if place.quantums == 0:
            raise ChainError(codes.BAD_QUANTUMS)
        if place.subticks == 0:
            raise ChainError(codes.BAD_SUBTICKS)
        self._force(place)
        terms = self.terms(place.order_id.pair_id)
        self._steps(place, terms)
        self._condition(place, terms)
        self.good_til(place.order_id, place.good_til_block, place.good_til_time_s, next_height, now_ms)
        return terms

    def cancel(self, cancel: CancelOrder, next_height: int, now_ms: int) -> None:
        self._flags(cancel.order_id)
        self.terms(cancel.order_id.pair_id)
        self.good_til(cancel.order_id, cancel.good_til_block, cancel.good_til_time_s, next_height, now_ms)

    def batch(self, batch: BatchCancel) -> None:
        count = len(batch.order_ids())
        if not 0 < count <= MOST_BATCH_CANCELS:
            raise ChainError(codes.BAD_BATCH, f"{count} cancels")
        pairs = [pair_id for pair_id, _ in batch.cancels]
        if len(set(pairs)) != len(pairs) or not all(client_ids for _, client_ids in batch.cancels):
            raise ChainError(codes.BAD_BATCH, "duplicate or empty clob pair")
        for pair_id in pairs:
            self.terms(pair_id)

    def good_til(self, order_id: OrderId, block: int, time_s: int, next_height: int, now_ms: int) -> None:
        """A short-term message has a block, near enough; a stateful one a time, in the future."""
        if order_id.is_short_term:
            if block == 0:
                raise ChainError(codes.BAD_GOOD_TIL)
            if next_height > block:
                raise ChainError(codes.GOOD_TIL_PASSED, f"GoodTilBlock {block}, next block {next_height}")
            if block > next_height + self._window:
                raise ChainError(codes.GOOD_TIL_TOO_FAR, f"GoodTilBlock {block}, next block {next_height}")
        elif time_s == 0:
            raise ChainError(codes.BAD_GOOD_TIL_TIME)
        elif time_s * 1000 <= now_ms:
            raise ChainError(codes.TIME_PASSED, f"GoodTilBlockTime {time_s}")
        elif time_s * 1000 > now_ms + STATEFUL_WINDOW_MS:
            raise ChainError(codes.TIME_TOO_FAR, f"GoodTilBlockTime {time_s}")

    @staticmethod
    def _flags(order_id: OrderId) -> None:
        if order_id.flags not in (SHORT_TERM, CONDITIONAL, LONG_TERM):
            raise ChainError(codes.BAD_FLAGS, f"{order_id.flags} is not served by this venue")

    @staticmethod
    def _force(place: PlaceOrder) -> None:
        if place.time_in_force == TimeInForce.FOK:
            raise ChainError(codes.DEPRECATED, "Fill-or-kill")
        if place.time_in_force not in (TimeInForce.RESTS, TimeInForce.IOC, TimeInForce.POST_ONLY):
            raise ChainError(codes.INVALID_PLACE, f"invalid time in force ({place.time_in_force})")
        if place.order_id.flags == LONG_TERM and place.time_in_force == TimeInForce.IOC:
            raise ChainError(codes.STATEFUL_IMMEDIATE)
        if place.reduce_only and place.time_in_force != TimeInForce.IOC:
            raise ChainError(codes.REDUCE_ONLY_RESTS)

    @staticmethod
    def _steps(place: PlaceOrder, terms: Terms) -> None:
        if place.quantums % STEP_BASE_QUANTUMS:
            raise ChainError(codes.INVALID_PLACE, f"Order Quantums {place.quantums} must be a multiple of the step")
        if place.subticks % terms.subticks_per_tick:
            raise ChainError(codes.INVALID_PLACE, f"Order subticks {place.subticks} must be a multiple of the tick")

    @staticmethod
    def _condition(place: PlaceOrder, terms: Terms) -> None:
        conditional = place.order_id.flags == CONDITIONAL
        if conditional != (place.condition in (Condition.STOP_LOSS, Condition.TAKE_PROFIT)):
            raise ChainError(codes.BAD_CONDITION, f"condition {place.condition} with flags {place.order_id.flags}")
        if conditional != (place.trigger_subticks > 0) or place.trigger_subticks % terms.subticks_per_tick:
            raise ChainError(codes.BAD_TRIGGER, f"trigger {place.trigger_subticks}")
