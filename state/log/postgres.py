"""PostgreSQL: several processes share one log, each writing a session of its own."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import sqlalchemy as sa

from state.errors import LogError, LogLocked
from state.log.database import Change, Database, Row

if TYPE_CHECKING:
    import psycopg

COPY_ROWS_MIN = 8  # below, one INSERT is quicker than COPY's three exchanges
_CLAIM = "hashtextextended('tapeline session ' || current_schema() || ' ' || %s, 0)"
# What binary COPY must be told, which takes half of the time of COPY in text.
_TYPES = {sa.Text: "text", sa.BigInteger: "int8", sa.Integer: "int4", sa.LargeBinary: "bytea", sa.Boolean: "bool"}
_CREATION_KEY = 0x7A9E11E


class Postgres(Database):
    """A log on a server; the claim is an advisory lock of the writer's connection, which the server frees when it ends."""

    is_remote = True

    def __init__(self, url: sa.URL) -> None:
        try:
            engine = sa.create_engine(url)
        except ModuleNotFoundError as error:
            raise LogError("a log on PostgreSQL needs psycopg: pip install 'tapeline[postgres]'") from error
        super().__init__(engine, url.render_as_string(hide_password=True))
        self._inserts: dict[str, str] = {}

    @contextmanager
    def claim(self, session: str, connection: sa.Connection) -> Iterator[None]:
        held = connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({_CLAIM})", (session,)).scalar()
        connection.commit()
        if not held:
            raise LogLocked(f"session {session} in {self.name} is being written by another process")
        try:
            yield
        finally:
            if not connection.invalidated and not connection.closed:
                connection.rollback()
                connection.exec_driver_sql(f"SELECT pg_advisory_unlock({_CLAIM})", (session,))
                connection.commit()

    def is_written(self, session: str) -> bool:
        with self.engine.connect() as connection:
            free = connection.exec_driver_sql(f"SELECT pg_try_advisory_xact_lock({_CLAIM})", (session,)).scalar()
            connection.rollback()
        return not free

    def insert(self, connection: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> None:
        with _raw(connection).cursor() as cursor:
            if len(rows) < COPY_ROWS_MIN:
                self._insert_few(cursor, table, rows)
                return
            with cursor.copy(f"COPY {table.name} FROM STDIN (FORMAT BINARY)") as copy:
                copy.set_types([_TYPES[type(column.type)] for column in table.columns])
                for row in rows:
                    copy.write_row(row)

    def _insert_few(self, cursor: "psycopg.Cursor[Row]", table: sa.Table, rows: Sequence[Row]) -> None:
        statement = self._inserts.get(table.name)
        if statement is None:
            places = ", ".join(["%s"] * len(table.columns))
            statement = self._inserts[table.name] = f"INSERT INTO {table.name} VALUES ({places})"  # noqa: S608
        for row in rows:
            cursor.execute(statement, row)

    def write(self, connection: sa.Connection, changes: Sequence[Change]) -> None:
        raw = _raw(connection)
        try:
            if all(isinstance(change, tuple) and len(change[1]) < COPY_ROWS_MIN for change in changes):
                # One exchange with the server for all of an intent's commit.
                with raw.pipeline():
                    self.apply(connection, changes)
                    raw.commit()
            else:
                self.apply(connection, changes)
                raw.commit()
        except BaseException:
            if not raw.closed:
                raw.rollback()
            raise
        finally:
            if not raw.closed:
                connection.rollback()  # what SQLAlchemy thinks is open; the driver's transaction is over

    def begin_snapshot(self, connection: sa.Connection) -> None:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def prepare_writer(self, connection: sa.Connection) -> None:
        connection.exec_driver_sql("SET synchronous_commit = on")
        connection.commit()

    def tidy(self, connection: sa.Connection) -> None:
        """Nothing: the server looks after its own files."""

    def prepare_deletion(self, connection: sa.Connection) -> None:
        connection.exec_driver_sql("SET synchronous_commit = on")
        connection.commit()

    def after_deletion(self, connection: sa.Connection) -> None:
        """Nothing: the server's own vacuum frees the space."""

    def serialize_creation(self, connection: sa.Connection) -> None:
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (_CREATION_KEY,))


def _raw(connection: sa.Connection) -> "psycopg.Connection[Row]":
    return cast("psycopg.Connection[Row]", connection.connection.driver_connection)
