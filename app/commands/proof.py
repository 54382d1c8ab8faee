"""`tapeline checkpoint`, `prove`, `check-proof`, `seal` and `unseal`: evidence for people who do not trust the database."""

import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Annotated

import msgspec
import typer

from app.crashed import call_crashed
from app.files import whole_file
from app.logs import opened_log, sealed_session
from app.options import JsonOption, LogKeyOption, LogOption, SessionArgument, UnreadLogOption, log_url
from app.output import print_json, print_lines, remark
from app.progress import progress
from replay.proof import verify_tape
from replay.proof.anchors import Anchor, append, hand_over
from replay.proof.checkpoints import EVERY, Checkpointer, Made
from replay.proof.inclusion import NotProven, Proof
from replay.proof.inclusion import check_proof as proven_record
from replay.proof.inclusion import prove as prove_record
from replay.proof.keys import Signer
from replay.proof.locked import LockedWriter
from replay.proof.seal import seal as seal_session
from replay.tape import restore_session
from state.clock import WallClock
from state.errors import WrongUse
from state.log import Log
from state.log.checkpoint import SignedCheckpoint
from state.log.data_keys import LogKey
from state.record import to_json

CLEAN, FINDINGS = 0, 1

KeyOption = Annotated[
    Path | None,
    typer.Option("--key", metavar="FILE", help="Sign with this Ed25519 key (PEM, readable by nobody else)."),
]
HeadHelp = "The hash of a checkpoint, as `tapeline checkpoint` and `tapeline seal` print it."


class CheckpointFact(msgspec.Struct):
    """One checkpoint; `head` is its hash, which stands for everything up to `seq`."""

    session: str
    number: int
    seq: int
    head: str
    root: str
    digest: str
    frames: int
    status: str
    key: str
    signature: str

    @classmethod
    def of(cls, signed: SignedCheckpoint) -> "CheckpointFact":
        it = signed.checkpoint
        return cls(
            it.session,
            it.number,
            it.seq,
            it.head,
            it.root,
            it.digest,
            it.frames,
            it.status,
            signed.key,
            signed.signature,
        )


def checkpoint(
    context: typer.Context,
    session: SessionArgument,
    key: KeyOption = None,
    anchor_file: Annotated[
        Path | None, typer.Option("--anchor-file", metavar="FILE", help="Append each checkpoint to this file too.")
    ] = None,
    anchor_command: Annotated[
        str | None, typer.Option("--anchor-command", metavar="CMD", help="Hand each checkpoint to this command too.")
    ] = None,
    every: Annotated[int, typer.Option("--every", metavar="N", min=1, help="Records between checkpoints.")] = EVERY,
    follow: Annotated[
        float | None, typer.Option("--follow", metavar="S", min=0.1, help="Again every S seconds until the end.")
    ] = None,
    log: LogOption = None,
    as_json: JsonOption = False,
) -> int:
    """Put checkpoints over a session, signed and anchored if asked to; may run beside a live session."""
    signer = None if key is None else Signer.load(key)
    with opened_log(context, log) as opened:
        row = opened.find(session)
        found = row.id
        with progress("folding", row.last_seq) as done:
            checkpointer = Checkpointer(opened, found, signer=signer, every=every, progress=done)
            first = checkpointer.round()
        checkpointer.progress = None  # the rounds that follow are short
        for made in _rounds(checkpointer, first, follow):
            now = WallClock().now_ns()
            anchors = [Anchor.of(each, now) for each in made]
            if anchor_file is not None:
                append(anchor_file, anchors)
            if anchor_command is not None:
                hand_over(anchor_command, anchors)
            fact = CheckpointFact.of(made[-1])
            if as_json:
                print_json(fact)
            else:
                signed = f", signed by {fact.key}" if fact.key else ""
                print_lines(
                    [f"session {found}: checkpoint {fact.number} over records 1 to {fact.seq}{signed}".encode()]
                )
                print_lines([f"head {fact.head}".encode()])
    return CLEAN


