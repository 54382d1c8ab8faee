"""An exchange whose calls want a symbol where all of them are meant: fills, cancel-all, the dead-man's switch."""

from collections.abc import Iterable, Sequence

import msgspec

from adapters.base.exchange import Exchange
from adapters.base.limits import Priority
from adapters.base.query import Query
from adapters.base.settings import Subscription
from state.events import AnyEvent, Fill, FundingPayment, OrderUpdate


class BySymbol(Exchange):
    """Whose symbols are those of the settings, of the subscriptions and of what the account is known to hold.

    `window_ms` is the longest span of fills that one call covers, `history_ms` how long fills are kept; `funding` payments
    are another call. Its list of positions holds those of all coins, and no flat ones.
    """

    window_ms: int
    history_ms: int

    fills_are_named = False
    _subscribed: tuple[str, ...] = ()

    async def start(self, subscriptions: Iterable[Subscription]) -> None:
        wanted = list(subscriptions)
        self._subscribed = tuple(subscription.symbol for subscription in wanted)
        self.settle = ("",)  # its lists know no coins
        await super().start(wanted)

    @property
    def symbols(self) -> Sequence[str]:
        held = (*(order.symbol for order in self.known.orders.values()), *self.known.positions)
        return list(dict.fromkeys((*self.settings.symbols, *self._subscribed, *held)))

    def cancel_scopes(self, symbol: str) -> Sequence[Query]:
        return [Query(symbol=each) for each in ([symbol] if symbol else self.symbols)]

    def fills_of(self, order: OrderUpdate) -> Query:
        return Query(symbol=order.symbol, order_id=order.order_id or "")

    async def poll(
        self, action: str, query: Query, *, feed: bool = False, priority: Priority = Priority.READ
    ) -> Sequence[AnyEvent]:
        if action == "executions" and not query.symbol:
            return await self._all_executions(query, feed=feed, priority=priority)
        asked_ns = self.clock.now_ns() + self.sender.offset.ns
        events = await super().poll(action, query, feed=feed, priority=priority)
        if action != "positions" or query.symbol:
            return events
        return self.with_flats(events, asked_ns, feed=feed)

    async def _all_executions(self, query: Query, *, feed: bool, priority: Priority) -> Sequence[AnyEvent]:
        """Fills and funding since a time, oldest first."""
        now_ms = (self.clock.now_ns() + self.sender.offset.ns) // 1_000_000
        since = query.start_ms if query.start_ms is not None else now_ms - self.window_ms
        events: list[AnyEvent] = []
        for start in range(max(since, now_ms - self.history_ms), now_ms + 1, self.window_ms):
            window = Query(start_ms=start, end_ms=start + self.window_ms - 1, limit=1_000)
            for symbol in self.symbols:
                asked = msgspec.structs.replace(window, symbol=symbol)
                events += await super().poll("executions", asked, feed=feed, priority=priority)
            events += await super().poll("funding", window, feed=feed, priority=priority)
        return sorted(events, key=lambda event: event.ts or 0 if isinstance(event, Fill | FundingPayment) else 0)

    async def disconnect_cancel_all(self, window_s: int) -> None:
        """Arms the switch of every symbol."""
        for symbol in self.symbols:
            await self._set("disconnect_cancel_all", Query(symbol=symbol, window_s=window_s))
