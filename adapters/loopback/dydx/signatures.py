"""Who signed: addresses out of public keys, and secp256k1 over a SignDoc. Needs the extra `tapeline[dydx]`."""

from __future__ import annotations

import hashlib
import hmac

import bech32
from coincurve import PrivateKey, PublicKey
from coincurve.ecdsa import cdata_to_der, deserialize_compact
from Crypto.Hash import RIPEMD160

from adapters.loopback.dydx import protobuf

PREFIX = "dydx"
HARDENED = 1 << 31
PATH = (44 + HARDENED, 118 + HARDENED, HARDENED, 0, 0)


def sign_doc(body: bytes, auth_info: bytes, chain_id: str, account_number: int) -> bytes:
    """What is signed: https://docs.cosmos.network/main/learn/advanced/encoding, SIGN_MODE_DIRECT."""
    return (
        protobuf.data(1, body)
        + protobuf.data(2, auth_info)
        + protobuf.text(3, chain_id)
        + protobuf.number(4, account_number)
    )


def is_signed(public_key: bytes, signature: bytes, signed: bytes) -> bool:
    """Is this 64-byte r || s, with low s, the key's signature over the SHA-256 of `signed`?"""
    if len(signature) != 64:
        return False
    try:
        return PublicKey(public_key).verify(cdata_to_der(deserialize_compact(signature)), signed)
    except ValueError:
        return False


def address_of(public_key: bytes) -> str:
    """The bech32 address of a compressed public key."""
    digest = RIPEMD160.new(hashlib.sha256(public_key).digest()).digest()
    groups = bech32.convertbits(digest, 8, 5)
    assert groups is not None  # padding is allowed
    return str(bech32.bech32_encode(PREFIX, groups))


def public_key_of(secret: str) -> bytes:
    """The public key of a private key in hexadecimal, or of a mnemonic's first key; nothing where the secret is neither."""
    try:
        key = from_mnemonic(secret) if " " in secret.strip() else PrivateKey(bytes.fromhex(secret.removeprefix("0x")))
    except ValueError:
        return b""
    return key.public_key.format(compressed=True)


def from_mnemonic(words: str) -> PrivateKey:
    """The key at m/44'/118'/0'/0/0 of a mnemonic: https://github.com/bitcoin/bips/blob/master/bip-0032.mediawiki"""
    seed = hashlib.pbkdf2_hmac("sha512", " ".join(words.split()).encode(), b"mnemonic", 2_048)
    digest = hmac.digest(b"Bitcoin seed", seed, "sha512")
    key, chain = PrivateKey(digest[:32]), digest[32:]
    for index in PATH:
        parent = b"\0" + key.secret if index >= HARDENED else key.public_key.format(compressed=True)
        digest = hmac.digest(chain, parent + index.to_bytes(4, "big"), "sha512")
        key, chain = key.add(digest[:32]), digest[32:]
    return key
