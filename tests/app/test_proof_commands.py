"""Checkpoints, proofs and tapes from the command line, as somebody who trusts nobody uses them."""

import stat
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from replay.proof.verify_tape import main as verify_tape
from state.log.schema import blocks, checkpoints, frames, journal, sessions
from tests.app.conftest import EVENTS, OPENED, SESSION, write_session

Cli = Callable[..., Any]
FILL = 12
GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "schema-1.tape"


@pytest.fixture
def keys(tmp_path: Path) -> tuple[str, str]:
    """A private key and its public half, as openssl would write them."""
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    private, public = tmp_path / "key.pem", tmp_path / "key.pub"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    private.chmod(stat.S_IRUSR | stat.S_IWUSR)
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return str(private), str(public)


def checked(words: list[str]) -> int:
    """The exit code of the verifier, which says what it says to nobody."""
    with redirect_stdout(StringIO()):
        return verify_tape(words)


def findings(ran: Any) -> list[dict[str, Any]]:
    found = msgspec.json.decode(ran.out, type=dict[str, Any])["findings"]
    # The short session of these tests is no whole story: intents in it have no outcome.
    of_log = ("no outcome", "no intent", "unresolved")
    return [finding for finding in found if finding["kind"] not in of_log]


def test_a_checkpoint_is_signed_and_anchored_and_the_audit_holds_the_session_against_both(
    cli: Cli, log_url: str, keys: tuple[str, str], tmp_path: Path
) -> None:
    made = cli(
        "checkpoint", "last", "--log", log_url, "--key", keys[0], "--anchor-file", "anchors", "--every", "5", "--json"
    )
    assert made.code == 0, made.err
    fact = msgspec.json.decode(made.out, type=dict[str, Any])
    assert (fact["session"], fact["seq"], fact["status"]) == (SESSION, len(EVENTS), "closed")
    assert len((tmp_path / "anchors").read_text().splitlines()) == 3
    ran = cli("audit", "last", "--log", log_url, "--anchors", "anchors", "--public-key", keys[1], "--json")
    report = msgspec.json.decode(ran.out, type=dict[str, Any])
    assert (report["checkpoints"], report["signed_seq"], report["anchored_seq"]) == (4, 15, 15)
    assert findings(ran) == []


def test_a_session_written_anew_from_the_first_record_is_found_by_the_anchors(
    cli: Cli, log_url: str, keys: tuple[str, str], tmp_path: Path
) -> None:
    from state.log import Log

    assert cli("checkpoint", "last", "--log", log_url, "--anchor-file", "anchors", "--every", "5").code == 0
    engine = sa.create_engine(log_url)
    with engine.begin() as connection:
        for table in (sessions, blocks, journal, frames, checkpoints):
            connection.execute(table.delete())
    engine.dispose()
    with Log.open(log_url) as log:
        write_session(log, SESSION, [*EVENTS[:7], *EVENTS[8:], EVENTS[-1]])
    assert cli("checkpoint", "last", "--log", log_url, "--every", "5").code == 0
    assert findings(cli("audit", "last", "--log", log_url, "--json")) == [], "the log agrees with itself"
    ran = cli("audit", "last", "--log", log_url, "--anchors", "anchors", "--json")
    assert (ran.code, [(found["seq"], found["kind"]) for found in findings(ran)]) == (1, [(6, "anchor")])
    ran = cli("audit", "last", "--log", log_url, "--public-key", keys[1], "--json")
    assert (ran.code, findings(ran)[0]["kind"]) == (1, "signature")


def test_a_command_gets_the_anchors_and_its_failure_is_ours(cli: Cli, log_url: str, tmp_path: Path) -> None:
    keep = f'{sys.executable} -c \'import sys; open("kept", "a").write(sys.stdin.read())\''
    ran = cli("checkpoint", "last", "--log", log_url, "--anchor-command", keep)
    assert ran.code == 0
    assert SESSION in (tmp_path / "kept").read_text()
    for command in (f"{sys.executable} -c 'raise SystemExit(3)'", "no-such-program", ""):
        ran = cli("checkpoint", "last", "--log", log_url, "--anchor-command", command)
        assert (ran.code, len(ran.err.splitlines())) == (2, 1), command


def test_following_a_session_that_has_ended_ends(cli: Cli, log_url: str) -> None:
    assert cli("checkpoint", "last", "--log", log_url, "--follow", "60").code == 0


