"""Lines of a file that may be compressed: gzip, zstd or neither, told by its first bytes. Bounded, so flat in memory."""

import zlib
from collections.abc import Callable, Iterator
from io import BufferedIOBase
from typing import Final

import zstandard

from state.errors import WrongUse

MAX_LINE_BYTES: Final = 64 * 1024 * 1024

_CHUNK_BYTES: Final = 64 * 1024
_ZSTD_BYTES: Final = 4 * 1024  # compressed input taken at once, so that what it grows to stays small
_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_GZIP_HEADER: Final = 31  # zlib's word for: the largest window, and a gzip header


def lines(name: str, raw: BufferedIOBase, on_bytes: Callable[[int], None]) -> Iterator[bytes]:
    """Lines without their ends; `on_bytes` is told how much of `raw` was taken.

    Raises `WrongUse` for a file that is damaged or cut off within its compression, or has a line beyond `MAX_LINE_BYTES`.
    """
    number, pieces, pending = 0, list[bytes](), 0
    for chunk in _chunks(name, raw, on_bytes):
        first, *rest = chunk.split(b"\n")
        pieces.append(first)
        pending += len(first)
        if pending > MAX_LINE_BYTES:
            raise WrongUse(f"{name}: line {number + 1} is longer than {MAX_LINE_BYTES >> 20} MiB")
        if not rest:
            continue
        yield b"".join(pieces).removesuffix(b"\r")
        for line in rest[:-1]:
            yield line.removesuffix(b"\r")
        number += len(rest)
        pieces, pending = [rest[-1]], len(rest[-1])
    if pending:
        yield b"".join(pieces).removesuffix(b"\r")


def _chunks(name: str, raw: BufferedIOBase, on_bytes: Callable[[int], None]) -> Iterator[bytes]:
    def take(size: int) -> bytes:
        chunk = raw.read1(size)  # a pipe gives what it has
        on_bytes(len(chunk))
        return chunk

    try:
        head = take(len(_ZSTD))
        while head and len(head) < len(_ZSTD) and (more := take(len(_ZSTD) - len(head))):
            head += more
        if head == _ZSTD:
            yield from _zstd(name, head, take)
        elif head.startswith(_GZIP):
            yield from _gzip(name, head, take)
        else:
            chunk = head
            while chunk:
                yield chunk
                chunk = take(_CHUNK_BYTES)
    except (zstandard.ZstdError, zlib.error) as error:
        raise WrongUse(f"{name}: damaged: {error}") from error
    except OSError as error:
        raise WrongUse(f"cannot read {name}: {error.strerror or error}") from error


def _zstd(name: str, chunk: bytes, take: Callable[[int], bytes]) -> Iterator[bytes]:
    unpacker = zstandard.ZstdDecompressor()
    part = unpacker.decompressobj()
    while chunk:
        if out := part.decompress(chunk):
            yield out
        chunk = part.unused_data if part.eof else b""
        if part.eof and (chunk := chunk or take(_ZSTD_BYTES)):
            part = unpacker.decompressobj()
        elif not part.eof:
            chunk = take(_ZSTD_BYTES)
    if not part.eof:
        raise WrongUse(f"{name}: cut off: its zstd frame has no end")


def _gzip(name: str, chunk: bytes, take: Callable[[int], bytes]) -> Iterator[bytes]:
    part = zlib.decompressobj(_GZIP_HEADER)
    while chunk:
        if out := part.decompress(chunk, _CHUNK_BYTES):
            yield out
        if part.eof:
            if chunk := part.unused_data or take(_CHUNK_BYTES):
                part = zlib.decompressobj(_GZIP_HEADER)
        else:
            chunk = part.unconsumed_tail or take(_CHUNK_BYTES)
    if not part.eof:
        raise WrongUse(f"{name}: cut off: its gzip stream has no end")
