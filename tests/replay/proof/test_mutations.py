"""Whoever changes a session, and however carefully, is found out at its first bad record; nobody else is.

A few places of each kind here; `make tamper` tries a thousand of each, on both databases.
"""

import os
import random
from collections.abc import Iterator, Sequence

import pytest
import sqlalchemy as sa

from replay.proof.anchors import Anchor
from replay.proof.checkpoints import checkpoint
from replay.proof.evidence import examine
from replay.proof.keys import PublicKey, Signer
from state.log import Log
from state.log.verify import Finding, check
from tests.depth import depth
from tests.replay.proof import deeds
from tests.replay.proof.conftest import write_key
from tests.replay.proof.deeds import EVERY_RECORDS, LENGTH, Victim, interval
from tests.state.log import damage
from tests.state.log.recorded import records, write

ASKED = int(os.environ.get("TAPELINE_TAMPER_PLACES", "0"))
PLACES = {"sqlite": ASKED or depth(1, 4), "postgresql": ASKED or 1}

pytestmark = pytest.mark.timeout(7200 if ASKED else 120)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def recorded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    """Recorded once on each database."""
    folder = tmp_path_factory.mktemp("victim")
    url = f"sqlite:///{folder}/log.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("module_postgres_url")
    signer = Signer.load(write_key(folder, "key", 7)[0])
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    if engine.dialect.name == "sqlite":
        # The test's own falsifications need not survive a power cut.
        sa.event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    with Log.open(url) as log:
        for session in ("s", "other"):
            write(log, session, records(session, LENGTH), block_size=12)
            checkpoint(log, session, signer=signer, every=EVERY_RECORDS)
        yield Victim(log, engine)
    engine.dispose()


@pytest.fixture
def victim(recorded: Victim) -> Iterator[Victim]:
    yield recorded
    recorded.restore()


def audited(
    log: Log, session: str, anchors: Sequence[Anchor] | None = None, key: PublicKey | None = None
) -> list[Finding]:
    """What the audit says of the log, by seq."""
    known = check(log, session)
    evidence = examine(log, session, anchors=anchors, key=key, known=known)
    return sorted((*known, *evidence.findings), key=lambda finding: finding.seq)


@pytest.mark.parametrize("kind", list(deeds.CARELESS))
def test_a_careless_hand_is_found_at_the_record_itself(victim: Victim, kind: str) -> None:
    assert audited(victim.log, "s") == [], "a false alarm before"
    for place in range(PLACES[victim.engine.dialect.name]):
        rng = random.Random(f"{kind} {place}")
        deed = rng.choice(deeds.CARELESS[kind])
        with victim.engine.begin() as connection:
            seq = deed(connection, "s", rng)
        found = audited(victim.log, "s")
        assert found, f"{deed.__name__} at place {place} is not found"
        assert found[0].seq == seq, f"{deed.__name__} at place {place}: {found[:3]}"
        assert audited(victim.log, "other") == [], "a false alarm beside it"
        victim.restore()
    assert audited(victim.log, "s") == [], "a false alarm after"


@pytest.mark.parametrize("kind", list(deeds.FORGED))
def test_a_careful_hand_is_found_by_the_checkpoints_in_the_log(victim: Victim, kind: str) -> None:
    for place in range(PLACES[victim.engine.dialect.name]):
        rng = random.Random(f"{kind} {place}")
        seq = deeds.forge(victim, "s", rng.choice(deeds.FORGED[kind]), rng, signer=None, perfect=False)
        assert check(victim.log, "s") == [], "the log agrees with itself"
        found = audited(victim.log, "s")
        assert found, f"place {place} is not found"
        assert interval(seq) <= found[0].seq <= seq, f"place {place}, seq {seq}: {found[:3]}"
        victim.restore()


@pytest.mark.parametrize("kind", list(deeds.FORGED))
def test_a_perfect_hand_is_found_by_anchors_and_by_signatures(
    victim: Victim, kind: str, public_key: PublicKey, forger: Signer
) -> None:
    anchors = [Anchor.of(signed, 0) for signed in victim.log.checkpoints("s")]
    assert audited(victim.log, "s", anchors, public_key) == [], "a false alarm before"
    for place in range(PLACES[victim.engine.dialect.name]):
        rng = random.Random(f"{kind} {place}")
        own = rng.choice([forger, None])
        seq = deeds.forge(victim, "s", rng.choice(deeds.FORGED[kind]), rng, signer=own, perfect=True)
        assert audited(victim.log, "s") == [], "nothing within the log tells"
        found = audited(victim.log, "s", anchors)
        assert found, f"place {place} is not found by anchors"
        assert interval(seq) <= found[0].seq <= seq, f"place {place}, seq {seq}: {found[:3]}"
        found = audited(victim.log, "s", key=public_key)
        assert found, f"place {place} is not found by the signature"
        assert found[0].kind == "signature"
        victim.restore()
    assert audited(victim.log, "s", anchors, public_key) == [], "a false alarm after"


@pytest.mark.parametrize(
    ("deed", "kind"),
    [
        pytest.param(damage.edit_record, {"edited"}, id="an edited record is called edited"),
        pytest.param(damage.delete_record, {"deleted"}, id="a deleted record is called deleted"),
        pytest.param(damage.insert_record, {"inserted", "duplicated"}, id="an inserted record is called inserted"),
        pytest.param(damage.duplicate_record, {"duplicated"}, id="a duplicate is called one"),
        pytest.param(damage.reorder_records, {"reordered"}, id="records out of order are called so"),
        pytest.param(damage.edit_recv, {"edited", "clock"}, id="a clock that runs backwards is called so"),
        pytest.param(damage.cut_last_block, {"tail"}, id="a tail that is cut off is called so"),
        pytest.param(damage.edit_journal, {"journal"}, id="a journal that differs is called so"),
        pytest.param(deeds.edit_frame, {"frame"}, id="a frame that differs is called so"),
        pytest.param(deeds.edit_manifest, {"manifest"}, id="a changed manifest is called so"),
        pytest.param(
            deeds.swap_session, {"edited", "replaced"}, id="a swapped session is one edited from its beginning"
        ),
    ],
)
def test_what_was_done_is_named(victim: Victim, deed: deeds.Careless, kind: set[str]) -> None:
    for place in range(PLACES[victim.engine.dialect.name]):
        with victim.engine.begin() as connection:
            deed(connection, "s", random.Random(f"named {place}"))
        found = audited(victim.log, "s")
        assert found[0].kind in kind, found[:3]
        victim.restore()
