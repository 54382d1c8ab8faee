"""What a long session holds on to: its objects by type, tasks, timers, file handles, and the memory of its process.

Memory is told by several meters, since none sees all. `resident` is what the system has given the process and what a person would
look at; `held` is without what the C library has free and keeps for the next time, which is more after each moment of much work.
Both are coarse. `blocks` counts the interpreter's living allocations (`beyond` those that no session leads to), `malloced` is the
bytes of the C library's (what has more than 512 of them, SQLite's, zstd's): these are exact, and tell a leak of a few hundred
bytes an order from an allocator's habits.
"""

import asyncio
import ctypes
import gc
import json
import os
import sys
import threading
import types
from collections import Counter
from dataclasses import dataclass
from itertools import combinations
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
FEWEST = 6  # censuses that a trend can be told from
DRIFTS = {  # by how much each may rise from the first census to the last
    "resident": 4 * 2**20, "held": 2 * 2**20, "malloced": 2**20, "blocks": 5_000, "beyond": 1_000, "size": 2**19,
    "handles": 3, "tasks": 3, "timers": 5,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Census:
    """Taken at one moment. `counts` are the session's objects by type (JSON, so that a census is a handful of blocks itself)."""

    at_s: float
    counts: bytes
    objects: int
    size: int  # bytes of the objects
    tasks: int
    timers: int
    handles: int
    resident: int
    blocks: int
    malloced: int
    spare: int  # bytes that the C library has free

    @property
    def held(self) -> int:
        return self.resident - self.spare

    @property
    def beyond(self) -> int:
        return self.blocks - self.objects


class _Mallinfo(ctypes.Structure):
    """https://www.man7.org/linux/man-pages/man3/mallinfo.3.html"""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            "arena",
            "ordblks",
            "smblks",
            "hblks",
            "hblkhd",
            "usmblks",
            "fsmblks",
            "uordblks",
            "fordblks",
            "keepcost",
        )
    )
    hblkhd: int  # in mappings of their own
    uordblks: int
    fordblks: int


def take(root: object, at_s: float) -> Census:
    """All that can be reached from `root`, and the process's memory: as it is, then what of it lives on after a collection."""
    resident, before = _resident(), _mallinfo()
    gc.collect()
    blocks, after = sys.getallocatedblocks(), _mallinfo()
    counts, size = weigh(root)
    loop = asyncio.get_running_loop()
    timers = sum(not handle.cancelled() for handle in loop._scheduled)  # type: ignore[attr-defined]
    handles = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    malloced = after.uordblks + after.hblkhd
    return Census(
        at_s, json.dumps(counts).encode(), counts.total(), size, len(asyncio.all_tasks()), timers, handles,
        resident, blocks, malloced, before.fordblks,
    )  # fmt: skip


def weigh(root: object) -> tuple[Counter[str], int]:
    """Objects by type and their bytes, without those of the packages that are nobody's session."""
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
            if id(each) in seen or isinstance(each, _BORDERS) or type(each).__module__.startswith(_ABROAD):
                continue
            seen.add(id(each))
            todo.append(each)
    return counts, size


def growth(taken: list[Census], *, objects: bool) -> list[str]:
    """What is more in the last third than it ever was in the first, warm-up left out by whoever asks; `objects` too?"""
    third = len(taken) // 3
    first, last = taken[:third], taken[-third:]
    found = []
    counts_first, counts_last = ([Counter(json.loads(c.counts)) for c in some] for some in (first, last))
    for kind in sorted(set().union(*counts_last)) if objects else ():
        before, after = max(counts[kind] for counts in counts_first), min(counts[kind] for counts in counts_last)
        if after > before * GROWN + SLACK:
            found.append(f"{kind}: {before} objects became {after}")
    for name, slack in (("size", 2**20), ("tasks", 5), ("timers", 20), ("handles", 8))[not objects :]:
        before, after = max(getattr(c, name) for c in first), median(getattr(c, name) for c in last)
        if after > before * GROWN + slack:
            found.append(f"{name}: {before} became {after}")
    return found


def drifts(taken: list[Census]) -> dict[str, float]:
    """By how much each meter rose from the first census to the last: the median slope of all pairs, times the time.

    One moment of much work moves it little (Theil-Sen), a leak moves every pair.
    """
    assert len(taken) >= FEWEST
    lasted_s = taken[-1].at_s - taken[0].at_s
    return {
        name: lasted_s
        * median((getattr(b, name) - getattr(a, name)) / (b.at_s - a.at_s) for a, b in combinations(taken, 2))
        for name in DRIFTS
    }


def drifted(taken: list[Census]) -> list[str]:
    """Which meters rose by more than they may. To be asked once all is full that has a bound."""
    return [
        f"{name}: rose by {rise:,.0f} in {(taken[-1].at_s - taken[0].at_s) / 3600:.1f} h, and may by {DRIFTS[name]:,}"
        for name, rise in drifts(taken).items()
        if rise > DRIFTS[name]
    ]


def _mallinfo() -> _Mallinfo:
    mallinfo = getattr(ctypes.CDLL(None), "mallinfo2", None)  # glibc's, since 2.33
    if mallinfo is None:
        return _Mallinfo()
    mallinfo.restype = _Mallinfo
    told: _Mallinfo = mallinfo()
    return told


def _resident() -> int:
    pages = Path("/proc/self/statm")
    return int(pages.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if pages.exists() else 0
