"""What holds whatever the market does and whatever is wished: nothing is used twice, nothing is lost, nothing is foreseen."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from adapters.paper import PaperSettings, PaperVenue
from state.book import Book
from state.events import (
    AmendOrder,
    AnyEvent,
    BookDelta,
    BookSnapshot,
    CancelAll,
    CancelOrder,
    FeedStatus,
    Fill,
    FundingPayment,
    Intent,
    OrderUpdate,
    PlaceOrder,
    PositionUpdate,
    SessionOpened,
    Ticker,
    Trade,
)
from state.instruments import exact
from state.record import Record
from state.reducer import Reducer
from state.shared import SharedState
from state.words import TERMINAL, OrderKind
from tests.adapters.paper.stage import MS, SYMBOL, VENUE, instrument

PRICES = [float(price) for price in range(96, 106)]
SIZES = [0.0, 0.1, 0.5, 1.0, 2.5, 4.0]
OWED = [Decimal(size) for size in ("0.1", "0.3", "1", "2.5", "6")]


@dataclass(frozen=True)
class Step:
    """Something happens `after_ms` the step before; an intent of ours, or a market event."""

    after_ms: int
    event: AnyEvent


def _levels(sizes: Sequence[float], prices: Sequence[float]) -> list[tuple[float, float]]:
    return [(price, size) for price, size in zip(prices, sizes, strict=True) if size]


@st.composite
def snapshots(draw: st.DrawFn) -> BookSnapshot:
    middle = draw(st.integers(2, 8))
    sizes = draw(st.lists(st.sampled_from(SIZES), min_size=10, max_size=10))
    bids, asks = _levels(sizes[:middle], PRICES[:middle]), _levels(sizes[middle:], PRICES[middle:])
    return BookSnapshot(VENUE, SYMBOL, None, bids[::-1], asks, None, draw(st.sampled_from([None, 3, 50])))


@st.composite
def deltas(draw: st.DrawFn) -> BookDelta:
    levels = st.lists(st.tuples(st.sampled_from(PRICES), st.sampled_from(SIZES)), max_size=3)
    return BookDelta(VENUE, SYMBOL, draw(st.none() | st.integers(0, 200)), draw(levels), draw(levels))


def trades() -> st.SearchStrategy[Trade]:
    return st.builds(
        Trade,
        st.just(VENUE),
        st.just(SYMBOL),
        st.none() | st.integers(0, 200),
        st.just("t"),
        st.sampled_from(PRICES),
        st.sampled_from(SIZES[1:]),
        st.sampled_from(["buy", "sell"]),
        st.sampled_from(["normal", "normal", "liquidation", "block"]),
    )


def tickers() -> st.SearchStrategy[Ticker]:
    return st.builds(
        Ticker,
        st.just(VENUE),
        st.just(SYMBOL),
        st.none(),
        mark=st.none() | st.sampled_from(PRICES),
        funding_rate=st.none() | st.sampled_from([0.0001, -0.00035, 0.01]),
        next_funding=st.none() | st.integers(1, 400).map(lambda ms: ms * MS),
    )


@st.composite
def places(draw: st.DrawFn) -> PlaceOrder:
    kind: OrderKind = "limit" if draw(st.integers(0, 3)) else "market"
    return PlaceOrder(
        VENUE,
        SYMBOL,
        draw(st.sampled_from(["buy", "sell"])),
        draw(st.sampled_from(OWED)),
        exact(draw(st.sampled_from(PRICES))) if kind == "limit" else None,
        kind,
        draw(st.sampled_from(["gtc", "gtc", "ioc", "fok", "post_only"])) if kind == "limit" else "ioc",
        draw(st.booleans()) and draw(st.booleans()),
        f"c{draw(st.integers(0, 12))}",
    )


def intents() -> st.SearchStrategy[Intent]:
    client_ids = st.integers(0, 12).map("c{}".format)
    prices = st.sampled_from(PRICES).map(exact)
    return st.one_of(
        places(),
        places(),
        places(),
        st.builds(AmendOrder, st.just(VENUE), st.just(SYMBOL), client_ids, prices, st.sampled_from(OWED)),
        st.builds(CancelOrder, st.just(VENUE), st.just(SYMBOL), client_ids),
        st.builds(CancelAll, st.just(VENUE), st.sampled_from(["", SYMBOL])),
    )


def gaps() -> st.SearchStrategy[FeedStatus]:
    return st.builds(FeedStatus, st.just(VENUE), st.just(SYMBOL), st.just("book"), st.sampled_from(["gap", "stale"]))


def steps() -> st.SearchStrategy[list[Step]]:
    kinds = (snapshots(), deltas(), trades(), trades(), places(), intents(), gaps(), tickers())
    step = st.builds(Step, st.sampled_from([0, 0, 1, 3, 10, 40]), st.one_of(*kinds))
    return st.lists(step, min_size=5, max_size=40)


SLOW = PaperSettings(order_latency_ms=3, response_latency_ms=5, balance=Decimal(3000))
Heard = list[tuple[int, int, AnyEvent]]  # recv, cause, event


def play(played: Sequence[Step], told: PaperSettings = SLOW, opening: BookSnapshot | None = None) -> Heard:
    """Everything that reaches us, an hour after the last step included."""
    venue = PaperVenue(VENUE, told, "s")
    venue.observe(instrument(), 0)
    if opening is not None:
        venue.observe(opening, 0)
    heard: Heard = [(0, 0, event) for event in venue.opening(0)]
    now = 0
    for seq, step in enumerate(played, 1):
        now += step.after_ms * MS
        heard += [(recv, cause, event) for recv, cause, events in venue.collect(now) for event in events]
        if isinstance(step.event, Intent):
            venue.submit(Record(seq, now, 0, step.event), now)
        else:
            venue.observe(step.event, now)
    heard += [(recv, cause, event) for recv, cause, events in venue.collect(now + 3_600_000 * MS) for event in events]
    return heard


def fold(played: Sequence[Step], heard: Heard) -> SharedState:
    """The state of whoever sent the intents and heard the answers, in the order of their times."""
    shared = SharedState()
    reduce = Reducer(shared).apply
    now, sent = 0, list[tuple[int, int, int, AnyEvent]]()
    for seq, step in enumerate(played, 1):
        now += step.after_ms * MS
        if isinstance(step.event, Intent):
            sent.append((now, 0, seq, step.event))
    opened: list[tuple[int, int, int, AnyEvent]] = [(0, 0, 0, SessionOpened("s", 1)), (0, 0, 0, instrument())]
    told = [(recv, 1, cause, event) for recv, cause, event in heard]
    seqs: dict[int, int] = {}
    for place, (recv, heard_here, number, event) in enumerate(opened + sorted(sent + told, key=lambda row: row[:2]), 1):
        if not heard_here:
            seqs[number] = place
        reduce(Record(place, recv, seqs.get(number, 0) if heard_here and number else 0, event))
    return shared


def fills(heard: Heard) -> list[Fill]:
    return [event for _, _, event in heard if isinstance(event, Fill)]


def added(events: Sequence[AnyEvent]) -> dict[tuple[str, float], Decimal]:
    """All size that was ever added to the book, by the side that could take it and by price."""
    book = Book(VENUE, SYMBOL)
    shown: dict[tuple[str, float], Decimal] = defaultdict(Decimal)
    total: dict[tuple[str, float], Decimal] = defaultdict(Decimal)
    for event in events:
        if isinstance(event, BookSnapshot):
            book.replace(event)
        elif isinstance(event, BookDelta):
            book.update(event)
        for ours, levels in (("buy", dict(book.asks())), ("sell", dict(book.bids()))):
            for price in PRICES:
                size = exact(levels.get(price, 0.0))
                total[ours, price] += max(Decimal(0), size - shown[ours, price])
                shown[ours, price] = size
    return total


@given(snapshots(), steps())
def test_fills_never_exceed_what_was_traded_and_what_was_shown(opening: BookSnapshot, played: list[Step]) -> None:
    """What we took at a price was once added there; with what filled us passively it is within that and the trades."""
    room = added([opening, *(step.event for step in played)])
    took: dict[tuple[str, float], Decimal] = defaultdict(Decimal)
    balance = {
        side: sum((size for (ours, _), size in room.items() if ours == side), Decimal(0)) for side in ("buy", "sell")
    }
    for step in played:
        if isinstance(step.event, Trade) and step.event.kind != "block":
            balance["sell" if step.event.side == "buy" else "buy"] += exact(step.event.size)
    for fill in fills(play(played, opening=opening)):
        balance[fill.side] -= fill.size
        if not fill.maker:
            took[fill.side, float(fill.price)] += fill.size
    assert all(size <= room[key] for key, size in took.items())
    assert min(balance.values()) >= 0


def resting() -> st.SearchStrategy[list[tuple[bool, int, Decimal]]]:
    """Orders that cannot cross: whether a buy, ticks from the middle, size."""
    return st.lists(st.tuples(st.booleans(), st.integers(0, 4), st.sampled_from(OWED)), min_size=2, max_size=8)


@given(snapshots(), resting(), st.lists(trades(), min_size=1, max_size=12))
def test_a_trade_fills_no_more_than_its_own_volume(
    opening: BookSnapshot, wished: list[tuple[bool, int, Decimal]], traded: list[Trade]
) -> None:
    """Of all our orders together, and only those that its price reaches, and only on the side that it meets."""
    opening = msgspec.structs.replace(
        opening,
        bids=[level for level in opening.bids if level[0] <= 100],
        asks=[level for level in opening.asks if level[0] > 100],
    )
    played = [*(Step(10, trade) for trade in traded)]
    for number, (is_buy, ticks, size) in enumerate(wished):
        price = Decimal(100 - ticks if is_buy else 101 + ticks)
        order = PlaceOrder(VENUE, SYMBOL, "buy" if is_buy else "sell", size, price, client_id=f"c{number}")
        played.insert(0, Step(0, order))
    by_time: dict[int | None, list[Fill]] = defaultdict(list)
    for fill in fills(play(played, opening=opening)):
        if fill.maker:
            by_time[fill.ts].append(fill)
    for place, trade in enumerate(traded, 1):
        got = by_time.pop(place * 10 * MS, [])
        assert sum((fill.size for fill in got), Decimal(0)) <= exact(trade.size)
        for fill in got:
            assert fill.side != trade.side
            assert float(fill.price) >= trade.price if fill.side == "buy" else float(fill.price) <= trade.price
    assert not by_time


@given(snapshots(), steps())
def test_cash_position_and_fees_are_conserved(opening: BookSnapshot, played: list[Step]) -> None:
    """Our own folding of the fills agrees with the paper venue's words, and with sums in fractions that share no code."""
    heard = play(played, opening=opening)
    account = fold(played, heard).account(VENUE)
    balance, position = account.ledger.balance("USDT"), account.ledger.position(SYMBOL)
    assert balance.difference == 0
    told = [event for _, _, event in heard if isinstance(event, PositionUpdate)][-1:]
    assert [(event.size, event.entry_price) for event in told] == [(position.size, position.avg_price)] * len(told)
    assert bool(told) == bool(fills(heard))
    cash, size, paid = Fraction(SLOW.balance), Fraction(0), Fraction(0)
    for fill in fills(heard):
        signed = Fraction(fill.size) * (1 if fill.side == "buy" else -1)
        assert Fraction(fill.fee) == -abs(signed) * Fraction(fill.price) * Fraction(2 if fill.maker else 5.5) / 10_000
        size += signed
        cash -= signed * Fraction(fill.price)
        paid += Fraction(fill.fee)
    paid += sum((Fraction(event.amount) for _, _, event in heard if isinstance(event, FundingPayment)), Fraction(0))
    assert size == Fraction(position.size)
    assert Fraction(balance.total) + Fraction(position.unrealized(Decimal(100))) == cash + paid + size * 100


