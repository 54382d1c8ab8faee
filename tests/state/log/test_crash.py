"""A killed process, a full disk: the log opens, holds together, and has everything that was called durable."""

import random
import signal
from pathlib import Path

import pytest

from state.log import Log, start_digest
from state.log.verify import check
from state.record import canonical
from tests.command import started
from tests.forked import ROOT, Started

KILLS = 5


@pytest.fixture
def postgres_log_url(postgres_url: str) -> str:
    """Of its own: the server may still be writing what a killed process sent."""
    return postgres_url


def start(*words: str) -> Started:
    return started("-m", "tests.state.log.dying_writer", *words, cwd=ROOT)


def digest_up_to(log: Log, seq: int) -> str:
    digest = start_digest("s")
    for record in log.records("s", 1, seq):
        digest.update(canonical(record))
    return digest.hexdigest()


@pytest.mark.parametrize("seed", range(KILLS))
def test_a_killed_session_holds_up_to_the_last_durable_record(log_url: str, seed: int) -> None:
    rng = random.Random(seed)
    child = start("forever", log_url, str(seed))
    assert child.stdout is not None
    told = [child.stdout.readline() for _ in range(rng.randrange(1, 120))]
    child.send_signal(signal.SIGKILL)
    rest, errors = child.communicate()
    assert child.returncode == -signal.SIGKILL, errors
    told += [line for line in rest.splitlines(keepends=True) if line.endswith("\n")]
    with Log.open(log_url, create=False) as log:
        assert log.find("s").status == "running"
        assert check(log, "s") == []
        row = log.recover("s")
        assert (row.status, row.id) == ("crashed", "s")
        assert check(log, "s") == []
        said = [line.split() for line in told]
        assert row.last_seq >= max(int(seq) for seq, _ in said)
        assert [record.seq for record in log.records("s")] == list(range(1, row.last_seq + 1))
        assert row.head == digest_up_to(log, row.last_seq)
        for seq, digest in [(int(seq), digest) for seq, digest in said if digest != "-"][-3:]:
            assert digest_up_to(log, seq) == digest
        log.begin("next", "{}", 1).close(1)  # the dead one left no lock behind


@pytest.mark.parametrize("after", ["full", "room again"])
@pytest.mark.parametrize("room", [200_000, 1_000_000])
def test_a_full_disk_is_an_error_and_nothing_is_durable_that_is_not(tmp_path: Path, room: int, after: str) -> None:
    url = f"sqlite:///{tmp_path}/log.db"
    child = start("full", url, str(room), after)
    output, errors = child.communicate(timeout=60)
    assert child.returncode == 0, errors
    failure, ending = output.splitlines()
    durable, digest, told, *words = failure.split()
    assert (int(told), words[0]) == (1, f"{tmp_path}/log.db:")
    with Log.open(url) as log:
        assert digest_up_to(log, int(durable)) == digest
        if after == "full":
            assert ending.startswith("failed ")
            assert log.find("s").last_seq == int(durable)
            assert log.recover("s").status == "crashed"
        else:
            assert ending == f"closed {log.find('s').head}"
            assert log.find("s").last_seq >= int(durable)
        assert check(log, "s") == []
