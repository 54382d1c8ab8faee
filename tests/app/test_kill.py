"""Kill -9 in the middle of trading: what the venue saw is in the log, and the log holds to its last committed record.

The session runs in a process of its own, the venue here. `make chaos` kills fifty times (TAPELINE_KILLS), the suite a few.
"""

import os
import random
import signal
import time
from decimal import Decimal
from pathlib import Path

import pytest

from adapters import order_ids
from adapters.loopback.truth import Truth
from replay.audit import audit
from replay.verify import verify
from state.events import AmendOrder, PlaceOrder
from state.log import Log, start_digest
from state.log.verify import check
from state.manifest import Manifest
from state.record import canonical
from streams.strategies.recorded import strategies_of
from tests.command import started, tapeline
from tests.depth import depth
from tests.live import KEY, PASSPHRASE, SECRET, VenueThread, config_text

KILLS = int(os.environ.get("TAPELINE_KILLS", depth("3", "6")))
VENUES = ("bybit", "okx", "binance")  # in turn; whose orders keep our client id and their size when they are amended
PARTS = ("KEY", "SECRET", "PASSPHRASE")
START_S = 60.0


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path, number: int) -> str:
    """The log, on each database in turn."""
    return f"sqlite:///{tmp_path}/log.db" if number % 2 else request.getfixturevalue("postgres_url")


@pytest.mark.parametrize("number", range(KILLS))
def test_a_killed_session_leaves_everything_the_venue_saw(number: int, url: str, tmp_path: Path) -> None:
    rng = random.Random(number)
    config, name = tmp_path / "session.toml", VENUES[number % len(VENUES)]
    keys = {
        f"TAPELINE_{name.upper()}_{part}": word for part, word in zip(PARTS, (KEY, SECRET, PASSPHRASE), strict=True)
    }
    with VenueThread(name, seed=number) as venue:
        config.write_text(config_text(venue))
        child = started("run", str(config), "--log", url, cwd=tmp_path, **keys)
        if rng.random() < 0.8:
            await_orders(venue)
            time.sleep(rng.random() * 2)  # the moment is the point of this test
        else:
            time.sleep(rng.random() * 3)  # anywhere in its start
        child.send_signal(signal.SIGKILL)
        child.communicate()
        assert child.returncode == -signal.SIGKILL
        truth = venue.call(lambda v: v.truth(KEY))
        with Log.open(url) as log:
            killed = [row.id for row in log.sessions()]
        if rng.random() < 0.3:
            again = tapeline("run", str(config), "--for", "1s", "--log", url, cwd=tmp_path, **keys)
            assert again.returncode == 0, again.stdout + again.stderr
    with Log.open(url) as log:
        if killed:
            assert_whole(log, killed[0], truth)
        else:
            assert truth.orders == {}


def await_orders(venue: VenueThread) -> None:
    deadline = time.monotonic() + START_S
    while not venue.call(lambda v: v.truth(KEY).orders):
        assert time.monotonic() < deadline, "the session did not trade"
        time.sleep(0.02)


def assert_whole(log: Log, session: str, truth: Truth) -> None:
    assert check(log, session) == []
    row = log.recover(session)
    assert row.status == "crashed"
    assert check(log, session) == []
    digest = start_digest(session)
    said: dict[str, set[tuple[Decimal | None, Decimal]]] = {}
    placed: dict[str, PlaceOrder] = {}
    seqs = []
    for record in log.records(session):
        seqs.append(record.seq)
        digest.update(canonical(record))
        event = record.event
        if isinstance(event, PlaceOrder):
            placed[event.client_id] = event
        if isinstance(event, PlaceOrder | AmendOrder):
            said.setdefault(event.client_id, set()).add((event.price, event.size))
    assert seqs == list(range(1, row.last_seq + 1))
    assert digest.hexdigest() == row.head
    for client_id, order in truth.orders.items():
        assert client_id in placed, f"the venue saw {client_id}, which the log does not have"
        assert order.side.name.lower() == placed[client_id].side
        assert (order.price, order.size) in said[client_id], "its price and size are what some intent in the log said"
    manifest = Manifest.parse(row.manifest)
    assert verify(log, session, strategies_of(manifest), order_ids(session)).same
    kinds = {finding.kind for finding in audit(log, session).findings}
    assert kinds <= {"crashed", "no outcome", "unresolved", "position"}, kinds
