"""A session's life: what is told at the start, what a lost private socket missed, polls, secrets, and the way out."""

import asyncio
from decimal import Decimal

import pytest
from msgspec.structs import replace

from adapters.base.limits import Priority
from adapters.base.query import Query
from adapters.conformance.stage import Play, Stage
from adapters.conformance.subject import Subject
from adapters.loopback.faults import Fault, Place
from state.errors import VenueError
from state.events import (
    BalanceUpdate,
    BookSnapshot,
    FeedStatus,
    Fill,
    InstrumentDefined,
    OrderUpdate,
    PositionUpdate,
    Reconciled,
    Trade,
)

pytestmark = pytest.mark.needs("orders")


def account_words(on: Stage) -> list[str]:
    return [status.status for status in on.told.of(FeedStatus) if status.channel == "account"]


async def hold(on: Stage, units: int = 2) -> None:
    """Buys so many units."""
    order = on.named(on.order(on.touch()[1], on.size(units), tif="ioc"))
    on.intend(order)
    await on.ended(order.client_id)
    await on.agrees()


def test_start(play: Play) -> None:
    """At the start the market's rules are told with the account's fees, then the account, and then that it is whole."""

    async def story(on: Stage) -> None:
        kinds = [type(record.event) for record in on.told.records]
        rules = on.told.of(InstrumentDefined)[0]
        assert rules.symbol == on.symbol
        assert min(rules.tick, rules.lot, rules.min_size) > 0
        assert rules.base
        assert rules.settle
        assert rules.maker_fee is not None
        assert rules.taker_fee is not None
        assert kinds.index(InstrumentDefined) < kinds.index(BalanceUpdate)
        balances = {b.asset: b.total for b in on.told.of(BalanceUpdate)}
        assert balances[rules.settle] == on.subject.account.balance
        assert account_words(on)[-1] == "ok"

    play(story)


def test_orders_that_were_there(play: Play) -> None:
    """What the account held and had resting when we started is told with the start."""

    async def story(on: Stage) -> None:
        await hold(on)
        order = await on.rest(on.order(on.away()))
        await on.exchange.reconcile()
        sizes = [update.size for update in on.told.of(PositionUpdate) if update.symbol == on.symbol]
        assert sizes[-1] == on.truth.positions[on.symbol].size
        assert on.told.order(order.client_id).status == "open"
        assert on.told.of(Reconciled) == [], "nothing differed"

    play(story)


def test_fills_while_nobody_listened(play: Play) -> None:
    """Fills of the time without the private socket are fetched once and marked as late; then the account is whole again."""

    async def story(on: Stage) -> None:
        bid, _ = on.touch()
        order = await on.rest(on.order(bid))
        before = len(account_words(on))
        assert on.venue.cut_sockets(Place.PRIVATE)
        on.hit(order, order.size)
        await on.ended(order.client_id)
        await on.agrees()
        await on.told.until(lambda: account_words(on)[-1] == "ok" and len(account_words(on)) > before, "the account")
        fills = on.told.fills()
        assert len({fill.fill_id for fill in fills}) == len(fills)
        assert all(fill.backfilled for fill in fills)
        assert "down" in account_words(on)[before:]
        differed = {(r.subject, r.what) for r in on.told.of(Reconciled)}
        assert ("order", order.client_id) in differed

    play(story)


def test_order_that_went_while_nobody_listened(play: Play) -> None:
    """An order that was cancelled elsewhere meanwhile has ended after the reconnect; where the venue forgot it, by its time."""

    async def story(on: Stage) -> None:
        order = await on.rest(on.order(on.away()))
        theirs = on.truth.orders[order.client_id]
        on.venue.cut_sockets(Place.PRIVATE)
        on.venue.floor.cancel(on.subject.account.key, theirs.order_id, on.now_ms())
        assert (await on.ended(order.client_id)).status in ("cancelled", "expired")
        await on.agrees()

    play(story)


def test_lost_fill(play: Play) -> None:
    """A fill whose frame was lost is found when the account is next read."""

    async def story(on: Stage) -> None:
        bid, _ = on.touch()
        order = await on.rest(on.order(bid))
        on.venue.faults.add(Place.PRIVATE, "*", Fault(drop=True), times=20)
        on.hit(order, order.size)
        on.venue.faults.rules.clear()
        await on.exchange.reconcile()
        await on.agrees()
        assert sum(fill.size for fill in on.told.fills()) == order.size

    play(story)


def test_account_that_cannot_be_read(play: Play) -> None:
    """After a reconnect an account that cannot be read is down until it can."""

    async def story(on: Stage) -> None:
        before = len(account_words(on))
        on.venue.faults.add(Place.REST, on.subject.rest["read"], Fault(status=503), times=6)
        on.venue.cut_sockets(Place.PRIVATE)
        await on.told.until(lambda: "ok" in account_words(on)[before:], "the account")
        assert account_words(on)[before:].count("ok") == 1
        assert account_words(on)[before] == "down"

    play(story, hasty=True)


def test_read_is_repeated(play: Play) -> None:
    """A read is repeated where that may help, and raises the venue's own words where it cannot."""

    async def story(on: Stage) -> None:
        on.venue.faults.add(Place.REST, on.subject.rest["read"], Fault(status=502))
        await on.exchange.positions(Query(symbol=on.symbol))
        with pytest.raises(VenueError):
            await on.exchange.book(Query(symbol="NO-SUCH-MARKET"))

    play(story, hasty=True)