@given(snapshots(), steps())
def test_orders_end_as_the_venue_says(opening: BookSnapshot, played: list[Step]) -> None:
    """Every intent is answered once, in order; an order's fills are its filled size; what has ended says nothing more."""
    heard = play(played, opening=opening)
    answered = [cause for _, cause, _ in heard if cause]
    sent = [seq for seq, step in enumerate(played, 1) if isinstance(step.event, Intent)]
    assert list(dict.fromkeys(answered)) == sent
    assert [recv for recv, _, _ in heard] == sorted(recv for recv, _, _ in heard)
    assert len({fill.fill_id for fill in fills(heard)}) == len(fills(heard))
    filled: dict[str | None, Decimal] = defaultdict(Decimal)
    last: dict[str | None, OrderUpdate] = {}
    for _, _, event in heard:
        if isinstance(event, Fill):
            assert event.order_id not in last or last[event.order_id].status not in TERMINAL
            filled[event.order_id] += event.size
        if isinstance(event, OrderUpdate):
            assert event.order_id not in last or last[event.order_id].status not in TERMINAL
            assert event.filled == filled[event.order_id]
            assert event.filled <= (event.size or 0)
            last[event.order_id] = event
    orders = fold(played, heard).account(VENUE).orders
    working = {order.order_id for order in orders.working()}
    assert working == {order_id for order_id, update in last.items() if update.status not in TERMINAL}


