"""The encoding of protocol buffers, as far as transactions need it: fields of a message out, fields of a message in.

Written here and not taken from generated classes: those of ccxt and of the official client cannot live in one process, and a
test has both. https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterable

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class BadEncoding(ValueError):
    """Bytes that are no message."""


class Fields:
    """The fields of one message by number; a field that is not there has its type's zero."""

    def __init__(self, encoded: bytes) -> None:
        self._numbers: dict[int, list[int]] = {}
        self._bytes: dict[int, list[bytes]] = {}
        at = 0
        while at < len(encoded):
            key, at = _varint(encoded, at)
            number, kind = key >> 3, key & 7
            if kind == VARINT:
                value, at = _varint(encoded, at)
                self._numbers.setdefault(number, []).append(value)
            elif kind == BYTES:
                length, at = _varint(encoded, at)
                self._bytes.setdefault(number, []).append(_take(encoded, at, length))
                at += length
            elif kind in (FIXED32, FIXED64):
                width = 4 if kind == FIXED32 else 8
                self._numbers.setdefault(number, []).append(int.from_bytes(_take(encoded, at, width), "little"))
                at += width
            else:
                raise BadEncoding(f"wire type {kind}")

    def number(self, field: int) -> int:
        """The last value of a field of numbers."""
        return self._numbers.get(field, [0])[-1]

    def numbers(self, field: int) -> list[int]:
        """A repeated field of numbers, packed or not (varints)."""
        return self._numbers.get(field, []) + [n for packed in self._bytes.get(field, []) for n in _varints(packed)]

    def data(self, field: int) -> bytes:
        return self._bytes.get(field, [b""])[-1]

    def all_data(self, field: int) -> list[bytes]:
        return self._bytes.get(field, [])

    def text(self, field: int) -> str:
        """Raises BadEncoding where it is no UTF-8."""
        try:
            return self.data(field).decode()
        except UnicodeDecodeError as error:
            raise BadEncoding("text") from error

    def message(self, field: int) -> Fields:
        return Fields(self.data(field))


def number(field: int, value: int) -> bytes:
    """A varint field, nothing where it is zero."""
    return _key(field, VARINT) + _varint_bytes(value) if value else b""


def signed(field: int, value: int) -> bytes:
    """A sint32 or sint64 field."""
    return number(field, value * 2 if value >= 0 else -value * 2 - 1)


def data(field: int, value: bytes) -> bytes:
    """A field of bytes, nothing where it is empty."""
    return message(field, value) if value else b""


def text(field: int, value: str) -> bytes:
    return data(field, value.encode())


def message(field: int, encoded: bytes) -> bytes:
    """A message within, there even where it is empty."""
    return _key(field, BYTES) + _varint_bytes(len(encoded)) + encoded


def messages(field: int, encoded: Iterable[bytes]) -> bytes:
    return b"".join(message(field, one) for one in encoded)


def _key(field: int, kind: int) -> bytes:
    return _varint_bytes(field << 3 | kind)


def _varint_bytes(value: int) -> bytes:
    value &= (1 << 64) - 1  # a negative number is its two's complement
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _varint(encoded: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(encoded):
            raise BadEncoding("cut off")
        byte = encoded[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise BadEncoding("varint")


def _varints(packed: bytes) -> Iterable[int]:
    at = 0
    while at < len(packed):
        value, at = _varint(packed, at)
        yield value


def _take(encoded: bytes, at: int, length: int) -> bytes:
    if at + length > len(encoded):
        raise BadEncoding("cut off")
    return encoded[at : at + length]
