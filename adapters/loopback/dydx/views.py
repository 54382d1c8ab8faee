"""What the indexer is told by the chain: at once by a node, for good by a block."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from adapters.loopback.dydx.messages import OrderId, Subaccount
from adapters.loopback.dydx.register import Placed
from adapters.loopback.floor import Fill
from adapters.loopback.market import PublicTrade


class Watcher(Protocol):
    """Hears what happens to orders, when it happens."""

    def opened(self, placed: Placed) -> None:
        """A short-term order was placed or replaced at a node."""
        ...

    def removed(self, placed: Placed, reason: str) -> None:
        """An order left the book: of a short-term one a node says so, of a stateful one the next block."""
        ...

    def cancelled_unseen(self, order_id: OrderId) -> None:
        """A short-term cancel was stored for an order that nobody has."""
        ...

    def kept(self, placed: Placed) -> None:
        """The block being made has a stateful order."""
        ...

    def triggered(self, placed: Placed) -> None:
        """The block being made has set off a conditional order."""
        ...


@dataclass(frozen=True, slots=True)
class Moved:
    """USDC that went from one subaccount to another."""

    sender: Subaccount
    recipient: Subaccount
    amount: Decimal
    tx_hash: str


@dataclass(slots=True)
class Block:
    """A block as it is final."""

    height: int
    ts_ms: int
    fills: list[Fill] = field(default_factory=list)
    trades: dict[str, list[PublicTrade]] = field(default_factory=dict)
    """By ticker."""
    forced: set[str] = field(default_factory=set)
    """The trades that liquidated somebody, by their names on the floor."""
    transfers: list[Moved] = field(default_factory=list)
    oracle: dict[str, Decimal] = field(default_factory=dict)
    began: list[str] = field(default_factory=list)
    """Markets that begin a minute with this block, without a trade."""
