"""Intents that leave together: their order, their urgency, and what one of them takes back from another."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from adapters.base.limits import Priority
from adapters.base.lookup import client_id_of
from state.events import AmendOrder, CancelAll, CancelOrder, Intent, PlaceOrder
from state.record import Record
from state.words import Action

T = TypeVar("T")

# What brings risk down leaves first.
INTENTS: dict[Action, type[Intent]] = {
    "cancel_all": CancelAll,
    "cancel": CancelOrder,
    "amend": AmendOrder,
    "place": PlaceOrder,
}
PRIORITIES: dict[Action, Priority] = {
    "place": Priority.CREATE,
    "amend": Priority.AMEND,
    "cancel": Priority.CANCEL,
    "cancel_all": Priority.CANCEL,
}


@dataclass(slots=True)
class Open:
    """An intent that has no outcome yet; `left_ns` is since when it may have reached the venue, 0 while it cannot have."""

    record: Record
    action: Action
    done: asyncio.Event
    left_ns: int = 0


def undone(intents: Sequence[Record]) -> dict[int, Record]:
    """Orders and amendments, by seq, of what a later intent of the same burst cancels."""
    found = {}
    ids: set[str] = set()
    symbols: set[str] = set()  # the empty one stands for all
    for record in reversed(intents):
        event = record.event
        if type(event) is CancelOrder:
            ids.add(event.client_id)
        elif type(event) is CancelAll:
            symbols.add(event.symbol)
        elif client_id_of(record) in ids or not symbols.isdisjoint(("", event.symbol)):
            found[record.seq] = record
    return found


def chunks(whole: Sequence[T], size: int) -> Iterator[list[T]]:
    for start in range(0, len(whole), size):
        yield list(whole[start : start + size])
