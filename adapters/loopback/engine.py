"""Price-time priority matching of one symbol, exact in Decimal; knows no venue, no wire, no account rules but reduce-only.

A command (`place`, `amend`, `cancel`, `cancel_all`) runs to its end and returns an `Outcome`. Positions live elsewhere: the
engine asks `Clearing` for them where an order may only reduce, and tells it each match as it happens, so that a second match
of the same command already sees the first.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from typing import Protocol

from sortedcontainers import SortedDict

from adapters.loopback.orders import (
    ZERO,
    Execution,
    Kind,
    Order,
    Outcome,
    Reason,
    Refusal,
    RefusedError,
    SelfMatch,
    Side,
    Status,
    Tif,
)


class Clearing(Protocol):
    """What the engine asks of whoever keeps positions."""

    def position(self, account: str) -> Decimal:
        """The account's position in this symbol, signed."""
        ...

    def settle(self, execution: Execution) -> None:
        """Books one match on both sides."""
        ...


class Level:
    """The orders at one price, oldest first, and the sum of what they leave."""

    __slots__ = ("orders", "size")

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.size = ZERO


class Engine:
    """The book of one symbol and the only code that changes it."""

    def __init__(self, symbol: str, clearing: Clearing, first_seq: int = 1) -> None:
        self.symbol = symbol
        self.seq = first_seq
        self.last_ms = 0
        self._clearing = clearing
        self._bids: SortedDict[Decimal, Level] = SortedDict()
        self._asks: SortedDict[Decimal, Level] = SortedDict()
        self._live: dict[str, Order] = {}
        self._owned: dict[str, dict[str, Order]] = {}
        self._reducing: dict[str, dict[str, Order]] = {}
        self._matches = 0

    # -- questions ---------------------------------------------------------------------------------------------------

    def depth(self, side: Side, limit: int | None = None) -> Iterator[tuple[Decimal, Decimal]]:
        """Price and size of the levels of a side, best first."""
        ladder = self._bids if side is Side.BUY else self._asks
        prices = reversed(ladder) if side is Side.BUY else iter(ladder)
        for price in islice(prices, limit):
            yield price, ladder[price].size

    def ranks(self, side: Side, limit: int | None = None) -> Iterator[tuple[Decimal, Decimal, int]]:
        """Price, size and number of orders of the levels of a side, best first."""
        ladder = self._ladder(side)
        for price, size in self.depth(side, limit):
            yield price, size, len(ladder[price].orders)

    def best(self, side: Side) -> tuple[Decimal, Decimal] | None:
        ladder = self._ladder(side)
        if not ladder:
            return None
        price, level = ladder.peekitem(-1 if side is Side.BUY else 0)
        return price, level.size

    def levels(self, side: Side) -> int:
        return len(self._bids if side is Side.BUY else self._asks)

    def live(self, order_id: str) -> Order | None:
        """The order if it rests in the book."""
        return self._live.get(order_id)

    def resting(self, account: str | None = None) -> list[Order]:
        """The orders in the book, in order of entry, of one account or of all."""
        return list((self._live if account is None else self._owned.get(account, {})).values())

    def queue(self, side: Side, price: Decimal) -> list[Order]:
        """The orders at a price, first in line first."""
        level = self._ladder(side).get(price)
        return list(level.orders.values()) if level else []

    def would_take(self, order: Order) -> bool:
        """Would the order trade at once?"""
        best = self.best(order.side.opposite)
        return best is not None and order.crosses(best[0])

    def fillable(self, order: Order) -> Decimal:
        """How much the order could trade now, its own account's orders left out where it may not meet them."""
        total, prevents = ZERO, order.self_match is not SelfMatch.ALLOW
        for price, size in self.depth(order.side.opposite):
            if not order.crosses(price) or total >= order.leaves:
                break
            queue = self.queue(order.side.opposite, price) if prevents else []
            total += size - sum((o.leaves for o in queue if o.account == order.account), ZERO)
        return total

    # -- commands ----------------------------------------------------------------------------------------------------

    def place(self, order: Order, now_ms: int) -> Outcome:
        """Matches a new order and rests what its time in force lets rest.

        Raises RefusedError where a reduce-only order has nothing to reduce.
        """
        if order.reduce_only:
            order.size = min(order.size, self._checked_room(order))
        outcome = self._begin(now_ms)
        order.created_ms = now_ms
        self._enter(order, outcome, now_ms)
        self._trim_reducing(outcome, now_ms)
        return outcome

    def amend(
        self,
        order_id: str,
        now_ms: int,
        price: Decimal | None = None,
        size: Decimal | None = None,
        keeps_place: bool = True,
        renews: bool = False,
    ) -> Outcome:
        """Changes price or total size under the same id; a mere decrease keeps the place in the queue where the venue lets it.

        With `renews` an amendment that changes nothing is one too.
        """
        order = self._must_live(order_id)
        new_price, new_size = order.price if price is None else price, order.size if size is None else size
        if new_size <= order.filled:
            raise RefusedError(Refusal.SIZE_NOT_ABOVE_FILLED)
        if (new_price, new_size) == (order.price, order.size) and not renews:
            raise RefusedError(Refusal.NOTHING_CHANGED)
        if order.reduce_only:
            new_size = min(new_size, order.filled + self._checked_room(order))
        outcome = self._begin(now_ms)
        if keeps_place and new_price == order.price and new_size <= order.size:
            self._shrink(order, new_size, outcome, now_ms)
        else:
            self._take_out(order, outcome)
            order.price, order.size = new_price, new_size
            self._enter(order, outcome, now_ms)
        self._trim_reducing(outcome, now_ms)
        return outcome

    def complete(self, order_id: str, now_ms: int) -> Outcome:
        """Ends a partly filled order as filled, at the size that it has: what an amendment to less means at some venues."""
        order = self._must_live(order_id)
        assert order.filled, "an order that has traded nothing cannot be filled"
        outcome = self._begin(now_ms)
        self._take_out(order, outcome)
        order.size, order.status, order.updated_ms = order.filled, Status.FILLED, now_ms
        outcome.orders[order.order_id] = order
        return outcome

    def cancel(self, order_id: str, now_ms: int, reason: Reason = Reason.BY_USER) -> Outcome:
        """Takes an order out of the book for good."""
        order = self._must_live(order_id)
        outcome = self._begin(now_ms)
        self._end(order, reason, outcome, now_ms)
        return outcome

    def cancel_all(self, account: str, now_ms: int, reason: Reason = Reason.BY_USER) -> Outcome:
        """Takes every order of an account out of the book."""
        outcome = self._begin(now_ms)
        for order in self.resting(account):
            self._end(order, reason, outcome, now_ms)
        return outcome

    # -- matching ----------------------------------------------------------------------------------------------------

    def _enter(self, order: Order, outcome: Outcome, now_ms: int) -> None:
        outcome.orders[order.order_id] = order
        order.updated_ms = now_ms
        if order.tif is Tif.POST_ONLY:
            if self.would_take(order):
                self._finish(order, Reason.WOULD_TAKE, now_ms)
            else:
                self._rest(order, outcome)
        elif order.tif is Tif.FOK and self.fillable(order) < order.leaves:
            self._finish(order, Reason.NOT_WHOLE, now_ms)
        else:
            self._match(order, outcome, now_ms)
            if order.leaves and (order.kind is Kind.MARKET or order.tif in (Tif.IOC, Tif.FOK)):
                self._finish(order, Reason.NO_LIQUIDITY, now_ms)
            elif order.leaves:
                self._rest(order, outcome)

    def _match(self, taker: Order, outcome: Outcome, now_ms: int) -> None:
        ladder = self._ladder(taker.side.opposite)
        while taker.leaves and ladder:
            price, level = ladder.peekitem(0 if taker.side is Side.BUY else -1)
            if not taker.crosses(price):
                return
            maker = next(iter(level.orders.values()))
            if maker.account == taker.account and taker.self_match is not SelfMatch.ALLOW:
                self._prevent(taker, maker, outcome, now_ms)
                continue
            maker_room, taker_room = self._room(maker), self._room(taker)
            if taker_room == 0:
                self._finish(taker, Reason.REDUCE_ONLY, now_ms)
            elif maker_room == 0:
                self._end(maker, Reason.REDUCE_ONLY, outcome, now_ms)
            else:
                self._execute(taker, maker, min(taker_room, maker_room), outcome, now_ms)

    def _prevent(self, taker: Order, maker: Order, outcome: Outcome, now_ms: int) -> None:
        taker.met_order_id, maker.met_order_id = maker.order_id, taker.order_id
        if taker.self_match is not SelfMatch.CANCEL_TAKER:
            self._end(maker, Reason.SELF_MATCH, outcome, now_ms)
        if taker.self_match is not SelfMatch.CANCEL_MAKER:
            self._finish(taker, Reason.SELF_MATCH, now_ms)

    def _execute(self, taker: Order, maker: Order, size: Decimal, outcome: Outcome, now_ms: int) -> None:
        price = maker.price
        for order in (taker, maker):
            order.filled += size
            order.value += price * size
            order.updated_ms = now_ms
            order.status = Status.FILLED if order.filled == order.size else Status.PARTIALLY_FILLED
        self._resize(maker.side, price, -size, outcome)
        if maker.status is Status.FILLED:
            self._unlist(maker)
        outcome.orders[maker.order_id] = maker
        self._matches += 1
        execution = Execution(self._matches, self.seq, price, size, taker, maker, now_ms)
        outcome.executions.append(execution)
        self._clearing.settle(execution)

    # -- reduce-only -------------------------------------------------------------------------------------------------

    def _room(self, order: Order) -> Decimal:
        """How much the order may trade now: what it leaves, or less where it may only reduce."""
        if not order.reduce_only:
            return order.leaves
        return max(ZERO, min(order.leaves, -order.side.sign * self._clearing.position(order.account)))

    def _checked_room(self, order: Order) -> Decimal:
        position = self._clearing.position(order.account)
        if position == 0:
            raise RefusedError(Refusal.NOTHING_TO_REDUCE)
        if position * order.side.sign > 0:
            raise RefusedError(Refusal.WRONG_SIDE_TO_REDUCE)
        return abs(position)

    def _trim_reducing(self, outcome: Outcome, now_ms: int) -> None:
        """Shrinks or ends the resting reduce-only orders of accounts whose position just became smaller."""
        if not outcome.executions or not self._reducing:
            return
        accounts = dict.fromkeys(order.account for e in outcome.executions for order in (e.taker, e.maker))
        for account in accounts:
            for order in list(self._reducing.get(account, {}).values()):
                room = self._room(order)
                if room == 0:
                    self._end(order, Reason.REDUCE_ONLY, outcome, now_ms)
                elif room < order.leaves:
                    self._shrink(order, order.filled + room, outcome, now_ms)

    # -- the book ----------------------------------------------------------------------------------------------------

    def _ladder(self, side: Side) -> SortedDict[Decimal, Level]:
        return self._bids if side is Side.BUY else self._asks

    def _begin(self, now_ms: int) -> Outcome:
        self.seq += 1
        self.last_ms = now_ms
        return Outcome()

    def _must_live(self, order_id: str) -> Order:
        order = self._live.get(order_id)
        if order is None:
            raise RefusedError(Refusal.UNKNOWN_ORDER)
        return order

    def _rest(self, order: Order, outcome: Outcome) -> None:
        ladder = self._ladder(order.side)
        level = ladder.get(order.price)
        if level is None:
            level = ladder[order.price] = Level()
        level.orders[order.order_id] = order
        self._live[order.order_id] = order
        self._owned.setdefault(order.account, {})[order.order_id] = order
        if order.reduce_only:
            self._reducing.setdefault(order.account, {})[order.order_id] = order
        self._resize(order.side, order.price, order.leaves, outcome)

    def _take_out(self, order: Order, outcome: Outcome) -> None:
        self._resize(order.side, order.price, -order.leaves, outcome)
        self._unlist(order)

    def _unlist(self, order: Order) -> None:
        ladder = self._ladder(order.side)
        level = ladder[order.price]
        del level.orders[order.order_id]
        del self._live[order.order_id]
        del self._owned[order.account][order.order_id]
        if order.reduce_only:
            self._reducing[order.account].pop(order.order_id, None)
        if not level.orders:
            del ladder[order.price]

    def _resize(self, side: Side, price: Decimal, by: Decimal, outcome: Outcome) -> None:
        level: Level = self._ladder(side)[price]
        level.size += by
        outcome.levels[side, price] = level.size

    def _shrink(self, order: Order, size: Decimal, outcome: Outcome, now_ms: int) -> None:
        self._resize(order.side, order.price, size - order.size, outcome)
        order.size, order.updated_ms = size, now_ms
        outcome.orders[order.order_id] = order

    def _end(self, order: Order, reason: Reason, outcome: Outcome, now_ms: int) -> None:
        self._take_out(order, outcome)
        self._finish(order, reason, now_ms)
        outcome.orders[order.order_id] = order

    @staticmethod
    def _finish(order: Order, reason: Reason, now_ms: int) -> None:
        order.status, order.reason, order.updated_ms = Status.CANCELLED, reason, now_ms
