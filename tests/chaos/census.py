"""What a long session holds on to: its objects by type, tasks, timers, file handles, resident memory."""

import asyncio
import gc
import os
import sys
import threading
import types
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from statistics import median

# What leads out of a session into the loop, and by it to everybody else's; and what is not data.
_BORDERS = (
    type, types.ModuleType, types.FrameType, types.CodeType, types.CoroutineType, types.GeneratorType,
    types.BuiltinFunctionType, asyncio.AbstractEventLoop, asyncio.Future, asyncio.Handle, threading.Thread,
)  # fmt: skip
_ABROAD = ("aiohttp", "asyncio", "concurrent", "sqlalchemy", "logging", "tests", "_asyncio", "sqlite3")
GROWN = 1.1  # and more than SLACK above what it was
SLACK = 200


@dataclass(frozen=True, slots=True)
class Census:
    """Taken at one moment. `counts` are objects by type, `size` is their bytes."""

    at_s: float
    counts: Counter[str]
    size: int
    tasks: int
    timers: int
    handles: int
    resident: int


def take(root: object, at_s: float) -> Census:
    """All that can be reached from `root`."""
    counts, size = weigh(root, (*_ABROAD, "adapters.loopback"))
    loop = asyncio.get_running_loop()
    timers = sum(not handle.cancelled() for handle in loop._scheduled)  # type: ignore[attr-defined]
    handles = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    return Census(at_s, counts, size, len(asyncio.all_tasks()), timers, handles, _resident())


def weigh(root: object, abroad: tuple[str, ...] = _ABROAD) -> tuple[Counter[str], int]:
    """Objects by type and their bytes, without those of the packages `abroad`."""
    seen, todo, counts, size = {id(root)}, [root], Counter[str](), 0
    while todo:
        found = todo.pop()
        kind = type(found)
        counts[f"{kind.__module__}.{kind.__qualname__}"] += 1
        size += sys.getsizeof(found)
        led = (
            (found.__closure__, found.__defaults__)
            if isinstance(found, types.FunctionType)
            else gc.get_referents(found)
        )
        for each in led:
            if id(each) in seen or isinstance(each, _BORDERS) or type(each).__module__.startswith(abroad):
                continue
            seen.add(id(each))
            todo.append(each)
    return counts, size


def growth(taken: list[Census], *, objects: bool) -> list[str]:
    """What is more in the last third than it ever was in the first, warm-up left out by whoever asks; `objects` too?"""
    third = len(taken) // 3
    first, last = taken[:third], taken[-third:]
    found = []
    for kind in sorted(set().union(*(census.counts for census in last))) if objects else ():
        before, after = max(c.counts[kind] for c in first), min(c.counts[kind] for c in last)
        if after > before * GROWN + SLACK:
            found.append(f"{kind}: {before} objects became {after}")
    for name, slack in (("size", 2**20), ("tasks", 5), ("timers", 20), ("handles", 8))[not objects :]:
        before, after = max(getattr(c, name) for c in first), median(getattr(c, name) for c in last)
        if after > before * GROWN + slack:
            found.append(f"{name}: {before} became {after}")
    return found


def _resident() -> int:
    pages = Path("/proc/self/statm")
    return int(pages.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if pages.exists() else 0
