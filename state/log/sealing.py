"""What is encrypted of a session in the database, and how its rows are turned into what is stored and back.

Encrypted: what was recorded (bodies and marks of blocks, bodies and addresses of frames, payloads of the journal, snapshots).
Plain: what places it (ids, seqs, times, counts, types, markets, client and order ids, digests), which is what SQL may still ask.
AES-256-GCM; each value is bound to its session, column and place, each column has a key of its own, nonces are random: good for
2**32 values a column (NIST SP 800-38D, 8.3). Rows are those of `schema`, in the order of its columns.
"""

import os
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import replace
from hmac import digest
from typing import TYPE_CHECKING, cast

from state.log.codec import CODEC, SEALED_CODEC
from state.log.data_keys import NONCE_BYTES, TAG_BYTES, cipher, part_key
from state.log.database import Change, Insert, Row
from state.log.rows import JournalRow, StoredBlock, StoredFrame

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

OVERHEAD_BYTES = NONCE_BYTES + TAG_BYTES
COLUMNS = ("blocks.body", "blocks.marks", "frames.body", "frames.url", "journal.payload", "snapshots.body")
_SEALED = ',"sealed":"'


class Sealing:
    """Encrypts and opens one session's rows; what does not open is given back as it stands, to fail its own check."""

    def __init__(self, session: str, data_key: bytes) -> None:
        self._session = session
        self._ciphers: dict[str, AESGCM] = {name: cipher(part_key(data_key, name)) for name in COLUMNS}
        self._mark_key = part_key(data_key, "frames.mark")

    # --- on the way in -----------------------------------------------------------------------------------------

    def sealed(self, changes: Sequence[Change]) -> list[Change]:
        """The changes with what is to be encrypted in them encrypted."""
        return [self._insert(each) if isinstance(each, Insert) else each for each in changes]

    def _insert(self, change: Insert) -> Insert:
        kinds = {"blocks": self._block, "frames": self._frame, "journal": self._journal, "snapshots": self._snapshot}
        seal = kinds.get(change.table)
        return change if seal is None else Insert(change.table, map(seal, change.rows), change.row_count)

    def _block(self, row: Row) -> Row:
        *head, _, running, marks, body = row
        at = cast(int, row[1])
        return (*head, SEALED_CODEC, running, self._put("blocks.marks", at, marks), self._put("blocks.body", at, body))

    def _frame(self, row: Row) -> Row:
        *head, url, private, body, mark = row
        at = cast(int, row[1])
        return (*head, self._words(at, url), private, self._put("frames.body", at, body), self._turned(at, mark))

    def _journal(self, row: Row) -> Row:
        *head, payload = row
        sealed = self._put("journal.payload", cast(int, row[1]), cast(str, payload).encode())
        return (*head, f'{{"type":"{row[4]}"{_SEALED}{b64encode(sealed).decode()}"}}')

    def _snapshot(self, row: Row) -> Row:
        session, seq, body = row
        return (session, seq, self._put("snapshots.body", cast(int, seq), body))

    def _words(self, at: int, url: object) -> str:
        return b64encode(self._put("frames.url", at, cast(str, url).encode())).decode() if url else ""

    def _put(self, column: str, at: int, value: object) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._ciphers[column].encrypt(nonce, cast(bytes, value), self._bound(column, at))

    # --- on the way out ----------------------------------------------------------------------------------------

    def block(self, row: StoredBlock) -> StoredBlock:
        """The block as it was before it was encrypted."""
        marks, body = (
            self._get("blocks.marks", row.first_seq, row.marks),
            self._get("blocks.body", row.first_seq, row.body),
        )
        if row.codec != SEALED_CODEC or body is None:
            return row
        return replace(row, codec=CODEC, marks=row.marks if marks is None else marks, body=body)

    def frame(self, row: StoredFrame) -> StoredFrame:
        """The frame with its body (compressed still), address and mark."""
        body, url = self._get("frames.body", row.id, row.body), self._address(row.id, row.url)
        mark = self._turned(row.id, row.mark)
        return replace(row, body=row.body if body is None else body, url=row.url if url is None else url, mark=mark)

    def journal(self, row: JournalRow) -> JournalRow:
        """The row with its payload."""
        head, _, rest = row.payload.partition(_SEALED)
        value = _decoded(rest.removesuffix('"}'))
        payload = None if value is None else self._get("journal.payload", row.seq, value)
        if payload is None or head != f'{{"type":"{row.type}"':
            return row
        return replace(row, payload=payload.decode())

    def snapshot(self, seq: int, body: bytes) -> bytes:
        """A snapshot's body, compressed still."""
        opened = self._get("snapshots.body", seq, body)
        return body if opened is None else opened

    def _address(self, at: int, url: str) -> str | None:
        value = _decoded(url)
        opened = self._get("frames.url", at, value) if value else None
        return opened.decode() if opened is not None else None

    def _get(self, column: str, at: int, value: bytes) -> bytes | None:
        """None where it was changed, or stands where it was not written."""
        from cryptography.exceptions import InvalidTag

        if len(value) < OVERHEAD_BYTES:
            return None
        try:
            return self._ciphers[column].decrypt(value[:NONCE_BYTES], value[NONCE_BYTES:], self._bound(column, at))
        except InvalidTag:
            return None

    def _bound(self, column: str, at: int) -> bytes:
        return f"tapeline {column}\n{self._session}\n{at}".encode()

    def _turned(self, at: int, mark: object) -> int:
        """A frame's mark is a CRC of what it says: a guess could be tried on it. Turned twice it is itself again."""
        return cast(int, mark) ^ int.from_bytes(digest(self._mark_key, str(at).encode(), "sha256")[:4], "big")


def _decoded(text: str) -> bytes | None:
    try:
        return b64decode(text, validate=True)
    except ValueError:
        return None
