"""What an exchange said, folded as a session would fold it, and held against what its venue knows."""

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TypeVar

from adapters.loopback.truth import Truth
from state.errors import WrongUse
from state.events import AnyEvent, Fill, OrderUpdate
from state.order import Order
from state.record import Frame, Record
from state.reducer import Reducer
from state.shared import SharedState
from state.words import TERMINAL

UNTIL_S = 10.0
E = TypeVar("E")


class Told:
    """An inbox that remembers every event and frame in order, folds them, and can be waited on."""

    def __init__(self, venue: str) -> None:
        self.venue = venue
        self.shared = SharedState()
        self.records: list[Record] = []
        self.frames: list[tuple[Frame, Sequence[AnyEvent]]] = []  # kept ones with what was read from each
        self._fold = Reducer(self.shared).apply
        self._news = asyncio.Event()

    def feed(self, recv: int, events: Sequence[AnyEvent], cause: int = 0, frame: Frame | None = None) -> None:
        for event in events:
            self.add(event, recv, cause)
        if frame is not None:
            self.frames.append((frame, list(events)))
        self._news.set()

    def add(self, event: AnyEvent, recv: int = 0, cause: int = 0) -> Record:
        """The event's record; it is folded at once."""
        record = Record(self.shared.seq + 1, recv, cause, event)
        self._fold(record)
        self.records.append(record)
        return record

    # --- what was said ---

    def of(self, kind: type[E]) -> list[E]:
        return [record.event for record in self.records if isinstance(record.event, kind)]

    def outcomes(self, seq: int) -> list[AnyEvent]:
        """What was said of the intent with this seq, in order."""
        return [record.event for record in self.records if record.cause == seq]

    def updates(self, client_id: str) -> list[OrderUpdate]:
        return [update for update in self.of(OrderUpdate) if update.client_id == client_id]

    def fills(self, client_id: str = "") -> list[Fill]:
        return [fill for fill in self.of(Fill) if client_id in ("", fill.client_id)]

    def order(self, client_id: str) -> Order:
        """The order as it was concluded from everything said; raises `WrongUse` where nothing was."""
        order = self.shared.account(self.venue).orders.get(client_id)
        if order is None:
            raise WrongUse(f"nobody spoke of {client_id}")
        return order

    # --- waiting ---

    async def until(self, holds: Callable[[], object], what: str = "", timeout_s: float = UNTIL_S) -> None:
        """Raises `AssertionError`, with the last words, where it does not come true."""
        try:
            async with asyncio.timeout(timeout_s):
                while not holds():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"{what or 'what was waited for'} did not come; last said: {self._last()}") from None

    def _last(self) -> str:
        return "; ".join(repr(record.event)[:300] for record in self.records[-6:])

    # --- held against what the venue knows ---

    def differences(self, truth: Truth, symbol: str) -> list[str]:
        """Where what was told is not what is: orders and how far they are filled, fills, the position."""
        account = self.shared.account(self.venue)
        found = []
        ours = {order.client_id for order in account.orders.working(symbol)}
        if ours != set(truth.open_orders):
            found.append(f"open orders: told {sorted(ours)}, are {sorted(truth.open_orders)}")
        for client_id, theirs in truth.orders.items():
            order = account.orders.get(client_id)
            if order is None:
                found.append(f"{client_id} was never told")
                continue
            filled = sum((fill.size for fill in truth.fills if fill.client_id == client_id), Decimal(0))
            if order.filled != filled or (order.status in TERMINAL) != theirs.status.is_final:
                said = f"{order.status}, {order.filled} filled"
                found.append(f"{client_id}: told {said}, is {theirs.status}, {filled} filled")
            elif not theirs.status.is_final and (order.price, order.remaining) != (theirs.price, theirs.leaves):
                said = f"{order.remaining} left at {order.price}"
                found.append(f"{client_id}: told {said}, is {theirs.leaves} left at {theirs.price}")
        told = sorted((fill.side, fill.size) for fill in self.fills() if fill.kind == "trade")
        booked = sorted((str(fill.side), fill.size) for fill in truth.fills if fill.kind == "trade")
        if told != booked:
            found.append(f"fills: told {told}, are {booked}")
        position, held = account.ledger.position(symbol).size, truth.positions.get(symbol)
        if position != (held.size if held else Decimal(0)):
            found.append(f"position: told {position}, is {held.size if held else 0}")
        return found
