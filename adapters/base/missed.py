"""Public trades of the time without a connection, which a stream does not tell again: asked for, and told as late."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol

from adapters.base.query import Query
from adapters.base.websocket import Websocket
from state.clock import Clock
from state.events import AnyEvent, Trade
from state.record import Inbox

LATEST = 1_000  # trades, as many as venues list


class Listing(Protocol):
    """What is asked of an exchange."""

    inbox: Inbox
    clock: Clock

    async def trades(self, query: Query) -> Sequence[AnyEvent]: ...


async def tell_missed(
    exchange: Listing, protocol: Websocket, attempt: Callable[[Callable[[], Awaitable[object]]], Awaitable[bool]]
) -> None:
    """Feeds what a reconnected stream missed of each market; what cannot be asked is lost, which is said."""
    for symbol in protocol.traded:
        if not await attempt(partial(_fetch, exchange, protocol, symbol)):
            _feed(exchange, protocol, symbol, ())  # the protocol stops collecting


async def _fetch(exchange: Listing, protocol: Websocket, symbol: str) -> None:
    trades = await exchange.trades(Query(symbol=symbol, limit=LATEST))
    _feed(exchange, protocol, symbol, [event for event in trades if isinstance(event, Trade)])


def _feed(exchange: Listing, protocol: Websocket, symbol: str, fetched: Sequence[Trade]) -> None:
    missed = protocol.missed(symbol, fetched)
    if missed:
        exchange.inbox.feed(exchange.clock.now_ns(), missed)
