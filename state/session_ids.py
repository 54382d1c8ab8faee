"""Names of sessions: they sort by when they were begun, are unique over machines, and say it: 20260809-142307-1f3a."""

from datetime import UTC, datetime
from secrets import token_hex

from state.clock import Clock

_FORM = "%Y%m%d-%H%M%S"
_SECOND_NS = 1_000_000_000


def new_session_id(clock: Clock) -> str:
    """A new one, begun now."""
    begun = datetime.fromtimestamp(clock.now_ns() // _SECOND_NS, UTC)
    return f"{begun:{_FORM}}-{token_hex(2)}"


def beside(session: str) -> str:
    """One that was begun in the same second."""
    stamp, _, _ = session.rpartition("-")
    return f"{stamp or session}-{token_hex(2)}"


def begun_ns(session: str) -> int | None:
    """When a session with this id was begun, ns UTC to the second; None for an id of another form."""
    stamp, _, _ = session.rpartition("-")
    try:
        begun = datetime.strptime(stamp, _FORM).replace(tzinfo=UTC)
    except ValueError:
        return None
    return int(begun.timestamp()) * _SECOND_NS
