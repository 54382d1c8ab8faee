"""The file that a sealed session is: `run.tape`, which anybody can read with Python's standard library alone.

    TAPELINE TAPE 1\\n                                         16 bytes
    kind (4 ASCII) · length (8) · CRC-32 (4) · stored body     a section, numbers big-endian; the CRC is the stored body's
    …

A stored body is zlib; inside, in this order:

    OPEN   the session's row as canonical JSON, its manifest verbatim
    CHKS   the checkpoints with their signatures as a JSON array
    RECS   first seq (8) · count (4) · running digest behind them (32) · marks (2 a record) · canonical bytes of the records
    …
    FRMS   count (4) · the frames, each as checkpoints cover it
    …
    LAST   SHA-256 (32) of every byte before this section

Where sections are cut depends on the session alone: the same session gives the same bytes with the same zlib.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from state.errors import LogCorrupt, SchemaUnknown

MAGIC = b"TAPELINE TAPE 1\n"
MAGIC_OF_ANY_VERSION = b"TAPELINE TAPE "
RECORDS_PER_SECTION = 4096
FRAMES_PER_SECTION = 256
BODY_BYTES_MAX = 1 << 30  # what a damaged header may make us allocate
_LEVEL = 6


class Out(Protocol):
    """Where a tape is written to."""

    def write(self, piece: bytes, /) -> int: ...


class In(Protocol):
    """What a tape is read from; fewer bytes than asked for are the last."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Section:
    """One section, opened."""

    kind: str
    content: bytes


class SectionWriter:
    """Writes a tape from its first byte to its last."""

    def __init__(self, out: Out) -> None:
        self._out = out
        self._hash = sha256()
        self._write(MAGIC)

    def section(self, kind: str, content: bytes) -> None:
        body = zlib.compress(content, _LEVEL)
        self._write(kind.encode() + len(body).to_bytes(8, "big") + zlib.crc32(body).to_bytes(4, "big"))
        self._write(body)

    def end(self) -> str:
        """Writes the last section and returns the hash that it holds, in hex."""
        reached = self._hash.digest()
        self.section("LAST", reached)
        return reached.hex()

    def _write(self, piece: bytes) -> None:
        self._hash.update(piece)
        self._out.write(piece)


def sections(file: In) -> Iterator[Section]:
    """Every section from the first to `LAST`; raises `LogCorrupt` on damage, `SchemaUnknown` on another version."""
    hashed = sha256()
    magic = file.read(len(MAGIC))
    if magic != MAGIC:
        if magic.startswith(MAGIC_OF_ANY_VERSION):
            raise SchemaUnknown(f"a tape of version {magic[14:].decode(errors='replace').strip()!r} is not known here")
        raise LogCorrupt("this is no tape")
    hashed.update(magic)
    while True:
        head = file.read(16)
        if len(head) < 16:
            raise LogCorrupt("the tape is cut off")
        kind, length = head[:4].decode("ascii", "replace"), int.from_bytes(head[4:12], "big")
        if length > BODY_BYTES_MAX:
            raise LogCorrupt(f"a section {kind!r} of the tape claims {length} bytes")
        body = file.read(length)
        if len(body) < length:
            raise LogCorrupt("the tape is cut off")
        if zlib.crc32(body) != int.from_bytes(head[12:], "big"):
            raise LogCorrupt(f"a section {kind!r} of the tape is damaged")
        section = Section(kind, _open(kind, body))
        if kind == "LAST":
            if section.content != hashed.digest():
                raise LogCorrupt("the tape is not the one that was sealed: the hash at its end differs")
            if file.read(1):
                raise LogCorrupt("something stands behind the end of the tape")
            return
        yield section
        hashed.update(head)
        hashed.update(body)


def _open(kind: str, body: bytes) -> bytes:
    press = zlib.decompressobj()
    try:
        content = press.decompress(body, BODY_BYTES_MAX)
    except zlib.error as error:
        raise LogCorrupt(f"a section {kind!r} of the tape is damaged: {error}") from error
    if not press.eof or press.unused_data:
        raise LogCorrupt(f"a section {kind!r} of the tape is damaged")
    return content
