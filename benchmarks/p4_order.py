"""P4: frame bytes in → strategy, risk gate, intent → signed request out, an order on every book frame: the harshest form.

`python -m benchmarks.p4_order [durable]`: the second form leaves only after the log has made the intent durable on SQLite,
through the event loop (uvloop) as a live session does it, and measures bare sqlite3 commits between the orders.
"""

import asyncio
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from time import perf_counter_ns

import uvloop
from reactivex import Observable

from adapters import order_ids
from adapters.base.client import SignedRequest
from adapters.base.settings import VenueSettings
from adapters.bybit.exchange import Exchange
from adapters.bybit.websocket import Websocket
from app.collector import Collector
from benchmarks.ingest import SYMBOLS, VENUE, KeptBlocks
from benchmarks.measure import SCRATCH, WrongAnswer, frames, is_book, percentiles, tell
from benchmarks.opening import FRAME_NS, START_NS, open_session
from state.book import Book
from state.clock import WallClock
from state.events import Decision, OrderUpdate, PlaceOrder
from state.log import Log
from state.record import Frame, Record, RecordSink
from state.secrets import Credentials, Secret
from streams import operators as op
from streams.feeds import Feeds
from streams.pipeline import Pipeline
from streams.risk import RiskLimits, risk_gate
from streams.strategy import Strategy

ORDERS = 6_000
DURABLE_ORDERS = 1_500
TIMEOUT_S = 120.0  # an order that never leaves is not waited for
WARM_UP = 0.1  # of the orders, not counted
LIMITS = RiskLimits(
    max_order_size=Decimal(1_000), max_open_orders=10, max_position=Decimal(100_000), price_collar_bps=500.0
)
SIZES = {"BTCUSDT": "0.01", "ETHUSDT": "0.1", "SOLUSDT": "1", "DOGEUSDT": "100"}


def touch_buyer(symbol: str) -> Strategy:
    """A post-only buy at the best bid after every change of the book."""

    def build(feeds: Feeds) -> Observable[Decision]:
        market, size = feeds.market(VENUE, symbol), Decimal(SIZES[symbol])

        def order(bid: float) -> Decision:
            instrument = market.instrument
            assert instrument is not None
            return PlaceOrder(VENUE, symbol, "buy", size, instrument.price("buy", bid), "limit", "post_only")

        def best(book: Book) -> float:
            return book.bid

        return market.book.pipe(op.map(best), op.map(order), risk_gate(LIMITS, feeds))

    return Strategy(f"buyer.{symbol}", build)


class Chain:
    """From a frame to what would be sent; `decided` is told the intents of each tick."""

    def __init__(self, sink: RecordSink, decided: Callable[[Sequence[Record]], None]) -> None:
        credentials = Credentials(Secret("k" * 18), Secret("s" * 36))
        self.websocket = Websocket(VENUE, "public.0", "")
        self.exchange = Exchange(VenueSettings(VENUE, order_entry="rest"), self, WallClock(), "bench", credentials)
        self.pipeline = Pipeline(sink, order_ids("bench"), on_tick=decided)
        self.sent = 0
        self.last: SignedRequest | None = None
        self.left_at = 0
        self._recv = START_NS
        open_session(self.pipeline, "bench", [touch_buyer(symbol) for symbol in SYMBOLS])

    def feed(self, recv: int, events: Sequence[object], cause: int = 0, frame: Frame | None = None) -> None:
        """The exchange's inbox: in here it says nothing, since nothing is sent."""
        raise WrongAnswer(f"the exchange spoke: {events}")

    def take(self, frame: bytes) -> None:
        self._recv += FRAME_NS
        events = self.websocket.receive(frame, self._recv)
        if events:
            self.pipeline.feed(self._recv, events)

    def sign(self, intents: Sequence[Record]) -> None:
        """The request of each intent, built and signed for now."""
        for record in intents:
            event = record.event
            assert isinstance(event, PlaceOrder)
            self.last = self.exchange.request("place", event)
            self.sent += 1

    def end_orders(self) -> None:
        """What was placed is cancelled by the venue, so that the next order meets the same state; not part of the time."""
        for order in list(self.pipeline.shared.account(VENUE).orders.working()):
            gone = OrderUpdate(VENUE, order.symbol, None, order.client_id, f"v{order.client_id}", "cancelled")
            self.pipeline.feed(self._recv, [gone])

    def checked(self) -> None:
        """Raises `WrongAnswer` unless the last request is a signed post-only order."""
        last = self.last
        if last is None or "PostOnly" not in (last.body or b"").decode() or "X-BAPI-SIGN" not in last.headers:
            raise WrongAnswer(f"not a signed post-only order: {last}")


