"""Two made-up markets that every simulator is shown: quotes, and level changes of a book. Only the standard library."""

import random
from collections.abc import Iterator

from benchmarks.measure import frame_limit

START_NS = 1_767_225_600_000_000_000
MOST, LEAST = 300_000, 20_000  # below that hardly anything fills
EVERY = 100  # callbacks: then both quotes are cancelled and placed anew
LATENCY_NS = 10_000_000  # to the venue and back, each
MAKER, TAKER = 0.0002, 0.0005
OFFSET = {"quotes": 0.5, "deltas": 0.5}  # how far from the mid the strategy quotes
SIZE, TICK = 0.001, 0.1
DEPTH = 50

Quoted = tuple[int, float, float, float, float]  # ts, bid, its size, ask, its size
Changes = list[tuple[int, float, float]]  # side (0 bid, 1 ask), price, size


def count() -> int:
    """How many quotes, or level changes, are shown."""
    frames = frame_limit()
    return MOST if frames is None else max(LEAST, min(MOST, frames))


def quotes(n: int, seed: int = 3) -> Iterator[Quoted]:
    """A touch one tick wide that moves in a fifth of the quotes, every 10 ms."""
    rng = random.Random(seed)
    tick, ts = 612_345, START_NS
    for _ in range(n):
        ts += 10_000_000
        x = rng.random()
        tick += (x < 0.1) - (x > 0.9)
        yield ts, tick / 10, round(0.001 + 5 * rng.random(), 3), (tick + 1) / 10, round(0.001 + 5 * rng.random(), 3)


def batches(n: int, seed: int = 4) -> Iterator[tuple[int, bool, Changes]]:
    """(ts, whether it is a snapshot, changes): ten changes every 20 ms, most of them near the touch, as on a real feed."""
    rng = random.Random(seed)
    tick, ts, made = 612_345, START_NS, 2 * DEPTH
    size = _size
    yield (
        ts,
        True,
        [(side, (tick + (level + 1) * (2 * side - 1)) / 10, size(rng)) for side in (0, 1) for level in range(DEPTH)],
    )
    while made < n:
        ts += 20_000_000
        x = rng.random()
        move = (x < 0.1) - (x > 0.9)
        tick += move
        changes: Changes = []
        if move:  # the touch moves over: the level that was best on one side goes, one comes on the other
            changes = [(int(move > 0), tick / 10, 0.0), (int(move < 0), (tick - move) / 10, size(rng))]
        while len(changes) < 10:
            side = rng.random() < 0.5
            level = min(int(rng.expovariate(0.2)), DEPTH - 1) + 1
            changes.append((int(side), (tick + level * (2 * side - 1)) / 10, size(rng)))
        made += len(changes)
        yield ts, False, changes


def _size(rng: random.Random) -> float:
    return round(0.001 + 5 * rng.random(), 3)
