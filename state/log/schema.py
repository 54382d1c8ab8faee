"""The tables of a log, the same on every database; `rows.VERSION` changes when a table does, and `sqlite_tables` with it.

Nothing is updated but the `sessions` row of the session that is being written, the reach of a frame that goes on yielding
records, the signature of a checkpoint, and small neighbouring blocks, which are rewritten as one; the running digest does not
depend on where they are cut. A session that has ended may be deleted as a whole.
"""

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    event,
)

from state.log import rows

metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("opened", BigInteger, nullable=False),
    Column("closed", BigInteger),
    Column("status", Text, nullable=False),
    Column("parent", Text, nullable=False),
    Column("manifest", Text, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("head", LargeBinary, nullable=False),
    Column("schema_version", Integer, nullable=False),
)

# Without SQLite's hidden row number a row is one entry in one tree: an intent's commit writes fewer pages.
blocks = Table(
    "blocks",
    metadata,
    Column("session", Text, primary_key=True),
    Column("first_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("first_recv", BigInteger, nullable=False),
    Column("last_recv", BigInteger, nullable=False),
    Column("count", Integer, nullable=False),
    Column("codec", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("marks", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

# No index beside the key: on SQLite it cost an intent's commit a page more (1.24 against 1.20 bare commits), and one
# session's rows are read through in well under a second.
journal = Table(
    "journal",
    metadata,
    Column("session", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("recv", BigInteger, nullable=False),
    Column("cause", BigInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("venue", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("client_id", Text),
    Column("order_id", Text),
    Column("strategy", Text),
    Column("frame", BigInteger),
    Column("payload", Text, nullable=False),
    sqlite_with_rowid=False,
)

frames = Table(
    "frames",
    metadata,
    Column("session", Text, primary_key=True),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("first_seq", BigInteger, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("recv", BigInteger, nullable=False),
    Column("venue", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("direction", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("private", Boolean, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("mark", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("session", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("session", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("frames", BigInteger, nullable=False),
    Column("frames_root", LargeBinary, nullable=False),
    Column("facts", LargeBinary, nullable=False),
    Column("status", Text, nullable=False),
    Column("closed", BigInteger),
    Column("previous", LargeBinary, nullable=False),
    Column("key", Text, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

CONTENT = tuple(metadata.tables[name] for name in rows.CONTENT)

# Bodies are compressed already: PostgreSQL must not try again.
for _table in (blocks, frames, snapshots):
    event.listen(
        _table,
        "after_create",
        DDL(  # type: ignore[no-untyped-call]
            f"ALTER TABLE {_table.name} ALTER COLUMN body SET STORAGE EXTERNAL"
        ).execute_if(dialect="postgresql"),
    )
