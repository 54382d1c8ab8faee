"""A night of three markets that settle in three assets, one of them inverse, and a strategy that takes in each of them."""

from decimal import Decimal

import msgspec
import reactivex
from reactivex import Observable

from state.events import (
    AnyEvent,
    BookSnapshot,
    Decision,
    FeedStatus,
    InstrumentDefined,
    PlaceOrder,
    SessionClosed,
    SessionOpened,
    Ticker,
)
from state.log import Log
from state.manifest import Manifest
from state.record import Record
from streams import operators as op
from streams.feeds import Feeds

D = Decimal
SECOND = 1_000_000_000
MIDNIGHT = 1_767_225_600 * SECOND  # 2026-01-01, and a funding time
OPENED = MIDNIGHT - 60 * SECOND
STRATEGY = f"{__name__}:taking"
VENUE, SESSION = "many", "20251231-many"
LINEAR, COIN, INVERSE = "AUSDT", "BUSDC", "BTCUSD"
PRICES = {LINEAR: 1_000.0, COIN: 50.0, INVERSE: 50_000.0}
SOLD_AT = {LINEAR: 80, COIN: 85, INVERSE: 90}  # books
SIZES = {LINEAR: D("0.2"), COIN: D("4"), INVERSE: D("30")}
WORTH = D(100)  # USD, of an inverse contract
RATE = 0.0003


def rules(symbol: str, quote: str, settle: str, lot: str, *, inverse: bool = False) -> InstrumentDefined:
    size = WORTH if inverse else D(1)
    return InstrumentDefined(
        VENUE, symbol, None, symbol.removesuffix(quote), quote, settle, "perpetual", D("0.5"), D(lot), D(lot), D(0),
        contract_size=size, inverse=inverse,
    )  # fmt: skip


def record(url: str) -> str:
    """Two minutes around midnight: prices rise by a tick each second, funding is due in the middle; gives the session's id."""
    events: list[tuple[int, AnyEvent]] = [(0, SessionOpened(SESSION, 1))]
    events += [
        (0, rules(LINEAR, "USDT", "USDT", "0.1")), (0, rules(COIN, "USDC", "USDC", "1")),
        (0, rules(INVERSE, "USD", "BTC", "1", inverse=True)),
    ]  # fmt: skip
    events += [(0, FeedStatus(VENUE, symbol, "book", "ok")) for symbol in PRICES]
    for second in range(1, 121):
        for symbol, price in PRICES.items():
            mid = price + 0.5 * second
            events.append((second, BookSnapshot(VENUE, symbol, None, [(mid - 0.5, 1e6)], [(mid + 0.5, 1e6)])))
            if second % 20 == 0:
                due = MIDNIGHT if second < 60 else MIDNIGHT + 8 * 3600 * SECOND
                events.append((second, Ticker(VENUE, symbol, None, mark=mid, funding_rate=RATE, next_funding=due)))
    events.append((121, SessionClosed("end")))
    with Log.open(url) as log:
        writer = log.begin(SESSION, Manifest(seed=1, venues=[VENUE], source="import").to_json(), OPENED)
        for seq, (second, event) in enumerate(events, 1):
            writer.append(Record(seq, OPENED + second * SECOND, 0, event))
        writer.close(OPENED + 121 * SECOND)
    return SESSION


class Taking(msgspec.Struct, frozen=True):
    """Which markets, and how many times their size."""

    symbols: str = f"{LINEAR} {COIN} {INVERSE}"
    times: int = 1


def taking(feeds: Feeds, p: Taking) -> Observable[Decision]:
    """Buys at the first book of a market, and sells half of it later."""

    def one(symbol: str) -> Observable[Decision]:
        seen = 0

        def decided(mid: float) -> list[Decision]:
            nonlocal seen
            seen += 1
            size = SIZES[symbol] * p.times
            if seen == 1:
                return [PlaceOrder(VENUE, symbol, "buy", size, kind="market", tif="ioc")]
            return (
                [PlaceOrder(VENUE, symbol, "sell", size / 2, kind="market", tif="ioc")]
                if seen == SOLD_AT[symbol]
                else []
            )

        return feeds.market(VENUE, symbol).book.pipe(op.mid(), op.map(decided), op.each())

    return reactivex.merge(*map(one, p.symbols.split()))
