"""What can be checked of an encrypted session without its key: everything but what was recorded.

Rows that are missing or out of place, a cut-off end, a forged manifest, broken checkpoints, signatures and anchors are found.
Whether the encrypted bytes are those that were written is not: their digest goes over what they say.
"""

from collections.abc import Iterator
from typing import Final

from state.log import SessionRow
from state.log.reader import Reader
from state.log.sealing import OVERHEAD_BYTES
from state.log.verify import Finding

UNCHECKED: Final = (
    "the bytes of records and frames, and the digests and Merkle roots over them",
    "the journal's payloads against the records",
    "intents and their outcomes, fills and positions",
)


def examine_rows(reader: Reader, row: SessionRow) -> Iterator[Finding]:
    """Blocks, frames and journal by their plain columns."""
    due, digest = 1, None
    digests: dict[int, str] = {}
    wanted = {signed.checkpoint.seq for signed in reader.checkpoints(row.id)}
    for block in reader.stored_blocks(row.id, as_stored=True):
        held = block.last_seq - block.first_seq + 1
        if block.first_seq != due:
            yield Finding(min(due, block.first_seq), "gap", f"a block begins at {block.first_seq} where {due} is due")
        if block.count != held or len(block.marks) != 2 * held + OVERHEAD_BYTES:
            text = f"a block's row says {block.count} records, its seqs {held}, and its marks are of another number"
            yield Finding(block.first_seq, "block", text)
        due, digest = block.last_seq + 1, block.digest.hex()
        if block.last_seq in wanted:
            digests[block.last_seq] = digest
    yield from _end(row, due - 1, digest)
    for signed in reader.checkpoints(row.id):
        it = signed.checkpoint
        if digests.get(it.seq, it.digest) != it.digest:
            yield Finding(
                max(it.seq, 1), "checkpoint", f"checkpoint {it.number} has another digest than the block it ends"
            )
    yield from _journal(reader, row)


def _end(row: SessionRow, last: int, digest: str | None) -> Iterator[Finding]:
    if row.last_seq > last:
        yield Finding(last + 1, "tail", f"records {last + 1} to {row.last_seq} are cut off")
    elif row.last_seq < last:
        yield Finding(row.last_seq + 1, "tail", f"records {row.last_seq + 1} to {last} stand behind the session's end")
    elif digest is not None and digest != row.head:
        yield Finding(max(last, 1), "head", "the session's row has another digest than its last block")


def _journal(reader: Reader, row: SessionRow) -> Iterator[Finding]:
    for line in reader.journal(row.id, as_stored=True):
        if not 0 < line.seq <= row.last_seq or not 0 <= line.cause < max(line.seq, 1):
            yield Finding(
                line.seq, "journal", f"the journal has a row {line.seq}, caused by {line.cause}, that cannot be"
            )
        if not line.payload.startswith(f'{{"type":"{line.type}","sealed":"'):
            yield Finding(
                line.seq, "journal", f"the journal's row {line.seq} is not of the type that it is encrypted as"
            )
