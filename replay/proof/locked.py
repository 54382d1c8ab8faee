"""The file that an encrypted tape is: the tape's bytes in pieces of AES-256-GCM behind a key that the log key wraps.

TAPELINE LOCK 1\\n                        16 bytes
name of the log key (16, ASCII) · wrapped data key (60; all zero once it is forgotten)
length (4) · piece                       pieces in order; the nonce counts them and says which is the last
…
"""

import os
from pathlib import Path
from typing import BinaryIO

from replay.proof.container import Out
from state.errors import LogCorrupt, WrongUse
from state.log.data_keys import (
    NAME_LENGTH,
    TAG_BYTES,
    WRAPPED_BYTES,
    LogKey,
    cipher,
    needs_key,
    new_data_key,
    part_key,
)

MAGIC = b"TAPELINE LOCK 1\n"
PIECE_BYTES = 1 << 20
_HEADER_BYTES = len(MAGIC) + NAME_LENGTH + WRAPPED_BYTES
_ABOUT = "this tape"


class LockedWriter:
    """Takes a tape's bytes and writes them encrypted; `end` must be called."""

    def __init__(self, out: Out, key: LogKey) -> None:
        self._out = out
        data_key = new_data_key()
        self._cipher = cipher(part_key(data_key, "tape"))
        self._held = bytearray()
        self._count = 0
        out.write(MAGIC + key.name.encode() + key.wrap(data_key, _ABOUT))

    def write(self, piece: bytes, /) -> int:
        self._held += piece
        while len(self._held) > PIECE_BYTES:
            self._put(bytes(self._held[:PIECE_BYTES]), last=False)
            del self._held[:PIECE_BYTES]
        return len(piece)

    def end(self) -> None:
        """Writes what is left, as the last piece."""
        self._put(bytes(self._held), last=True)
        self._held.clear()

    def _put(self, piece: bytes, *, last: bool) -> None:
        sealed = self._cipher.encrypt(_nonce(self._count, last), piece, MAGIC)
        self._out.write(len(sealed).to_bytes(4, "big") + sealed)
        self._count += 1


class LockedReader:
    """Reads what `LockedWriter` was given; raises `LogCorrupt` where it was changed, `WrongUse` without its key."""

    def __init__(self, file: BinaryIO, key: LogKey | None) -> None:
        """The file stands behind the magic."""
        self._file = file
        head = file.read(_HEADER_BYTES - len(MAGIC))
        if len(head) < _HEADER_BYTES - len(MAGIC):
            raise LogCorrupt("the tape is cut off")
        name, wrapped = head[:NAME_LENGTH].decode("ascii", "replace"), head[NAME_LENGTH:]
        if key is None and any(wrapped):
            raise needs_key(name, _ABOUT)
        data_key = (key or LogKey(b"")).unwrap(wrapped, name, _ABOUT)
        self._cipher = cipher(part_key(data_key, "tape"))
        self._held = b""
        self._count = 0
        self._ended = False

    def read(self, size: int, /) -> bytes:
        while len(self._held) < size and not self._ended:
            self._held += self._piece()
        found, self._held = self._held[:size], self._held[size:]
        return found

    def _piece(self) -> bytes:
        from cryptography.exceptions import InvalidTag

        head = self._file.read(4)
        length = int.from_bytes(head, "big")
        if len(head) < 4 or not TAG_BYTES <= length <= PIECE_BYTES + TAG_BYTES:
            raise LogCorrupt("the encrypted tape is cut off or damaged")
        piece = self._file.read(length)
        at = self._file.tell()
        self._ended = not self._file.read(1)
        self._file.seek(at)
        try:
            opened = self._cipher.decrypt(_nonce(self._count, self._ended), piece, MAGIC)
        except InvalidTag as error:
            raise LogCorrupt(
                f"piece {self._count + 1} of the encrypted tape was changed, or what follows it"
            ) from error
        self._count += 1
        return opened


def forget_tape(path: Path) -> None:
    """Destroys the wrapped key of an encrypted tape where it stands; raises `WrongUse` on a tape that is not encrypted."""
    with path.open("r+b") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise WrongUse(f"{path} is not encrypted: there is no key to forget, only the file to delete")
        file.seek(len(MAGIC) + NAME_LENGTH)
        file.write(bytes(WRAPPED_BYTES))
        file.flush()
        os.fsync(file.fileno())


def _nonce(count: int, last: bool) -> bytes:
    return count.to_bytes(11, "big") + bytes([last])
