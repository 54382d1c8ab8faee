"""The indexer's names: all are computed, so that whoever knows an order knows its id before it is sent."""

# https://github.com/dydxprotocol/v4-chain/blob/main/indexer/packages/postgres/src/helpers/uuid.ts

from __future__ import annotations

from functools import lru_cache
from uuid import UUID, uuid5

from adapters.loopback.dydx.messages import OrderId, Subaccount

NAMESPACE = UUID("0f9da948-a6fb-4c45-9edc-4685c3f3317d")
MATCHES_TX = 2
"""The index, in its block, of the transaction with a block's matches."""


@lru_cache(maxsize=4_096)
def subaccount_uuid(subaccount: Subaccount) -> str:
    return str(uuid5(NAMESPACE, f"{subaccount.owner}-{subaccount.number}"))


def order_uuid(order_id: OrderId) -> str:
    of = subaccount_uuid(order_id.subaccount)
    return str(uuid5(NAMESPACE, f"{of}-{order_id.client_id}-{order_id.pair_id}-{order_id.flags}"))


def fill_uuid(event_id: str, liquidity: str) -> str:
    return str(uuid5(NAMESPACE, f"{event_id}-{liquidity}"))


def position_uuid(subaccount: Subaccount, name: str, event_id: str) -> str:
    return str(uuid5(NAMESPACE, f"{subaccount_uuid(subaccount)}-{name}-{event_id}"))


class FloorIds:
    """Names for the floor: an order's is told beforehand, a match is named by the block that it will be in."""

    def __init__(self, next_height: int) -> None:
        self.next_height = next_height
        self.next_order = ""
        """The name of the order about to be placed; empty for one of the street."""
        self._events = 0
        self._street = 0
        self._event_ids: dict[str, str] = {}

    def begin(self, next_height: int) -> None:
        """A new block is being made; what was matched in the last one has been told."""
        self.next_height, self._events = next_height, 0
        self._event_ids.clear()

    def event(self) -> str:
        """Height, transaction and event as 24 hexadecimal digits."""
        self._events += 1
        return f"{self.next_height:08x}{MATCHES_TX:08x}{self._events:08x}"

    def event_of(self, fill_id: str) -> str:
        """The event of this block that a fill, or a trade named by its taker's fill, is a side of."""
        return self._event_ids[fill_id]

    def order(self, _: str) -> str:
        if self.next_order:
            return self.next_order
        self._street += 1
        return f"street-{self._street}"

    def trade(self, _: str) -> str:
        event_id = self.event()
        fill_id = fill_uuid(event_id, "TAKER")
        self._event_ids[fill_id] = event_id
        return fill_id

    def maker_fill(self, trade_id: str) -> str:
        event_id = self._event_ids[trade_id]
        fill_id = fill_uuid(event_id, "MAKER")
        self._event_ids[fill_id] = event_id
        return fill_id

    def funding(self, _: str) -> str:
        return self.event()
