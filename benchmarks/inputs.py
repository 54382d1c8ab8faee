"""The input of the frame benchmarks: a real capture repeated, or seeded frames of the same shape where there is none.

It is written under `.scratch/bench` with check points beside it and never committed.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import zstandard

from benchmarks.generated import generated_frames
from benchmarks.measure import FRAMES, ROOT, SCRATCH
from benchmarks.replayer import Replayer

RECORDINGS = Path(os.environ.get("TAPELINE_RECORDINGS", ROOT.parent / "shared" / "data"))
CAPTURE = "bybit/cryptofeed/BYBIT.v5.2026-08-09.jsonl.zst"
MOST_FRAMES = 60_000
BOOKS_A_CHECK = 500
SEED = 7


def prepare(most: int = MOST_FRAMES, recordings: Path = RECORDINGS, folder: Path = SCRATCH) -> str:
    """Writes the frames and their check points, unless they are there; says in a sentence what they are."""
    path = recordings / CAPTURE
    source = f"capture {CAPTURE}" if path.exists() else f"seeded generator ({SEED}): no recordings at hand"
    told = folder / f"{FRAMES}.txt"
    wanted = f"{source}, at most {most} frames"
    if told.exists() and told.read_text().startswith(wanted):
        return told.read_text()
    once = linear_frames(path) if path.exists() else generated_frames(most, SEED)
    lines = once * max(1, most // len(once)) if len(once) <= most else once[:most]
    replayer, points = Replayer(), []
    for index, frame in enumerate(lines):
        symbol = replayer.take(frame)
        if symbol is not None and replayer.book_frames % min(BOOKS_A_CHECK, max(1, most // 100)) == 0:
            points.append([index, symbol, *replayer.touch(symbol)])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{FRAMES}.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    (folder / f"{FRAMES}.expect.json").write_text(json.dumps(points))
    text = f"{wanted}: {_described(lines, replayer, len(points))}"
    told.write_text(text)
    return text


def linear_frames(capture: Path) -> list[bytes]:
    """Order book and trade frames of the capture's linear connections, as received."""
    with capture.open("rb") as file:
        text = zstandard.ZstdDecompressor().stream_reader(file).read()
    rows = [json.loads(line) for line in text.splitlines()]
    linear = {row["conn"] for row in rows if row["t"] == "connect" and row["addr"].endswith("/linear")}
    wanted = ('{"topic":"orderbook', '{"topic":"publicTrade')
    return [
        row["data"].encode()
        for row in rows
        if row["t"] == "recv" and row["conn"] in linear and row["data"].startswith(wanted)
    ]


def _described(lines: Sequence[bytes], replayer: Replayer, points: int) -> str:
    mean = sum(map(len, lines)) / len(lines)
    changes = replayer.level_changes / replayer.book_frames
    return (
        f"{len(lines)} frames of {mean:.0f} bytes, {replayer.book_frames} of them books with {changes:.1f} level changes, "
        f"{points} check points"
    )
