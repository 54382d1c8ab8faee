"""Breaks one thing in an adapter, as its author might, so that the suite can be seen to find it. A plugin of pytest."""

import os
from collections.abc import Callable
from typing import Any

import aiohttp

from adapters.base import network, orderid, types
from adapters.base.client import Verdict
from adapters.base.once import Once
from adapters.base.seen import SEEN_MOST
from adapters.bybit import channels, client, websocket
from state.events import BookDelta


def trades_told_twice() -> None:
    read = channels.TradesChannel.receive

    def receive(self: channels.TradesChannel, frame: bytes) -> Any:
        self._seen = Once(SEEN_MOST)
        return read(self, frame)

    channels.TradesChannel.receive = receive  # type: ignore[method-assign]


def gaps_passed_over() -> None:
    def irregular(self: channels.BookChannel, update_id: int) -> Any:
        last, self._last = self._last, update_id
        return (BookDelta(self.venue, self.symbol, 1, [], [], update_id, last),)

    channels.BookChannel._irregular = irregular  # type: ignore[method-assign]


def amends_sent_again() -> None:
    async def send(request: aiohttp.ClientRequest, forward: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        return await forward(request)

    network._once = send


def ids_too_long() -> None:
    make = orderid.OrderID.make
    orderid.OrderID.make = lambda self, seq: make(self, seq) + "0" * 30  # type: ignore[method-assign]


def unknown_words_taken() -> None:
    types._Table.__missing__ = lambda self, word: next(iter(self.values()))  # type: ignore[method-assign]


def errors_taken_for_refusals() -> None:
    client._by_status = lambda status, body: Verdict("rejected", "rule", f"http {status}", "")


def signatures_kept() -> None:
    websocket.Stream.strike = lambda self, frame: frame  # type: ignore[method-assign]


BREAKS: dict[str, Callable[[], None]] = {
    each.__name__: each
    for each in (
        trades_told_twice, gaps_passed_over, amends_sent_again, ids_too_long, unknown_words_taken,
        errors_taken_for_refusals, signatures_kept,
    )
}  # fmt: skip


def pytest_configure() -> None:
    BREAKS[os.environ["TAPELINE_SABOTAGE"]]()
