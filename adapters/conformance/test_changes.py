"""Amends and cancels over real sockets, in time and too late, while the order fills and after."""

import pytest

from adapters.conformance.stage import Entry, Play, Stage
from state.events import Accepted, AmendOrder, CancelOrder, Rejected

pytestmark = pytest.mark.needs("orders")
ENTRIES = pytest.mark.parametrize("entry", ["ws", "rest"])


@pytest.mark.needs("gone")
@ENTRIES
def test_cancelled_twice(play: Play, entry: Entry) -> None:
    """Of two cancels of one order the first is accepted and the second told gone."""

    async def story(on: Stage) -> None:
        order = await on.rest(on.order(on.away()))
        cancel = CancelOrder(order.venue, order.symbol, order.client_id)
        first, second = on.intend(cancel, cancel)
        assert (await on.ended(order.client_id)).status == "cancelled"
        await on.answered(first, second)
        assert isinstance(on.told.outcomes(first)[0], Accepted)
        (gone,) = (event for event in on.told.outcomes(second) if isinstance(event, Rejected))
        assert gone.refusal == "gone"
        assert gone.code
        await on.agrees()

    play(story, entry=entry)


@pytest.mark.needs("amend")
@ENTRIES
def test_amended(play: Play, entry: Entry) -> None:
    """An amend gives an order another price and size under the same client id."""

    async def story(on: Stage) -> None:
        order = await on.rest(on.order(on.away(steps=5)))
        price, size = on.away(), on.size(3)
        (seq,) = on.intend(AmendOrder(order.venue, order.symbol, order.client_id, price, size))
        await on.answered(seq)
        assert isinstance(on.told.outcomes(seq)[0], Accepted)
        await on.told.until(lambda: on.told.updates(order.client_id)[-1].price == price, "the new price")
        await on.agrees()
        known, theirs = on.told.order(order.client_id), on.truth.orders[order.client_id]
        assert (known.price, known.size, known.status) == (price, size, "open")
        assert (theirs.price, theirs.size) == (price, size)
        assert known.pending_amend is None

    play(story, entry=entry)


@pytest.mark.needs("amend", "amend_total")
@ENTRIES
def test_amended_while_filling(play: Play, entry: Entry) -> None:
    """An amend that meets a part of a fill on its way counts what was filled into its size."""

    async def story(on: Stage) -> None:
        bid, _ = on.touch()
        order = await on.rest(on.order(bid, on.size(4)))
        part = on.size(1)
        (seq,) = on.intend(AmendOrder(order.venue, order.symbol, order.client_id, bid, on.size(3)))
        on.hit(order, part)
        await on.answered(seq)
        await on.told.until(lambda: on.told.order(order.client_id).size == on.size(3), "the new size")
        await on.agrees()
        known = on.told.order(order.client_id)
        assert (known.status, known.filled, known.remaining) == ("partially_filled", part, on.size(3) - part)

    play(story, entry=entry)


@pytest.mark.needs("amend")
@ENTRIES
def test_amended_over_a_fill(play: Play, entry: Entry) -> None:
    """Whatever an amend that meets a part of a fill comes to at the venue, that is what is told."""

    async def story(on: Stage) -> None:
        bid, _ = on.touch()
        order = await on.rest(on.order(bid, on.size(4)))
        (seq,) = on.intend(AmendOrder(order.venue, order.symbol, order.client_id, bid, on.size(3)))
        on.hit(order, on.size(1))
        await on.answered(seq)
        await on.agrees()

    play(story, entry=entry)


@pytest.mark.needs("amend", "gone")
@ENTRIES
def test_amended_too_late(play: Play, entry: Entry) -> None:
    """An amend of an order that is filled meanwhile is refused, and the order stays filled."""

    async def story(on: Stage) -> None:
        bid, _ = on.touch()
        order = await on.rest(on.order(bid))
        (seq,) = on.intend(AmendOrder(order.venue, order.symbol, order.client_id, bid, on.size(3)))
        on.hit(order, order.size)
        await on.answered(seq)
        (refused,) = (event for event in on.told.outcomes(seq) if isinstance(event, Rejected))
        assert refused.refusal == "gone"
        await on.agrees()
        assert on.told.order(order.client_id).status == "filled"

    play(story, entry=entry)


@ENTRIES
def test_cancelled_while_filling(play: Play, entry: Entry) -> None:
    """A cancel that meets a part of a fill on its way ends the order cancelled, with that part."""

    async def story(on: Stage) -> None:
        bid, _ = on.touch()
        order = await on.rest(on.order(bid, on.size(4)))
        (seq,) = on.intend(CancelOrder(order.venue, order.symbol, order.client_id))
        on.hit(order, on.size(1))
        await on.answered(seq)
        await on.ended(order.client_id)
        await on.agrees()
        known = on.told.order(order.client_id)
        assert (known.status, known.filled) == ("cancelled", on.size(1))

    play(story, entry=entry)


@pytest.mark.needs("gone")
@ENTRIES
def test_cancelled_too_late(play: Play, entry: Entry) -> None:
    """A cancel of an order that is filled meanwhile is told gone, and the order is filled, not cancelled."""

    async def story(on: Stage) -> None:
        bid, _ = on.touch()
        order = await on.rest(on.order(bid))
        (seq,) = on.intend(CancelOrder(order.venue, order.symbol, order.client_id))
        on.hit(order, order.size)
        await on.answered(seq)
        (gone,) = (event for event in on.told.outcomes(seq) if isinstance(event, Rejected))
        assert gone.refusal == "gone"
        await on.agrees()
        assert on.told.order(order.client_id).status == "filled"
        assert on.told.fills(order.client_id)[0].maker

    play(story, entry=entry)
