"""Where the two databases differ, behind one door; and every SQL error turned into one clear sentence.

Who may write: a session has one writer, and it holds a claim that the operating system or the server takes back when the
process dies. On SQLite the claim is on the whole file (readers are always welcome), on PostgreSQL on the session.
"""

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TypeAlias

import sqlalchemy as sa
from sqlalchemy import exc

from state.errors import LogCorrupt, LogError, LogLocked, SchemaUnknown
from state.log.schema import VERSION, meta, metadata
from state.log.views import create_views

Row: TypeAlias = tuple[object, ...]  # in the order of the table's columns
# Rows to insert go by the driver, past SQLAlchemy, whose share of a small commit was 140 of 200 µs.
Change: TypeAlias = tuple[sa.Table, Sequence[Row]] | sa.Update | sa.Delete


class Database(ABC):
    """One database: how to connect, who may write, and the fast ways in.

    `is_remote`: a server may hang, so nobody who serves others waits for it; a file is written in less than a thread's hand-over.
    """

    is_remote = False

    def __init__(self, engine: sa.Engine, name: str) -> None:
        self.engine = engine
        self.name = name  # for people, without a password

    def apply(self, connection: sa.Connection, changes: Sequence[Change]) -> None:
        """Makes the changes in the transaction that is open."""
        for change in changes:
            if isinstance(change, tuple):
                self.insert(connection, *change)
            else:
                connection.execute(change)

    @abstractmethod
    def claim(self, session: str, connection: sa.Connection) -> AbstractContextManager[None]:
        """Holds the right to write `session` while open; raises `LogLocked`. `connection` must outlive it."""

    @abstractmethod
    def is_written(self, session: str) -> bool:
        """True while some process, this one included, holds the claim for `session`."""

    @abstractmethod
    def insert(self, connection: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> None:
        """Inserts rows in the order of the table's columns by the driver itself, in the transaction that is open."""

    @abstractmethod
    def write(self, connection: sa.Connection, changes: Sequence[Change]) -> None:
        """Makes the changes in one durable transaction, or none of them."""

    @abstractmethod
    def begin_snapshot(self, connection: sa.Connection) -> None:
        """Starts a transaction in which all reads see one state of the log."""

    @abstractmethod
    def prepare_writer(self, connection: sa.Connection) -> None:
        """Settings of a writer's connection."""

    @abstractmethod
    def tidy(self, connection: sa.Connection) -> None:
        """Housekeeping that a commit should not wait for."""

    @abstractmethod
    def prepare_deletion(self, connection: sa.Connection) -> None:
        """Settings of a connection that is to delete a session."""

    @abstractmethod
    def after_deletion(self, connection: sa.Connection) -> None:
        """Once a session is deleted: leaves no copy of it behind, as far as the database lets us."""

    @abstractmethod
    def serialize_creation(self, connection: sa.Connection) -> None:
        """Keeps two processes from making the tables at the same time."""

    def open(self, create: bool) -> None:
        """Makes or checks the tables; raises `SchemaUnknown`, `LogCorrupt`, `LogError`."""
        with clear_errors(self.name), self.engine.connect() as connection:
            if not sa.inspect(connection).has_table(meta.name):
                if not create:
                    raise LogError(f"{self.name} holds no log")
                connection.rollback()
                self._make(connection)
            version = connection.scalar(sa.select(meta.c.value).where(meta.c.key == "schema"))
            if version != str(VERSION):
                raise SchemaUnknown(f"{self.name} has schema version {version}; this version reads {VERSION}")

    def _make(self, connection: sa.Connection) -> None:
        with connection.begin():
            self.serialize_creation(connection)
            metadata.create_all(connection)
            create_views(connection)
            if connection.scalar(sa.select(sa.func.count()).select_from(meta)) == 0:
                connection.execute(meta.insert(), {"key": "schema", "value": str(VERSION)})

    def close(self) -> None:
        """Lets go of every connection."""
        self.engine.dispose()


@contextmanager
def clear_errors(name: str) -> Iterator[None]:
    """Turns what drivers raise into the log's own errors, one sentence each, without SQL and without parameters."""
    try:
        yield
    except UnicodeDecodeError as error:  # of the driver's: even the text of its own complaint may be damaged
        raise LogCorrupt(f"{name} is damaged: it holds text that is none") from error
    except (exc.SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise explain(name, error) from error


def explain(name: str, error: BaseException) -> LogError:
    """The log's own error for a driver's."""
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
