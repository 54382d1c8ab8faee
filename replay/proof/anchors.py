"""Anchors: checkpoints written down where whoever can change the log cannot: a file elsewhere, or whatever a command does.

An anchor file has one JSON object a line and is only ever appended to.
"""

import os
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

import msgspec

from state.errors import WrongUse
from state.log.checkpoint import Checkpoint, SignedCheckpoint

COMMAND_TIMEOUT_S = 60.0


class Anchor(msgspec.Struct, frozen=True):
    """One line: when it was written down (ns UTC), the head, and the checkpoint that hashes to it."""

    anchored: int
    head: str
    checkpoint: Checkpoint
    key: str = ""
    signature: str = ""

    @classmethod
    def of(cls, signed: SignedCheckpoint, now_ns: int) -> "Anchor":
        return cls(now_ns, signed.checkpoint.head, signed.checkpoint, signed.key, signed.signature)

    def line(self) -> bytes:
        return msgspec.json.encode(self) + b"\n"


def append(path: Path, anchors: Sequence[Anchor]) -> None:
    """Writes lines behind what is there, on disk when it returns."""
    out = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(out, b"".join(anchor.line() for anchor in anchors))
        os.fsync(out)
    finally:
        os.close(out)


def hand_over(command: str, anchors: Sequence[Anchor]) -> None:
    """Runs a command with the lines on its standard input; raises `WrongUse` unless it succeeds."""
    words = shlex.split(command)
    if not words:
        raise WrongUse("the anchor command is empty")
    lines = b"".join(anchor.line() for anchor in anchors)
    try:
        ran = subprocess.run(  # noqa: S603 - the operator's own command
            words, input=lines, timeout=COMMAND_TIMEOUT_S, check=False
        )
    except FileNotFoundError as error:
        raise WrongUse(f"there is no program {words[0]!r} to anchor with") from error
    except subprocess.TimeoutExpired as error:
        raise WrongUse(f"the anchor command took longer than {COMMAND_TIMEOUT_S:.0f} s") from error
    if ran.returncode:
        raise WrongUse(f"the anchor command failed with exit code {ran.returncode}: nothing is anchored")


def read(path: Path, session: str) -> list[Anchor]:
    """The anchors of a session, in the order in which they were written; raises `WrongUse` on a line that is none."""
    found = []
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                anchor = msgspec.json.decode(line, type=Anchor)
            except msgspec.DecodeError as error:
                raise WrongUse(f"line {number} of {path} is no anchor: {error}") from error
            if anchor.head != anchor.checkpoint.head:
                raise WrongUse(f"line {number} of {path} contradicts itself: its checkpoint has another head")
            if anchor.checkpoint.session == session:
                found.append(anchor)
    return found
