"""What a row of `snapshots` holds: the state at a seq, what strategies held then, and what their operators had said.

It only saves time: a session without them, or with those of another version, tells the same from its records.
"""

from typing import Final

import msgspec

_MARK: Final = b"snapshot 1\n"


class Snapshot(msgspec.Struct, frozen=True, array_like=True):
    """`strategies` is empty where they could not be written down, `heard` where nobody listened."""

    state: bytes
    strategies: bytes = b""
    heard: bytes = b""

    def pack(self) -> bytes:
        return _MARK + _encode(self)

    @classmethod
    def unpack(cls, body: bytes) -> "Snapshot":
        """One of this version, or the bare state that earlier versions kept."""
        if not body.startswith(_MARK):
            return cls(body)
        try:
            return _decode(body[len(_MARK) :])
        except msgspec.DecodeError:
            return cls(b"")  # damaged: no state that anybody can read


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Snapshot).decode
