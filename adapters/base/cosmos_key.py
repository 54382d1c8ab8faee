"""A key of a chain of Cosmos' kind, and the transactions it signs. Needs the extra `tapeline[dydx]`, whose classes these are.

Importing it takes time and the extra, so whoever signs imports it late.
"""

from dydx_v4_client.key_pair import KeyPair
from dydx_v4_client.node.builder import DEFAULT_FEE, get_signature, get_signer_info
from dydx_v4_client.wallet import Wallet
from v4_proto.cosmos.tx.v1beta1.tx_pb2 import AuthInfo, TxBody, TxRaw

from state.errors import WrongUse


class Signer:
    """One key. `secret` is a key in hex or a mnemonic; raises `WrongUse` for what is neither."""

    def __init__(self, secret: str) -> None:
        try:
            digits = secret.removeprefix("0x")
            self._key = KeyPair.from_mnemonic(secret) if " " in secret.strip() else KeyPair.from_hex(digits)
        except Exception:  # noqa: BLE001 - whatever the libraries raise may quote the secret
            raise WrongUse("the secret is neither a key in hex nor a mnemonic") from None
        wallet = Wallet(self._key, 0, 0)
        self.address = str(wallet.address)
        self._public_key = wallet.public_key

    def signed(self, body: bytes, chain_id: str, account_number: int, sequence: int) -> bytes:
        """The transaction as it is sent. The signature is deterministic."""
        info = AuthInfo(signer_infos=[get_signer_info(self._public_key, sequence)], fee=DEFAULT_FEE)
        signature = get_signature(self._key, TxBody.FromString(body), info, account_number, chain_id)
        raw = TxRaw(body_bytes=body, auth_info_bytes=info.SerializeToString(), signatures=[signature])
        return bytes(raw.SerializeToString())
