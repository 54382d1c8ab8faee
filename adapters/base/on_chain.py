"""An exchange that is a chain of Cosmos' kind: before anything is signed, a node is asked which it is of, and whom it knows."""

from collections.abc import Collection, Iterable

from adapters.base import cosmos
from adapters.base.exchange import Exchange
from adapters.base.query import Query
from adapters.base.settings import Subscription
from state.errors import VenueError, WrongUse


class OnChain(Exchange):
    """Its actions `block` and `account` ask the node; `chain_ids` are the chains that have addresses of their own here."""

    chain: cosmos.Account
    chain_ids: Collection[str]

    async def start(self, subscriptions: Iterable[Subscription]) -> None:
        if self.credentials is not None:
            await self._introduce()
        await super().start(subscriptions)

    async def _introduce(self) -> None:
        """Raises `WrongUse` where the node is of another chain than was meant: what is signed for one says nothing on another.

        Only at an address that was given may a chain be one that nobody knows.
        """
        answer = await self.sender.read(self.build("block", Query()))
        meant, chain_id = self.chain.chain_id, self._fitting(answer, cosmos.chain_id)
        if chain_id != meant and (chain_id in self.chain_ids or not self.settings.trade_url):
            raise WrongUse(f"{self.venue}: the node is of {chain_id}, and {meant} was meant")
        self.chain.chain_id = chain_id
        try:
            answer = await self.sender.read(self.build("account", Query()))
        except VenueError as error:
            raise VenueError(error.venue, error.code, error.text, "fatal") from None
        self.chain.number = self._fitting(answer, cosmos.account_number)