@given(snapshots(), steps())
def test_reduce_only_fills_never_open_a_position(opening: BookSnapshot, played: list[Step]) -> None:
    reducing: set[str | None] = set()
    size = Decimal(0)
    heard = play(played, opening=opening)
    for _, _, event in heard:
        if isinstance(event, OrderUpdate) and event.reduce_only:
            reducing.add(event.order_id)
    for fill in fills(heard):
        before, size = size, size + (fill.size if fill.side == "buy" else -fill.size)
        if fill.order_id in reducing:
            assert abs(size) < abs(before)
            assert size * before >= 0


@given(snapshots(), steps())
def test_the_same_input_gives_the_same_bytes(opening: BookSnapshot, played: list[Step]) -> None:
    encode = msgspec.msgpack.encode
    assert encode(play(played, opening=opening)) == encode(play(played, opening=opening))


@given(snapshots(), steps(), steps(), st.data())
def test_nothing_is_foreseen(
    opening: BookSnapshot, played: list[Step], otherwise: list[Step], data: st.DataObject
) -> None:
    """Whatever comes after an instant, what was heard up to it stays the same."""
    cut = data.draw(st.integers(0, len(played)))
    now = sum(step.after_ms for step in played[:cut]) * MS
    another = [*played[:cut], *(Step(step.after_ms + 1, step.event) for step in otherwise)]
    later = [*played[:cut], *(Step(step.after_ms + 1, step.event) for step in played[cut:])]

    def until_now(heard: Heard) -> Heard:
        return [row for row in heard if row[0] <= now]

    assert until_now(play(later, opening=opening)) == until_now(play(another, opening=opening))


@given(snapshots(), steps())
def test_when_it_is_asked_does_not_change_what_is_heard(opening: BookSnapshot, played: list[Step]) -> None:
    """An owner that lets time pass from due to due hears what one hears that asks at once."""
    venue = PaperVenue(VENUE, SLOW, "s")
    venue.observe(instrument(), 0)
    venue.observe(opening, 0)
    heard: Heard = [(0, 0, event) for event in venue.opening(0)]
    now = 0
    for seq, step in enumerate([*played, Step(3_600_000, FeedStatus(VENUE, SYMBOL, "ticker", "ok"))], 1):
        now += step.after_ms * MS
        while (due := venue.due()) is not None and due <= now:
            heard += [(recv, cause, event) for recv, cause, events in venue.collect(due) for event in events]
        if isinstance(step.event, Intent):
            venue.submit(Record(seq, now, 0, step.event), now)
        else:
            venue.observe(step.event, now)
    assert heard == play(played, opening=opening)
