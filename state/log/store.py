"""The event log: the URL decides whether it is a file or a server; nobody above this package sees SQL."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Self

from state.errors import LogError, LogLocked, WrongUse
from state.log.checkpoint import SignedCheckpoint, opening
from state.log.checkpoint_rows import checkpoint_row, sign
from state.log.codec import Press, start_digest
from state.log.data_keys import LogKey
from state.log.database import Connection, Database, Insert
from state.log.ink import Ink, journal_of
from state.log.keyring import KeyRing
from state.log.reader import Reader
from state.log.rows import CONTENT, VERSION, JournalRow, SessionRow, SessionStatus, StoredBlock, StoredFrame
from state.log.sealing import Sealing
from state.log.views import renew_views
from state.log.writer import SessionWriter
from state.record import Record
from state.session_ids import begun_ns


class Log:
    """One log with its sessions; reading never hinders the writer."""

    def __init__(self, database: Database, key: LogKey | None = None) -> None:
        self._database = database
        self._key = key

    @classmethod
    def open(cls, url: str, *, create: bool = True, key: LogKey | None = None) -> Self:
        """Opens `sqlite:///path` or `postgresql://…`, and makes it if need be.

        With a log key, sessions that begin here are stored encrypted, and those that are under it can be read.

        Raises `SchemaUnknown`, `LogCorrupt` (not a database, cut off), `LogError` (anything else), one sentence each.
        """
        database = _database(url, create)
        try:
            database.open(create)
        except BaseException:
            database.close()
            raise
        return cls(database, key)

    @property
    def name(self) -> str:
        """Where the log is, without a password."""
        return self._database.name

    def close(self) -> None:
        """Lets go of the database; writers must be closed before."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    # --- sessions ----------------------------------------------------------------------------------------------

    def sessions(self) -> list[SessionRow]:
        """All sessions, in the order in which they were begun: an import, a simulation was opened in the past that it is of."""
        with self.reading() as reader:
            return sorted(reader.sessions(), key=_begun)

    def find(self, word: str) -> SessionRow:
        """The session with this id or unique beginning of one, or the `last` one; raises `WrongUse`."""
        rows = self.sessions()
        exact = [row for row in rows if row.id == word]
        if exact:
            return exact[0]
        if word == "last" and rows:
            return rows[-1]
        near = [row for row in rows if word and row.id.startswith(word)]
        if len(near) == 1:
            return near[0]
        if near:
            raise WrongUse(f"{word!r} may be any of {', '.join(row.id for row in near[:5])} in {self.name}")
        raise WrongUse(f"there is no session {word!r} in {self.name}, which holds {len(rows)}")

    def begin(
        self,
        session: str,
        manifest: str,
        opened: int,
        *,
        parent: str = "",
        market_frames: bool = False,
        block_size: int = 4096,
        queue_blocks: int = 64,
        stall_timeout_s: float = 10.0,
        on_failure: Callable[[LogError], None] | None = None,
    ) -> SessionWriter:
        """Opens a new session for writing; `opened` is ns UTC; `on_failure` is called by the thread that finds out.

        Raises `LogLocked` while somebody else writes, `WrongUse` for an id that is there already.
        """
        if not session or block_size < 1 or queue_blocks < 1:
            raise WrongUse("a session needs an id, and blocks and queue at least one place")
        with ExitStack() as stack:
            with self._database.clear_errors():
                connection = stack.enter_context(self._database.connect())
                connection.prepare_writer()
                stack.enter_context(connection.claim(session))
                sealing = self._insert_session(connection, session, manifest, opened, parent)
            ink = Ink(connection, stack.pop_all(), session, block_size, sealing)
        return SessionWriter(
            ink,
            session,
            self.name,
            market_frames=market_frames,
            block_size=block_size,
            queue_blocks=queue_blocks,
            stall_timeout_s=stall_timeout_s,
            on_failure=on_failure,
        )

    def _insert_session(
        self, connection: Connection, session: str, manifest: str, opened: int, parent: str
    ) -> Sealing | None:
        head = start_digest(session).digest()
        row = (session, opened, None, "running", parent, manifest, 0, head, VERSION)
        first = checkpoint_row(SignedCheckpoint(opening(session, opened, parent, manifest)))
        with connection.transaction():
            if connection.one("SELECT 1 FROM sessions WHERE id = :session", session=session) is not None:
                raise WrongUse(f"there is a session {session!r} in {self.name} already")
            connection.insert(Insert("sessions", [row], 1))
            connection.insert(Insert("checkpoints", [first], 1))
            if self._key is not None:
                renew_views(connection)
            return KeyRing(self._key).begin(connection, session)

    def recover(self, session: str) -> SessionRow:
        """Calls a running session whose writer is gone `crashed`, ended where its blocks end.

        Where they end before what its row had reached, the row keeps that: the missing tail still shows. Raises `LogLocked`
        while its writer lives.
        """
        row = self.find(session)
        if row.status != "running":
            return row
        if self._database.is_written(row.id):
            raise LogLocked(f"session {row.id} in {self.name} is still being written")
        with self._database.clear_errors(), self._database.connect() as connection, connection.transaction():
            reader = Reader(connection, KeyRing(self._key))
            row, last = reader.session(row.id), reader.last_block(row.id)
            connection.execute(
                """
                UPDATE sessions SET status = 'crashed', closed = :closed, last_seq = :last_seq, head = :head
                WHERE id = :session AND status = 'running'
                """,
                closed=row.opened if last is None else last[1],
                last_seq=row.last_seq,
                head=bytes.fromhex(row.head),
                session=row.id,
            )
        return self.find(row.id)

    def delete(self, row: SessionRow, known: Sequence[SignedCheckpoint]) -> None:
        """Deletes a session that has ended, in one transaction; what it was and its checkpoints are to be known elsewhere.

        Raises `WrongUse` where it is running, or the log knows it otherwise or with a checkpoint more, `LogLocked` where its
        writer (on SQLite: any of another process) lives.
        """
        with self._database.clear_errors(), ExitStack() as stack:
            connection = stack.enter_context(self._database.connect())
            stack.enter_context(connection.claim(row.id))
            connection.prepare_deletion()
            with connection.transaction():
                reader = Reader(connection, KeyRing(self._key))
                if row.status == "running" or reader.session(row.id) != row:
                    raise WrongUse(f"session {row.id} in {self.name} is running or not the one to be deleted: it stays")
                if any(each not in known for each in reader.checkpoints(row.id)):
                    raise WrongUse(
                        f"session {row.id} in {self.name} has a checkpoint that is not known elsewhere: it stays"
                    )
                for table in CONTENT:
                    connection.execute(f"DELETE FROM {table} WHERE session = :session", session=row.id)  # noqa: S608
                connection.execute("DELETE FROM sessions WHERE id = :session", session=row.id)
                KeyRing(self._key).delete(connection, row.id)
            connection.after_deletion()

    def forget(self, session: str) -> None:
        """Destroys the key of an encrypted session that has ended: what was recorded of it is unreadable from then on.

        Raises `WrongUse` where it runs or is not encrypted, `LogLocked` where its writer (on SQLite: any) lives.
        """
        row = self.find(session)
        with self._database.clear_errors(), ExitStack() as stack:
            connection = stack.enter_context(self._database.connect())
            stack.enter_context(connection.claim(row.id))
            connection.prepare_deletion()
            with connection.transaction():
                if Reader(connection, KeyRing(None)).session(row.id).status == "running":
                    raise WrongUse(f"session {row.id} in {self.name} is running: its key stays")
                KeyRing(None).forget(connection, row.id)
            connection.after_deletion()

    def is_written(self, session: str) -> bool:
        """True while some process, this one included, writes the session."""
        with self._database.clear_errors():
            return self._database.is_written(session)

    def status(self, row: SessionRow) -> SessionStatus:
        """How a session stands: one that says it runs and that nobody writes has crashed, whether or not the log says so yet."""
        if row.status != "running" or self.is_written(row.id):
            return row.status
        now = self.find(row.id).status  # its writer may have ended it between the two looks
        return "crashed" if now == "running" else now

    def add_checkpoints(self, made: Sequence[SignedCheckpoint]) -> None:
        """Stores checkpoints; a running session's writer is not hindered. Raises `LogError`, also where one is there."""
        if made:
            with self._database.clear_errors(), self._database.connect() as connection:
                connection.write([Insert("checkpoints", map(checkpoint_row, made), len(made))])

    def sign_checkpoint(self, signed: SignedCheckpoint) -> None:
        """Puts its signature on a checkpoint that is stored."""
        it = signed.checkpoint
        with self._database.clear_errors(), self._database.connect() as connection:
            connection.write([sign(it.session, it.number, signed.key, signed.signature)])

    # --- reading -----------------------------------------------------------------------------------------------

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """A reader for which the log stands still."""
        with self._database.clear_errors(), self._database.connect() as connection:
            connection.begin_snapshot()
            yield Reader(connection, KeyRing(self._key))

    def blocks(self, session: str, first: int = 1, last: int | None = None) -> Iterator[list[Record]]:
        """Records `first` to `last`, a block at a time: the fast way. Raises `LogCorrupt` with its seq."""
        with self.reading() as reader:
            yield from reader.blocks(session, first, last)

    def records(self, session: str, first: int = 1, last: int | None = None) -> Iterator[Record]:
        """Records `first` to `last`; raises as `blocks` does."""
        for records in self.blocks(session, first, last):
            yield from records

    def stored_blocks(self, session: str, first: int = 1, last: int | None = None) -> Iterator[StoredBlock]:
        """The rows themselves, unopened."""
        with self.reading() as reader:
            yield from reader.stored_blocks(session, first, last)

    def journal(
        self,
        session: str,
        *,
        types: Sequence[str] = (),
        client_id: str | None = None,
        first: int = 1,
        last: int | None = None,
    ) -> Iterator[JournalRow]:
        """Journal rows in order of seq."""
        with self.reading() as reader:
            yield from reader.journal(session, types, client_id, first, last)

    def frames(self, session: str, *, channel: str | None = None, private: bool | None = None) -> Iterator[StoredFrame]:
        """Frames in the order in which they were kept."""
        with self.reading() as reader:
            yield from reader.frames(session, channel, private)

    def checkpoints(self, session: str) -> list[SignedCheckpoint]:
        """All checkpoints of a session, by number."""
        with self.reading() as reader:
            return reader.checkpoints(session)

    def snapshot_at(self, session: str, seq: int) -> tuple[int, bytes] | None:
        """The newest snapshot at or below `seq`, with its own seq."""
        with self.reading() as reader:
            return reader.snapshot_at(session, seq)

    def replace_snapshots(self, session: str, made: Iterable[tuple[int, bytes]], *, after: int = 0) -> int:
        """Puts these (seq, body) in place of a session's snapshots after a seq; returns how many. Nobody may be writing it."""
        row, press, count = self.find(session), Press(), 0
        with self._database.clear_errors(), ExitStack() as stack:
            connection = stack.enter_context(self._database.connect())
            stack.enter_context(connection.claim(row.id))
            with connection.transaction():
                gone = "DELETE FROM snapshots WHERE session = :session AND seq > :after"
                connection.execute(gone, session=row.id, after=after)
                sealing = KeyRing(self._key).sealing(connection, row.id)
                for seq, body in made:
                    self._insert(connection, sealing, Insert("snapshots", [(row.id, seq, press.press(body))], 1))
                    count += 1
        return count

    def rebuild_journal(self, session: str) -> int:
        """Writes a session's journal again from its blocks and frames; returns how many rows. Nobody may be writing it."""
        row = self.find(session)
        with self._database.clear_errors(), ExitStack() as stack:
            connection = stack.enter_context(self._database.connect())
            stack.enter_context(connection.claim(row.id))
            written = 0
            with connection.transaction():
                connection.execute("DELETE FROM journal WHERE session = :session", session=row.id)
                keys = KeyRing(self._key)
                reader, sealing = Reader(connection, keys), keys.sealing(connection, row.id)
                spans = reader.spans(row.id)
                for records in reader.blocks(row.id, as_written=True):
                    found = journal_of(records, spans.up_to(records[-1].seq))
                    rows = [(row.id, *values) for values in found]
                    if rows:
                        self._insert(connection, sealing, Insert("journal", rows, len(rows)))
                    written += len(rows)
            return written

    def _insert(self, connection: Connection, sealing: Sealing | None, rows: Insert) -> None:
        """As the session's writer would."""
        connection.apply([rows] if sealing is None else sealing.sealed([rows]))


def _database(url: str, create: bool) -> Database:
    scheme, separator, rest = url.partition("://")
    if not separator:
        raise LogError("a log is named by a URL, sqlite:///path/to/log.db or postgresql://user@host/name")
    backend = scheme.partition("+")[0]
    if backend == "sqlite":
        from state.log.sqlite import Sqlite

        host, _, path = rest.partition("/")
        if host or "?" in path:
            raise LogError(f"a log in a file has no host and no options: sqlite:///path/to/log.db, not {url}")
        return Sqlite(path, create)
    if backend in ("postgresql", "postgres"):
        from state.log.postgres import Postgres  # with SQLAlchemy, which a log in a file does without

        return Postgres(url)
    raise LogError(f"a log cannot be kept in {backend!r}: only in sqlite or postgresql")


def _begun(row: SessionRow) -> int:
    begun = begun_ns(row.id)
    return row.opened if begun is None else begun
