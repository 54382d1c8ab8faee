"""What becomes of a request: batches, refusals of every class, silence, limits, clocks and keys."""

import asyncio
from decimal import Decimal
from typing import get_args

import pytest

from adapters import Venue
from adapters.base.client import Meaning, Verdict
from adapters.base.limits import Priority
from adapters.conformance.stage import Entry, Play, Stage, offline
from adapters.conformance.subject import Subject
from adapters.loopback.faults import Fault, Place
from state.errors import VenueError
from state.events import Accepted, AmendOrder, AnyEvent, CancelAll, CancelOrder, FeedStatus, Rejected, Unknown
from state.words import Refusal

pytestmark = pytest.mark.needs("orders")
ENTRIES = pytest.mark.parametrize("entry", ["ws", "rest"])
TIMEOUT_S = 0.3
PATIENCE_S = 3.0
CLASSES = tuple(dict.fromkeys(word for word in (*get_args(Meaning), *get_args(Refusal)) if word != "rejected"))
OFF_GRID = Decimal("0.37")  # of a tick


def kinds(events: list[AnyEvent]) -> list[type]:
    return [type(event) for event in events if isinstance(event, Accepted | Rejected | Unknown)]


# --- several at once ---


@pytest.mark.needs("batch")
@ENTRIES
def test_batch_with_a_bad_leg(play: Play, entry: Entry) -> None:
    """Of orders in one request a bad one is refused alone, and each has its own outcome."""

    async def story(on: Stage) -> None:
        price = on.away(steps=1)
        good = [on.order(on.away(steps=n)) for n in range(3)]
        bad = on.order(price, on.instrument.size(on.subject.account.balance * 200 / price))
        orders = [on.named(order, n) for n, order in enumerate([good[0], bad, good[1], good[2]], start=1)]
        seqs = on.intend(*orders)
        await on.answered(*seqs)
        assert [kinds(on.told.outcomes(seq))[-1] for seq in seqs] == [Accepted, Rejected, Accepted, Accepted]
        await on.agrees()
        assert set(on.truth.open_orders) == {o.client_id for o in orders if o is not orders[1]}

    play(story, entry=entry)


@pytest.mark.needs("batch", "amend")
@ENTRIES
def test_batch_of_amends_and_cancels_with_a_bad_leg(play: Play, entry: Entry) -> None:
    """Of amends, and then of cancels, in one request the one that comes too late is told gone alone."""

    async def story(on: Stage) -> None:
        orders = [await on.rest(on.order(on.away(steps=n))) for n in range(3)]
        on.intend(CancelOrder(orders[1].venue, on.symbol, orders[1].client_id))
        await on.ended(orders[1].client_id)
        await on.agrees()
        amends = [AmendOrder(o.venue, o.symbol, o.client_id, on.away(steps=9), o.size) for o in orders]
        seqs = on.intend(*amends)
        await on.answered(*seqs)
        assert [kinds(on.told.outcomes(seq))[0] for seq in seqs] == [Accepted, Rejected, Accepted]
        seqs = on.intend(*[CancelOrder(o.venue, o.symbol, o.client_id) for o in orders])
        await on.answered(*seqs)
        assert [kinds(on.told.outcomes(seq))[0] for seq in seqs] == [Accepted, Rejected, Accepted]
        await on.agrees()
        assert not on.truth.open_orders

    play(story, entry=entry)


def test_cancel_all(play: Play) -> None:
    """After a cancel of all nothing rests: of the market, and then of the whole venue."""

    async def story(on: Stage) -> None:
        for symbol in (on.symbol, ""):
            for n in range(3):
                await on.rest(on.order(on.away(steps=n)))
            (seq,) = on.intend(CancelAll(on.told.venue, symbol))
            await on.answered(seq)
            assert isinstance(on.told.outcomes(seq)[0], Accepted)
            await on.agrees()
            assert not on.truth.open_orders

    play(story)


# --- refusals ---


@pytest.mark.parametrize("word", CLASSES)
def test_class_of_an_answer(subject: Subject, found: Venue, word: str) -> None:
    """Every class of answer that the venue has is understood as such."""
    if word in subject.unanswered:
        pytest.skip(f"not offered: {subject.unanswered[word]}")  # type: ignore[index]
    samples = subject.answers.get(word, ())  # type: ignore[call-overload]
    assert samples, f"declare an answer of the class {word!r}, or in `unanswered` why there is none"
    client = offline(found, subject).client
    for status, body in samples:
        verdict: Verdict = client.classify(status, body.encode())
        if verdict.meaning == "ok" and word != "ok":  # a venue that says so order by order
            verdict = client.items(status, body.encode(), 1)[0].verdict
        assert word in (verdict.meaning, verdict.refusal), f"{status} {body}: {verdict}"
        assert verdict.known or word == "unknown", f"{status} {body} is in no table"


