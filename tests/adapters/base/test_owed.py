"""Fills that stay away are asked for, but not while what was told waits to be read."""

import asyncio
from decimal import Decimal

from adapters.base.known import Known
from adapters.base.owed import Owed
from state.events import FeedStatus, OrderUpdate


def test_what_is_owed_is_asked_for_once_and_not_by_who_is_late() -> None:
    known, late, waits = Known("v"), [True, True, False], list[float]()
    reads = 0

    async def read() -> None:
        nonlocal reads
        reads += 1
        known.was_read(tuple(known.owing))

    async def sleep(delay_s: float) -> None:
        waits.append(delay_s)

    async def run() -> None:
        owed = Owed(known, read, sleep, lambda: late.pop(0))
        assert not owed.is_due
        known.observe([OrderUpdate("v", "S", None, "a", "o", "filled", filled=Decimal(1))])
        assert owed.is_due
        await asyncio.gather(owed.chase(), owed.chase())
        assert not owed.is_due

    asyncio.run(run())
    assert (reads, len(waits), late) == (1, 3, [])


def test_what_is_owed_since_a_look_began_stays_owed() -> None:
    """The look had read the fills already, and took the order's word for one that is never told."""
    known = Known("v")
    known.was_read(())
    known.observe([FeedStatus("v", "", "account", "ok")])
    known.observe([OrderUpdate("v", "S", None, "a", "o", "filled", filled=Decimal(1))])
    owed = tuple(known.owing)
    known.observe([OrderUpdate("v", "S", None, "b", "p", "filled", filled=Decimal(1))])
    known.was_read(owed)
    assert list(known.owing) == ["b"]
