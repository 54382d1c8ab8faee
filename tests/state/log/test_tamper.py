"""Whatever is changed behind the log's back is found, with the first seq that is not to be trusted; nothing else is."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from state.errors import LogCorrupt
from state.log import Log
from state.log.schema import blocks, frames, journal, sessions
from state.log.verify import check
from tests.depth import depth
from tests.state.log import damage
from tests.state.log.recorded import records, write

TABLES = (sessions, blocks, journal, frames)
PLACES = depth({"sqlite": 2, "postgresql": 1}, {"sqlite": 15, "postgresql": 4})


class Victim:
    """A log with two sessions, and the means to falsify one and to put it back."""

    def __init__(self, log: Log, engine: sa.Engine) -> None:
        self.log = log
        self.engine = engine
        with engine.connect() as connection:
            self._before = {table.name: connection.execute(sa.select(table)).all() for table in TABLES}

    def restore(self) -> None:
        with self.engine.begin() as connection:
            for table in TABLES:
                connection.execute(table.delete())
                connection.execute(table.insert(), [dict(row._mapping) for row in self._before[table.name]])


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def recorded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    """Recorded once on each database."""
    url = f"sqlite:///{tmp_path_factory.mktemp('victim')}/log.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("module_postgres_url")
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    if engine.dialect.name == "sqlite":
        # The test's own falsifications need not survive a power cut.
        sa.event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    with Log.open(url) as log:
        for session in ("s", "other"):
            write(log, session, records(session, 75), block_size=12)
        yield Victim(log, engine)
    engine.dispose()


@pytest.fixture
def victim(recorded: Victim) -> Iterator[Victim]:
    yield recorded
    recorded.restore()


@pytest.mark.parametrize("kind", damage.KINDS, ids=lambda kind: kind.__name__.replace("_", " "))
def test_a_falsified_session_is_found_out_at_its_first_bad_seq(
    victim: Victim, kind: Callable[[sa.Connection, str, random.Random], int]
) -> None:
    assert check(victim.log, "s") == [], "a false alarm before"
    for place in range(PLACES[victim.engine.dialect.name]):
        rng = random.Random(f"{kind.__name__} {place}")
        with victim.engine.begin() as connection:
            seq = kind(connection, "s", rng)
        found = check(victim.log, "s")
        assert found, f"nothing found at place {place}"
        assert found[0].seq == seq, f"place {place}: {found[:3]}"
        assert check(victim.log, "other") == [], "a false alarm beside it"
        victim.restore()
    assert check(victim.log, "s") == [], "a false alarm after"


@pytest.mark.parametrize(
    "kind",
    [damage.turn_a_bit, damage.delete_block, damage.edit_block_count, damage.delete_record],
    ids=lambda kind: kind.__name__.replace("_", " "),
)
def test_the_fast_way_stops_at_damage_and_names_it(
    victim: Victim, kind: Callable[[sa.Connection, str, random.Random], int]
) -> None:
    rng = random.Random(3)
    with victim.engine.begin() as connection:
        seq = kind(connection, "s", rng)
    read: list[int] = []
    with pytest.raises(LogCorrupt) as stopped:
        read.extend(record.seq for record in victim.log.records("s"))
    assert read == list(range(1, len(read) + 1))
    assert stopped.value.seq is not None
    assert len(read) < stopped.value.seq <= seq


def test_findings_are_bounded(victim: Victim) -> None:
    with victim.engine.begin() as connection:
        connection.execute(journal.delete().where(journal.c.session == "s"))
    assert len(check(victim.log, "s")) > 20
    assert len(check(victim.log, "s", limit=5)) == 5


def test_checking_keeps_little_in_memory(tmp_path: Path) -> None:
    import tracemalloc

    peaks = []
    with Log.open(f"sqlite:///{tmp_path}/long.db") as log:
        for count in (3_000, 18_000):
            write(log, f"of {count}", records("s", count), block_size=500)
        for count in (3_000, 18_000):
            tracemalloc.start()
            assert check(log, f"of {count}") == []
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0] + 1_000_000