def test_code_of_no_table(subject: Subject, found: Venue) -> None:
    """An answer that nobody can read says nothing of the order: never that it was refused."""
    client = offline(found, subject).client
    for status, body in ((200, b""), (200, b"<html>"), (500, b""), (520, b"<html>"), (200, b"[]x")):
        (item,) = client.items(status, body, 1)
        assert item.verdict.meaning == "unknown", (status, body, item.verdict)


@pytest.mark.needs("batch")
def test_short_answer(subject: Subject, found: Venue) -> None:
    """Where an answer to a batch names fewer orders than were sent, the others are unknown, not accepted."""
    client = offline(found, subject).client
    for status, body in subject.answers.get("ok", ()):
        items = client.items(status, body.encode(), 5)
        assert len(items) == 5
        assert items[-1].verdict.meaning != "ok", body


@ENTRIES
def test_order_off_the_grid(play: Play, entry: Entry) -> None:
    """A price off the tick is refused as breaking a rule."""

    async def story(on: Stage) -> None:
        order = on.named(on.order(on.away() + on.instrument.tick * OFF_GRID))
        (seq,) = on.intend(order)
        assert await on.refusal(seq, order.client_id) in ("rule", "price_band")
        await on.agrees()

    play(story, entry=entry)


# --- silence ---


@ENTRIES
def test_reply_that_never_comes(play: Play, entry: Entry) -> None:
    """An order whose answer is lost is unknown, then found by its client id, and was sent once."""

    async def story(on: Stage) -> None:
        on.spoil("place", Fault(drop=True))
        order = on.named(on.order(on.away()))
        (seq,) = on.intend(order)
        await on.told.until(lambda: Accepted in kinds(on.told.outcomes(seq)), "the look-up")
        assert kinds(on.told.outcomes(seq)) == [Unknown, Accepted]
        assert list(on.truth.orders) == [order.client_id]
        await on.agrees()

    play(story, entry=entry, timeout_s=TIMEOUT_S)


@pytest.mark.needs("rest")
def test_request_that_never_arrived(play: Play) -> None:
    """An order that the venue never got is unknown first, and refused only after the time for looking it up."""

    async def story(on: Stage) -> None:
        on.spoil("place", Fault(status=502))
        order = on.named(on.order(on.away()))
        (seq,) = on.intend(order)
        await on.told.until(lambda: Rejected in kinds(on.told.outcomes(seq)), "the end of the look-up")
        assert kinds(on.told.outcomes(seq)) == [Unknown, Rejected]
        assert not on.truth.orders
        await on.agrees()

    play(story, timeout_s=TIMEOUT_S, look_up_s=0.3)


@pytest.mark.needs("rest")
def test_executed_behind_an_error(play: Play) -> None:
    """An order that was carried out behind a server's error is found, and not sent again."""

    async def story(on: Stage) -> None:
        on.spoil("place", Fault(status=502, carried_out=True))
        order = on.named(on.order(on.away()))
        (seq,) = on.intend(order)
        await on.told.until(lambda: Accepted in kinds(on.told.outcomes(seq)), "the look-up")
        assert list(on.truth.orders) == [order.client_id]
        await on.agrees()

    play(story)


@pytest.mark.needs("ws")
def test_order_socket_cut(play: Play) -> None:
    """An order socket that is cut between request and answer leaves one order or none, never two, and comes back."""

    async def story(on: Stage) -> None:
        on.spoil("place", Fault(cut=True))
        order = on.named(on.order(on.away()))
        (seq,) = on.intend(order)
        await on.told.until(lambda: len(kinds(on.told.outcomes(seq))) > 1, "the look-up")
        first, last = kinds(on.told.outcomes(seq))
        assert first is Unknown
        assert last is (Accepted if order.client_id in on.truth.orders else Rejected)
        await on.rest(on.order(on.away(steps=1)))
        await on.agrees()

    play(story, entry="ws")


@pytest.mark.needs("amend")
@ENTRIES
@pytest.mark.parametrize("call", ["amend", "cancel"])
def test_other_replies_that_never_come(play: Play, entry: Entry, call: str) -> None:
    """An amend, and a cancel, whose answer is lost is unknown until the order's own state tells."""

    async def story(on: Stage) -> None:
        order = await on.rest(on.order(on.away(steps=5)))
        on.spoil(call, Fault(drop=True))  # type: ignore[arg-type]
        cancel = CancelOrder(order.venue, order.symbol, order.client_id)
        amend = AmendOrder(order.venue, order.symbol, order.client_id, on.away(), order.size)
        (seq,) = on.intend(amend if call == "amend" else cancel)
        await on.told.until(lambda: len(kinds(on.told.outcomes(seq))) > 1, "the look-up")
        assert kinds(on.told.outcomes(seq)) == [Unknown, Accepted]
        await on.agrees()
        known = on.told.order(order.client_id)
        assert not known.unknown
        assert (known.price == on.away()) if call == "amend" else (known.status == "cancelled")

    play(story, entry=entry, timeout_s=TIMEOUT_S)


