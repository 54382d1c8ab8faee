"""P8: from the interpreter's start to a live session that waits for its first frame, in a process of its own: wall and memory.

The log is open, the exchange is made, the pipeline runs two strategies; nothing is connected.
"""

import sys

from benchmarks.start import measure_start

PROGRAM = """
import asyncio, tempfile
from app.session import LiveSession
from adapters import venue
from adapters.base.settings import VenueSettings
from benchmarks.opening import open_session, plain_on
from state.clock import WallClock
from state.log import Log

async def main():
    with tempfile.TemporaryDirectory() as folder, Log.open(f"sqlite:///{folder}/log.db") as log:
        clock = WallClock()
        writer = log.begin("start", "{}", clock.now_ns())
        session = LiveSession(writer, clock, seed=7, strategies=[], snapshot_every=1_000_000)
        venue("bybit").exchange(VenueSettings("bybit"), session, clock, "start")
        open_session(session.pipeline, "start", plain_on(["BTCUSDT", "ETHUSDT"]))
        print("READY", flush=True)
        writer.close(clock.now_ns())

asyncio.run(main())
"""

if __name__ == "__main__":
    measure_start("tapeline, start", [sys.executable, "-c", PROGRAM])
