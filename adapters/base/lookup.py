"""Asking the venue what became of an order, by its client id.

A "not found" proves nothing before the waiting time is over, and silence proves nothing ever: what is not answered is asked
again.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from adapters.base.client import Client, Request, Verdict
from adapters.base.known import Known
from adapters.base.query import Arguments, Query
from adapters.base.sender import Answer
from state.clock import Clock
from state.errors import TapelineError, UnknownWord
from state.events import (
    Accepted,
    AmendOrder,
    AnyEvent,
    CancelAll,
    CancelOrder,
    Intent,
    OrderUpdate,
    PlaceOrder,
    Rejected,
    Unknown,
)
from state.record import Inbox, Record
from state.words import TERMINAL, Action

FIRST_S = 0.25
MOST_S = 2.0


class Finder(Protocol):
    """Who can ask a venue for an order."""

    venue: str
    known: Known

    async def find_order(self, symbol: str, client_id: str) -> tuple[Answer, OrderUpdate | None, Sequence[AnyEvent]]:
        """What the venue knows of an order, with its fills; raises `TapelineError` where it could not be asked."""
        ...


class Speaker(Finder, Protocol):
    """What order entry asks of a venue's exchange."""

    client: Client
    batch_sizes: dict[Action, int]
    amends_in_place: bool
    accepts_first: bool

    def cancel_scopes(self, symbol: str) -> Sequence[Query]:
        """What is cancelled one after the other, where all of a symbol, or of the venue, is meant."""
        ...

    def together(self, action: Action, intent: Intent) -> str:
        """What intents must share to leave in one request."""
        ...

    def order_id_of(self, intent: Intent) -> str | None:
        """The venue's id of an order that was accepted, where it can be computed."""
        ...

    def already_told(self, intent: Intent, left_ns: int) -> Sequence[AnyEvent]:
        """What the stream told of an order, since an intent left, that its acceptance, coming later, would take back."""
        ...

    def build(self, action: str, arguments: Arguments) -> Request:
        """Raises `NotOffered` for an intent that cannot leave."""
        ...


class LookUps:
    """Ends what is unknown: in an acceptance with the order as it is, or in a refusal once the venue denies it for good."""

    def __init__(
        self,
        finder: Finder,
        inbox: Inbox,
        clock: Clock,
        *,
        sleep: Callable[[float], Awaitable[None]],
        look_up_s: float,
    ) -> None:
        self._finder = finder
        self._inbox = inbox
        self._clock = clock
        self._sleep = sleep
        self._look_up_ns = int(look_up_s * 1e9)

    async def outcome(self, record: Record, action: Action) -> None:
        """Asks until the venue says what became of the intent."""
        started, wait_s = self._clock.now_ns(), FIRST_S
        while True:
            await self._sleep(wait_s)
            wait_s = min(wait_s * 2, MOST_S)
            try:
                answer, update, fills = await self._finder.find_order(symbol_of(record), client_id_of(record))
            except UnknownWord:
                raise
            except TapelineError:
                continue  # not answered: nothing is concluded
            verdict = concluded(record, action, update, over=answer.recv - started >= self._look_up_ns)
            if verdict is None:
                continue
            told: list[AnyEvent] = [*fills, update] if update is not None else []
            if verdict.meaning == "ok":
                order_id = update.order_id if update is not None else None
                accepted = Accepted(record.event.venue, symbol_of(record), None, action, client_id_of(record), order_id)
                told.insert(0, accepted)
            else:
                told.append(rejected(record, action, verdict))
            self._inbox.feed(answer.recv, told, record.seq, answer.frame)
            return

    async def end(self, record: Record) -> None:
        """An order that is gone for a cancel or an amend may have been filled: the venue is asked how it ended.

        One that it had acknowledged, and that it denies again when the waiting time is over, is forgotten there: it has ended.
        Asked no oftener, as an outage makes many of them at once, and the account itself must be read in the same budget.
        """
        symbol, client_id = symbol_of(record), client_id_of(record)
        for wait_s in (0.0, self._look_up_ns / 1e9):
            if wait_s:
                await self._sleep(wait_s)
            try:
                answer, update, fills = await self._finder.find_order(symbol, client_id)
            except UnknownWord:
                raise
            except TapelineError:
                return  # the private stream and the next reconciliation say it too
            if not self._finder.known.is_acknowledged(client_id) and update is None:
                return
            if update is None and wait_s:
                update = _forgotten(record)
            if update is not None:
                self._inbox.feed(answer.recv, [*fills, update], 0, answer.frame)
                return


def concluded(record: Record, action: Action, update: OrderUpdate | None, *, over: bool) -> Verdict | None:
    """What a look-up proves about an intent; None where it proves nothing yet."""
    if update is None:
        return Verdict("gone", "gone", "lookup", "the venue does not know the order") if over else None
    ended = update.status in TERMINAL
    event = record.event
    if action == "place":
        return Verdict("ok")
    if action == "cancel":
        # Cancelling twice does no harm, and resting on does: whoever wants it gone need not wait until it is certain.
        return Verdict("ok") if ended else Verdict("rejected", "busy", "lookup", "the order rests still")
    if isinstance(event, AmendOrder):
        if update.price == event.price and update.size == event.size:
            return Verdict("ok")
        if ended:
            return Verdict("gone", "gone", "lookup", f"the order is {update.status}")
    return Verdict("rejected", "busy", "lookup", "the order rests unchanged") if over else None


def _forgotten(record: Record) -> OrderUpdate:
    reason = "the venue refuses it as gone and does not know it any more"
    venue, symbol, client_id = record.event.venue, symbol_of(record), client_id_of(record)
    return OrderUpdate(venue, symbol, None, client_id, None, "cancelled", reason=reason, origin="venue")


def rejected(record: Record, action: Action, verdict: Verdict) -> Rejected:
    """The outcome of an intent that was refused for certain."""
    refusal = verdict.refusal or "rule"
    return Rejected(
        record.event.venue,
        symbol_of(record),
        None,
        action,
        client_id_of(record),
        refusal,
        verdict.code,
        verdict.text,
    )


def all_cancelled(record: Record, verdict: Verdict, *, goes_on: bool) -> AnyEvent:
    """The outcome of a cancel of everything; `goes_on` where it is said again as long as it is in doubt."""
    venue, symbol = record.event.venue, symbol_of(record)
    if verdict.meaning in ("ok", "gone"):
        return Accepted(venue, symbol, None, "cancel_all", "")
    if verdict.meaning == "unknown" or (goes_on and verdict.meaning == "retry"):
        return Unknown(venue, symbol, None, "cancel_all", "", f"{verdict.code}: {verdict.text}")
    return rejected(record, "cancel_all", verdict)


def intent_of(record: Record) -> Intent:
    assert isinstance(record.event, PlaceOrder | AmendOrder | CancelOrder | CancelAll)
    return record.event


def client_id_of(record: Record) -> str:
    """The order that an intent speaks of; empty for one that speaks of all."""
    event = record.event
    return event.client_id if isinstance(event, PlaceOrder | AmendOrder | CancelOrder) else ""


def symbol_of(record: Record) -> str:
    return record.event.symbol
