"""Order life in each venue's dialect: in whatever order its words arrive, and however often, the end is what the venue knows.

An order is played once against the venue's loopback: accepted, filled in part, amended, filled or cancelled. What the adapter
read from each frame is then folded in every order, or in a seeded sample where there are too many, each word once or twice,
with a listing of open orders that was read midway and comes late. Frames arrive whole: what one of them says stays together.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import permutations
from math import factorial
from random import Random
from typing import Literal, TypeAlias

import msgspec
import pytest

from adapters.base.query import Query
from adapters.conformance.stage import How, Stage, stage
from adapters.conformance.subject import subject_of
from state.events import Accepted, AmendOrder, AnyEvent, CancelOrder, Fill, Intent, OrderUpdate, PlaceOrder
from state.record import Record
from state.reducer import Reducer
from state.shared import SharedState

VENUES = ("bybit", "binance", "okx", "hyperliquid", "dydx")
ORDERS_MOST = 720  # of arrival: more are sampled
End: TypeAlias = Literal["filled", "cancelled"]
Word: TypeAlias = tuple[tuple[AnyEvent, int], ...]  # what one frame says, each event with the seq of its intent


@dataclass(frozen=True, slots=True)
class Ended:
    """How an order ended, in what everybody must agree on."""

    status: str
    filled: Decimal
    average_price: Decimal | None
    position: Decimal


@dataclass(frozen=True, slots=True)
class Life:
    """One order's life: what came before it as a snapshot, our intents, the words in the order they came, and the end."""

    venue: str
    symbol: str
    client_id: str
    before: bytes
    intents: Sequence[Record]
    words: Sequence[Word]
    late: Word
    end: Ended

    def folded(self, words: Sequence[Word]) -> SharedState:
        shared = SharedState.load(self.before)
        apply = Reducer(shared).apply
        seqs = {}
        for intent in self.intents:
            seqs[intent.seq] = shared.seq + 1
            apply(Record(shared.seq + 1, 0, 0, intent.event))
        for word in words:
            for event, cause in word:
                apply(Record(shared.seq + 1, 0, seqs.get(cause, 0), event))
        return shared

    def ended(self, shared: SharedState) -> Ended:
        account = shared.account(self.venue)
        order = account.orders.get(self.client_id)
        assert order is not None
        assert account.orders.working() == ()
        return Ended(order.status, order.filled, order.avg_price, account.ledger.position(self.symbol).size)


async def lived(on: Stage, end: End) -> Life:
    """Plays the order; sizes are units of the market's own."""
    told, bid = on.told, on.touch()[0]
    before, since, seq = told.shared.dump(), len(told.frames), told.shared.seq
    order = await on.rest(on.order(bid, on.size(3), tif="post_only"))
    on.hit(order, on.size(1))
    await told.until(lambda: told.order(order.client_id).filled == on.size(1), "a part fill")
    await told.until(lambda: told.updates(order.client_id)[-1].filled == on.size(1), "the word of it")
    midway = await on.exchange.open_orders(Query(symbol=on.symbol))
    assert [each.filled for each in midway if isinstance(each, OrderUpdate)] == [on.size(1)]
    await on.answered(*on.intend(AmendOrder(order.venue, order.symbol, order.client_id, bid, on.size(4))))
    await told.until(lambda: told.order(order.client_id).size == on.size(4), "the amend")
    if end == "filled":
        theirs = on.truth.orders[order.client_id]  # where an amendment is a new order, one of what was left
        on.hit(msgspec.structs.replace(order, size=theirs.leaves + theirs.filled), on.size(3))
    else:
        await on.answered(*on.intend(CancelOrder(order.venue, order.symbol, order.client_id)))
    await on.ended(order.client_id)
    await on.agrees()
    causes = {id(record.event): record.cause for record in told.records}
    words = [
        tuple((event, causes[id(event)]) for event in events)
        for frame, events in told.frames[since:]
        if frame.direction == "in" and any(isinstance(event, OrderUpdate | Fill | Accepted) for event in events)
    ]
    intents = [r for r in told.records[seq:] if isinstance(r.event, PlaceOrder | AmendOrder | CancelOrder)]
    return Life(
        told.venue, on.symbol, order.client_id, before, intents, words, tuple((e, 0) for e in midway), truth(on, order)
    )


def truth(on: Stage, order: PlaceOrder) -> Ended:
    """The end as the venue's own books have it."""
    theirs = on.truth
    fills = [fill for fill in theirs.fills if fill.client_id == order.client_id]
    size = sum((fill.size for fill in fills), Decimal(0))
    value = sum((fill.size * fill.price for fill in fills), Decimal(0))
    assert theirs.orders[order.client_id].status.is_final
    status = "filled" if size == on.size(4) else "cancelled"
    return Ended(status, size, value / size, theirs.positions[on.symbol].size)


@pytest.fixture(
    scope="module", params=[(venue, end) for venue in VENUES for end in ("filled", "cancelled")], ids="-".join
)
def life(request: pytest.FixtureRequest) -> Life:
    venue, end = request.param
    found, subject = subject_of(venue)

    async def played() -> Life:
        async with stage(found, subject, How()) as on:
            return await lived(on, end)

    return asyncio.run(played())


def arrivals(words: Sequence[Word], seed: int) -> Iterator[Sequence[Word]]:
    """All orders of them, or a sample."""
    if factorial(len(words)) <= ORDERS_MOST:
        yield from permutations(words)
        return
    chance = Random(seed)
    for _ in range(ORDERS_MOST):
        yield chance.sample(words, len(words))


def test_the_life_says_all_there_is_to_say(life: Life) -> None:
    """Else the orders of arrival would prove nothing: an acceptance of each intent, both fills, and the end."""
    events = [event for word in life.words for event, _ in word]
    accepted = [event.action for event in events if isinstance(event, Accepted)]
    intents: list[type[Intent]] = [type(record.event) for record in life.intents]  # type: ignore[misc]
    assert sorted(accepted) == (["amend", "cancel", "place"] if CancelOrder in intents else ["amend", "place"])
    assert sum(isinstance(event, Fill) for event in events) >= (2 if life.end.status == "filled" else 1)
    assert life.ended(life.folded(life.words)) == life.end, "as it came"


def test_every_order_of_arrival_ends_as_the_venue_knows(life: Life) -> None:
    for words in arrivals(life.words, 1):
        assert life.ended(life.folded(words)) == life.end, words


def test_words_that_come_twice_and_a_late_listing_change_nothing(life: Life) -> None:
    for words in arrivals([*life.words, *life.words, life.late, life.late], 2):
        assert life.ended(life.folded(words)) == life.end, words
