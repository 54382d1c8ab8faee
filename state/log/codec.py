"""Records as bytes: what a block's body, its marks and the running digest are made of. No SQL here.

A body is the concatenation of its records' canonical bytes, so that the digest over all of them does not depend on where
blocks were cut. A mark is two bytes of a CRC per record, seeded by the session: where the digest only says "not this
block", the marks say which record.
"""

import struct
from collections.abc import Sequence
from hashlib import blake2b
from zlib import crc32

import msgspec
import zstandard

from state.errors import LogCorrupt, SchemaUnknown
from state.log.upcast import as_written, upcast
from state.record import Record

CODEC = "msgpack+zstd"
SEALED_CODEC = "msgpack+zstd+aes256gcm"  # as `sealing` stores it
LEVEL = 1
QUICK_LEVEL = -1
DIGEST_BYTES = 32
BODY_BYTES_MAX = 1 << 30  # what a damaged header may make us allocate

_decode = msgspec.msgpack.Decoder(list[Record]).decode
_heads = msgspec.msgpack.Decoder(list[tuple[int, int, int, msgspec.Raw]]).decode
_head = msgspec.msgpack.Decoder(tuple[int, int, int, msgspec.Raw]).decode
_split = msgspec.msgpack.Decoder(list[msgspec.Raw]).decode


def start_digest(session: str) -> blake2b:
    """The running digest before the first record; `update` it with the canonical bytes of each."""
    return blake2b(session.encode(), digest_size=DIGEST_BYTES)


def mark_seed(session: str) -> int:
    """What every mark of a session starts from, so that another session's block does not fit."""
    return crc32(session.encode())


def marks_of(parts: Sequence[bytes | msgspec.Raw], seed: int) -> bytes:
    """Two bytes a record, little-endian."""
    return struct.pack(f"<{len(parts)}H", *[crc32(part, seed) & 0xFFFF for part in parts])


def place(part: bytes) -> tuple[int, int]:
    """The `seq` and the `recv` of one record's canonical bytes."""
    seq, recv, _, _ = _head(part)
    return seq, recv


def unpack(raw: bytes, count: int) -> list[Record]:
    """The records of a body, old shapes brought to the present one; raises as `unpack_as_written` does."""
    try:
        return _decode(_framed(raw, count))
    except msgspec.DecodeError:
        return [upcast(record) for record in unpack_as_written(raw, count)]


def unpack_as_written(raw: bytes, count: int) -> list[Record]:
    """The records of a body, each event in the shape it was written in.

    Raises `LogCorrupt` on bytes that are not `count` records, `SchemaUnknown` on an event that nobody here knows.
    """
    try:
        return _decode(_framed(raw, count))
    except msgspec.DecodeError:
        return [as_written(part) for part in split(raw, count)]


def split(raw: bytes, count: int) -> list[msgspec.Raw]:
    """The bytes of each record; raises `LogCorrupt` where they are not `count` MessagePack values."""
    try:
        return _split(_framed(raw, count))
    except (msgspec.DecodeError, RecursionError) as error:
        raise LogCorrupt(f"a block does not hold its {count} records: {error}") from error


def received(raw: bytes, count: int) -> list[int]:
    """The `recv` of each record, without its event; raises as `split` does."""
    try:
        return [recv for _, recv, _, _ in _heads(_framed(raw, count))]
    except (msgspec.DecodeError, RecursionError) as error:
        raise LogCorrupt(f"a block does not hold its {count} records: {error}") from error


def _framed(raw: bytes, count: int) -> bytes:
    if not 0 < count < 1 << 32:
        raise LogCorrupt(f"a block says that it holds {count} records")
    return b"\xdd" + count.to_bytes(4, "big") + raw


class Press:
    """Compresses bodies; one thread's own, as zstd contexts are not shared."""

    __slots__ = ("_compress", "_compress_quickly")

    def __init__(self) -> None:
        self._compress = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True).compress
        self._compress_quickly = zstandard.ZstdCompressor(level=QUICK_LEVEL, write_checksum=True).compress

    def press(self, raw: bytes) -> bytes:
        """Compressed, with zstd's own checksum at the end."""
        return self._compress(raw)

    def press_quickly(self, raw: bytes) -> bytes:
        """In less than half of the time for a few hundred bytes; for what an intent waits for and is soon pressed again."""
        return self._compress_quickly(raw)


def expand(body: bytes, codec: str = CODEC) -> bytes:
    """Undoes `Press.press`; raises `LogCorrupt` on damage, `SchemaUnknown` on another codec."""
    if codec == SEALED_CODEC:
        raise LogCorrupt("an encrypted body does not open: it was changed, or is not the one written here")
    if codec != CODEC:
        raise SchemaUnknown(f"a block is written with the codec {codec!r}, which this version does not know")
    try:
        size = zstandard.frame_content_size(body)
        if not 0 <= size <= BODY_BYTES_MAX:
            raise LogCorrupt(f"a compressed body claims {size} bytes")
        return zstandard.ZstdDecompressor().decompress(body)
    except zstandard.ZstdError as error:
        raise LogCorrupt(f"a compressed body is damaged: {error}") from error
