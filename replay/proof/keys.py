"""Ed25519 keys in PEM files, which are kept where the log is not; needs `cryptography` (`tapeline[sign]`).

A key is made by `openssl genpkey -algorithm ed25519 -out key.pem`, its public half by `openssl pkey -in key.pem -pubout`.
https://www.rfc-editor.org/rfc/rfc8032
"""

import stat
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from state.errors import WrongUse

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

NAME_LENGTH = 16


def key_name(public: bytes) -> str:
    """What a public key is called in a checkpoint: the beginning of its hash in hex."""
    return sha256(public).hexdigest()[:NAME_LENGTH]


class Signer:
    """Signs statements; the key is in memory only."""

    def __init__(self, key: "Ed25519PrivateKey") -> None:
        self._key = key
        self.name = key_name(key.public_key().public_bytes_raw())

    @classmethod
    def load(cls, path: Path) -> "Signer":
        """Reads a private key; raises `WrongUse` where others may read it too, or it is no Ed25519 key."""
        private_key = _cryptography()
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            raise WrongUse(f"{path} may be read by others (mode {mode:03o}): chmod 600 {path}")
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            key = load_pem_private_key(path.read_bytes(), None)
        except (ValueError, TypeError) as error:
            raise WrongUse(f"{path} holds no private key in PEM without a password") from error
        if not isinstance(key, private_key):
            raise WrongUse(f"{path} holds another kind of key than Ed25519")
        return cls(key)

    def sign(self, statement: bytes) -> str:
        """The signature in hex; the same statement gives the same one."""
        return self._key.sign(statement).hex()


class PublicKey:
    """Checks what its private half has signed."""

    def __init__(self, key: "Ed25519PublicKey") -> None:
        self._key = key
        self.name = key_name(key.public_bytes_raw())

    @classmethod
    def load(cls, path: Path) -> "PublicKey":
        """Reads a public key; raises `WrongUse` on anything else."""
        _cryptography()
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        try:
            key = load_pem_public_key(path.read_bytes())
        except ValueError as error:
            raise WrongUse(f"{path} holds no public key in PEM") from error
        if not isinstance(key, Ed25519PublicKey):
            raise WrongUse(f"{path} holds another kind of key than Ed25519")
        return cls(key)

    def holds(self, statement: bytes, signature: str) -> bool:
        """True where the signature is this key's over this statement."""
        from cryptography.exceptions import InvalidSignature

        try:
            self._key.verify(bytes.fromhex(signature), statement)
        except (InvalidSignature, ValueError):
            return False
        return True


def _cryptography() -> "type[Ed25519PrivateKey]":
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    except ModuleNotFoundError as error:
        raise WrongUse("signatures need cryptography, which is not installed: pip install 'tapeline[sign]'") from error
    return Ed25519PrivateKey
