"""Recorded inputs in the bursts in which they came in, so that a replay settles where the live run settled.

The records of one burst stand side by side, and each after the first follows from the first: that is what `cause` says of
an input whose cause is itself an input.
"""

from collections.abc import Iterable, Iterator, Sequence

from state.events import DERIVED, MARKET, AnyEvent, FeedStatus, Signal
from state.record import Record

_ACCOUNT_CHANNELS = frozenset({"account", "private", "order", "trade"})


def bursts(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Groups of records in order: a burst of inputs, or one derived record alone."""
    burst: list[Record] = []
    head = 0  # seq of the burst's first record
    for record in records:
        if type(record.event) in DERIVED:
            if burst:
                yield burst
                burst = []
            yield [record]
        elif burst and record.cause == head:
            burst.append(record)
        else:
            if burst:
                yield burst
            burst = [record]
            head = record.seq
    if burst:
        yield burst


def input_bursts(records: Iterable[Record]) -> Iterator[tuple[Record, Sequence[AnyEvent]]]:
    """The bursts of inputs alone: the first record of each, and the events of all. What was concluded is passed over."""
    first: Record | None = None
    head = 0
    events: list[AnyEvent] = []
    for record in records:
        event = record.event
        if type(event) in DERIVED:
            if first is not None:
                yield first, events
                first = None
        elif first is not None and record.cause == head:
            events.append(event)
        else:
            if first is not None:
                yield first, events
            first, head, events = record, record.seq, [event]
    if first is not None:
        yield first, events


def is_market(event: AnyEvent) -> bool:
    """What a market says, whoever trades on it: the recorded account and its intents are left out."""
    return type(event) in _MARKET_KINDS or (isinstance(event, FeedStatus) and event.channel not in _ACCOUNT_CHANNELS)


_MARKET_KINDS: frozenset[type] = frozenset({*MARKET, Signal})
