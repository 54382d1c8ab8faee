"""An exchange that tells funding apart from fills, each in a list of its own: executions are both."""

from collections.abc import Sequence

from msgspec.structs import replace

from adapters.base.exchange import Exchange
from adapters.base.limits import Priority
from adapters.base.query import Query
from state.events import AnyEvent, Fill, FundingPayment


class FundedApart(Exchange):
    """Asks the actions `executions` and `funding`; of one order there are fills only."""

    async def poll(
        self, action: str, query: Query, *, feed: bool = False, priority: Priority = Priority.READ
    ) -> Sequence[AnyEvent]:
        """Executions are oldest first, and each once though pages overlap."""
        if action != "executions":
            return await super().poll(action, query, feed=feed, priority=priority)
        found = list(await super().poll("executions", query, priority=priority))
        if not (query.order_id or query.client_id):
            found += await super().poll("funding", replace(query, cursor="", limit=None), priority=priority)
        told = [event for event in dict.fromkeys(found) if isinstance(event, Fill | FundingPayment)]
        told.sort(key=lambda event: event.ts or 0)
        if feed and told:
            self.account_inbox.feed(self.clock.now_ns(), told)
        return told
