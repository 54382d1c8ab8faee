"""Makes a golden tape: `python -m tests.golden.make NAME.tape`, once for each released schema; what is made is never made again.

The market is a random walk of our own; no third party's recording is in it.
"""

import random
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from adapters import order_ids
from adapters.paper import PaperSettings
from replay.proof.checkpoints import checkpoint
from replay.proof.seal import Sealed, seal
from replay.simulate import Simulation
from state.events import (
    AnyEvent,
    BookDelta,
    BookSnapshot,
    FeedStatus,
    Fill,
    InstrumentDefined,
    OrderUpdate,
    SessionOpened,
    Trade,
)
from state.log import Log, SessionWriter
from state.manifest import Manifest
from state.record import Frame, Record, to_json
from state.words import Side
from streams.strategies.recorded import entry, strategies_of

FOLDER = Path(__file__).parent
SESSION = "20260101-golden01"
T0 = 1_767_225_600_000_000_000
V, S = "made", "ABCUSD"
D = Decimal
TICK = D("0.1")
MANIFEST = Manifest(
    seed=7,
    strategies=[
        entry("quoter", "tests.golden.quoter:quoter", {"venue": V, "symbol": S, "size": "0.01", "tick": str(TICK)})
    ],
    venues=[V],
    symbols=[S],
    source="simulation",
    tapeline="0.1.0",
    python="3.11",
    packages={"reactivex": "4"},
)


def market() -> Iterator[Record]:
    """A minute of a book of one level a side, and the trades that move it."""
    rng = random.Random(7)
    middle, update = 10_000, 1  # ticks
    instrument = InstrumentDefined(V, S, T0, "ABC", "USD", "USD", "perpetual", TICK, D("0.01"), D("0.01"), D(1))
    opening: list[AnyEvent] = [instrument, FeedStatus(V, S, "book", "ok"), _snapshot(middle, update, T0)]
    seq = 1
    yield Record(seq, T0, 0, SessionOpened("market", 7))
    for event in opening:
        seq += 1
        yield Record(seq, T0 + 1, 0, event)
    for step in range(1, 400):
        now = T0 + step * 150_000_000
        moved = middle + rng.choice((-2, -1, 0, 1, 2))
        update += 1
        gone = (
            [] if moved == middle else [(_price(middle - 1), 0.0)],
            [] if moved == middle else [(_price(middle + 1), 0.0)],
        )
        middle = moved
        bids, asks = [*gone[0], (_price(middle - 1), 1.5)], [*gone[1], (_price(middle + 1), 2.0)]
        side: Side = rng.choice(("buy", "sell"))
        price = _price(middle + (rng.randrange(1, 6) if side == "buy" else -rng.randrange(1, 6)))
        for event in (
            BookDelta(V, S, now, bids, asks, update, update - 1),
            Trade(V, S, now, str(step), price, 5.0, side),
        ):
            seq += 1
            yield Record(seq, now, 0, event)


def _snapshot(middle: int, update: int, now: int) -> BookSnapshot:
    return BookSnapshot(V, S, now, [(_price(middle - 1), 1.5)], [(_price(middle + 1), 2.0)], update, 1)


def _price(ticks: int) -> float:
    return float(ticks * TICK)


class _WithFrames:
    """The writer, with a frame for what a venue would have said in private."""

    def __init__(self, writer: SessionWriter) -> None:
        self._writer = writer

    def append(self, record: Record, frame: Frame | None = None) -> None:
        if isinstance(record.event, Fill | OrderUpdate):
            frame = Frame(record.recv, V, "private", "in", to_json(record), private=True)
        self._writer.append(record, frame)


def make(path: Path) -> Sealed:
    """One simulated session, checkpointed and sealed."""
    with TemporaryDirectory() as folder, Log.open(f"sqlite:///{folder}/golden.db") as log:
        writer = log.begin(SESSION, MANIFEST.to_json(), T0, parent="market")
        simulation = Simulation(
            _WithFrames(writer),
            order_ids(SESSION),
            strategies_of(MANIFEST),
            PaperSettings(asset="USD"),
            session=SESSION,
            seed=MANIFEST.seed,
            parent="market",
        )
        writer.close(simulation.run(market()).last_recv)
        checkpoint(log, SESSION, every=256)
        with path.open("wb") as out:
            return seal(log, SESSION, out)


if __name__ == "__main__":
    sys.stdout.write(f"{msgspec.json.encode(make(FOLDER / sys.argv[1])).decode()}\n")
