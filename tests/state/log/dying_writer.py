"""Writes a session until it is killed or its disk is full, and says on stdout what it was told.

python -m tests.state.log.dying_writer forever URL SEED       a line "seq digest" after every commit
python -m tests.state.log.dying_writer full URL BYTES         files may grow by BYTES; a line when full, one at the end
"""

import os
import random
import resource
import signal
import sys
from collections.abc import Iterator

from state.errors import LogError
from state.events import AnyEvent, BookDelta, OrderUpdate, PlaceOrder, SessionOpened
from state.log import Log, SessionWriter
from state.record import Frame, Record
from tests.state.log.recorded import EVERY, T0


def session(rng: random.Random) -> Iterator[tuple[Record, Frame | None]]:
    """Market data for ever, now and then an intent and what a private stream says of it."""
    yield Record(1, T0, 0, SessionOpened("s", 1)), None
    seq = 1
    while True:
        seq += 1
        event: AnyEvent = rng.choice(EVERY[1:3])
        frame = None
        if rng.random() < 0.1:
            event = rng.choice([event for event in EVERY if isinstance(event, PlaceOrder | OrderUpdate)])
            frame = Frame(T0 + seq, "bybit", "private", "in", b'{"seq":%d}' % seq, private=True)
        elif rng.random() < 0.5:
            event = BookDelta("bybit", "BTCUSDT", T0 + seq, [(rng.random(), rng.random())], [], seq)
        yield Record(seq, T0 + seq, 0, event), frame if isinstance(event, OrderUpdate) else None


def say(line: str) -> None:
    """Whole lines, though two threads speak."""
    os.write(1, f"{line}\n".encode())


def forever(log: Log, seed: int) -> None:
    rng = random.Random(seed)
    writer = log.begin("s", "{}", T0, block_size=64)
    for record, frame in session(rng):
        writer.append(record, frame)
        if isinstance(record.event, PlaceOrder):
            if rng.random() < 0.5:
                writer.flush()
                say(f"{writer.durable_seq} {writer.digest().hex()}")
            else:
                writer.commit(lambda seq: say(f"{seq} -"))
        if rng.random() < 0.01:
            writer.snapshot(record.seq, b"state")


def full(log: Log, room: int) -> None:
    told: list[LogError] = []
    writer = log.begin("s", "{}", T0, block_size=64, on_failure=told.append)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # the write fails instead, as it does on a full disk
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, unlimited[1]))
    error = fill(writer)
    say(f"{writer.durable_seq} {writer.digest().hex()} {len(told)} {error}")
    if sys.argv[4] == "room again":
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    try:
        head = writer.close(T0, "crashed")
        say(f"closed {head.hex()}")
    except LogError as again:
        say(f"failed {again}")
    resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)


def fill(writer: SessionWriter) -> LogError:
    for record, frame in session(random.Random(1)):
        try:
            writer.append(record, frame)
            if record.seq % 7 == 0:
                writer.flush()
        except LogError as error:
            return error
    raise AssertionError("the session is endless")


if __name__ == "__main__":
    with Log.open(sys.argv[2]) as opened:
        if sys.argv[1] == "forever":
            forever(opened, int(sys.argv[3]))
        else:
            full(opened, int(sys.argv[3]))
