"""P7: a Python strategy over a made-up market against the paper venue: queue, latency and fees, nothing stored.

`python -m benchmarks.p7_simulate quotes|deltas`
"""

import sys
from collections.abc import Callable
from decimal import Decimal

from reactivex import Observable, abc

from adapters import order_ids
from adapters.paper import PaperSettings
from app.collector import Collector
from benchmarks.made_market import EVERY, LATENCY_NS, MAKER, OFFSET, SIZE, START_NS, TAKER, TICK, batches, count, quotes
from benchmarks.measure import Seconds, WrongAnswer, tell, timed
from replay.simulate import Simulation
from state.book import Book
from state.events import (
    AnyEvent,
    BookDelta,
    BookSnapshot,
    CancelOrder,
    Decision,
    FeedStatus,
    Fill,
    InstrumentDefined,
    PlaceOrder,
)
from state.record import Frame, Record
from streams import operators as op
from streams.feeds import Feeds
from streams.strategy import Strategy

VENUE, SYMBOL = "bybit", "BTCUSDT"
NAMES = {"quotes": "tapeline, quotes", "deltas": "tapeline, deltas"}


class Counted:
    """A sink that counts what it would store."""

    def __init__(self) -> None:
        self.placed = self.fills = 0

    def append(self, record: Record, frame: Frame | None = None) -> None:
        kind = type(record.event)
        if kind is PlaceOrder:
            self.placed += 1
        elif kind is Fill:
            self.fills += 1


class Quoter:
    """Reads the touch at every event; every hundredth time it cancels its two quotes and places two."""

    def __init__(self, offset: float) -> None:
        self.offset = offset
        self.calls = 0

    def __call__(self, feeds: Feeds) -> Observable[Decision]:
        market, orders = feeds.market(VENUE, SYMBOL), feeds.account(VENUE).state.orders

        def start(emit: Callable[[Decision], None], _: abc.SchedulerBase | None) -> Callable[[Book], None]:
            def on_next(book: Book) -> None:
                bid, _, ask, _ = book.touch()
                self.calls += 1
                if self.calls % EVERY:
                    return
                mid = (bid + ask) / 2
                for order in orders.working(SYMBOL):
                    if not order.pending_cancel:
                        emit(CancelOrder(VENUE, SYMBOL, order.client_id))
                for side, price in (("buy", mid - self.offset), ("sell", mid + self.offset)):
                    emit(
                        PlaceOrder(
                            VENUE, SYMBOL, side, Decimal(str(SIZE)), Decimal(round(price / TICK)) / 10, tif="post_only"
                        )
                    )

            return on_next

        return market.book.pipe(op.lift(start))


def records(kind: str) -> tuple[list[Record], int]:
    """The market as recorded, and how many quotes or level changes it has."""
    rules = InstrumentDefined(
        VENUE,
        SYMBOL,
        None,
        "BTC",
        "USDT",
        "USDT",
        "perpetual",
        Decimal("0.1"),
        Decimal("0.001"),
        Decimal("0.001"),
        Decimal(0),
    )
    events: list[tuple[int, AnyEvent]] = [(START_NS, rules), (START_NS, FeedStatus(VENUE, SYMBOL, "book", "ok"))]
    units = count()
    if kind == "quotes":
        events += [
            (ts, BookSnapshot(VENUE, SYMBOL, ts, [(bid, bid_size)], [(ask, ask_size)], None, 1))
            for ts, bid, bid_size, ask, ask_size in quotes(units)
        ]
    else:
        units = 0
        for ts, is_snapshot, changes in batches(count()):
            units += len(changes)
            bids = [(price, size) for side, price, size in changes if not side]
            asks = [(price, size) for side, price, size in changes if side]
            if is_snapshot:
                bids.sort(reverse=True)
            made = BookSnapshot if is_snapshot else BookDelta
            events.append((ts, made(VENUE, SYMBOL, ts, bids, asks)))
    return [Record(seq, ts, 0, event) for seq, (ts, event) in enumerate(events, 1)], units


def simulate(kind: str, market: list[Record]) -> tuple[Counted, Quoter, Seconds]:
    sink, quoter = Counted(), Quoter(OFFSET[kind])
    latency_ms = LATENCY_NS / 1e6
    paper = PaperSettings(
        order_latency_ms=latency_ms,
        response_latency_ms=latency_ms,
        queue="risk_averse",
        maker_fee_bps=Decimal(str(MAKER)) * 10_000,
        taker_fee_bps=Decimal(str(TAKER)) * 10_000,
        balance=Decimal(10_000_000),
    )
    simulation = Simulation(sink, order_ids("bench"), [Strategy("q", quoter)], paper, session="bench", seed=1)
    with Collector():
        seconds = timed(lambda: simulation.run(market))
    return sink, quoter, seconds


def main(kind: str) -> None:
    market, units = records(kind)
    sink, quoter, seconds = simulate(kind, market)
    if quoter.calls < len(market) - 2:
        raise WrongAnswer(f"the strategy saw {quoter.calls} of {len(market) - 2} events")
    if not sink.fills or sink.placed < quoter.calls // EVERY:
        raise WrongAnswer(f"{sink.placed} orders, {sink.fills} fills")
    tell("P7", NAMES[kind], units, seconds, orders=sink.placed, fills=sink.fills)


if __name__ == "__main__":
    main(sys.argv[1])
