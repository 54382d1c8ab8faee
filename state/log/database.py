"""Where the two databases differ, behind one door; and every SQL error turned into one clear sentence.

SQL is one text for both, its parameters named `:so`. A file is driven by Python's own sqlite3, a server by SQLAlchemy, which
only `postgres` and `schema` load: importing it takes longer than everything else that a session on a file needs.

Who may write: a session has one writer, and it holds a claim that the operating system or the server takes back when the
process dies. On SQLite the claim is on the whole file (readers are always welcome), on PostgreSQL on the session.
"""

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar, Literal, NamedTuple, TypeAlias

from state.errors import LogCorrupt, LogError, LogLocked, SchemaUnknown
from state.log.rows import VERSION
from state.log.views import create_views

Row: TypeAlias = tuple[object, ...]  # to be inserted, in the order of the table's columns
Found: TypeAlias = Sequence[Any]  # as the database gives it: on SQLite any column may hold anything


class Insert(NamedTuple):
    """So many rows of one table; read once."""

    table: str
    rows: Iterable[Row]
    row_count: int


class Statement(NamedTuple):
    """An UPDATE or a DELETE."""

    sql: str
    values: Mapping[str, object]


Change: TypeAlias = Insert | Statement


class Connection(ABC):
    """One connection, used by one thread at a time.

    `is_remote`: a server may hang, so nobody who serves others waits for it; a file is written in less than a thread's hand-over.
    """

    is_remote: ClassVar[bool]
    dialect: ClassVar[Literal["sqlite", "postgresql"]]

    @abstractmethod
    def execute(self, sql: str, **values: object) -> None:
        """Runs one statement that gives no rows."""

    @abstractmethod
    def rows(self, sql: str, at_once: int, **values: object) -> Iterator[Found]:
        """What a query finds; some `at_once` are in memory at a time."""

    def one(self, sql: str, **values: object) -> Found | None:
        """The first row that a query finds."""
        return next(self.rows(sql, 1, **values), None)

    @abstractmethod
    def insert(self, change: Insert) -> None:
        """Inserts rows by the driver itself, in the transaction that is open."""

    def apply(self, changes: Sequence[Change]) -> None:
        """Makes the changes in the transaction that is open."""
        for change in changes:
            if isinstance(change, Insert):
                self.insert(change)
            else:
                self.execute(change.sql, **change.values)

    @abstractmethod
    def write(self, changes: Sequence[Change]) -> None:
        """Makes the changes in one durable transaction, or none of them."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing of what is done inside; what was read there still holds when it is written."""

    @abstractmethod
    def begin_snapshot(self) -> None:
        """Starts a transaction in which all reads see one state of the log."""

    @abstractmethod
    def claim(self, session: str) -> AbstractContextManager[None]:
        """Holds the right to write `session` while open; raises `LogLocked`. The connection must outlive it."""

    @abstractmethod
    def prepare_writer(self) -> None:
        """Settings of a writer's connection."""

    @abstractmethod
    def tidy(self) -> None:
        """Housekeeping that a commit should not wait for."""

    @abstractmethod
    def prepare_deletion(self) -> None:
        """Settings of a connection that is to delete a session."""

    @abstractmethod
    def after_deletion(self) -> None:
        """Once a session is deleted: leaves no copy of it behind, as far as the database lets us."""

    @abstractmethod
    def has_tables(self) -> bool:
        """Whether there is a log at all."""

    @abstractmethod
    def views(self) -> set[str]:
        """The names of all views."""

    @abstractmethod
    def create_tables(self) -> None:
        """Makes the tables that are not there, in the transaction that is open; two processes may do so at the same time."""


class Database(ABC):
    """One database: its connections, and what is known of its writers."""

    def __init__(self, name: str, *driver_errors: type[Exception]) -> None:
        self.name = name  # for people, without a password
        self._errors: tuple[type[Exception], ...] = (UnicodeDecodeError, OSError, *driver_errors)

    @abstractmethod
    def connect(self) -> AbstractContextManager[Connection]:
        """A connection; what is not committed when it is given back never was."""

    @abstractmethod
    def is_written(self, session: str) -> bool:
        """True while some process, this one included, holds the claim for `session`."""

    @abstractmethod
    def close(self) -> None:
        """Lets go of every connection."""

    def open(self, create: bool) -> None:
        """Makes or checks the tables; raises `SchemaUnknown`, `LogCorrupt`, `LogError`."""
        with self.clear_errors():
            with self.connect() as connection:
                is_there = connection.has_tables()
            if not is_there:
                if not create:
                    raise LogError(f"{self.name} holds no log")
                with self.connect() as connection:
                    _make(connection)
            with self.connect() as connection:
                found = connection.one("SELECT value FROM meta WHERE \"key\" = 'schema'")
            version = None if found is None else found[0]
            if version != str(VERSION):
                raise SchemaUnknown(f"{self.name} has schema version {version}; this version reads {VERSION}")

    @contextmanager
    def clear_errors(self) -> Iterator[None]:
        """Turns what drivers raise into the log's own errors, one sentence each, without SQL and without parameters."""
        try:
            yield
        except self._errors as error:
            raise explain(self.name, error) from error


def _make(connection: Connection) -> None:
    with connection.transaction():
        connection.create_tables()
        create_views(connection)
        if connection.one("SELECT 1 FROM meta") is None:
            connection.execute("INSERT INTO meta VALUES ('schema', :version)", version=str(VERSION))


def explain(name: str, error: BaseException) -> LogError:
    """The log's own error for a driver's."""
    if isinstance(error, UnicodeDecodeError):  # the driver's: even the text of its own complaint may be damaged
        return LogCorrupt(f"{name} is damaged: it holds text that is none")
    cause = getattr(error, "orig", None) or error
    text = " ".join(str(cause).split())
    if isinstance(cause, sqlite3.Error):
        if "not a database" in text:
            return LogCorrupt(f"{name} is not a database")
        if "malformed" in text:
            return LogCorrupt(f"{name} is damaged or cut off: {text}")
        if "locked" in text:
            return LogLocked(f"{name} is locked by another program")
    return LogError(f"{name}: {text}")
