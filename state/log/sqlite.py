"""SQLite: one file in WAL mode, every commit synced, one process at a time that writes, one or several sessions."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from state.errors import LogError
from state.log.database import Change, Connection, Database, Found, Insert
from state.log.file_claim import FileClaim
from state.log.sqlite_tables import TABLES

BUSY_TIMEOUT_S = 5.0
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL")


class Sqlite(Database):
    """A log in one file."""

    def __init__(self, path: str, create: bool) -> None:
        if not path or path == ":memory:" or path.startswith("file:"):
            raise LogError("a log needs a file: sqlite:///path/to/log.db")
        self._path = Path(path)
        if not create and not self._path.exists():
            raise LogError(f"there is no log at {self._path}")
        if not self._path.parent.is_dir():
            raise LogError(f"there is no folder {self._path.parent} to put the log in")
        super().__init__(path, sqlite3.Error)
        self._claim = FileClaim(self._path)
        self._keeper: SqliteConnection | None = None

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """A new one each time: a query of an earlier user that is still held somewhere would keep its view of the log."""
        if self._keeper is None:
            # The last connection that is closed copies the whole write-ahead log back: it is this one.
            self._keeper = SqliteConnection(self._path, self._claim)
        connection = SqliteConnection(self._path, self._claim)
        try:
            yield connection
        finally:
            connection.close()

    def is_written(self, session: str) -> bool:
        return self._claim.is_held(session)

    def close(self) -> None:
        if self._keeper is not None:
            self._keeper.close()
            self._keeper = None


class SqliteConnection(Connection):
    """Transactions are begun and ended here: the driver's own opens none for reads, and a late one for writes."""

    is_remote = False
    dialect = "sqlite"

    def __init__(self, path: Path, claim: FileClaim) -> None:
        self._claim = claim
        self._inserts: dict[str, str] = {}
        address, pragmas = _address(path)
        self._raw = sqlite3.connect(
            address, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False, uri=True
        )
        try:
            for pragma in pragmas:
                self._raw.execute(f"PRAGMA {pragma}").fetchall()
        except BaseException:
            self._raw.close()
            raise

    def close(self) -> None:
        """What is not committed never was."""
        self._raw.close()

    def execute(self, sql: str, **values: object) -> None:
        self._raw.execute(sql, values)

    def rows(self, sql: str, at_once: int, **values: object) -> Iterator[Found]:
        return self._raw.execute(sql, values)

    def insert(self, change: Insert) -> None:
        statement, rows = self._inserts.get(change.table), change.rows
        if statement is None:
            first, *others = rows
            places = ", ".join("?" * len(first))
            statement = self._inserts[change.table] = f"INSERT INTO {change.table} VALUES ({places})"  # noqa: S608
            rows = (first, *others)
        self._raw.executemany(statement, rows)

    def write(self, changes: Sequence[Change]) -> None:
        if len(changes) == 1 and (not isinstance(changes[0], Insert) or changes[0].row_count == 1):
            # A transaction by itself: each statement more lets go of the interpreter, and whoever has it then is held up again.
            self.apply(changes)
            return
        self._raw.execute("BEGIN IMMEDIATE")
        try:
            self.apply(changes)
            self._raw.execute("COMMIT")
        except BaseException:
            self._raw.rollback()
            raise

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._raw.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._raw.execute("COMMIT")
        except BaseException:
            self._raw.rollback()
            raise

    def begin_snapshot(self) -> None:
        self._raw.execute("BEGIN")

    def claim(self, session: str) -> AbstractContextManager[None]:
        return self._claim.hold(session)

    def prepare_writer(self) -> None:
        # SQLite would copy its write-ahead log back within the commit that an intent waits for: `tidy` does it.
        self._raw.execute("PRAGMA wal_autocheckpoint=0").fetchall()

    def tidy(self) -> None:
        self._raw.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def prepare_deletion(self) -> None:
        self._raw.execute("PRAGMA secure_delete=ON").fetchall()

    def after_deletion(self) -> None:
        # Pages as they were before still stand in the write-ahead log; a reader in the middle of one keeps it for now.
        self._raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def has_tables(self) -> bool:
        return self.one("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'meta'") is not None

    def views(self) -> set[str]:
        return {name for (name,) in self.rows("SELECT name FROM sqlite_master WHERE type = 'view'", 100)}

    def create_tables(self) -> None:
        for table in TABLES:
            self._raw.execute(table)


def _address(path: Path) -> tuple[str, Sequence[str]]:
    """What to open, and the settings of the connection: also where we may read only, as an auditor or a backup may."""
    address = f"{path.absolute().as_uri()}"
    if not path.exists() or (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        return address, _PRAGMAS
    ahead = Path(f"{path}-wal")
    if ahead.exists() and ahead.stat().st_size:
        return f"{address}?mode=ro", ()  # somebody writes it
    # Nobody writes it, and SQLite may make no file beside it to find out by.
    return f"{address}?mode=ro&immutable=1", ()
