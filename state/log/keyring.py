"""The wrapped key of each encrypted session: one row of `meta`, beside the session and outside of what its digest covers.

It can be destroyed without a trace in the session itself; then nobody can read the session any more, whoever has the log key.
"""

from state.errors import LogCorrupt, WrongUse
from state.log.data_keys import WRAPPED_BYTES, LogKey, needs_key, new_data_key
from state.log.database import Connection, Insert
from state.log.sealing import Sealing


class KeyRing:
    """Opens sessions by one log key, or by none."""

    def __init__(self, key: LogKey | None) -> None:
        self._key = key
        self._opened: dict[str, Sealing | None] = {}

    def begin(self, connection: Connection, session: str) -> Sealing | None:
        """A new session's own key, stored in the transaction that is open; None where there is no log key."""
        if self._key is None:
            return None
        data_key = new_data_key()
        wrapped = self._key.wrap(data_key, _about(session))
        connection.insert(Insert("meta", [(_row_of(session), f"{self._key.name} {wrapped.hex()}")], 1))
        return Sealing(session, data_key)

    def sealing(self, connection: Connection, session: str) -> Sealing | None:
        """What opens a session; None where it is not encrypted, `KeyNeeded` where this log key does not open it."""
        if session not in self._opened:
            self._opened[session] = self._open(connection, session)
        return self._opened[session]

    def _open(self, connection: Connection, session: str) -> Sealing | None:
        stored = _stored(connection, session)
        if stored is None:
            return None
        name, wrapped = stored
        if self._key is None and any(wrapped):
            raise needs_key(name, _about(session))
        return Sealing(session, (self._key or LogKey(b"")).unwrap(wrapped, name, _about(session)))

    def name(self, connection: Connection, session: str) -> str | None:
        """The log key that a session is under, empty once its own key is forgotten; None where it is not encrypted."""
        stored = _stored(connection, session)
        return None if stored is None else stored[0] if any(stored[1]) else ""

    def forget(self, connection: Connection, session: str) -> None:
        """Destroys a session's key in the transaction that is open; raises `WrongUse` where it has none."""
        stored = _stored(connection, session)
        if stored is None:
            raise WrongUse(f"session {session} is not encrypted: there is no key to forget, only the session to delete")
        gone = f"{stored[0]} {bytes(WRAPPED_BYTES).hex()}"
        connection.execute('UPDATE meta SET value = :gone WHERE "key" = :key', gone=gone, key=_row_of(session))
        self._opened.pop(session, None)

    def delete(self, connection: Connection, session: str) -> None:
        """The session goes: its key too."""
        connection.execute('DELETE FROM meta WHERE "key" = :key', key=_row_of(session))


def _stored(connection: Connection, session: str) -> tuple[str, bytes] | None:
    found = connection.one('SELECT value FROM meta WHERE "key" = :key', key=_row_of(session))
    if found is None:
        return None
    (value,) = found
    name, _, wrapped = value.partition(" ") if isinstance(value, str) else ("", "", "")
    try:
        key = bytes.fromhex(wrapped)
    except ValueError:
        key = b""
    if len(key) != WRAPPED_BYTES:
        raise LogCorrupt(f"the wrapped key of session {session} is damaged: nobody can read it")
    return name, key


def _row_of(session: str) -> str:
    return f"key of {session}"


def _about(session: str) -> str:
    return f"session {session}"
