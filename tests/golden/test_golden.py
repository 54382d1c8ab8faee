"""Sealed sessions of every released schema: each must check, audit and replay for ever. A tape is only ever added here."""

import subprocess
import sys
from pathlib import Path

import pytest

from adapters import order_ids
from replay.audit import audit
from replay.proof import verify_tape
from replay.tape import Tape, log_of_tape
from replay.verify import verify
from state.manifest import Manifest
from streams.strategies.recorded import strategies_of

FOLDER = Path(__file__).parent
HEADS = {"schema-1.tape": "600cc16e6a0c4dba27f70a57101d0326c602ffdcb4634de9992cbcb76306eb3c"}


def test_every_tape_has_its_head_written_down_here() -> None:
    assert {path.name for path in FOLDER.glob("*.tape")} == set(HEADS)


@pytest.mark.parametrize("name", list(HEADS))
def test_a_golden_tape_is_clean_on_a_bare_python(name: str) -> None:
    command = [sys.executable, "-I", "-S", verify_tape.__file__, str(FOLDER / name), "--head", HEADS[name]]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout


@pytest.mark.parametrize("name", list(HEADS))
def test_a_golden_tape_audits_clean_and_decides_the_same_to_the_bit(name: str) -> None:
    tape = Tape(FOLDER / name)
    session = tape.opening().session
    assert tape.checkpoints()[-1].checkpoint.head == HEADS[name]
    with log_of_tape(FOLDER / name) as log:
        report = audit(log, session)
        assert report.findings == ()
        assert report.fills > 20
        assert report.checkpointed_seq == report.records
        verdict = verify(log, session, strategies_of(Manifest.parse(log.find(session).manifest)), order_ids(session))
        assert verdict.same, verdict.difference
        assert verdict.decisions > 150
