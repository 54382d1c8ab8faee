"""Before a transaction is looked at: who signed it, for which chain, and whether it can be a repetition."""

# https://github.com/dydxprotocol/v4-chain/blob/main/protocol/app/ante.go

from __future__ import annotations

import bisect
from collections.abc import Iterable
from dataclasses import dataclass, field

from adapters.loopback.dydx import codes
from adapters.loopback.dydx.codes import ChainError
from adapters.loopback.dydx.messages import BatchCancel, CancelOrder, PlaceOrder, Transfer, Tx, owner
from adapters.loopback.dydx.signatures import address_of, is_signed, public_key_of, sign_doc
from adapters.loopback.ledger import Account, UnusableKeyError

TIMESTAMP_NONCES_FROM = 1 << 40
"""A sequence from here on is a time in milliseconds."""
NONCE_WINDOW_MS = 30_000
KEPT_NONCES = 20
CACHED_TXS = 10_000
FIRST_ACCOUNT_NUMBER = 12_345


@dataclass(slots=True)
class ChainAccount:
    """What the auth module knows of an address."""

    address: str
    number: int
    public_key: bytes = field(repr=False)
    sequence: int = 0
    nonces: list[int] = field(default_factory=list)
    """The largest timestamp nonces used, rising."""
    traders: dict[int, bytes] = field(default_factory=dict)
    """Public keys that may trade for it, by the number of their authenticator."""


class Ante:
    """The accounts of the chain and the transactions it has seen."""

    def __init__(self, customers: Iterable[Account], chain_id: str) -> None:
        """Raises UnusableKeyError where an account is not an address with its own private key, or with no secret at all."""
        accounts = tuple(customers)
        self.chain_id = chain_id
        self.fee_rates = {account.key: (account.maker_rate, account.taker_rate) for account in accounts}
        self.accounts: dict[str, ChainAccount] = {
            account.key: ChainAccount(account.key, FIRST_ACCOUNT_NUMBER + number, _public_key(account))
            for number, account in enumerate(accounts)
        }
        self._seen: dict[str, None] = {}

    def check(self, tx: Tx, next_height: int, now_ms: int) -> ChainAccount:
        """The account that a transaction is by; raises ChainError."""
        if tx.hash in self._seen:
            raise ChainError(codes.TX_IN_CACHE)
        _check_timeout(tx, next_height)
        if tx.is_short_term and len(tx.messages) > 1:
            raise ChainError(codes.INVALID_REQUEST, "a short-term message must be alone in its transaction")
        if sum(isinstance(message, Transfer) for message in tx.messages) > 1:
            raise ChainError(codes.INVALID_REQUEST, "more than one transfer")
        owners = {owner(message) for message in tx.messages}
        account = self.accounts.get(owners.pop())
        if account is None or owners:
            raise ChainError(codes.UNKNOWN_ADDRESS)
        self._check_signature(tx, account)
        if not tx.is_short_term:
            _check_sequence(tx, account, now_ms)
        return account

    def accepted(self, tx: Tx, account: ChainAccount) -> None:
        """Remembers a transaction that was taken, and its number."""
        self._seen[tx.hash] = None
        if len(self._seen) > CACHED_TXS:
            del self._seen[next(iter(self._seen))]
        if not tx.authenticators:
            account.public_key = tx.public_key
        if tx.is_short_term:
            return
        if tx.sequence < TIMESTAMP_NONCES_FROM:
            account.sequence += 1
            return
        bisect.insort(account.nonces, tx.sequence)
        del account.nonces[:-KEPT_NONCES]

    def _check_signature(self, tx: Tx, account: ChainAccount) -> None:
        if tx.authenticators:
            _check_traders(tx, account)
        elif address_of(tx.public_key) != account.address:
            raise ChainError(codes.INVALID_PUBKEY, "pubKey does not match signer address")
        signed = sign_doc(tx.body, tx.auth_info, self.chain_id, account.number)
        if is_signed(tx.public_key, tx.signature, signed):
            return
        if tx.authenticators:
            raise ChainError(codes.SIGNATURE_NOT_VERIFIED)
        raise ChainError(
            codes.UNAUTHORIZED,
            "signature verification failed; please verify account number "
            f"({account.number}) and chain-id ({self.chain_id})",
        )


def _public_key(account: Account) -> bytes:
    """Of the account's secret; nothing where it has none, for then the chain knows it only from its first transaction."""
    if not account.secret:
        return b""
    key = public_key_of(account.secret)
    if not key:
        raise UnusableKeyError("a customer's secret on dYdX is a private key, 64 hex digits, or a mnemonic")
    if address_of(key) != account.key:
        raise UnusableKeyError(f"the private key is that of {address_of(key)}, not of {account.key}")
    return key


def _check_traders(tx: Tx, account: ChainAccount) -> None:
    """Each message names the authenticator that lets its key sign."""
    if len(tx.authenticators) != len(tx.messages):
        raise ChainError(codes.INVALID_REQUEST, "mismatch between the number of selected authenticators and messages")
    for number in tx.authenticators:
        key = account.traders.get(number)
        if key is None:
            raise ChainError(codes.AUTHENTICATOR_NOT_FOUND, f"authenticator {number}")
        if key != tx.public_key:
            raise ChainError(codes.SIGNATURE_NOT_VERIFIED)


def _check_sequence(tx: Tx, account: ChainAccount, now_ms: int) -> None:
    if tx.sequence < TIMESTAMP_NONCES_FROM:
        if tx.sequence != account.sequence:
            raise ChainError(codes.WRONG_SEQUENCE, f"expected {account.sequence}, got {tx.sequence}")
        return
    if abs(tx.sequence - now_ms) > NONCE_WINDOW_MS:
        raise ChainError(codes.WRONG_SEQUENCE, f"timestamp nonce {tx.sequence} not within valid time window")
    if tx.sequence in account.nonces or (len(account.nonces) == KEPT_NONCES and tx.sequence < account.nonces[0]):
        raise ChainError(codes.WRONG_SEQUENCE, f"timestamp nonce {tx.sequence} rejected")


def _check_timeout(tx: Tx, next_height: int) -> None:
    if not tx.timeout_height:
        return
    if tx.timeout_height < next_height:
        raise ChainError(codes.TIMEOUT_HEIGHT, f"block height: {next_height}, timeout height: {tx.timeout_height}")
    for message in tx.messages:
        if isinstance(message, PlaceOrder | CancelOrder | BatchCancel) and tx.is_short_term:
            until = message.good_til_block
            if tx.timeout_height < until:
                raise ChainError(codes.INVALID_REQUEST, f"timeout height {tx.timeout_height} below {until}")