def in_memory(inputs: list[bytes]) -> None:
    chain: Chain

    def decided(intents: Sequence[Record]) -> None:
        chain.sign(intents)

    chain = Chain(KeptBlocks(), decided)
    spans = []
    with Collector():
        for frame in inputs:
            sent = chain.sent
            start = perf_counter_ns()
            chain.take(frame)
            spans.append(perf_counter_ns() - start)
            if chain.sent != sent + 1:
                raise WrongAnswer(f"{chain.sent - sent} orders came of one frame")
            chain.end_orders()
    chain.checked()
    _tell("tapeline, order", spans)


async def durable(inputs: list[bytes], folder: Path) -> None:
    """Frame → log → commit → loop → signed, and after each a bare commit of one row on a database of its own."""
    loop = asyncio.get_running_loop()
    with Log.open(f"sqlite:///{folder / 'log.db'}") as log, Collector():
        writer = log.begin("bench", "{}", START_NS)
        gone: asyncio.Future[None] = loop.create_future()
        chain: Chain

        def leave(intents: Sequence[Record]) -> None:
            chain.sign(intents)
            chain.left_at = perf_counter_ns()
            gone.set_result(None)

        def decided(intents: Sequence[Record]) -> None:
            writer.flush()  # as `app/session.py` does it
            loop.call_soon(leave, intents)

        chain = Chain(writer, decided)
        bare = BareCommits(folder / "bare.db")
        spans, commits = [], []
        for frame in inputs:
            gone = loop.create_future()
            start = perf_counter_ns()
            chain.take(frame)
            await gone
            spans.append(chain.left_at - start)
            chain.end_orders()
            writer.flush()
            commits.append(bare.commit())
        chain.checked()
        writer.close(START_NS + len(inputs) * FRAME_NS)
        bare.close()
    _tell("tapeline, order, durable before", spans)
    _tell("bare sqlite3 commit", commits)


class BareCommits:
    """The least that durable means: one small row, WAL, synchronous FULL, by `sqlite3` itself."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.execute("CREATE TABLE orders (seq INTEGER PRIMARY KEY, body BLOB)")
        self._rows = 0

    def commit(self) -> int:
        """Nanoseconds of one."""
        self._rows += 1
        start = perf_counter_ns()
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute("INSERT INTO orders VALUES (?, ?)", (self._rows, b"x" * 200))
        self._connection.execute("COMMIT")
        return perf_counter_ns() - start

    def close(self) -> None:
        self._connection.close()


def _tell(name: str, spans: list[int]) -> None:
    counted = spans[int(len(spans) * WARM_UP) :]
    tell("P4", name, len(counted), sum(counted) / 1e9, **percentiles(counted))


def main(mode: str) -> None:
    inputs = [frame for frame in frames() if is_book(frame)]
    if mode == "durable":
        with tempfile.TemporaryDirectory(prefix="p4_", dir=SCRATCH) as folder:
            uvloop.run(asyncio.wait_for(durable(inputs[:DURABLE_ORDERS], Path(folder)), TIMEOUT_S))
    else:
        in_memory(inputs[:ORDERS])


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
