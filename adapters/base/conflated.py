"""Market events that were late, with no more of a book's changes than whoever is late can use."""

from collections.abc import Sequence

from msgspec.structs import replace

from state.events import AnyEvent, BookDelta, BookSnapshot, FeedStatus, Level


def conflated(events: Sequence[AnyEvent]) -> list[AnyEvent]:
    """The same, with the changes of a book told at once where the first of them stood; nothing else is left out.

    Changes stay on their side of a snapshot and of a status.
    """
    told: list[AnyEvent | list[BookDelta]] = []
    runs: dict[tuple[str, str], list[BookDelta]] = {}
    for event in events:
        market = (event.venue, event.symbol)
        if isinstance(event, BookDelta):
            if market in runs:
                runs[market].append(event)
            else:
                runs[market] = [event]
                told.append(runs[market])
            continue
        if isinstance(event, BookSnapshot):
            runs.pop(market, None)
        elif isinstance(event, FeedStatus):
            runs.clear()
        told.append(event)
    return [_together(step) if isinstance(step, list) else step for step in told]


def _together(run: Sequence[BookDelta]) -> BookDelta:
    if len(run) == 1:
        return run[0]
    bids: dict[float, float] = {}
    asks: dict[float, float] = {}
    for delta in run:
        bids.update(delta.bids)
        asks.update(delta.asks)
    return replace(run[-1], bids=_levels(bids), asks=_levels(asks), prev_update_id=run[0].prev_update_id)


def _levels(sizes: dict[float, float]) -> list[Level]:
    return list(sizes.items())
