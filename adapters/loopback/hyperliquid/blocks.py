"""Blocks: what one action, or one step of the market, brought about is told together and at one time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from adapters.loopback.floor import Change, Fill
from adapters.loopback.orders import Order

Block = list[Change]


class Blocks:
    """Gathers the changes of a block; outside of one each change is a block of its own."""

    def __init__(self) -> None:
        self.listeners: list[Callable[[Block], None]] = []
        self._open: Block | None = None

    def heard(self, change: Change) -> None:
        if self._open is None:
            self._tell([change])
        else:
            self._open.append(change)

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Everything heard within is one block."""
        self._open = []
        try:
            yield
        finally:
            block, self._open = self._open, None
            if block:
                self._tell(block)

    def _tell(self, block: Block) -> None:
        for listener in self.listeners:
            listener(block)


def orders_of(block: Block, key: str) -> list[tuple[str, Order]]:
    """An account's orders in a block with their coins, each once, as it is after it."""
    found = {
        o.order_id: (change.market.contract.symbol, o) for change in block for o in change.orders if o.account == key
    }
    return list(found.values())


def fills_of(block: Block, key: str) -> list[Fill]:
    """An account's fills and funding payments in a block."""
    return [fill for change in block for fill in change.fills if fill.account == key]
