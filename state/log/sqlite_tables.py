"""The tables of `schema` in SQLite's words, so that a log in a file needs no SQLAlchemy; a test holds the two together."""

TABLES = (
    """
    CREATE TABLE IF NOT EXISTS meta (
        "key" TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY ("key")
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS sessions (
        id TEXT NOT NULL,
        opened BIGINT NOT NULL,
        closed BIGINT,
        status TEXT NOT NULL,
        parent TEXT NOT NULL,
        manifest TEXT NOT NULL,
        last_seq BIGINT NOT NULL,
        head BLOB NOT NULL,
        schema_version INTEGER NOT NULL,
        PRIMARY KEY (id)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS blocks (
        session TEXT NOT NULL,
        first_seq BIGINT NOT NULL,
        last_seq BIGINT NOT NULL,
        first_recv BIGINT NOT NULL,
        last_recv BIGINT NOT NULL,
        count INTEGER NOT NULL,
        codec TEXT NOT NULL,
        digest BLOB NOT NULL,
        marks BLOB NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (session, first_seq)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS journal (
        session TEXT NOT NULL,
        seq BIGINT NOT NULL,
        recv BIGINT NOT NULL,
        cause BIGINT NOT NULL,
        type TEXT NOT NULL,
        venue TEXT NOT NULL,
        symbol TEXT NOT NULL,
        client_id TEXT,
        order_id TEXT,
        strategy TEXT,
        frame BIGINT,
        payload TEXT NOT NULL,
        PRIMARY KEY (session, seq)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS frames (
        session TEXT NOT NULL,
        id BIGINT NOT NULL,
        first_seq BIGINT NOT NULL,
        last_seq BIGINT NOT NULL,
        recv BIGINT NOT NULL,
        venue TEXT NOT NULL,
        channel TEXT NOT NULL,
        direction TEXT NOT NULL,
        url TEXT NOT NULL,
        private BOOLEAN NOT NULL,
        body BLOB NOT NULL,
        mark BIGINT NOT NULL,
        PRIMARY KEY (session, id)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS snapshots (
        session TEXT NOT NULL,
        seq BIGINT NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (session, seq)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS checkpoints (
        session TEXT NOT NULL,
        number BIGINT NOT NULL,
        seq BIGINT NOT NULL,
        root BLOB NOT NULL,
        digest BLOB NOT NULL,
        frames BIGINT NOT NULL,
        frames_root BLOB NOT NULL,
        facts BLOB NOT NULL,
        status TEXT NOT NULL,
        closed BIGINT,
        previous BLOB NOT NULL,
        "key" TEXT NOT NULL,
        signature BLOB NOT NULL,
        PRIMARY KEY (session, number)
    ) WITHOUT ROWID
    """,
)
