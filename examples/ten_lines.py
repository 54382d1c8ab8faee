"""A strategy of ten lines, and a market made up on the spot to run it in: `python examples/ten_lines.py`."""

from collections.abc import Iterator
from decimal import Decimal

from reactivex import Observable

from state.events import (
    AmendOrder,
    AnyEvent,
    BookSnapshot,
    CancelOrder,
    Decision,
    FeedStatus,
    InstrumentDefined,
    OrderUpdate,
    PlaceOrder,
    SessionOpened,
    Trade,
)
from state.record import Collected, Record
from state.words import OrderStatus
from streams import operators as op
from streams.feeds import Feeds
from streams.pipeline import Pipeline
from streams.quoting import Quote, ladder, to_intents
from streams.risk import RiskLimits, risk_gate
from streams.strategy import Strategy, run_strategies

VENUE, SYMBOL = "bybit", "BTCUSDT"
LIMITS = RiskLimits(max_position=Decimal("0.01"), max_open_orders=6, price_collar_bps=100)


def ten_lines(feeds: Feeds) -> Observable[Decision]:
    """Three levels a side around the microprice, wider when trades jump, leaning against the position."""
    market, account = feeds.market(VENUE, SYMBOL), feeds.account(VENUE)
    fair = market.book.pipe(op.microprice(), op.ema(half_life_s=0.25))
    width = market.trades.pipe(op.ewma_volatility(half_life_s=60), op.clamp(2.0, 50.0))
    lean = account.position(SYMBOL).pipe(op.utilisation(max_position=0.01))

    def quotes(now: tuple[float, float, float]) -> tuple[Quote, ...]:
        return ladder(*now, size=0.002, levels=3, spacing_bps=2.0, skew_bps=4.0, max_position=0.01)

    return op.combine(fair, width, lean).pipe(
        op.throttle(0.5), op.map(quotes), to_intents(feeds, VENUE, SYMBOL), risk_gate(LIMITS, feeds)
    )


def market(seconds: int) -> Iterator[tuple[int, list[AnyEvent]]]:
    """(ns, burst) of a market that swings by 20 bps."""
    yield 0, [
        SessionOpened("ten-lines", seed=1),
        InstrumentDefined(
            VENUE, SYMBOL, None, "BTC", "USDT", "USDT", "perpetual",
            tick=Decimal("0.1"), lot=Decimal("0.001"), min_size=Decimal("0.001"), min_notional=Decimal(5),
        ),
        FeedStatus(VENUE, "", "account", "ok"),
    ]  # fmt: skip
    for step in range(seconds * 10):
        mid = 60_000 + 120 * abs((step / 50) % 2 - 1)
        burst: list[AnyEvent] = [BookSnapshot(VENUE, SYMBOL, None, [(mid - 0.5, 2.0)], [(mid + 0.5, 1.0)])]
        if step % 5 == 0:
            burst.append(Trade(VENUE, SYMBOL, None, str(step), mid + 0.5, 0.01, "buy"))
        yield step * 100_000_000, burst


def run(seconds: int = 20) -> Collected:
    """Runs it; a venue that takes every intent at once answers."""
    log = Collected()
    sent: list[Record] = []
    pipeline = Pipeline(log, lambda _, seq: f"ten-{seq}", on_tick=sent.extend)
    for number, (at, burst) in enumerate(market(seconds)):
        pipeline.feed(at, burst)
        if number == 0:
            run_strategies(pipeline, [Strategy("ten_lines", ten_lines)])
        intents, sent[:] = list(sent), []
        for intent in intents:
            order = pipeline.shared.account(VENUE).orders.get(getattr(intent.event, "client_id", ""))
            if order is not None and order.is_open:
                price, size = order.pending_amend or (order.price, order.size)
                status: OrderStatus = "cancelled" if order.pending_cancel else "open"
                answer = OrderUpdate(
                    VENUE, SYMBOL, None, order.client_id, order.client_id, status, price=price, size=size
                )
                pipeline.feed(at, [answer], cause=intent.seq)
    return log


if __name__ == "__main__":
    log = run()
    for record in log.records:
        if isinstance(record.event, PlaceOrder | AmendOrder | CancelOrder):
            print(record.seq, record.event)
