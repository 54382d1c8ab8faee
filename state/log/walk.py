"""Finds where one MessagePack value ends, for bodies that are damaged and decode no more as a whole.

https://github.com/msgpack/msgpack/blob/master/spec.md
"""

from collections.abc import Iterator

_FIXED = {0xC0: 1, 0xC2: 1, 0xC3: 1, 0xCA: 5, 0xCB: 9, 0xCC: 2, 0xCD: 3, 0xCE: 5, 0xCF: 9}
_FIXED |= {0xD0: 2, 0xD1: 3, 0xD2: 5, 0xD3: 9, 0xD4: 3, 0xD5: 4, 0xD6: 6, 0xD7: 10, 0xD8: 18}
# First byte -> bytes of the length that follows, and of what else stands before the body.
_SIZED = {0xC4: (1, 0), 0xC5: (2, 0), 0xC6: (4, 0), 0xC7: (1, 1), 0xC8: (2, 1), 0xC9: (4, 1)}
_SIZED |= {0xD9: (1, 0), 0xDA: (2, 0), 0xDB: (4, 0)}
_ARRAYS = {0xDC: (2, 1), 0xDD: (4, 1), 0xDE: (2, 2), 0xDF: (4, 2)}  # … -> values an entry


def values(raw: bytes) -> Iterator[bytes]:
    """Each value that is whole, up to the first that is not."""
    at = 0
    while at < len(raw):
        end = _end(raw, at)
        if end is None:
            return
        yield raw[at:end]
        at = end


def _end(raw: bytes, at: int) -> int | None:
    """Where the value at `at` ends; None if it is not whole."""
    waiting = 1
    while waiting:
        if at >= len(raw):
            return None
        waiting -= 1
        first = raw[at]
        if first <= 0x7F or first >= 0xE0:
            at += 1
        elif first <= 0x8F:
            at, waiting = at + 1, waiting + 2 * (first & 0x0F)
        elif first <= 0x9F:
            at, waiting = at + 1, waiting + (first & 0x0F)
        elif first <= 0xBF:
            at += 1 + (first & 0x1F)
        elif first in _FIXED:
            at += _FIXED[first]
        elif first in _SIZED:
            width, more = _SIZED[first]
            at += 1 + width + more + int.from_bytes(raw[at + 1 : at + 1 + width], "big")
        elif first in _ARRAYS:
            width, each = _ARRAYS[first]
            waiting += each * int.from_bytes(raw[at + 1 : at + 1 + width], "big")
            at += 1 + width
        else:
            return None
    return at if at <= len(raw) else None