def _rounds(checkpointer: Checkpointer, made: Made, follow_s: float | None) -> Iterator[list[SignedCheckpoint]]:
    """What each round has added; the first says what stands also where nothing was due."""
    yield list(made.new) or [made.last]
    while follow_s is not None and made.last.checkpoint.status == "running":
        Event().wait(follow_s)
        made = checkpointer.round()
        if made.new:
            yield list(made.new)


def prove(
    context: typer.Context,
    session: SessionArgument,
    seq: Annotated[int, typer.Option("--seq", metavar="SEQ", min=1, help="The record to prove.", show_default=False)],
    head: Annotated[str, typer.Option("--head", metavar="HEX", help=f"{HeadHelp} Else the last one.")] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="PATH", help="Where to; else standard output.")
    ] = None,
    log: LogOption = None,
) -> int:
    """Prove that a record is in a session to somebody who has nothing but the head."""
    with opened_log(context, log) as opened:
        proof = prove_record(opened, session, seq, head)
    text = msgspec.json.encode(proof)
    if output is None:
        print_lines([text])
    else:
        with whole_file(output) as out:
            out.write(text + b"\n")
        remark(f"{output} proves record {seq} under the head {proof.checkpoint.head}")
    return CLEAN


def check_proof(
    proof: Annotated[Path, typer.Argument(metavar="PROOF", help="What `tapeline prove` wrote.", show_default=False)],
    head: Annotated[str, typer.Option("--head", metavar="HEX", help=HeadHelp, show_default=False)],
    log: UnreadLogOption = None,
) -> int:
    """Check a proof against a head that you trust; needs no log, and prints the record that is proven."""
    try:
        read = msgspec.json.decode(proof.read_bytes(), type=Proof)
    except msgspec.DecodeError as error:
        raise WrongUse(f"{proof} is no proof: {error}") from error
    try:
        record = proven_record(read, head)
    except NotProven as error:
        print_lines([f"NOT proven: {error}".encode()])
        return FINDINGS
    at = read.checkpoint
    remark(f"record {record.seq} is in session {at.session}, of which checkpoint {at.number} covers {at.seq} records")
    print_lines([to_json(record)])
    return CLEAN


def seal(
    context: typer.Context,
    session: Annotated[str, typer.Argument(metavar="SESSION", help="An id, a beginning of one, or `last`.")] = "last",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="PATH", help="Where to; else SESSION.tape.")
    ] = None,
    key: KeyOption = None,
    print_verifier: Annotated[
        bool,
        typer.Option("--print-verifier", help="Print verify_tape.py, which checks tapes on a bare Python, and stop."),
    ] = False,
    log_key: LogKeyOption = None,
    log: LogOption = None,
    as_json: JsonOption = False,
) -> int:
    """Write a session with its frames, manifest and checkpoints into one file that stands alone."""
    if print_verifier:
        sys.stdout.write(Path(verify_tape.__file__).read_text())
        return CLEAN
    signer = None if key is None else Signer.load(key)
    locking = LogKey.said(log_key)
    with opened_log(context, log, log_key) as opened:
        row = call_crashed(opened, opened.find(session))
        path = output or Path(f"{row.id}.tape")
        with whole_file(path) as out:
            locked = None if locking is None else LockedWriter(out, locking)
            sealed = seal_session(opened, row.id, locked or out, signer=signer)
            if locked is not None:
                locked.end()
    if as_json:
        print_json(sealed)
    else:
        print_lines([f"head {sealed.head}".encode()])
        how = "" if locking is None else ", encrypted"
        remark(f"session {sealed.session}, {sealed.records} records and {sealed.frames} frames, is in {path}{how}")
    return CLEAN


def unseal(
    context: typer.Context,
    tape: Annotated[
        Path, typer.Argument(metavar="TAPE", help="What `tapeline seal` or `archive` wrote.", show_default=False)
    ],
    log_key: LogKeyOption = None,
    log: LogOption = None,
) -> int:
    """Bring a sealed session into a log, to look at it with every other command."""
    with Log.open(log_url(context, log), key=LogKey.said(log_key)) as opened:
        row = restore_session(sealed_session(tape, log_key), opened)
        print_lines([f"session {row.id}: {row.last_seq} records, digest {row.head}".encode()])
    return CLEAN
