"""A session that a real pipeline decides on inputs given by hand, written into a log: every cause in it is known."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec
import reactivex
from reactivex import Observable
from reactivex import operators as rx

from adapters import order_ids
from state.events import (
    Accepted,
    AnyEvent,
    BalanceUpdate,
    BookSnapshot,
    Decision,
    FeedStatus,
    Fill,
    OrderUpdate,
    PlaceOrder,
    SessionClosed,
    SessionOpened,
)
from state.log import Log
from state.manifest import Manifest, StrategyEntry
from state.record import Frame, Record
from streams import operators as op
from streams.feeds import Feeds
from streams.pipeline import Pipeline
from streams.quoting import Quote, to_intents
from streams.risk import RiskLimits, risk_gate
from streams.strategies.recorded import strategies_of
from streams.strategy import run_strategies
from tests.replay.told import OPENED, instrument

D = Decimal
VENUE, SYMBOL = "bybit", "BTCUSDT"
MS = 1_000_000


class Offer(msgspec.Struct, frozen=True):
    """Parameters of `offer`."""

    size: float = 0.1
    sides: str = "buy sell"
    limit: str = "1"  # most to hold
    wait_s: float = 0.0  # throttles quotes where above zero
    deaf: bool = False  # waits for a signal that never comes


def offer(feeds: Feeds, p: Offer) -> Observable[Decision]:
    """A quote a side, one tick outside of the microprice's average."""
    market = feeds.market(VENUE, SYMBOL)

    def quotes(wish: tuple[float, ...]) -> tuple[Quote, ...]:
        sides = {"buy": Quote("buy", wish[0] - 1, p.size, "b0"), "sell": Quote("sell", wish[0] + 1, p.size, "a0")}
        return tuple(sides[side] for side in p.sides.split())

    fair = market.book.pipe(op.microprice(), op.ema(1.0), rx.map(lambda price: round(price, 1)))
    heard = op.combine(fair, feeds.signal("go")) if p.deaf else op.combine(fair)
    wait = (op.throttle(p.wait_s),) if p.wait_s else ()
    return heard.pipe(
        *wait,
        op.map(quotes),
        to_intents(feeds, VENUE, SYMBOL),
        risk_gate(RiskLimits(max_position=D(p.limit)), feeds),
    )


def offer_several(feeds: Feeds, p: Offer) -> Observable[Decision]:
    """A quote a side in each of two markets around its own mid, and one in a third that the first two are both fair to."""

    def quoted(fair: Observable[float]) -> Observable[tuple[Quote, ...]]:
        def quotes(mid: float) -> tuple[Quote, ...]:
            return (Quote("buy", mid - 1, p.size, "b0"), Quote("sell", mid + 1, p.size, "a0"))

        return fair.pipe(op.map(quotes))

    wishes = [quoted(feeds.market(VENUE, symbol).book.pipe(op.mid())) for symbol in (SYMBOL, "ETHUSDT")]
    markets = zip((SYMBOL, "ETHUSDT", "SOLUSDT"), (*wishes, wishes[1]), strict=True)
    return reactivex.merge(*(wish.pipe(to_intents(feeds, VENUE, symbol)) for symbol, wish in markets)).pipe(
        risk_gate(RiskLimits(max_position=D(p.limit)), feeds)
    )


class Desk:
    """Feeds a pipeline that writes into a log, and answers what it decides."""

    def __init__(
        self, log: Log, offered: Offer | None = None, session: str = "20260809-desk", function: str = "offer"
    ) -> None:
        params = msgspec.Raw(msgspec.json.encode(offered if offered is not None else Offer()))
        self.manifest = Manifest(
            seed=7, strategies=[StrategyEntry("offer", f"tests.replay.decided:{function}", params)], venues=[VENUE],
            symbols=[SYMBOL], risk=msgspec.Raw(b'{"max_open_orders":2}'),
        )  # fmt: skip
        self.session = session
        self.now = OPENED
        self.intents: list[Record] = []
        self._writer = log.begin(session, self.manifest.to_json(), OPENED, market_frames=True)
        self.pipeline = Pipeline(self._writer, order_ids(session), on_tick=self._decided)
        self.feed([SessionOpened(session, 7)])
        run_strategies(self.pipeline, strategies_of(self.manifest))

    def feed(self, events: Sequence[AnyEvent], cause: int = 0, frame: Frame | None = None, after_ms: int = 1) -> int:
        """One burst; returns the seq of its first record."""
        self.now += after_ms * MS
        seq = self.pipeline.seq + 1
        self.pipeline.feed(self.now, events, cause, frame)
        return seq

    def open(self) -> None:
        """Rules and account."""
        self.feed([instrument()])
        self.feed(
            [BalanceUpdate(VENUE, "", self.now, "USDT", D(1000)), FeedStatus(VENUE, "", "account", "ok", "reconciled")]
        )

    def book(self, bid: float, ask: float, *, after_ms: int = 1) -> int:
        body = b'{"topic":"orderbook","bid":%a,"ask":%a}' % (bid, ask)
        frame = Frame(self.now + after_ms * MS, VENUE, "public.0", "in", body)
        snapshot = BookSnapshot(VENUE, SYMBOL, self.now, [(bid, 1.0)], [(ask, 1.0)], 1, 50)
        return self.feed([snapshot], frame=frame, after_ms=after_ms)

    def accept(self) -> dict[str, int]:
        """The venue takes every placement that waits; seqs of what it said by client id."""
        said = {}
        for record in self.intents:
            event = record.event
            if isinstance(event, PlaceOrder):
                body = f'{{"op":"create","orderLinkId":"{event.client_id}"}}'.encode()
                self._writer.keep(Frame(self.now + MS // 2, VENUE, "trade", "out", body, private=True))
                order_id = f"o{record.seq}"
                answer = Frame(
                    self.now + MS, VENUE, "trade", "in", f'{{"ok":"{event.client_id}"}}'.encode(), private=True
                )
                taken = Accepted(VENUE, SYMBOL, None, "place", event.client_id, order_id)
                said[event.client_id] = self.feed([taken], record.seq, answer)
                told = OrderUpdate(
                    VENUE,
                    SYMBOL,
                    self.now,
                    event.client_id,
                    order_id,
                    "open",
                    event.side,
                    price=event.price,
                    size=event.size,
                )
                self.feed([told])
        self.intents = []
        return said

    def fill(self, placed: Record, fill_id: str, size: str = "0.1") -> int:
        event = placed.event
        assert isinstance(event, PlaceOrder)
        assert event.price is not None
        body = f'{{"topic":"execution","execId":"{fill_id}"}}'.encode()
        frame = Frame(self.now + MS, VENUE, "private", "in", body, private=True)
        done = Fill(
            VENUE, SYMBOL, self.now, fill_id, f"o{placed.seq}", event.client_id, event.side, event.price, D(size),
            D("-0.01"), "USDT", True,
        )  # fmt: skip
        return self.feed([done], frame=frame)

    def close(self) -> str:
        self.feed([SessionClosed("the end")])
        self._writer.close(self.now, "closed")
        return self.session

    def _decided(self, intents: Sequence[Record]) -> None:
        self.intents.extend(intents)
