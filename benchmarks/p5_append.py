"""P5: trades of about 190 bytes of JSON appended durably, 1,000 a commit, one commit on its way at a time, and all read back.

`python -m benchmarks.p5_append sqlite|postgres`. PostgreSQL is found at `TAPELINE_TEST_POSTGRES_URL`, else at 127.0.0.1.
"""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from random import Random
from threading import Semaphore
from uuid import UUID, uuid4

import sqlalchemy as sa

from app.collector import Collector
from benchmarks.measure import SCRATCH, WrongAnswer, frame_limit, tell, timed
from state.events import Fill, Trade
from state.log import Log
from state.record import Record

EVENTS = 200_000
JOURNAL_EVENTS = 50_000
A_COMMIT = 1_000
START_NS = 1_767_225_600_000_000_000


def trades(count: int) -> list[Record]:
    """Seeded trades on three symbols, ids of 16 random bytes."""
    rng, ts, records = Random(5), START_NS, []
    for seq in range(1, count + 1):
        ts += rng.randint(1_000_000, 9_000_000)
        symbol = rng.choice(("BTCUSDT", "ETHUSDT", "SOLUSDT"))
        price, size = round(61_000 + rng.random() * 500, 2), round(rng.random() * 3, 3)
        trade_id = str(UUID(int=rng.getrandbits(128)))
        trade = Trade("bybit", symbol, ts - 2_345_000, trade_id, price, size, rng.choice(("buy", "sell")))
        records.append(Record(seq, ts, 0, trade))
    return records


def fills(count: int) -> list[Record]:
    """The same as fills of ours, which go to the journal too: a row each."""
    records = []
    for record in trades(count):
        trade = record.event
        assert isinstance(trade, Trade)
        price, size = Decimal(repr(trade.price)), Decimal(repr(trade.size))
        fill = Fill(
            "bybit", trade.symbol, trade.ts, trade.trade_id, f"v{record.seq}", f"c{record.seq}", trade.side, price, size,
            -price * size / 10_000, "USDT",
        )  # fmt: skip
        records.append(Record(record.seq, record.recv, 0, fill))
    return records


def append(log: Log, session: str, records: Sequence[Record]) -> float:
    """Seconds until the last of them is durable, the commits one after the other."""
    writer = log.begin(session, "{}", START_NS, block_size=A_COMMIT + 1)

    durable = Semaphore(1)

    def run() -> None:
        for start in range(0, len(records), A_COMMIT):
            for record in records[start : start + A_COMMIT]:
                writer.append(record)
            durable.acquire()  # while one commit is on its way the next thousand is appended, and no more
            writer.commit(lambda _: durable.release())
        writer.flush()

    with Collector():
        seconds = timed(run)
    writer.close(START_NS)
    return seconds


def read_back(log: Log, session: str, records: Sequence[Record]) -> float:
    """Seconds to read all of them; raises `WrongAnswer` where something else comes back."""
    read: list[Record] = []

    def run() -> None:
        for block in log.blocks(session):
            read.extend(block)

    with Collector():
        seconds = timed(run)
    if read != list(records):
        raise WrongAnswer("what was read back is not what was written")
    return seconds


def measure(url: str, database: str, sizes: "Sizes") -> None:
    count = frame_limit() or EVENTS
    records = trades(count)
    session = f"bench-{uuid4().hex[:12]}"
    with Log.open(url) as log:
        before = sizes.bytes()
        seconds = append(log, session, records)
        figures = {"read_us": read_back(log, session, records) / count * 1e6}
        figures["bytes_an_event"] = (sizes.bytes() - before) / count
        tell("P5", f"tapeline blocks, {database}", count, seconds, **figures)
        if database == "PostgreSQL":
            owed = fills(min(count, JOURNAL_EVENTS))
            seconds = append(log, f"{session}-journal", owed)
            tell("P5", "tapeline journal by COPY, PostgreSQL", len(owed), seconds)


class Sizes:
    """What a log takes on disk."""

    def bytes(self) -> int:
        raise NotImplementedError


class FileSizes(Sizes):
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def bytes(self) -> int:
        return sum(each.stat().st_size for each in self._folder.iterdir())


class ServerSizes(Sizes):
    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def bytes(self) -> int:
        with self._engine.connect() as connection:
            return int(connection.exec_driver_sql("SELECT pg_total_relation_size('blocks')").scalar_one())


def postgres_url() -> str:
    return os.environ.get("TAPELINE_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/test")


@contextlib.contextmanager
def server_schema(name: str) -> Iterator[tuple[str, sa.Engine]]:
    """A schema of its own on the server, dropped afterwards."""
    url = postgres_url()
    driver = sa.make_url(url).set(drivername="postgresql+psycopg")
    admin = sa.create_engine(driver, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA {name}")
    inside = driver.update_query_dict({"options": f"-csearch_path={name}"})
    engine = sa.create_engine(inside)
    try:
        yield inside.set(drivername="postgresql").render_as_string(hide_password=False), engine
    finally:
        engine.dispose()
        with admin.connect() as connection:
            connection.exec_driver_sql(f"DROP SCHEMA {name} CASCADE")
        admin.dispose()


def main(database: str) -> None:
    if database == "postgres":
        with server_schema(f"bench_{uuid4().hex[:8]}") as (url, engine):
            measure(url, "PostgreSQL", ServerSizes(engine))
        return
    with tempfile.TemporaryDirectory(prefix="p5_", dir=SCRATCH) as folder:
        measure(f"sqlite:///{Path(folder) / 'log.db'}", "SQLite", FileSizes(Path(folder)))


if __name__ == "__main__":
    main(sys.argv[1])
