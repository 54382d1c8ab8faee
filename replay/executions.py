"""What was told of our orders, each fill once and each word under its order's client id, which some venues leave out."""

import msgspec

from state.events import Accepted, AnyEvent, Fill, OrderUpdate


class Executions:
    """Hears a session's events in order."""

    def __init__(self) -> None:
        self._fills: set[tuple[str, str, str, str]] = set()
        self._clients: dict[tuple[str, str], str] = {}  # by venue and order id

    def heard(self, event: AnyEvent) -> AnyEvent | None:
        """The event, with the client id of its order where that is known; None for a fill that was told before."""
        if isinstance(event, Fill):
            fill = (event.venue, event.symbol, event.side, event.fill_id)
            if fill in self._fills:
                return None
            self._fills.add(fill)
        elif not isinstance(event, Accepted | OrderUpdate):
            return event
        if event.order_id is None:
            return event
        order = (event.venue, event.order_id)
        if event.client_id:
            self._clients[order] = event.client_id
            return event
        client = self._clients.get(order)
        return event if client is None else msgspec.structs.replace(event, client_id=client)
