"""New names of sessions."""

from secrets import token_hex

from state.clock import Clock, WallClock
from state.session_ids import begun_ns, session_id


def new_session_id(clock: Clock | None = None) -> str:
    """One that is begun now."""
    return session_id((clock or WallClock()).now_ns(), token_hex(2))


def beside(session: str) -> str:
    """One that is begun with another."""
    begun = begun_ns(session)
    return f"{session}-{token_hex(2)}" if begun is None else session_id(begun, token_hex(2))
