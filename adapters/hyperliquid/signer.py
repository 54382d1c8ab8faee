"""Signs actions as an agent does: MessagePack of the action, keccak, and over that the EIP-712 message of a phantom agent.

https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/signing
"""

import re
from typing import TYPE_CHECKING

import msgspec

from state.errors import WrongUse

if TYPE_CHECKING:
    from coincurve import PrivateKey

EXTRA = (
    "hyperliquid signs with coincurve and pycryptodome, which are not installed: pip install 'tapeline[hyperliquid]'"
)
CHAIN_ID = 1337  # of every network: which one is meant, the agent's source says
_DOMAIN = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
_AGENT = b"Agent(string source,bytes32 connectionId)"

_pack = msgspec.msgpack.Encoder().encode
_key = re.compile("(?:0x)?[0-9a-fA-F]{64}").fullmatch
is_address = re.compile("0x[0-9a-f]{40}").fullmatch


def keccak(body: bytes) -> bytes:
    """Raises `WrongUse` without the extra."""
    try:
        from Crypto.Hash import keccak as made  # by the extra
    except ImportError:
        raise WrongUse(EXTRA) from None
    return made.new(digest_bits=256, data=body).digest()


def private_key(secret: str) -> "PrivateKey":
    """Raises `WrongUse` without the extra, or for what is no key; never quotes it."""
    try:
        from coincurve import PrivateKey  # by the extra
    except ImportError:
        raise WrongUse(EXTRA) from None
    if _key(secret) is None:
        raise WrongUse("hyperliquid: the secret is the agent's private key, 64 hex digits; this is none")
    try:
        return PrivateKey(bytes.fromhex(secret.removeprefix("0x")))
    except ValueError:
        raise WrongUse("hyperliquid: the secret is no key of its curve") from None


class Signer:
    """One agent on one network; `vault` is the vault or sub-account that it acts for, empty where it is the account itself.

    The order of an action's keys and the text of its numbers are part of what is signed. Raises `WrongUse` for what is no key
    or no address.
    """

    def __init__(self, secret: str, *, mainnet: bool, vault: str = "") -> None:
        if vault and is_address(vault) is None:
            raise WrongUse("hyperliquid: a vault or sub-account is named by its address, 0x and 40 hex digits")
        self._key = private_key(secret)
        self._vault = b"\x01" + bytes.fromhex(vault[2:]) if vault else b"\x00"
        name, version, nobody = keccak(b"Exchange"), keccak(b"1"), bytes(32)
        domain = keccak(keccak(_DOMAIN) + name + version + CHAIN_ID.to_bytes(32, "big") + nobody)
        self._head = b"\x19\x01" + domain
        self._agent = keccak(_AGENT) + keccak(b"a" if mainnet else b"b")

    @property
    def address(self) -> str:
        """The agent's own address."""
        public = self._key.public_key.format(compressed=False)
        return f"0x{keccak(public[1:])[-20:].hex()}"

    def action_hash(self, action: bytes, nonce: int, expires_ms: int | None = None) -> bytes:
        """What is signed of an action, which is given as the JSON text that is sent."""
        parts = [_pack(msgspec.json.decode(action)), nonce.to_bytes(8, "big"), self._vault]
        if expires_ms is not None:
            parts.append(b"\x00" + expires_ms.to_bytes(8, "big"))
        return keccak(b"".join(parts))

    def sign(self, action: bytes, nonce: int, expires_ms: int | None = None) -> tuple[str, str, int]:
        """r and s, padded to 32 bytes, and v; the same for the same request, s in the curve's lower half."""
        message = keccak(self._agent + self.action_hash(action, nonce, expires_ms))
        made = self._key.sign_recoverable(keccak(self._head + message), hasher=None)
        return f"0x{made[:32].hex()}", f"0x{made[32:64].hex()}", 27 + made[64]
