"""The paper venue on a real capture: quotes joined at the touch of four markets, filled by nothing but what was recorded."""

from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from adapters import venue
from adapters.paper import PaperSettings, PaperVenue
from replay.decoding import Decoding
from replay.recordings import Recording
from state.events import (
    AnyEvent,
    BalanceUpdate,
    BookDelta,
    BookSnapshot,
    CancelAll,
    Fill,
    FundingPayment,
    InstrumentDefined,
    PlaceOrder,
    Trade,
)
from state.instruments import Instrument, exact
from state.ledger import Ledger
from state.market import Market
from state.record import Record
from state.words import Side

CAPTURE = "bybit/cryptofeed/BYBIT.v5.2026-08-09.jsonl.zst"
NAME = "bybit"
EVERY_NS = 500_000_000
SETTINGS = PaperSettings(order_latency_ms=5, response_latency_ms=5, balance=Decimal(10_000_000))


@pytest.fixture(scope="module")
def capture(recordings: Path) -> list[tuple[int, AnyEvent]]:
    """Receive times and events of the linear markets."""
    decoding = Decoding(venue(NAME))
    with Recording.open(recordings / CAPTURE) as frames:
        return [(frame.recv_ns, event) for frame in frames for event in decoding.receive(frame) if event.venue == NAME]


class Joiner:
    """Cancels everything and joins the best bid and ask of each market twice a second; hears everything."""

    def __init__(self) -> None:
        self.paper = PaperVenue(NAME, SETTINGS, "s")
        self.markets: dict[str, Market] = {}
        self.heard: list[AnyEvent] = []
        self.reasons: dict[tuple[int, str], list[tuple[Side, float]]] = defaultdict(list)
        self.seq = 0
        self.quoted = 0

    def run(self, capture: list[tuple[int, AnyEvent]]) -> list[AnyEvent]:
        self.heard += self.paper.opening(capture[0][0])
        for recv, event in capture:
            self.hear(recv)
            self.paper.observe(event, recv)
            self.follow(recv, event)
            if recv - self.quoted >= EVERY_NS:
                self.quoted = recv
                self.quote(recv)
        self.hear(capture[-1][0] + EVERY_NS)
        return self.heard

    def follow(self, recv: int, event: AnyEvent) -> None:
        market, reasons = self.market(event.symbol), self.reasons[recv, event.symbol]
        if isinstance(event, InstrumentDefined):
            market.define(event)
        elif isinstance(event, Trade):
            reasons.append((event.side, event.price))
        elif isinstance(event, BookDelta | BookSnapshot):
            market.book.update(event) if isinstance(event, BookDelta) else market.book.replace(event)
            reasons += [("buy", market.book.bid), ("sell", market.book.ask)]

    def market(self, symbol: str) -> Market:
        return self.markets.setdefault(symbol, Market(NAME, symbol))

    def hear(self, until: int) -> None:
        self.heard += [event for _, _, events in self.paper.collect(until) for event in events]

    def quote(self, recv: int) -> None:
        self.submit(CancelAll(NAME, ""), recv)
        for symbol, market in self.markets.items():
            rules = market.instrument
            if market.book.is_ok and rules is not None:
                bid, ask = exact(market.book.bid), exact(market.book.ask)
                quotes: tuple[tuple[Side, Decimal], ...] = (("buy", bid), ("sell", ask))
                for side, price in quotes:
                    size = _size(rules, price)
                    self.submit(
                        PlaceOrder(NAME, symbol, side, size, price, "limit", "post_only", False, self.name()), recv
                    )

    def name(self) -> str:
        return f"c{self.seq}"

    def submit(self, intent: PlaceOrder | CancelAll, recv: int) -> None:
        self.seq += 1
        self.paper.submit(Record(self.seq, recv, 0, intent), recv)


def _size(rules: Instrument, price: Decimal) -> Decimal:
    """About 1,000 USDT."""
    return max(rules.min_size, rules.size(Decimal(1000) / price))


def test_a_real_market_fills_quotes_with_what_traded_and_nothing_else(capture: list[tuple[int, AnyEvent]]) -> None:
    """Every fill has its reason at its instant: a trade at or through its price, or the other side shown there."""
    joiner = Joiner()
    fills = [event for event in joiner.run(capture) if isinstance(event, Fill)]
    assert len(fills) >= 10
    for fill in fills:
        assert fill.maker
        assert fill.ts is not None
        assert any(_fits(fill, side, price) for side, price in joiner.reasons[fill.ts, fill.symbol])
    room: dict[tuple[int, str], Decimal] = defaultdict(Decimal)
    for recv, event in capture:
        if isinstance(event, Trade):
            room[recv, event.symbol] += exact(event.size)
        elif isinstance(event, BookDelta):
            room[recv, event.symbol] += sum((exact(size) for _, size in event.bids + event.asks), Decimal(0))
    for fill in fills:
        room[fill.ts or 0, fill.symbol] -= fill.size
    assert min(room.values()) >= 0


def _fits(fill: Fill, side: str, price: float) -> bool:
    through = price <= float(fill.price) if fill.side == "buy" else price >= float(fill.price)
    return fill.side != side and through


def test_the_account_adds_up_after_a_real_market(capture: list[tuple[int, AnyEvent]]) -> None:
    joiner = Joiner()
    ledger = Ledger(NAME)
    for event in joiner.run(capture):
        if isinstance(event, BalanceUpdate):
            ledger.balance_reported(event)
            assert ledger.balance(event.asset).difference == 0
        elif isinstance(event, Fill):
            ledger.filled(event, joiner.markets[event.symbol].instrument)
        elif isinstance(event, FundingPayment):
            ledger.funded(event)


def test_the_same_capture_gives_the_same_bytes(capture: list[tuple[int, AnyEvent]]) -> None:
    assert msgspec.msgpack.encode(Joiner().run(capture)) == msgspec.msgpack.encode(Joiner().run(capture))
