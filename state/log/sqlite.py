"""SQLite: one file in WAL mode, every commit synced, one process at a time that writes, one or several sessions."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import cast

import sqlalchemy as sa

from state.errors import LogError, LogLocked
from state.log.database import Change, Database, Row, clear_errors

BUSY_TIMEOUT_S = 5.0


class Sqlite(Database):
    """A log in one file; the claim is `flock` on a file beside it, which dies with its holder.

    The database file itself cannot carry it: closing any descriptor of it would drop SQLite's own locks.
    """

    def __init__(self, url: sa.URL, create: bool) -> None:
        if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
            raise LogError("a log needs a file: sqlite:///path/to/log.db")
        self._path = Path(url.database)
        if not create and not self._path.exists():
            raise LogError(f"there is no log at {self._path}")
        if not self._path.parent.is_dir():
            raise LogError(f"there is no folder {self._path.parent} to put the log in")
        engine = sa.create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_S})
        sa.event.listen(engine, "connect", _set_pragmas)
        super().__init__(engine, str(self._path))
        self._lock_path = Path(f"{self._path}-lock")
        self._lock = -1
        self._written: list[str] = []  # sessions that are written through this object; several share the one lock
        self._claiming = Lock()  # a claim may end in a writer's thread
        self._inserts: dict[str, str] = {}

    @contextmanager
    def claim(self, session: str, connection: sa.Connection) -> Iterator[None]:
        with self._claiming:
            if session in self._written:
                raise LogLocked(f"session {session} in {self.name} is being written")
            if not self._written:
                self._lock = self._take_lock()
            self._written.append(session)
            self._name_written()
        try:
            yield
        finally:
            with self._claiming:
                self._written.remove(session)
                if self._written:
                    self._name_written()
                else:
                    self._lock_path.unlink(missing_ok=True)  # while it is still ours
                    os.close(self._lock)

    def _name_written(self) -> None:
        os.truncate(self._lock, 0)
        os.pwrite(self._lock, "\n".join(self._written).encode(), 0)

    def _take_lock(self) -> int:
        while True:
            with clear_errors(str(self._lock_path)):
                lock = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holders = ", ".join(os.read(lock, 4096).decode(errors="replace").split("\n"))
                os.close(lock)
                raise LogLocked(f"{self.name} is being written by another process (session {holders})") from None
            if self._is_current(lock):
                return lock
            os.close(lock)  # the holder before us removed this very file between our two calls

    def _is_current(self, lock: int) -> bool:
        try:
            return os.path.samestat(os.fstat(lock), os.stat(self._lock_path))
        except FileNotFoundError:
            return False

    def is_written(self, session: str) -> bool:
        try:
            lock = os.open(self._lock_path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return session in os.read(lock, 4096).decode(errors="replace").split("\n")
        else:
            return False
        finally:
            os.close(lock)

    def insert(self, connection: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> None:
        statement = self._inserts.get(table.name)
        if statement is None:
            places = ", ".join("?" * len(table.columns))
            statement = self._inserts[table.name] = f"INSERT INTO {table.name} VALUES ({places})"  # noqa: S608
        _raw(connection).executemany(statement, rows)

    def write(self, connection: sa.Connection, changes: Sequence[Change]) -> None:
        raw = _raw(connection)
        try:
            raw.execute("BEGIN IMMEDIATE")
            self.apply(connection, changes)
            raw.commit()
        except BaseException:
            raw.rollback()
            raise
        finally:
            connection.rollback()  # what SQLAlchemy thinks is open; the driver's transaction is over

    def begin_snapshot(self, connection: sa.Connection) -> None:
        # Python's driver opens no transaction for reads of its own accord.
        connection.exec_driver_sql("BEGIN")

    def prepare_writer(self, connection: sa.Connection) -> None:
        # SQLite would copy its write-ahead log back within the commit that an intent waits for: `tidy` does it.
        connection.exec_driver_sql("PRAGMA wal_autocheckpoint=0")
        connection.rollback()

    def tidy(self, connection: sa.Connection) -> None:
        _raw(connection).execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def prepare_deletion(self, connection: sa.Connection) -> None:
        connection.exec_driver_sql("PRAGMA secure_delete=ON")
        connection.rollback()

    def after_deletion(self, connection: sa.Connection) -> None:
        # Pages as they were before still stand in the write-ahead log; a reader in the middle of one keeps it for now.
        _raw(connection).execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def serialize_creation(self, connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _raw(connection: sa.Connection) -> sqlite3.Connection:
    return cast(sqlite3.Connection, connection.connection.driver_connection)


def _set_pragmas(connection: sqlite3.Connection, _record: object) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={int(BUSY_TIMEOUT_S * 1000)}"):
        connection.execute(f"PRAGMA {pragma}")
