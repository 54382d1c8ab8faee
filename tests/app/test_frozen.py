"""The dead-man's switch, with processes really stopped: the venue takes the orders back, and a session that goes on notices."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from state.events import FeedStatus, OrderUpdate
from state.log import Log
from tests.command import started, tapeline
from tests.live import KEY, SECRET, VenueThread, config_text

WAIT_S = 40.0
WINDOW_S = 3


def until(holds: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("name", "how"),
    [
        pytest.param("binance", signal.SIGSTOP, id="frozen, where the venue counts down"),
        pytest.param("bybit", signal.SIGKILL, id="killed, where the venue waits for the connection to be gone"),
    ],
)
def test_the_orders_of_a_dead_process_are_gone(name: str, how: signal.Signals, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/log.db"
    keys = {f"TAPELINE_{name.upper()}_KEY": KEY, f"TAPELINE_{name.upper()}_SECRET": SECRET}
    with VenueThread(name, seed=3, flow_per_s=2.0) as venue:

        def resting() -> int:
            return len(venue.call(lambda v: v.truth(KEY)).open_orders)

        (tmp_path / "session.toml").write_text(config_text(venue, dead_man_s=WINDOW_S))
        child = started("run", "session.toml", "--log", url, cwd=tmp_path, **keys)
        try:
            until(lambda: resting() >= 4, "it never quoted")
            child.send_signal(how)
            until(lambda: not resting(), "its orders still rest")
            if how is signal.SIGSTOP:
                child.send_signal(signal.SIGCONT)
                until(lambda: resting() >= 2, "it does not quote again")
                ended = tapeline("stop", "last", "--log", url, cwd=tmp_path)
                assert ended.returncode == 0, ended.stdout + ended.stderr
        finally:
            child.kill()
            child.communicate()
    with Log.open(url) as log:
        events = [record.event for record in log.records(log.find("last").id)]
    told = [(e.status, e.reason) for e in events if isinstance(e, FeedStatus) and e.channel == "dead_man"]
    assert told[0][0] == "ok"
    if how is signal.SIGSTOP:
        assert [status for status, _ in told[1:3]] == ["down", "ok"]
        assert told[1][1].startswith("expired")
        assert told[-1] == ("down", "disarmed")
        assert any(isinstance(e, OrderUpdate) and e.origin == "dead_man" for e in events) or name == "binance"
