"""PostgreSQL: several processes share one log, each writing a session of its own. SQLAlchemy asks, rows go in by the driver."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import sqlalchemy as sa
from sqlalchemy import exc

from state.errors import LogError, LogLocked
from state.log.database import Change, Connection, Database, Found, Insert, Row
from state.log.schema import metadata

if TYPE_CHECKING:
    import psycopg

COPY_ROWS_MIN = 8  # below, one INSERT is quicker than COPY's three exchanges
_CLAIM = "hashtextextended('tapeline session ' || current_schema() || ' ' || :session, 0)"
# What binary COPY must be told, which takes half of the time of COPY in text.
_TYPES = {sa.Text: "text", sa.BigInteger: "int8", sa.Integer: "int4", sa.LargeBinary: "bytea", sa.Boolean: "bool"}
CREATION_KEY = 0x7A9E11E


class Postgres(Database):
    """A log on a server; the claim is an advisory lock of the writer's connection, which the server frees when it ends."""

    def __init__(self, url: str) -> None:
        try:
            parsed = sa.make_url(url).set(drivername="postgresql+psycopg")
            self._engine = sa.create_engine(parsed)
        except exc.ArgumentError:
            raise LogError("a log on a server is named by a URL, postgresql://user@host/name") from None
        except ModuleNotFoundError as error:
            raise LogError("a log on PostgreSQL needs psycopg: pip install 'tapeline[postgres]'") from error
        import psycopg

        super().__init__(parsed.render_as_string(hide_password=True), exc.SQLAlchemyError, psycopg.Error)

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        with self._engine.connect() as connection:
            yield PostgresConnection(connection)

    def is_written(self, session: str) -> bool:
        with self.connect() as connection:
            found = connection.one(f"SELECT pg_try_advisory_xact_lock({_CLAIM})", session=session)
        return found is None or not found[0]

    def close(self) -> None:
        self._engine.dispose()


class PostgresConnection(Connection):
    """SQLAlchemy begins a transaction with the first statement."""

    is_remote = True
    dialect = "postgresql"

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, **values: object) -> None:
        if values:
            self._connection.execute(sa.text(sql), values)
        else:
            self._connection.exec_driver_sql(sql)

    def rows(self, sql: str, at_once: int, **values: object) -> Iterator[Found]:
        query = sa.text(sql).execution_options(yield_per=at_once)
        with self._connection.execute(query, values) as result:
            yield from result

    def one(self, sql: str, **values: object) -> Found | None:
        return self._connection.execute(sa.text(sql), values).first()

    def insert(self, change: Insert) -> None:
        columns = metadata.tables[change.table].columns
        with self._raw().cursor() as cursor:
            if change.row_count < COPY_ROWS_MIN:
                places = ", ".join(["%s"] * len(columns))
                for row in change.rows:
                    cursor.execute(f"INSERT INTO {change.table} VALUES ({places})", row)  # noqa: S608
                return
            with cursor.copy(f"COPY {change.table} FROM STDIN (FORMAT BINARY)") as copy:
                copy.set_types([_TYPES[type(column.type)] for column in columns])
                for row in change.rows:
                    copy.write_row(row)

    def write(self, changes: Sequence[Change]) -> None:
        raw = self._raw()
        try:
            if all(isinstance(change, Insert) and change.row_count < COPY_ROWS_MIN for change in changes):
                # One exchange with the server for all of an intent's commit.
                with raw.pipeline():
                    self.apply(changes)
                    raw.commit()
            else:
                self.apply(changes)
                raw.commit()
        except BaseException:
            if not raw.closed:
                raw.rollback()
            raise
        finally:
            if not raw.closed:
                self._connection.rollback()  # what SQLAlchemy thinks is open; the driver's transaction is over

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._connection.begin():
            yield

    def begin_snapshot(self) -> None:
        self._connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")

    @contextmanager
    def claim(self, session: str) -> Iterator[None]:
        held = self.one(f"SELECT pg_try_advisory_lock({_CLAIM})", session=session)
        self._connection.commit()
        if held is None or not held[0]:
            name = self._connection.engine.url.render_as_string(hide_password=True)
            raise LogLocked(f"session {session} in {name} is being written by another process")
        try:
            yield
        finally:
            if not self._connection.invalidated and not self._connection.closed:
                self._connection.rollback()
                self.one(f"SELECT pg_advisory_unlock({_CLAIM})", session=session)
                self._connection.commit()

    def prepare_writer(self) -> None:
        self._connection.exec_driver_sql("SET synchronous_commit = on")
        self._connection.commit()

    def tidy(self) -> None:
        """Nothing: the server looks after its own files."""

    def prepare_deletion(self) -> None:
        self.prepare_writer()

    def after_deletion(self) -> None:
        """Nothing: the server's own vacuum frees the space."""

    def has_tables(self) -> bool:
        # Read from the catalogue itself: `to_regclass` looks into the connection's own memory of it, where a table that
        # another process makes while this one waits for its lock is still missing.
        asked = (
            "SELECT EXISTS (SELECT 1 FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace"
            " WHERE relname = 'meta' AND nspname = ANY (current_schemas(false)))"
        )
        return bool(self._connection.exec_driver_sql(asked).scalar_one())

    def views(self) -> set[str]:
        asked = "SELECT relname FROM pg_class WHERE relkind = 'v' AND relnamespace = current_schema()::regnamespace"
        return set(self._connection.exec_driver_sql(asked).scalars())

    def create_tables(self) -> None:
        self._connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (CREATION_KEY,))
        if not self.has_tables():  # all are made in one transaction, or none; to ask for each reads the whole catalogue
            metadata.create_all(self._connection, checkfirst=False)

    def _raw(self) -> "psycopg.Connection[Row]":
        return cast("psycopg.Connection[Row]", self._connection.connection.driver_connection)
