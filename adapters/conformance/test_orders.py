"""Orders over real sockets, by every path: what is told of each, and that it is what the venue knows."""

import pytest

from adapters.conformance.leaps import LATE_S, leap
from adapters.conformance.stage import Entry, Play, Stage
from adapters.loopback.faults import Fault
from adapters.loopback.orders import Side as TheirSide
from state.events import Accepted, Fill, OrderUpdate, Rejected

pytestmark = pytest.mark.needs("orders")
ENTRIES = pytest.mark.parametrize("entry", ["ws", "rest"])


@ENTRIES
def test_resting(play: Play, entry: Entry) -> None:
    """An order that rests is accepted and told open with all its words."""

    async def story(on: Stage) -> None:
        order = await on.rest(on.order(on.away(), tif="post_only"))
        (accepted,) = on.told.of(Accepted)
        assert (accepted.action, accepted.client_id) == ("place", order.client_id)
        opened = on.told.updates(order.client_id)[0]
        assert (opened.status, opened.side, opened.price, opened.size) == ("open", "buy", order.price, order.size)
        assert opened.kind in ("limit", None)
        assert opened.tif in ("post_only", None)
        assert not opened.filled
        assert not opened.reduce_only
        if accepted.order_id is not None:
            assert opened.order_id == accepted.order_id
        await on.agrees()
        assert list(on.truth.open_orders) == [order.client_id]

    play(story, entry=entry)


@ENTRIES
def test_filled(play: Play, entry: Entry) -> None:
    """An order that crosses is filled; price, size, side and taker's role of the fill are the venue's."""

    async def story(on: Stage) -> None:
        _, ask = on.touch()
        order = on.named(on.order(ask, tif="ioc"))
        on.intend(order)
        assert (await on.ended(order.client_id)).status == "filled"
        await on.agrees()
        fills = on.told.fills(order.client_id)
        assert {(fill.side, fill.maker, fill.kind) for fill in fills} == {("buy", False, "trade")}
        assert sum(fill.size for fill in fills) == order.size
        assert sum(fill.price * fill.size for fill in fills) == sum(f.price * f.size for f in on.truth.fills)
        assert len({fill.fill_id for fill in fills}) == len(fills)

    play(story, entry=entry)


@pytest.mark.needs("fees")
def test_fee(play: Play) -> None:
    """A fee that was paid is negative, and in all what the venue took, to the digits that it tells."""

    async def story(on: Stage) -> None:
        _, ask = on.touch()
        order = on.named(on.order(ask, tif="ioc"))
        on.intend(order)
        await on.ended(order.client_id)
        await on.agrees()
        fills = on.told.of(Fill)
        assert all(fill.fee < 0 and fill.fee_asset for fill in fills)
        told, taken = sum(fill.fee for fill in fills), on.truth.fees
        assert abs(told + taken) <= abs(taken) / 1_000

    play(story)


@pytest.mark.needs("market")
@ENTRIES
def test_market_order(play: Play, entry: Entry) -> None:
    """A market order fills at once."""

    async def story(on: Stage) -> None:
        order = on.named(on.order(None, kind="market", tif="ioc"))
        on.intend(order)
        assert (await on.ended(order.client_id)).status == "filled"
        await on.agrees()

    play(story, entry=entry)


@ENTRIES
def test_refused(play: Play, entry: Entry) -> None:
    """An order that the account cannot pay for is refused for want of funds, with the venue's code and words."""

    async def story(on: Stage) -> None:
        price = on.away()
        size = on.instrument.size(on.subject.account.balance * 200 / price)
        order = on.named(on.order(price, size))
        (seq,) = on.intend(order)
        assert await on.refusal(seq, order.client_id) == "funds"
        rejected = [event for event in on.told.outcomes(seq) if isinstance(event, Rejected)]
        assert all(event.code and event.text for event in rejected)
        await on.agrees()
        assert on.told.order(order.client_id).status in ("rejected", "cancelled")

    play(story, entry=entry)


@ENTRIES
def test_partly_filled(play: Play, entry: Entry) -> None:
    """An order larger than what is offered at its price is partly filled, and rests with what is left."""

    async def story(on: Stage) -> None:
        price, offered = on.venue.books[on.symbol].asks[0]
        order = on.named(on.order(price, offered + on.size()))
        on.intend(order)
        told = on.told
        await told.until(lambda: any(u.filled == offered for u in told.updates(order.client_id)), "the part")
        assert told.updates(order.client_id)[-1].status == "partially_filled"
        await on.agrees()
        assert told.order(order.client_id).remaining == on.size()

    play(story, entry=entry)


@ENTRIES
def test_filled_before_its_answer(play: Play, entry: Entry) -> None:
    """An order whose fill is told before the answer to its request ends as filled, and its fill counts once."""

    async def story(on: Stage) -> None:
        _, ask = on.touch()
        on.spoil("place", Fault(delay_s=LATE_S))
        order = on.named(on.order(ask, tif="ioc"))
        (seq,) = on.intend(order)
        await on.told.until(lambda: on.told.fills(order.client_id), "the fill")
        assert not any(isinstance(event, Accepted) for event in on.told.outcomes(seq)), "the answer came first"
        leap()
        await on.answered(seq)
        await on.agrees()
        assert on.told.order(order.client_id).status == "filled"

    play(story, entry=entry, timeout_s=2 * LATE_S)


