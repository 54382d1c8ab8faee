"""A sealed session: checked on a bare Python, run again from the file alone, and refused when one byte of it is another."""

import ast
import random
import shutil
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.proof import verify_tape
from replay.proof.checkpoints import checkpoint
from replay.proof.container import MAGIC, SectionWriter, sections
from replay.proof.evidence import examine
from replay.proof.keys import Signer
from replay.proof.seal import seal
from replay.tape import log_of_tape, restore
from state.errors import LogCorrupt, SchemaUnknown, TapelineError, WrongUse
from state.events import Trade
from state.log import Log
from state.log.verify import check
from state.record import Frame, Record
from tests.state.log import damage
from tests.state.log.recorded import EVERY, T0, V, append, records, write

VERIFIER = Path(verify_tape.__file__)
BARE = Path("/usr/bin/python3") if Path("/usr/bin/python3").exists() else Path(sys.executable)


def bare(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs the verifier where nothing but the standard library can be imported."""
    command = [str(BARE), "-I", "-S", str(VERIFIER), *map(str, words)]
    return subprocess.run(command, text=True, capture_output=True, timeout=60, check=False)


def sealed_in(log: Log, path: Path, signer: Signer | None = None) -> str:
    with path.open("wb") as out:
        return seal(log, "s", out, signer=signer).head


@pytest.fixture
def tape(file_log: Log, tmp_path: Path) -> Path:
    """A small sealed session."""
    write(file_log, "s", records("s", 75), block_size=12)
    path = tmp_path / "run.tape"
    sealed_in(file_log, path)
    return path


# --- the verifier ---


def test_the_verifier_is_short_and_needs_the_standard_library_alone() -> None:
    text = VERIFIER.read_text()
    assert len(text.splitlines()) < 500
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(text))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported <= sys.stdlib_module_names


def test_a_bare_python_finds_a_sealed_session_clean(
    log: Log, tmp_path: Path, key_files: tuple[Path, Path], signer: Signer
) -> None:
    made = records("s", 5_000)
    digest = write(log, "s", made, block_size=512).hex()
    checkpoint(log, "s", every=1000)
    path = tmp_path / "run.tape"
    head = sealed_in(log, path, signer)
    ran = bare(path, "--head", head.upper(), "--public-key", key_files[1])
    assert (ran.returncode, ran.stderr) == (0, "")
    lines = ran.stdout.splitlines()
    assert lines[0] == f"session s: {len(made)} records, 1000 frames, 6 checkpoints"
    assert lines[1:3] == [f"head {head}", f"digest {digest}"]
    assert lines[3] == "clean: agrees with itself and with the head that you gave and with the key that you gave"
    assert bare(path, "--head", digest).returncode == 0, "the running digest is a head too"


def test_a_bare_python_says_what_it_cannot_know(tape: Path) -> None:
    ran = bare(tape)
    assert ran.returncode == 0
    assert "compare the head or give a key" in ran.stdout.splitlines()[-1]


def test_another_head_or_another_key_is_a_finding(
    file_log: Log, tmp_path: Path, key_files: tuple[Path, Path], forger: Signer
) -> None:
    write(file_log, "s", records("s", 75))
    path = tmp_path / "run.tape"
    sealed_in(file_log, path)
    assert bare(path, "--head", "00" * 32).returncode == 1
    unsigned = bare(path, "--public-key", key_files[1])
    assert (unsigned.returncode, "is not signed" in unsigned.stdout) == (1, True)
    sealed_in(file_log, path, forger)
    forged = bare(path, "--public-key", key_files[1])
    assert (forged.returncode, "does not hold for this key" in forged.stdout) == (1, True)


@pytest.mark.parametrize(
    "words",
    [[], ["nowhere.tape"], ["{tape}", "--head"], ["{tape}", "--nonsense", "x"], ["{tape}", "--public-key", "{tape}"]],
    ids=["no words", "no file", "no value", "an unknown option", "a key that is none"],
)
def test_what_the_verifier_cannot_do_is_one_line(tape: Path, words: list[str]) -> None:
    ran = bare(*[word.format(tape=tape) for word in words])
    assert (ran.returncode, ran.stdout, len(ran.stderr.splitlines())) == (2, "", 1)


@given(st.binary(min_size=1, max_size=60), st.integers(0, 255))
def test_our_own_signatures_are_checked_as_the_library_checks_them(statement: bytes, bit: int) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.from_private_bytes(statement[:1] * 32)
    public, signature = key.public_key().public_bytes_raw(), key.sign(statement)
    assert verify_tape.signature_holds(public, statement, signature)
    assert not verify_tape.signature_holds(public, statement + b"x", signature)
    turned = (int.from_bytes(signature, "big") ^ 1 << bit).to_bytes(64, "big")
    assert not verify_tape.signature_holds(public, statement, turned)


@given(st.lists(st.sampled_from(EVERY), min_size=1, max_size=10))
def test_our_own_messagepack_splits_every_event(events: list[object]) -> None:
    from state.record import canonical

    parts = [canonical(Record(seq, T0, 0, event)) for seq, event in enumerate(events, start=1)]  # type: ignore[arg-type]
    assert verify_tape.split(b"".join(parts), len(parts)) == parts
    assert [verify_tape.envelope(part)[0] for part in parts] == list(range(1, len(parts) + 1))


# --- what is on it ---


def test_the_same_session_gives_the_same_bytes_on_both_databases_and_however_blocks_were_cut(
    log: Log, file_log: Log
) -> None:
    made, tapes = records("s", 200), []
    write(log, "s", made, block_size=64, flush_every=7)
    write(file_log, "s", made, block_size=12)
    for each in (log, file_log, file_log):
        out = BytesIO()
        seal(each, "s", out)
        tapes.append(out.getvalue())
    assert tapes[0] == tapes[1] == tapes[2]


def test_a_log_that_is_restored_is_the_one_that_was_sealed(
    log: Log, file_log: Log, tmp_path: Path, signer: Signer
) -> None:
    made = records("s", 300)
    writer = log.begin("s", '{"code":"1"}', T0, parent="p", block_size=32, market_frames=True)
    pong = Frame(T0, V, "private", "in", b"pong", private=True)
    writer.keep(pong)
    shared = Frame(T0, V, "public.0", "in", b"three records", "wss://x")
    for record in made:
        writer.append(record, shared if 10 <= record.seq <= 12 else None)
        if record.seq in (12, 20):
            writer.keep(pong)
    append_nothing_but_frames = [pong, pong]
    for frame in append_nothing_but_frames:
        writer.keep(frame)
    writer.close(T0 + 10**9, "crashed")
    checkpoint(log, "s", every=64)
    path = tmp_path / "run.tape"
    sealed_in(log, path, signer)
    row = restore(path, file_log)
    assert row == log.find("s")
    assert list(file_log.records("s")) == made
    assert list(file_log.journal("s")) == list(log.journal("s"))
    assert list(file_log.frames("s")) == list(log.frames("s"))
    stored = log.checkpoints("s")
    assert [each.checkpoint for each in file_log.checkpoints("s")] == [each.checkpoint for each in stored]
    assert file_log.checkpoints("s")[-1].key == signer.name
    assert check(file_log, "s") == []
    assert examine(file_log, "s").findings == ()
    with pytest.raises(WrongUse, match="already"):
        restore(path, file_log)


def test_a_tape_is_a_log_while_it_is_looked_at(tape: Path) -> None:
    with log_of_tape(tape) as log:
        assert list(log.records("s")) == records("s", 75)
        assert check(log, "s") == []


def test_only_what_has_ended_and_holds_together_is_sealed(file_log: Log, tmp_path: Path) -> None:
    writer = file_log.begin("s", "{}", T0, block_size=8)
    append(writer, records("s", 30))
    with pytest.raises(WrongUse, match="still running"):
        seal(file_log, "s", BytesIO())
    writer.close(T0 + 10**9)
    import sqlalchemy as sa

    engine = sa.create_engine(f"sqlite:///{tmp_path}/file.db")
    with engine.begin() as connection:
        damage.edit_record(connection, "s", random.Random(1))
    engine.dispose()
    with pytest.raises(LogCorrupt):
        seal(file_log, "s", BytesIO())


# --- a changed tape ---


def rewritten(path: Path, kind: str, change: object) -> bytes:
    """The tape with the content of its sections of a kind changed, and every CRC and the hash at its end put right."""
    assert callable(change)
    out = BytesIO()
    with path.open("rb") as file:
        writer = SectionWriter(out)
        for section in sections(file):
            writer.section(section.kind, change(section.content) if section.kind == kind else section.content)
        writer.end()
    return out.getvalue()


def turn_a_bit(content: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(content))
    return content[:at] + bytes([content[at] ^ 1 << rng.randrange(8)]) + content[at + 1 :]


def is_refused(path: Path) -> bool:
    try:
        with log_of_tape(path) as log:
            return bool(check(log, "s")) or bool(examine(log, "s").findings)
    except TapelineError:
        return True


def test_no_byte_of_a_tape_may_be_another(tape: Path, tmp_path: Path) -> None:
    whole, changed = tape.read_bytes(), tmp_path / "changed.tape"
    rng = random.Random(4)
    for place in range(150):
        changed.write_bytes(turn_a_bit(whole, rng) if place % 3 else whole[: rng.randrange(len(whole))])
        assert verify_tape.main([str(changed)]) != 0, f"place {place}"
        if place % 5 == 0:
            assert is_refused(changed), f"place {place}"
    changed.write_bytes(whole + b"x")
    assert verify_tape.main([str(changed)]) == 1
    assert is_refused(changed)


@pytest.mark.parametrize("kind", ["OPEN", "CHKS", "RECS", "FRMS"])
def test_a_tape_whose_sums_were_put_right_is_found_by_its_checkpoints(tape: Path, tmp_path: Path, kind: str) -> None:
    changed = tmp_path / "changed.tape"
    rng = random.Random(kind)
    for place in range(40):
        changed.write_bytes(rewritten(tape, kind, lambda content: turn_a_bit(content, rng)))
        assert verify_tape.main([str(changed)]) != 0, f"place {place}"


def test_a_changed_record_is_named(tape: Path, tmp_path: Path) -> None:
    seq = next(record.seq for record in records("s", 75) if record.seq > 30 and isinstance(record.event, Trade))

    def change(content: bytes) -> bytes:
        at = content.index(f"t-{seq}".encode())
        return content[:at] + b"T" + content[at + 1 :]

    changed = tmp_path / "changed.tape"
    changed.write_bytes(rewritten(tape, "RECS", change))
    ran = bare(changed)
    assert ran.returncode == 1
    assert f"seq {seq}: this record is not the one that was written: its mark differs" in ran.stdout


def test_a_tape_of_a_later_version_and_what_is_none_are_told_apart(tmp_path: Path, tape: Path) -> None:
    later, none = tmp_path / "later.tape", tmp_path / "none.tape"
    later.write_bytes(b"TAPELINE TAPE 2\n" + tape.read_bytes()[len(MAGIC) :])
    none.write_bytes(b"nonsense")
    with pytest.raises(SchemaUnknown, match="version '2'"), log_of_tape(later):
        pass
    with pytest.raises(LogCorrupt, match="no tape"), log_of_tape(none):
        pass
    assert bare(later).returncode == bare(none).returncode == 2


def test_the_file_is_found_where_the_package_is(tmp_path: Path, tape: Path) -> None:
    copy = tmp_path / "verify_tape.py"
    shutil.copy(VERIFIER, copy)
    ran = subprocess.run([str(BARE), "-I", "-S", str(copy), str(tape)], capture_output=True, timeout=60, check=False)
    assert ran.returncode == 0