def test_polls(play: Play) -> None:
    """What is asked for by REST is what the venue knows: book, trades, orders, fills, position, money, time."""

    async def story(on: Stage) -> None:
        order = await on.rest(on.order(on.away()))
        await hold(on)
        at, exchange = Query(symbol=on.symbol), on.exchange
        (book,) = await exchange.book(at)
        assert isinstance(book, BookSnapshot)
        assert (book.bids[0][0], book.asks[0][0]) == tuple(map(float, on.touch()))
        assert all(isinstance(trade, Trade) for trade in await exchange.trades(at))
        assert await exchange.tickers(at)
        listed = [o.client_id for o in await exchange.open_orders(at) if isinstance(o, OrderUpdate)]
        assert listed == [order.client_id]
        fills = [f for f in await exchange.executions(at) if isinstance(f, Fill)]
        assert sum(fill.size for fill in fills) == on.truth.positions[on.symbol].size
        held = [p.size for p in await exchange.positions(at) if isinstance(p, PositionUpdate) and p.symbol == on.symbol]
        assert held == [on.truth.positions[on.symbol].size]
        total = next(
            b.total for b in await exchange.wallet() if isinstance(b, BalanceUpdate) and b.asset == on.instrument.settle
        )
        assert abs(total - on.truth.wallet) < Decimal("0.01")
        assert abs(await exchange.server_time() / 1e6 - on.now_ms()) < 1_000

    play(story)


@pytest.mark.parametrize("entry", ["ws", "rest"])
def test_secrets(play: Play, subject: Subject, entry: str) -> None:
    """No word of a key stands in any event or frame that is kept, and requests are kept too."""

    async def story(on: Stage) -> None:
        await on.rest(on.order(on.away()))
        await on.exchange.shutdown("cancel")

    on = play(story, entry=entry)
    kept = [frame for frame, _ in on.told.frames]
    assert {frame.direction for frame in kept} == {"in", "out"}
    text = repr(on.told.records) + "".join(f"{frame.url} {frame.body!r}" for frame in kept)
    for word in (subject.credentials.key, subject.credentials.secret, subject.credentials.passphrase):
        assert not word or word.reveal() not in text


@pytest.mark.parametrize("policy", ["cancel", "flatten", "leave"])
def test_shutdown(play: Play, policy: str) -> None:
    """The way out does what its policy says, and asks the venue whether it is true."""

    async def story(on: Stage) -> None:
        for n in range(2):
            await on.rest(on.order(on.away(steps=n)))
        await hold(on)
        report = await on.exchange.shutdown(policy)  # type: ignore[arg-type]
        assert report.clean, report
        assert len(on.truth.open_orders) == len(report.open_orders) == (2 if policy == "leave" else 0)
        position = on.truth.positions[on.symbol].size
        assert (position == 0) == (policy == "flatten")
        assert bool(report.positions) == (policy != "flatten")
        await on.agrees()

    play(story)


def test_shutdown_that_is_refused(play: Play) -> None:
    """A way out whose cancels come to nothing says so."""

    async def story(on: Stage) -> None:
        await on.rest(on.order(on.away()))
        for call in ("cancel", "cancel_all"):
            on.venue.faults.add(Place.REST, on.subject.rest[call], Fault(status=500), times=1_000)
        report = await on.exchange.shutdown("cancel")
        assert not report.clean
        assert report.errors

    play(story, hasty=True)


def test_shutdown_leaves_what_is_not_ours(play: Play) -> None:
    """An order of somebody else on the same account, under an id that this session never gave, rests on and is counted."""

    async def story(on: Stage) -> None:
        exchange = on.exchange
        mine = await on.rest(on.order(on.away()))
        theirs = replace(on.order(on.away(steps=3)), client_id=type(exchange.order_ids)("somebody else").make(7))
        assert (await exchange.sender.once(exchange.build("place", theirs))).verdict.meaning == "ok"
        updates = on.told.updates
        await on.told.until(lambda: any(u.status == "open" for u in updates(theirs.client_id)), "the other's order")
        report = await exchange.shutdown("cancel")
        assert (report.clean, report.open_orders) == (True, ())
        assert mine.client_id not in on.truth.open_orders
        assert not [update for update in updates(theirs.client_id) if update.status == "cancelled"]
        if not exchange.capabilities.expires:  # else it may have ended by itself meanwhile
            assert report.foreign == 1
            assert set(on.truth.open_orders) == {theirs.client_id}

    play(story)


def test_shutdown_with_every_budget_used_up(play: Play) -> None:
    """What was kept back for an emergency is enough to cancel with, at once."""

    async def story(on: Stage) -> None:
        for n in range(2):
            await on.rest(on.order(on.away(steps=n)))
        limits, now = on.exchange.sender.gate.limits, on.exchange.clock.now_ns()
        for pool in on.exchange.pools():
            while not (pool.draws or pool.each or limits.wait_ns(pool.name, 1, Priority.READ, now)):
                limits.spend(pool.name, 1, now)
        ending = asyncio.create_task(on.exchange.shutdown("cancel"))
        try:
            await on.told.until(lambda: not on.truth.open_orders, "the end of what rests")
        finally:
            ending.cancel()
            await asyncio.gather(ending, return_exceptions=True)

    play(story)
