"""The account's stream: orders, fills, positions and balances of one subaccount, and the blocks by which orders end.

Nothing is signed: anybody may read any subaccount. https://docs.dydx.xyz/indexer-client/websockets#subaccounts
"""

from collections.abc import Sequence

import msgspec

from adapters.base.keyed import HIDDEN
from adapters.base.numbered import Numbers
from adapters.base.standing import Standing
from adapters.dydx import wire
from adapters.dydx.account import Account
from adapters.dydx.websocket import subscription
from state.events import AnyEvent
from state.words import FeedState

SUBACCOUNTS, HEIGHTS = "v4_subaccounts", "v4_block_height"
SILENCE_S = 15.0  # a chain that makes no block for so long is not to be traded on

_envelope = msgspec.json.Decoder(wire.Envelope, strict=False).decode


class PrivateWebsocket(Standing):
    """A snapshot of the subaccount and its open orders comes first; fills that were missed are asked of REST."""

    channel = "account"
    heartbeat_s, silence_s = 1.0, SILENCE_S

    def __init__(self, url: str, account: Account, address: str, number: int) -> None:
        super().__init__(account.venue, "private", url)
        self._account = account
        self._address = address
        self._wanted = {HEIGHTS: "", SUBACCOUNTS: f"{address}/{number}"}
        self._answered: set[str] = set()
        self._again: set[str] = set()
        self._numbers = Numbers()

    @property
    def is_ready(self) -> bool:
        return self._answered.issuperset(self._wanted)

    def on_connect(self, now: int) -> list[bytes]:
        self._answered.clear()
        self._again.clear()
        self._numbers.begin()
        return [subscription(channel, name) for channel, name in self._wanted.items()]

    def on_disconnect(self, reason: str, status: FeedState = "down") -> Sequence[AnyEvent]:
        self._answered.clear()
        return super().on_disconnect(reason, status)

    def heartbeat(self, now: int) -> list[bytes]:
        again, self._again = self._again, set()
        return [subscription(channel, self._wanted[channel]) for channel in sorted(again)]

    def receive(self, frame: bytes, recv: int) -> Sequence[AnyEvent]:
        try:
            said = _envelope(frame)
            self.over = self.over or self._numbers.lost(said.message_id, is_waiting=not self.is_ready)
            if said.channel not in self._wanted:
                return self._word(said)
            if said.type == "subscribed":
                self._answered.add(said.channel)
            elif said.type == "unsubscribed":
                return self._odd(f"no longer subscribed to {said.channel}")
            return self._account.private(frame) if said.channel == SUBACCOUNTS else self._account.blocks(frame)
        except (msgspec.DecodeError, ValueError, ArithmeticError, RecursionError) as error:
            return self._odd(f"a frame did not fit: {error}")

    def _word(self, said: wire.Envelope) -> Sequence[AnyEvent]:
        if said.type in ("connected", "pong"):
            return ()
        if said.type == "error":
            if "could not fetch" in said.message:
                self._again.update(self._wanted.keys() - self._answered)
                return ()
            if "already subscribed" in said.message:
                return ()
            return self._odd(f"refused: {said.message}")
        return self._odd(f"neither data nor an answer: {said.type!r} of {said.channel!r}")

    def strike(self, frame: bytes) -> bytes:
        return frame.replace(self._address.encode(), HIDDEN.encode())
