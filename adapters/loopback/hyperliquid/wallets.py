"""Who may act for whom: accounts, the agents they approved, sub-accounts, and the nonces that each signer has used."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from adapters.loopback.hyperliquid import signatures, wire
from adapters.loopback.hyperliquid.refusals import ActionRefusedError
from adapters.loopback.hyperliquid.signatures import Network
from adapters.loopback.ledger import Account, UnusableKeyError

NONCES_KEPT = 100
OLDEST_MS = 2 * 86_400_000
NEWEST_MS = 86_400_000
AGENT_LIFE_MS = 180 * 86_400_000
CHAINS = {"Mainnet": Network.MAINNET, "Testnet": Network.TESTNET}


class Nonces:
    """The hundred highest nonces of each signer.

    https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/nonces-and-api-wallets
    """

    def __init__(self) -> None:
        self._kept: dict[str, list[int]] = {}

    def take(self, signer: str, nonce: int, now_ms: int) -> None:
        """Uses a nonce up; raises ActionRefusedError where it is used, below all that are kept, or out of its time."""
        if not now_ms - OLDEST_MS < nonce < now_ms + NEWEST_MS:
            raise ActionRefusedError(f"Invalid nonce: {nonce} is not close enough to the block time {now_ms}.")
        kept = self._kept.setdefault(signer, [])
        at = bisect_left(kept, nonce)
        if at < len(kept) and kept[at] == nonce:
            raise ActionRefusedError(f"Invalid nonce: duplicate nonce {nonce}.")
        if at == 0 and len(kept) == NONCES_KEPT:
            raise ActionRefusedError(f"Invalid nonce: nonce too low {nonce}.")
        insort(kept, nonce)
        del kept[:-NONCES_KEPT]


@dataclass(frozen=True, slots=True)
class Agent:
    """A wallet that trades for an account."""

    address: str
    account: str
    name: str
    until_ms: int


class Wallets:
    """The accounts by address and everybody who signs for them; raises UnusableKeyError.

    An account's secret is its own private key, or that of an agent which it has approved before.
    """

    def __init__(
        self, accounts: Iterable[Account], masters: Mapping[str, str], network: Network | None, now_ms: int
    ) -> None:
        self.keys = {account.key.lower(): account.key for account in accounts}
        """The floor's key of each account, by address in lower case."""
        self._masters = {sub.lower(): master.lower() for sub, master in masters.items()}
        self._networks = (network,) if network else (Network.TESTNET, Network.MAINNET)
        self._agents: dict[str, Agent] = {}
        self._nonces = Nonces()
        for account in accounts:
            if not wire.ADDRESS.fullmatch(account.key.lower()):
                raise UnusableKeyError("a customer of Hyperliquid is an address, 0x and 40 hex digits")
            signer = _signer_of(account)
            if signer != account.key.lower():
                self._approve(Agent(signer, account.key.lower(), "", now_ms + AGENT_LIFE_MS))

    def admit(self, signed: wire.Signed, now_ms: int) -> str:
        """The key of the account that an action is for; uses up its nonce.

        Raises ActionRefusedError where nobody here signed it, or not for this account, or with a nonce that will not do.
        """
        signer, account = self._signer(signed, now_ms)
        self._nonces.take(signer, signed.nonce, now_ms)
        if signed.expiresAfter is not None and signed.expiresAfter < now_ms:
            raise ActionRefusedError(f"Action expired: {signed.expiresAfter} is before the block time {now_ms}.")
        if signed.vaultAddress is None:
            return self.keys[account]
        if self._masters.get(signed.vaultAddress) != account or signed.vaultAddress not in self.keys:
            raise ActionRefusedError(f"Vault not registered: {signed.vaultAddress}")
        return self.keys[signed.vaultAddress]

    def approve(self, key: str, action: wire.ApproveAgent, now_ms: int) -> None:
        """Lets an address trade for the account; one of the same name before it no longer may."""
        name, address = action.agentName or "", action.agentAddress.lower()
        if address in self._agents or address in self.keys:
            raise ActionRefusedError("Extra agent already used.")
        if not wire.ADDRESS.fullmatch(address):
            raise ActionRefusedError("Invalid agent address.")
        self._approve(Agent(address, key.lower(), name, now_ms + AGENT_LIFE_MS))

    def agents(self, address: str) -> list[Agent]:
        """The agents of an account, in order of approval."""
        return [agent for agent in self._agents.values() if agent.account == address]

    def role(self, address: str) -> str:
        if address in self._masters:
            return "subAccount"
        if address in self.keys:
            return "user"
        return "agent" if address in self._agents else "missing"

    def _approve(self, agent: Agent) -> None:
        for other in self.agents(agent.account):
            if other.name == agent.name:
                del self._agents[other.address]
        self._agents[agent.address] = agent

    def _signer(self, signed: wire.Signed, now_ms: int) -> tuple[str, str]:
        """Who signed, and the account that this is or trades for."""
        first: str | None = None
        for network in self._networks:
            signer = self._recovered(signed, network)
            first = first or signer
            account = self._account_of(signer, signed, now_ms) if signer else None
            if signer and account:
                return signer, account
        if first is None:
            raise ActionRefusedError("Invalid signature.")
        raise ActionRefusedError(f"User or API Wallet {first} does not exist.")

    def _account_of(self, signer: str, signed: wire.Signed, now_ms: int) -> str | None:
        if signer in self.keys:
            return signer
        agent = self._agents.get(signer)
        if agent is None or agent.until_ms < now_ms or isinstance(signed.action, wire.Approval):
            return None
        return agent.account

    @staticmethod
    def _recovered(signed: wire.Signed, network: Network) -> str | None:
        action, signature = signed.action, signed.signature
        if isinstance(action, wire.Approval):
            if CHAINS[action.hyperliquidChain] is not network:
                return None
            values = [(kind, name, getattr(action, name) or "") for kind, name in action.signed]
            try:
                digest = signatures.typed_digest(int(action.signatureChainId, 16), action.primary, values)
            except ValueError:
                return None
        else:
            packed = msgspec.msgpack.encode(action)
            connection = signatures.connection_id(packed, signed.nonce, signed.vaultAddress, signed.expiresAfter)
            digest = signatures.agent_digest(connection, network)
        return signatures.recover(digest, signature.r, signature.s, signature.v)


def _signer_of(account: Account) -> str:
    """The address of the account's private key, or its own where it signs nothing itself; raises UnusableKeyError."""
    if not account.secret:
        return account.key.lower()
    try:
        return signatures.address_of(account.secret)
    except ValueError:
        raise UnusableKeyError("a customer's secret on Hyperliquid is a private key, 64 hex digits") from None