# --- limits, clocks, keys ---


@pytest.mark.needs("rate_answer", "rest")
def test_too_many_requests(play: Play) -> None:
    """After a 429 an order is sent again or refused as such, never doubled, and orders leave again when the time is over."""

    async def story(on: Stage) -> None:
        on.spoil("place", Fault(status=429))
        order = on.named(on.order(on.away()))
        (seq,) = on.intend(order)
        await on.answered(seq)
        last = [event for event in on.told.outcomes(seq) if isinstance(event, Accepted | Rejected)][-1]
        assert isinstance(last, Accepted) or last.refusal in ("rate", "busy")
        assert len(on.truth.orders) == isinstance(last, Accepted)
        sender = on.exchange.sender
        pool = on.exchange.build("place", order).endpoint.pool
        wait_s = sender.gate.limits.wait_ns(pool, 1, Priority.CREATE, on.exchange.clock.now_ns()) / 1e9
        assert wait_s < 120, "shut for longer than it said"
        if wait_s > PATIENCE_S:
            return  # it says so itself, and we would only sleep
        async with asyncio.timeout(10.0):
            while not any(isinstance(event, Accepted) for event in on.told.outcomes(seq)):
                await asyncio.sleep(0.1)
                (seq,) = on.intend(on.named(on.order(on.away(steps=1))))
                await on.answered(seq)
        await on.agrees()
        assert len(on.truth.orders) == 1

    play(story, timeout_s=1.5)


@pytest.mark.needs("ban", "rest")
def test_ban(play: Play) -> None:
    """A ban is told, and nothing leaves while it lasts."""

    async def story(on: Stage) -> None:
        assert on.subject.ban is not None
        on.spoil("place", on.subject.ban)
        (first,) = on.intend(on.named(on.order(on.away())))
        await on.answered(first)
        assert "banned" in {status.status for status in on.told.of(FeedStatus)}
        on.venue.faults.add(Place.REST, "*", Fault(), times=1_000)  # counts whatever comes
        before = len(on.venue.faults.spent)
        (second,) = on.intend(on.named(on.order(on.away(steps=1))))
        await on.answered(second)
        (refused,) = (event for event in on.told.outcomes(second) if isinstance(event, Rejected))
        assert refused.refusal == "rate"
        assert len(on.venue.faults.spent) == before, "a request left"
        assert not on.truth.orders

    play(story, timeout_s=TIMEOUT_S)


@pytest.mark.parametrize("leap_ms", [3_000, -3_000])
@ENTRIES
def test_clock_skew(play: Play, entry: Entry, leap_ms: int) -> None:
    """A venue whose clock is three seconds off from the start takes our orders."""

    async def story(on: Stage) -> None:
        await on.rest(on.order(on.away()))
        await on.agrees()

    play(story, entry=entry, leap_ms=leap_ms)


@pytest.mark.needs("signed_time")
@ENTRIES
def test_clock_that_leaps(play: Play, entry: Entry) -> None:
    """A venue's clock that falls back by three seconds while we trade is learnt, and the order is taken after all."""

    async def story(on: Stage) -> None:
        on.leap_ms = -3_000
        order = on.named(on.order(on.away()))
        (seq,) = on.intend(order)
        await on.told.until(lambda: Accepted in kinds(on.told.outcomes(seq)), "the order")
        assert Rejected not in kinds(on.told.outcomes(seq))
        await on.agrees()

    play(story, entry=entry)


def test_stranger(play: Play, subject: Subject) -> None:
    """A key that the venue does not know, or that may not trade, ends trading; no word of it stands in what is said."""

    async def story(on: Stage) -> None:
        order = on.named(on.order(on.away()))
        (seq,) = on.intend(order)
        await on.answered(seq)
        (refused,) = (event for event in on.told.outcomes(seq) if isinstance(event, Rejected))
        assert refused.refusal == "fatal"
        assert on.fatal
        said.append(repr(on.fatal) + repr(on.told.records))

    said: list[str] = []
    try:
        play(story, credentials=subject.stranger, is_fatal=True)
    except VenueError as error:
        said.append(repr(error))
        if error.meaning != "fatal":
            raise
    assert subject.stranger.secret.reveal() not in said[0]
