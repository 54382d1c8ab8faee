"""What a session knows before its first market frame: the four markets' rules, an account that is ready, the strategies."""

from collections.abc import Sequence
from decimal import Decimal

from benchmarks.ingest import SYMBOLS, VENUE
from state.events import AnyEvent, FeedStatus, InstrumentDefined, SessionOpened
from streams.pipeline import Pipeline
from streams.strategies import build
from streams.strategy import Strategy, run_strategies

START_NS = 1_786_310_819_869_000_000
FRAME_NS = 3_000_000  # session time from one frame to the next, about the capture's own pace

_RULES = {  # tick, lot, a quote's size
    "BTCUSDT": ("0.1", "0.001", "0.01"),
    "ETHUSDT": ("0.01", "0.01", "0.1"),
    "SOLUSDT": ("0.01", "0.1", "1"),
    "DOGEUSDT": ("0.00001", "1", "100"),
}


def instrument(symbol: str) -> InstrumentDefined:
    tick, lot, _ = _RULES.get(symbol, _RULES["BTCUSDT"])
    base = symbol.removesuffix("USDT")
    return InstrumentDefined(
        VENUE, symbol, None, base, "USDT", "USDT", "perpetual", Decimal(tick), Decimal(lot), Decimal(lot), Decimal(5)
    )


def opening(session: str) -> Sequence[AnyEvent]:
    """Facts, in the order in which a live session learns them."""
    return [*map(instrument, SYMBOLS), FeedStatus(VENUE, "", "account", "ok")]


def plain_on(symbols: Sequence[str]) -> list[Strategy]:
    """The strategy `plain` on each of these markets."""
    return [
        build(
            "plain",
            {
                "venue": VENUE,
                "symbol": symbol,
                "size": _RULES[symbol][2],
                "max_position": str(10 * Decimal(_RULES[symbol][2])),
            },
            f"plain.{symbol}",
        )
        for symbol in symbols
    ]


def open_session(pipeline: Pipeline, session: str, strategies: Sequence[Strategy]) -> None:
    """As a live session opens: the strategies are there before the first fact."""
    pipeline.feed(START_NS, [SessionOpened(session, 7)])
    run_strategies(pipeline, strategies)
    for event in opening(session):
        pipeline.feed(START_NS, [event])