def test_a_fill_is_proven_with_the_head_and_nothing_else(cli: Cli, log_url: str, tmp_path: Path) -> None:
    ran = cli("prove", "last", "--seq", str(FILL), "--log", log_url, "-o", "proof.json")
    assert (ran.code, ran.out) == (0, "")
    head = ran.err.split()[-1]
    (tmp_path / "log.db").unlink()
    ran = cli("check-proof", "proof.json", "--head", head)
    assert ran.code == 0
    shown = msgspec.json.decode(ran.out, type=dict[str, Any])
    assert (shown["seq"], shown["type"], shown["fill_id"], shown["recv"]) == (FILL, "Fill", "f1", OPENED + FILL * 1_000)
    assert checked(["proof.json", "--head", head]) == 0
    text = (tmp_path / "proof.json").read_text()
    (tmp_path / "proof.json").write_text(text.replace(f'"seq":{FILL},', f'"seq":{FILL + 1},', 1))
    ran = cli("check-proof", "proof.json", "--head", head)
    assert (ran.code, ran.out.startswith("NOT proven: ")) == (1, True)
    assert checked(["proof.json", "--head", head]) == 1
    assert cli("check-proof", "key.pem", "--head", head).code == 2


def test_a_session_is_sealed_checked_looked_at_and_brought_back(
    cli: Cli, log_url: str, keys: tuple[str, str], tmp_path: Path
) -> None:
    ran = cli("seal", "last", "--log", log_url, "--key", keys[0], "--json")
    assert ran.code == 0
    sealed = msgspec.json.decode(ran.out, type=dict[str, Any])
    tape = f"{SESSION}.tape"
    assert (sealed["records"], sealed["signed"]) == (len(EVENTS), True)
    assert checked([tape, "--head", sealed["head"], "--public-key", keys[1]]) == 0
    (tmp_path / "log.db").unlink()
    assert findings(cli("audit", tape, "--public-key", keys[1], "--json")) == []
    ran = cli("unseal", tape, "--log", "sqlite:///again.db")
    assert (ran.code, ran.out) == (0, f"session {SESSION}: 15 records, digest {sealed['digest']}\n")
    assert cli("unseal", tape, "--log", "sqlite:///again.db").code == 2
    assert len(cli("events", "last", "--log", "sqlite:///again.db", "--json").objects()) == len(EVENTS)


def test_a_tape_is_replayed_as_a_session_is(cli: Cli) -> None:
    ran = cli("replay", str(GOLDEN), "--verify")
    assert (ran.code, "the same to the bit" in ran.out) == (0, True), ran.err
    ran = cli("replay", str(GOLDEN), "--simulate", "plain")
    assert (ran.code, "unseal" in ran.err) == (2, True)
    assert cli("audit", str(GOLDEN)).code == 0


def test_the_verifier_is_printed_as_it_is_shipped(cli: Cli) -> None:
    ran = cli("seal", "--print-verifier")
    assert ran.code == 0
    assert ran.out == Path(sys.modules[verify_tape.__module__].__file__ or "").read_text()


@pytest.mark.parametrize(
    "words",
    [
        pytest.param("checkpoint last --log {url} --key nowhere.pem", id="a key that is not there"),
        pytest.param("checkpoint last --log {url} --every 0", id="no records between checkpoints"),
        pytest.param("audit last --log {url} --anchors nowhere", id="anchors that are not there"),
        pytest.param("audit last --log {url} --anchors {key}", id="anchors that are none"),
        pytest.param("audit last --log {url} --public-key {key}", id="a private key for a public one"),
        pytest.param("prove last --log {url}", id="a proof of no record"),
        pytest.param("prove last --log {url} --seq 16", id="a proof of a record that is not there"),
        pytest.param("prove last --log {url} --seq 1 --head 00", id="a proof under a head that is none"),
        pytest.param("check-proof nowhere.json --head 00", id="a proof that is not there"),
        pytest.param("seal last --log {url} -o /nowhere/x.tape", id="a tape in a missing folder"),
        pytest.param("unseal {key} --log {url}", id="a tape that is none"),
    ],
)
def test_what_cannot_run_is_said_in_one_line(cli: Cli, log_url: str, keys: tuple[str, str], words: str) -> None:
    ran = cli(*words.format(url=log_url, key=keys[0]).split())
    assert (ran.code, ran.out, len(ran.err.splitlines())) == (2, "", 1), ran