@ENTRIES
def test_expired(play: Play, entry: Entry) -> None:
    """An immediate order that finds nothing ends unfilled, without an error of ours."""

    async def story(on: Stage) -> None:
        order = on.named(on.order(on.away(), tif="ioc"))
        (seq,) = on.intend(order)
        await on.refusal(seq, order.client_id)
        await on.agrees()
        known = on.told.order(order.client_id)
        assert known.status in ("cancelled", "expired", "rejected")
        assert not known.filled

    play(story, entry=entry)


@ENTRIES
def test_rest_of_an_immediate_order(play: Play, entry: Entry) -> None:
    """What an immediate order could not fill at once is gone, and what it filled stays told."""

    async def story(on: Stage) -> None:
        price, offered = on.venue.books[on.symbol].asks[0]
        order = on.named(on.order(price, offered + on.size(), tif="ioc"))
        on.intend(order)
        await on.ended(order.client_id)
        await on.agrees()
        known = on.told.order(order.client_id)
        assert (known.status in ("cancelled", "expired"), known.filled) == (True, offered)

    play(story, entry=entry)


@pytest.mark.needs("fok")
def test_fill_or_kill(play: Play) -> None:
    """An order that must fill whole and cannot fills nothing."""

    async def story(on: Stage) -> None:
        price, offered = on.venue.books[on.symbol].asks[0]
        order = on.named(on.order(price, offered + on.size(), tif="fok"))
        (seq,) = on.intend(order)
        assert await on.refusal(seq, order.client_id) in (None, "would_not_fill")
        await on.agrees()
        assert not on.told.order(order.client_id).filled
        assert not on.told.of(Fill)

    play(story)


@ENTRIES
def test_post_only(play: Play, entry: Entry) -> None:
    """A post-only order that would take is refused as such, and takes nothing."""

    async def story(on: Stage) -> None:
        _, ask = on.touch()
        order = on.named(on.order(ask, tif="post_only"))
        (seq,) = on.intend(order)
        assert await on.refusal(seq, order.client_id) == "post_only"
        await on.agrees()
        assert not on.told.of(Fill)

    play(story, entry=entry)


def test_self_trade(play: Play) -> None:
    """Where an account meets itself, the venue's rule is told as it happened: both orders, fills and position."""

    async def story(on: Stage) -> None:
        _, ask = on.touch()
        mine = await on.rest(on.order(ask, side="sell"))
        offered = on.venue.books[on.symbol].asks[0][1]
        order = on.named(on.order(ask, offered, tif="ioc"))
        (seq,) = on.intend(order)
        await on.answered(seq)
        await on.ended(order.client_id)
        await on.agrees()
        ends = {update.origin for update in on.told.of(OrderUpdate) if update.status in ("cancelled", "expired")}
        assert ends <= {"user", "stp", "venue"}
        assert on.told.order(mine.client_id).filled == on.truth.orders[mine.client_id].filled

    play(story)


@pytest.mark.needs("reduce_only")
@ENTRIES
def test_reduce_only_shrinks(play: Play, entry: Entry) -> None:
    """A reduce-only order larger than the position closes it, never turns it, and is told as it ended."""

    async def story(on: Stage) -> None:
        bid, ask = on.touch()
        held = on.named(on.order(ask, tif="ioc"))
        on.intend(held)
        await on.ended(held.client_id)
        await on.agrees()
        closing = on.named(on.order(bid, on.size(5), "sell", tif="ioc", reduce_only=True))
        (seq,) = on.intend(closing)
        refusal = await on.refusal(seq, closing.client_id)
        await on.agrees()
        position = on.truth.positions[on.symbol].size
        assert position == 0 or (refusal == "reduce_only" and position == held.size)
        assert all(u.reduce_only for u in on.told.updates(closing.client_id))

    play(story, entry=entry)


@pytest.mark.needs("reduce_only")
def test_nothing_to_reduce(play: Play) -> None:
    """A reduce-only order without a position fills nothing; where it is refused, as reduce-only."""

    async def story(on: Stage) -> None:
        bid, _ = on.touch()
        order = on.named(on.order(bid, side="sell", tif="ioc", reduce_only=True))
        (seq,) = on.intend(order)
        assert await on.refusal(seq, order.client_id) in (None, "reduce_only")
        await on.agrees()
        assert not on.told.of(Fill)
        assert TheirSide.SELL not in {fill.side for fill in on.truth.fills}

    play(story)


def test_client_id_again(play: Play) -> None:
    """A client id that the venue has already is looked up: there stays one order, and it is not taken for refused."""

    async def story(on: Stage) -> None:
        order = await on.rest(on.order(on.away()))
        (seq,) = on.intend(order)
        await on.told.until(lambda: any(isinstance(e, Accepted) for e in on.told.outcomes(seq)), "the look-up")
        assert len(on.truth.orders) == 1
        await on.agrees()

    play(story)
