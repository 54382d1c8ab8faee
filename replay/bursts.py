"""Recorded inputs in the bursts in which they came in, so that a replay settles where the live run settled.

The records of one burst stand side by side, and each after the first follows from the first: that is what `cause` says of
an input whose cause is itself an input.
"""

from collections.abc import Iterable, Iterator

from state.events import is_derived
from state.record import Record


def bursts(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Groups of records in order: a burst of inputs, or one derived record alone."""
    burst: list[Record] = []
    for record in records:
        if burst and record.cause == burst[0].seq and not is_derived(record.event):
            burst.append(record)
            continue
        if burst:
            yield burst
        if is_derived(record.event):
            burst = []
            yield [record]
        else:
            burst = [record]
    if burst:
        yield burst
