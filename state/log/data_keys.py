"""Keys that payloads are encrypted with: one of its own for each session, archive or tape, wrapped by a log key kept elsewhere.

Who forgets the wrapped key forgets the payload: the log key alone opens nothing. AES-256-GCM; needs `cryptography`
(`tapeline[crypto]`). A log key is 32 bytes in hex, made by `openssl rand -hex 32`. https://doi.org/10.6028/NIST.SP.800-38D
"""

import hmac
import os
import stat
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from state.errors import WrongUse

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
WRAPPED_BYTES = NONCE_BYTES + KEY_BYTES + TAG_BYTES
NAME_LENGTH = 16
VARIABLE = "TAPELINE_LOG_KEY"


class KeyNeeded(WrongUse):
    """What is encrypted cannot be read: no log key is said, or another one, or its own key has been forgotten."""


class LogKey:
    """Wraps data keys; is in memory only."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self.name = sha256(b"tapeline log key\n" + key).hexdigest()[:NAME_LENGTH]

    @classmethod
    def load(cls, path: Path) -> "LogKey":
        """Reads a log key; raises `WrongUse` where others may read it too, or it is none."""
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            raise WrongUse(f"{path} may be read by others (mode {mode:03o}): chmod 600 {path}")
        try:
            key = bytes.fromhex(path.read_text("ascii").strip())
        except ValueError:
            key = b""
        if len(key) != KEY_BYTES:
            raise WrongUse(f"{path} holds no log key, which is 32 bytes in hex: openssl rand -hex 32")
        return cls(key)

    @classmethod
    def said(cls, path: Path | None) -> "LogKey | None":
        """The key in this file, else in the one that the environment names, else none."""
        named = path or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
        return None if named is None else cls.load(named)

    def wrap(self, data_key: bytes, about: str) -> bytes:
        """The data key as it may be stored; `about` says what it is the key of."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + cipher(self._key).encrypt(nonce, data_key, _bound(self.name, about))

    def unwrap(self, wrapped: bytes, name: str, about: str) -> bytes:
        """The data key; raises `KeyNeeded` where this is not the log key that wrapped it, or it has been forgotten."""
        if not any(wrapped):
            raise KeyNeeded(f"the key of {about} has been forgotten: nobody can read it any more")
        if name != self.name:
            raise KeyNeeded(f"{about} is encrypted under the log key {name}, this one is {self.name}")
        from cryptography.exceptions import InvalidTag

        try:
            return cipher(self._key).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], _bound(name, about))
        except InvalidTag as error:
            raise WrongUse(f"the wrapped key of {about} has been changed: it does not open") from error


def new_data_key() -> bytes:
    """A key for one session, archive or tape, from the operating system's randomness."""
    return os.urandom(KEY_BYTES)


def part_key(data_key: bytes, part: str) -> bytes:
    """The key of one part, so that no two files share one."""
    return hmac.digest(data_key, f"tapeline part {part}".encode(), "sha256")


def cipher(key: bytes) -> "AESGCM":
    """AES-256-GCM; raises `WrongUse` where it is not installed."""
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ModuleNotFoundError as error:
        raise WrongUse(
            "encryption needs cryptography, which is not installed: pip install 'tapeline[crypto]'"
        ) from error
    return AESGCM(key)


def needs_key(name: str, about: str) -> KeyNeeded:
    """What is said to somebody who has no log key."""
    return KeyNeeded(f"{about} is encrypted under the log key {name}: say tapeline --log-key FILE … or set {VARIABLE}")


def _bound(name: str, about: str) -> bytes:
    return f"tapeline data key 1\n{name}\n{about}".encode()
