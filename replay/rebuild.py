"""State at a moment: the newest snapshot at or before it, and the records after that folded. Strategies are not run."""

from collections.abc import Callable

from state.errors import SchemaUnknown, WrongUse
from state.log import Log
from state.log.snapshot import Snapshot
from state.reducer import Reducer
from state.shared import SharedState


def rebuild(
    log: Log,
    session: str,
    at: int | None = None,
    *,
    snapshots: bool = True,
    progress: Callable[[int], None] | None = None,
) -> SharedState:
    """The state after record `at` (the last one by default); raises `WrongUse` for a seq that the session has not."""
    last_seq = log.find(session).last_seq
    at = last_seq if at is None else at
    if not 0 <= at <= last_seq:
        raise WrongUse(f"session {session} has records 1 to {last_seq}; there is no seq {at}")
    shared = _nearest(log, session, at) if snapshots else SharedState()
    fold = Reducer(shared).fold
    if shared.seq == at:
        return shared
    for block in log.blocks(session, shared.seq + 1, at):
        fold(block)
        if progress is not None:
            progress(len(block))
    return shared


def _nearest(log: Log, session: str, at: int) -> SharedState:
    """The newest snapshot at or before `at`; the empty state where there is none that this version can read."""
    found = log.snapshot_at(session, at)
    if found is None:
        return SharedState()
    try:
        return SharedState.load(Snapshot.unpack(found[1]).state)
    except SchemaUnknown:
        return SharedState()  # a snapshot only saves time: the records tell the same
