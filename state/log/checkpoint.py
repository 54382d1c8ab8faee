"""A checkpoint: one statement about a session so far, small enough to sign and to keep elsewhere. No SQL here.

It covers the records (Merkle root and running digest), the frames, the manifest and the checkpoint before it, so that its
hash alone, the head, stands for all of them. The first one, number 0, is written when the session opens.
"""

import json
from hashlib import sha256
from zlib import crc32

import msgspec

from state.log.codec import mark_seed, start_digest
from state.log.merkle import EMPTY_ROOT
from state.log.rows import SessionRow, SessionStatus, StoredFrame
from state.record import Frame

FORMAT = "tapeline checkpoint 1"

_encode = msgspec.msgpack.Encoder().encode


class Checkpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What holds after record `seq`; hashes in hex; `closed` ns, None while the session is running."""

    session: str
    number: int
    seq: int
    root: str
    digest: str
    frames: int  # how many frames, by id from 1
    frames_root: str
    facts: str  # hash of id, time of opening, parent and manifest
    status: SessionStatus
    closed: int | None
    previous: str  # head of the checkpoint before, empty for the first

    def statement(self) -> bytes:
        """The bytes that are hashed and signed."""
        return canonical_json({"format": FORMAT, **msgspec.structs.asdict(self)})

    @property
    def head(self) -> str:
        """The hash of the statement."""
        return sha256(self.statement()).hexdigest()


class SignedCheckpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A checkpoint as it is stored: `key` names the public key, `signature` is Ed25519 in hex; both empty if unsigned."""

    checkpoint: Checkpoint
    key: str = ""
    signature: str = ""


def canonical_json(fields: dict[str, object]) -> bytes:
    """JSON of which there is only one: sorted, without spaces, ASCII; anybody's JSON library can make it."""
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()


def facts_of(session: str, opened: int, parent: str, manifest: str) -> str:
    """The hash of what a session's row says of it from the first moment on."""
    said = {"session": session, "opened": opened, "parent": parent, "manifest": manifest}
    return sha256(canonical_json(said)).hexdigest()


def facts_of_row(row: SessionRow) -> str:
    """The same for a stored session."""
    return facts_of(row.id, row.opened, row.parent, row.manifest)


def opening(session: str, opened: int, parent: str, manifest: str) -> Checkpoint:
    """The first checkpoint, which covers the manifest before there is any record."""
    empty = EMPTY_ROOT.hex()
    digest = start_digest(session).hexdigest()
    facts = facts_of(session, opened, parent, manifest)
    return Checkpoint(session, 0, 0, empty, digest, 0, empty, facts, "running", None, "")


def frame_entry(frame: StoredFrame) -> bytes:
    """The bytes of a frame that a checkpoint covers: all of it, the body as it was said."""
    return _encode((
        frame.id, frame.first_seq, frame.last_seq, frame.recv, frame.venue, frame.channel, frame.direction, frame.url,
        frame.private, frame.body,
    ))  # fmt: skip


def frame_mark(session: str, number: int, first_seq: int, frame: Frame) -> int:
    """Four bytes of CRC, as a mark is for a record: where a checkpoint says "not these frames", it says which.

    How far a frame reaches is not in it, as that may grow while the session runs.
    """
    said = (number, first_seq, frame.recv, frame.venue, frame.channel, frame.direction, frame.url, frame.private)
    return crc32(frame.body, crc32(_encode(said), mark_seed(session)))
