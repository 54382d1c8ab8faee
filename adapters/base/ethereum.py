"""Keccak, keys, addresses and signatures of Ethereum's kind, in C: by an extra, which is named where it is missing."""

import re
from typing import TYPE_CHECKING

from state.errors import WrongUse

if TYPE_CHECKING:
    from coincurve import PrivateKey

_EXTRA = "this signs with coincurve and pycryptodome, which are not installed: pip install 'tapeline[hyperliquid]'"
_key = re.compile("(?:0x)?[0-9a-fA-F]{64}").fullmatch
is_address = re.compile("0x[0-9a-f]{40}").fullmatch


def keccak(body: bytes) -> bytes:
    """Raises `WrongUse` without the extra."""
    try:
        from Crypto.Hash import keccak as made  # by the extra
    except ImportError:
        raise WrongUse(_EXTRA) from None
    return made.new(digest_bits=256, data=body).digest()


def private_key(secret: str) -> "PrivateKey":
    """Raises `WrongUse` without the extra, or for what is no key; never quotes it."""
    try:
        from coincurve import PrivateKey  # by the extra
    except ImportError:
        raise WrongUse(_EXTRA) from None
    if _key(secret) is None:
        raise WrongUse("a private key has 64 hex digits; this is none")
    try:
        return PrivateKey(bytes.fromhex(secret.removeprefix("0x")))
    except ValueError:
        raise WrongUse("a private key is a number of its curve; this is none") from None


def address_of(key: "PrivateKey") -> str:
    """In small letters."""
    public = key.public_key.format(compressed=False)
    return f"0x{keccak(public[1:])[-20:].hex()}"


def signed(key: "PrivateKey", digest: bytes) -> tuple[str, str, int]:
    """r and s, padded to 32 bytes, and v; the same for the same digest, s in the curve's lower half."""
    made = key.sign_recoverable(digest, hasher=None)
    return f"0x{made[:32].hex()}", f"0x{made[32:64].hex()}", 27 + made[64]
