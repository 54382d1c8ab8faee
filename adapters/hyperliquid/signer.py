"""Signs actions as an agent does: MessagePack of the action, keccak, and over that the EIP-712 message of a phantom agent.

https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/signing
"""

import msgspec

from adapters.base.ethereum import address_of, is_address, keccak, private_key, signed
from state.errors import WrongUse

CHAIN_ID = 1337  # of every network: which one is meant, the agent's source says
_DOMAIN = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
_AGENT = b"Agent(string source,bytes32 connectionId)"

_pack = msgspec.msgpack.Encoder().encode


class Signer:
    """One agent on one network; `vault` is the vault or sub-account that it acts for, empty where it is the account itself.

    The order of an action's keys and the text of its numbers are part of what is signed. Raises `WrongUse` for what is no key
    or no address, and without the extra.
    """

    def __init__(self, secret: str, *, mainnet: bool, vault: str = "") -> None:
        if vault and is_address(vault) is None:
            raise WrongUse("hyperliquid: a vault or sub-account is named by its address, 0x and 40 hex digits")
        self._key, self.vault = private_key(secret), vault
        self.address = address_of(self._key)  # the agent's own
        self._for = b"\x01" + bytes.fromhex(vault[2:]) if vault else b"\x00"
        name, version, nobody = keccak(b"Exchange"), keccak(b"1"), bytes(32)
        self._head = b"\x19\x01" + keccak(keccak(_DOMAIN) + name + version + CHAIN_ID.to_bytes(32, "big") + nobody)
        self._agent = keccak(_AGENT) + keccak(b"a" if mainnet else b"b")

    def action_hash(self, action: bytes, nonce: int, expires_ms: int | None = None) -> bytes:
        """What is signed of an action, which is given as the JSON text that is sent."""
        expiry = b"" if expires_ms is None else b"\x00" + expires_ms.to_bytes(8, "big")
        return keccak(_pack(msgspec.json.decode(action)) + nonce.to_bytes(8, "big") + self._for + expiry)

    def sign(self, action: bytes, nonce: int, expires_ms: int | None = None) -> tuple[str, str, int]:
        """r, s and v."""
        message = keccak(self._agent + self.action_hash(action, nonce, expires_ms))
        return signed(self._key, keccak(self._head + message))
