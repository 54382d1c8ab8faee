"""P5 by eventsourcing: the same trades by its recorder (their JSON made beforehand) or its full stack, 1,000 a commit, read back.

`python -m benchmarks.rivals.eventsourcing_append sqlite|application|postgres`
"""

import json
import os
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlparse
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

import msgspec

from benchmarks.measure import SCRATCH, WrongAnswer, frame_limit, tell, timed

EVENTS = 200_000
STACK_EVENTS = 20_000
A_COMMIT = 1_000


class TradePrinted(msgspec.Struct, gc=False):
    """What a reader makes of the stored JSON."""

    venue: str
    symbol: str
    ts_exchange: int
    ts_recv: int
    price: str
    size: str
    side: str
    id: str


parse = msgspec.json.Decoder(TradePrinted).decode


def payloads(count: int) -> list[str]:
    rng, ts, told = Random(5), 1_767_225_600_000_000_000, []
    for _ in range(count):
        ts += rng.randint(1_000_000, 9_000_000)
        trade = {"venue": "bybit", "symbol": rng.choice(("BTCUSDT", "ETHUSDT", "SOLUSDT"))}
        trade |= {"ts_exchange": ts - 2_345_000, "ts_recv": ts}
        trade |= {"price": f"{61_000 + rng.random() * 500:.2f}", "size": f"{rng.random() * 3:.3f}"}
        trade |= {"side": rng.choice(("buy", "sell")), "id": str(UUID(int=rng.getrandbits(128)))}
        told.append(json.dumps(trade, separators=(",", ":")))
    return told


def stored(rows: list[str]) -> list[Any]:
    from eventsourcing.persistence import StoredEvent

    versions: dict[str, int] = {}
    events = []
    for row in rows:
        symbol = parse(row).symbol
        versions[symbol] = version = versions.get(symbol, 0) + 1
        origin = uuid5(NAMESPACE_URL, f"bybit:{symbol}")
        events.append(
            StoredEvent(originator_id=origin, originator_version=version, topic="bench:Trade", state=row.encode())
        )
    return events


def record(recorder: Any, name: str, size: Callable[[], int]) -> None:
    events = stored(payloads(frame_limit() or EVENTS))
    chunks = [events[start : start + A_COMMIT] for start in range(0, len(events), A_COMMIT)]

    def write() -> None:
        for chunk in chunks:
            recorder.insert_events(chunk)

    read: list[TradePrinted] = []

    def read_back() -> None:
        start = 1
        while got := recorder.select_notifications(start, A_COMMIT):
            read.extend(parse(each.state) for each in got)
            start = got[-1].id + 1

    seconds = timed(write)
    read_us = timed(read_back) / len(events) * 1e6
    if len(read) != len(events):
        raise WrongAnswer(f"{len(read)} of {len(events)} came back")
    tell("P5", name, len(events), seconds, read_us=read_us, bytes_an_event=size() / len(events))


def on_sqlite(path: Path) -> None:
    from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteDatastore

    datastore = SQLiteDatastore(str(path))
    recorder = SQLiteApplicationRecorder(datastore)
    recorder.create_table()

    def size() -> int:
        datastore.close()
        return _checkpointed(path)

    record(recorder, "eventsourcing recorder", size)


def on_postgres() -> None:
    import psycopg
    from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore

    url = os.environ.get("TAPELINE_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/test")
    parts, table = urlparse(url), f"bench_{uuid4().hex[:8]}"
    user, host = parts.username or "postgres", parts.hostname or "127.0.0.1"
    datastore = PostgresDatastore(parts.path[1:], host, str(parts.port or 5432), user, parts.password or "x")
    recorder = PostgresApplicationRecorder(datastore, events_table_name=table)
    recorder.create_table()

    def size() -> int:
        with psycopg.connect(url) as connection:
            row = connection.execute("SELECT pg_total_relation_size(%s)", (table,)).fetchone()
        return int(row[0]) if row else 0

    try:
        record(recorder, "eventsourcing recorder, PostgreSQL", size)
    finally:
        datastore.close()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"DROP TABLE IF EXISTS {table}")  # type: ignore[call-overload]


def full_stack(path: Path) -> None:
    """Aggregate, decorated command, mapper, transcoder, recorder; `save` once every 1,000 events."""
    from eventsourcing.application import Application
    from eventsourcing.domain import Aggregate, event

    class Feed(Aggregate):
        class Trade(Aggregate.Event):
            venue: str
            symbol: str
            ts_exchange: int
            ts_recv: int
            price: str
            size: str
            side: str
            id: str

        @event(Trade)
        def trade(
            self, venue: str, symbol: str, ts_exchange: int, ts_recv: int, price: str, size: str, side: str, id: str
        ) -> None:
            self.last = price  # fmt: skip

    os.environ.update(PERSISTENCE_MODULE="eventsourcing.sqlite", SQLITE_DBNAME=str(path))
    application: Any = Application()
    rows = [json.loads(row) for row in payloads(min(frame_limit() or STACK_EVENTS, STACK_EVENTS))]
    feed: Any = Feed()

    def write() -> None:
        for start in range(0, len(rows), A_COMMIT):
            for row in rows[start : start + A_COMMIT]:
                feed.trade(**row)
            application.save(feed)

    seconds = timed(write)
    read_us = timed(lambda: application.repository.get(feed.id)) / len(rows) * 1e6
    application.close()
    figures = {"read_us": read_us, "bytes_an_event": _checkpointed(path) / len(rows)}
    tell("P5", "eventsourcing full stack", len(rows), seconds, **figures)


def _checkpointed(path: Path) -> int:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path.stat().st_size


def main(mode: str) -> None:
    if mode == "postgres":
        on_postgres()
        return
    with tempfile.TemporaryDirectory(prefix="p5_", dir=SCRATCH) as folder:
        (full_stack if mode == "application" else on_sqlite)(Path(folder) / "events.db")


if __name__ == "__main__":
    main(sys.argv[1])
