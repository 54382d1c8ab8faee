"""Recorded inputs in the bursts in which they came in, so that a replay settles where the live run settled.

The records of one burst stand side by side, and each after the first follows from the first: that is what `cause` says of
an input whose cause is itself an input.
"""

from collections.abc import Iterable, Iterator

from state.events import DERIVED
from state.record import Record


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
