"""Proves that one record is in a session to whoever has the head and nothing else; the proof's size is logarithmic."""

from base64 import b64decode, b64encode
from binascii import Error as NotBase64

import msgspec

from replay.proof.checkpoints import Checkpointer
from replay.proof.roots import parts_of
from state.errors import TapelineError, WrongUse
from state.log import Log
from state.log.checkpoint import Checkpoint
from state.log.merkle import Path, leaf, root_of
from state.log.upcast import as_written
from state.record import Record

FORMAT = "tapeline proof 1"


class NotProven(TapelineError):
    """A proof that does not hold."""


class Proof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`record` is the record's canonical bytes in base64, `path` the hashes from its leaf up to the checkpoint's root."""

    format: str
    seq: int
    record: str
    path: list[str]
    checkpoint: Checkpoint


def prove(log: Log, session: str, seq: int, head: str = "") -> Proof:
    """The proof of a record under the checkpoint with this head, else under the last one.

    A session that has ended needs no checkpoint in the log: the one at its end follows from it. Raises `WrongUse` where no
    checkpoint covers the record, `LogCorrupt` where the log is not what its checkpoints say.
    """
    with log.reading() as reader:
        row = reader.session(log.find(session).id)
        stored = reader.checkpoints(row.id)
        due = Checkpointer(log, row.id).due(reader, row, stored) if row.status != "running" else []
        known = [*(signed.checkpoint for signed in stored), *due]
        checkpoint = known[-1] if not head else next((it for it in known if it.head == head.lower()), None)
        if checkpoint is None:
            raise WrongUse(f"session {row.id} has no checkpoint with the head {head}")
        if not 1 <= seq <= checkpoint.seq:
            raise WrongUse(
                f"checkpoint {checkpoint.number} of session {row.id} covers records 1 to {checkpoint.seq}, not {seq}: "
                f"tapeline checkpoint {row.id}"
            )
        way, record = Path(seq - 1), b""
        for part in parts_of(reader, row.id, checkpoint.seq):
            if way.size == way.index:
                record = part
            way.add(part)
    path = [sibling.hex() for sibling in way.nodes()]
    return Proof(FORMAT, seq, b64encode(record).decode(), path, checkpoint)


def check_proof(proof: Proof, head: str) -> Record:
    """The record that is proven to be in the session that `head` stands for; raises `NotProven`."""
    it = proof.checkpoint
    if proof.format != FORMAT:
        raise WrongUse(f"a proof in the format {proof.format!r} is not known here")
    if it.head != head.lower():
        raise NotProven(f"the proof is for the head {it.head}, not {head}")
    try:
        raw = b64decode(proof.record, validate=True)
        path = [bytes.fromhex(sibling) for sibling in proof.path]
    except (NotBase64, ValueError) as error:
        raise NotProven(f"the proof cannot be read: {error}") from error
    found = root_of(leaf(raw), proof.seq - 1, it.seq, path)
    if found is None or found.hex() != it.root:
        raise NotProven(f"record {proof.seq} is not in the tree")
    record = as_written(raw)
    if record.seq != proof.seq:
        raise NotProven(f"the proof's record is {record.seq}, not {proof.seq}")
    return record
