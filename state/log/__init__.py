"""The event log: sessions of records in compressed blocks, a journal for SQL, frames, snapshots; SQLite or PostgreSQL.

SQLAlchemy is loaded only where the log is on a server.
"""

from state.log.codec import start_digest
from state.log.rows import JournalRow, SessionRow, StoredBlock, StoredFrame
from state.log.store import Log
from state.log.writer import SessionWriter

__all__ = ["JournalRow", "Log", "SessionRow", "SessionWriter", "StoredBlock", "StoredFrame", "start_digest"]
