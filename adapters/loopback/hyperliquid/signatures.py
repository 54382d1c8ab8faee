"""Who signed: the hash of an action, the two EIP-712 schemes, and the address that a signature recovers to.

A signature over anything else than the venue's own bytes is no error here: it recovers to somebody who has no account.
https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/signing
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from coincurve import PrivateKey, PublicKey
from Crypto.Hash import keccak as keccak_of

AGENT_CHAIN = 1337
DOMAIN = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
AGENT = b"Agent(string source,bytes32 connectionId)"
ADDRESS_BYTES = 20


class Network(StrEnum):
    """`source` of an agent's signature."""

    MAINNET = "a"
    TESTNET = "b"


def keccak(data: bytes) -> bytes:
    return keccak_of.new(digest_bits=256, data=data).digest()


def word(number: int) -> bytes:
    """A number as EIP-712 encodes it."""
    return number.to_bytes(32, "big")


def address_bytes(address: str) -> bytes:
    """The bytes of `0x` and forty hex digits; raises ValueError."""
    digits = bytes.fromhex(address.removeprefix("0x"))
    if len(digits) != ADDRESS_BYTES:
        raise ValueError(f"not an address: {address}")
    return digits


def connection_id(packed: bytes, nonce: int, vault: str | None, expires_ms: int | None) -> bytes:
    """The hash of an action: its MessagePack bytes, the nonce, for whom, and until when."""
    whom = b"\x00" if vault is None else b"\x01" + address_bytes(vault)
    until = b"" if expires_ms is None else b"\x00" + expires_ms.to_bytes(8, "big")
    return keccak(packed + nonce.to_bytes(8, "big") + whom + until)


def agent_digest(connection: bytes, network: Network) -> bytes:
    """What is signed for a trading action: a phantom agent of the network with the action's hash."""
    message = keccak(keccak(AGENT) + keccak(network.encode()) + connection)
    return keccak(b"\x19\x01" + _domain(b"Exchange", AGENT_CHAIN) + message)


def typed_digest(chain: int, primary: str, fields: Sequence[tuple[str, str, str | int]]) -> bytes:
    """What is signed for an action of the account itself: its fields (type, name, value) in their order."""
    kind = f"HyperliquidTransaction:{primary}({','.join(f'{kind} {name}' for kind, name, _ in fields)})"
    message = keccak(keccak(kind.encode()) + b"".join(_encoded(kind, value) for kind, _, value in fields))
    return keccak(b"\x19\x01" + _domain(b"HyperliquidSignTransaction", chain) + message)


def recover(digest: bytes, r: str, s: str, v: int) -> str | None:
    """The address whose key made the signature; None where it is the signature of nobody."""
    try:
        signature = word(int(r, 16)) + word(int(s, 16)) + bytes([v - 27 if v >= 27 else v])
        return _address(PublicKey.from_signature_and_message(signature, digest, hasher=None))
    except (ValueError, OverflowError):
        return None


def address_of(secret: str) -> str:
    """The address of a private key in hex; raises ValueError."""
    key = bytes.fromhex(secret.removeprefix("0x"))
    if len(key) != 32:
        raise ValueError("a private key has 32 bytes")
    return _address(PrivateKey(key).public_key)


def _address(key: PublicKey) -> str:
    return "0x" + keccak(key.format(compressed=False)[1:])[-ADDRESS_BYTES:].hex()


def _domain(name: bytes, chain: int) -> bytes:
    return keccak(keccak(DOMAIN) + keccak(name) + keccak(b"1") + word(chain) + word(0))


def _encoded(kind: str, value: str | int) -> bytes:
    if isinstance(value, int):
        return word(value)
    if kind == "address":
        return address_bytes(value).rjust(32, b"\x00")
    return keccak(value.encode())
