"""The account's stream: orders, fills, positions and balances of one subaccount, and the blocks by which orders end.

Nothing is signed: anybody may read any subaccount. https://docs.dydx.xyz/indexer-client/websockets#subaccounts
"""

from collections.abc import Callable, Sequence

from adapters.base.channel import Channel
from adapters.base.keyed import HIDDEN
from adapters.base.shared_topics import Wire
from adapters.dydx.account import Account
from adapters.dydx.websocket import Websocket
from state.events import AnyEvent, FeedStatus
from state.words import FeedState

SUBACCOUNTS, HEIGHTS = "v4_subaccounts", "v4_block_height"
SILENCE_S = 15.0  # a chain that makes no block for so long is not to be traded on


class AccountChannel(Channel):
    """Whether the account is worth something is said by whoever has read by REST what was missed."""

    __slots__ = ("_read",)
    channel = "account"

    def __init__(self, venue: str, topic: str, read: Callable[[bytes], Sequence[AnyEvent]]) -> None:
        super().__init__(venue, topic, "")
        self._read = read

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        return self._read(frame)

    def trust(self) -> list[AnyEvent]:
        super().trust()
        return []


def channel_of(venue: str, topic: str, account: Account) -> Channel | None:
    reads = {SUBACCOUNTS: account.private, HEIGHTS: account.blocks}
    return AccountChannel(venue, topic, reads[topic]) if topic in reads else None


class PrivateWebsocket(Websocket):
    """A snapshot of the subaccount and its open orders comes first; its fills are asked of REST."""

    private = True
    silence_s = SILENCE_S

    def __init__(self, url: str, account: Account, address: str, number: int) -> None:
        self._account = account
        self._address = address
        self._names = {HEIGHTS: "", SUBACCOUNTS: f"{address}/{number}"}
        super().__init__(account.venue, "private", url, list(self._names))

    def channel_of(self, topic: str) -> Channel | None:
        return channel_of(self.venue, topic, self._account)

    def wire_of(self, topic: str) -> Wire:
        return topic, self._names[topic]

    def data(self, wire: Wire, frame: bytes, recv: int, *, is_whole: bool) -> Sequence[AnyEvent]:
        """The address does not come back: it is struck out of what is heard."""
        return super().data((wire[0], self._names.get(wire[0], "")), frame, recv, is_whole=is_whole)

    def _status(self, status: FeedState, reason: str, symbol: str = "", channel: str = "account") -> FeedStatus:
        return super()._status(status, reason, symbol, channel)

    def strike(self, frame: bytes) -> bytes:
        return frame.replace(self._address.encode(), HIDDEN.encode())
