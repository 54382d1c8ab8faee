"""Names of sessions: they sort by when they were begun, and say it: 20260809-142307-1f3a."""

from datetime import UTC, datetime

_FORM = "%Y%m%d-%H%M%S"
_SECOND_NS = 1_000_000_000


def session_id(begun: int, mark: str) -> str:
    """Of a session begun at `begun` (ns UTC); `mark` tells it from others of the same second, on any machine."""
    return f"{datetime.fromtimestamp(begun // _SECOND_NS, UTC):{_FORM}}-{mark}"


def begun_ns(session: str) -> int | None:
    """When a session with this id was begun, ns UTC to the second; None for an id of another form."""
    stamp, _, _ = session.rpartition("-")
    try:
        begun = datetime.strptime(stamp, _FORM).replace(tzinfo=UTC)
    except ValueError:
        return None
    return int(begun.timestamp()) * _SECOND_NS
