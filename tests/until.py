"""Sessions that last until enough has happened in them, however long that takes: a duration is another session elsewhere."""

import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from adapters.loopback import Place
from app.session import LiveSession
from state.log import Log
from tests.command import started
from tests.live import VenueThread

DEADLINE_S = 90.0
Kinds = Counter[str]


def tapeline_until(
    enough: Callable[[Kinds], bool], *words: str, cwd: Path, url: str = "", on_terminal: bool = False, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Runs a session's command, and Ctrl-C ends it once `enough` holds of how often each kind of event is in its log.

    `on_terminal` says it as a terminal does: to every process that the command has started, too.
    """
    url = url or f"sqlite:///{cwd}/tapeline.db"
    Log.open(url).close()
    seen = _Seen(url)
    child = started(*words, cwd=cwd, **variables)
    deadline = time.monotonic() + DEADLINE_S
    while child.poll() is None and not enough(seen.kinds()):
        if time.monotonic() > deadline:
            child.kill()
        time.sleep(0.25)
    if child.poll() is None:
        if on_terminal:
            os.killpg(child.pid, signal.SIGINT)
        else:
            child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=DEADLINE_S)
    return subprocess.CompletedProcess(child.args, child.returncode, out, err)


class _Seen:
    """Of the next session of a log, once it is there: how often there is each kind of event, and each kind in each market."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._counted, self._last = Counter[str](), 0
        with Log.open(url) as log:
            self._before = len(log.sessions())

    def kinds(self) -> Kinds:
        with Log.open(self._url) as log:
            if len(log.sessions()) > self._before:
                for record in log.records(log.find("last").id, self._last + 1):
                    kind = type(record.event).__name__
                    self._counted.update([kind, f"{kind} {getattr(record.event, 'symbol', '')}"])
                    self._last = record.seq
        return self._counted


def fills(session: LiveSession) -> int:
    """How often the session was filled."""
    accounts = session.pipeline.shared.accounts.values()
    return sum(position.fills for account in accounts for position in account.ledger.positions.values())


def all_stands(session: LiveSession) -> bool:
    """Is every connection, market and account of the session as it should be?"""
    shared = session.pipeline.shared
    markets = {status for m in shared.markets.values() for status in (m.book.status, *m.statuses.values())}
    accounts = {account.status for account in shared.accounts.values()}
    return bool(markets) and bool(accounts) and {*markets, *accounts, *shared.connections.values()} == {"ok"}


class Cuts:
    """For `until`: cuts a venue's sockets of one kind after the other, each once all stands again; true once the last was made up
    for and `enough` holds.
    """

    def __init__(
        self,
        venue: VenueThread,
        places: Sequence[Place],
        enough: Callable[[LiveSession], bool],
        *,
        also: Callable[[object], None] = lambda _: None,
    ) -> None:
        self._venue, self._left, self._enough, self._also = venue, list(places), enough, also
        self._cut: tuple[Place, list[object]] | None = None

    def __call__(self, session: LiveSession) -> bool:
        if not all_stands(session) or not self._venue.call(self._is_back):
            return False
        if not self._left:
            return self._enough(session)
        if fills(session):
            self._venue.call(self._cut_next)
        return False

    def _is_back(self, venue: object) -> bool:
        if self._cut is None:
            return True
        place, lost = self._cut
        now = venue.connections(place)  # type: ignore[attr-defined]  # every loopback has them
        return bool(now) and not any(connection is one for connection in now for one in lost)

    def _cut_next(self, venue: object) -> None:
        place = self._left.pop(0)
        self._cut = place, list(venue.connections(place))  # type: ignore[attr-defined]
        venue.cut_sockets(place)  # type: ignore[attr-defined]
        self._also(venue)
