"""Sessions to write: one event of every kind with fixed values, and records made of them."""

import random
from decimal import Decimal

from state.events import (
    Accepted,
    AmendOrder,
    AnyEvent,
    BalanceUpdate,
    Blocked,
    BookDelta,
    BookOrder,
    BookSnapshot,
    CancelAll,
    CancelOrder,
    Candle,
    Command,
    CommandRefused,
    FeedStatus,
    Fill,
    FundingPayment,
    Halted,
    InstrumentDefined,
    Liquidation,
    OrderUpdate,
    ParametersChanged,
    PlaceOrder,
    PositionUpdate,
    Reconciled,
    Rejected,
    RiskChanged,
    SessionClosed,
    SessionOpened,
    Signal,
    StrategyFailed,
    Tick,
    Ticker,
    Trade,
    Unknown,
)
from state.log import Log, SessionWriter
from state.record import Frame, Record

D = Decimal
T0 = 1_767_225_600_000_000_000
V, S = "bybit", "BTCUSDT"

EVERY: tuple[AnyEvent, ...] = (
    BookSnapshot(V, S, T0, [(61000.5, 0.25)], [(61001.0, 1.5), (61002.5, 3.0)], 7, 50),
    BookDelta(V, S, None, [(61000.5, 0.0)], [], 8, 7),
    Trade(V, S, T0, "t-1", 61000.5, 0.001, "sell", "liquidation", True),
    Ticker(V, S, T0, last=61000.1, funding_rate=-0.0001, next_funding=T0 + 1),
    Candle(V, S, T0, T0, 60, 1.0, 2.0, 0.5, 1.5, 10.0, None, 3, True),
    Liquidation(V, S, T0, "buy", 60000.0, 1.0),
    InstrumentDefined(
        V, S, None, "BTC", "USDT", "USDT", "perpetual", D("0.1"), D("0.001"), D("0.001"), D(5), maker_fee=D("-0.0001")
    ),
    BookOrder(V, S, T0, "fill", "77", "buy", 61000.5, 0.25),
    OrderUpdate(V, S, T0, "c-1", "o-1", "partially_filled", "buy", price=D("61000.5"), filled=D("0.10")),
    Fill(V, S, T0, "f-1", "o-1", "c-1", "buy", D("61000.5"), D("0.001"), D("-0.0122"), "USDT", True),
    PositionUpdate(V, S, T0, D("-0.5"), D("61000"), leverage=D(10), version=4),
    BalanceUpdate(V, "", T0, "USDT", D("1000.00"), None, D("-1E-8"), "fee"),
    FundingPayment(V, S, T0, "p-1", D("-0.01"), "USDT", D("0.0001")),
    PlaceOrder(V, S, "buy", D("0.001"), D("61000.5"), tif="post_only", client_id="c-2", strategy="plain", label="bid"),
    AmendOrder(V, S, "c-2", D("61000.6"), D("0.002"), "plain"),
    CancelOrder(V, S, "c-2", "plain"),
    CancelAll(V, "", "plain"),
    Accepted(V, S, T0, "place", "c-2", "o-2"),
    Rejected(V, S, None, "amend", "c-2", "gone", "110001", "order not exists or too late to amend"),
    Unknown(V, S, None, "cancel", "c-2", "connection lost after the write"),
    Blocked(V, S, "place", "max_position", "0.5", "0.501", "c-3", "buy", D(1), D("0.001"), "plain", "bid"),
    SessionOpened("s-1", 42, "s-0"),
    FeedStatus(V, S, "public.0", "gap", "u 9 after 7"),
    Tick(),
    Command(V, "", "halt", '{"by":"desk"}'),
    Signal("alpha", float("inf")),
    Reconciled(V, S, "order", "c-2", "open", "absent"),
    StrategyFailed("plain", "ZeroDivisionError", "Traceback …"),
    Halted("log failed"),
    SessionClosed("asked to"),
    RiskChanged("plain", "active", "reducing_only", "strategy.max_drawdown 6 > 5"),
    ParametersChanged("plain", '{"base_spread_bps":8}', True),
    CommandRefused("plain", "set", "plain: levels must be 1 to 50, is 0"),
)


def records(session: str, count: int, seed: int = 1) -> list[Record]:
    """A session of `count` records with every kind of event among them, the same for the same arguments."""
    rng = random.Random(f"{session} {seed}")
    made = [Record(1, T0, 0, SessionOpened(session, seed))]
    for seq in range(2, count + 1):
        event = EVERY[rng.randrange(len(EVERY))]
        if isinstance(event, Trade | Tick):
            event = Trade(V, S, T0 + seq, f"t-{seq}", 61000 + rng.randrange(100) / 10, rng.random(), "buy")
        made.append(Record(seq, T0 + seq * 1_000 + rng.randrange(999), max(0, seq - rng.randrange(5)), event))
    return made


def frame_of(record: Record, private: bool = True) -> Frame:
    """A frame that this record may have been read from."""
    body = f'{{"topic":"order","seq":{record.seq}}}'.encode()
    return Frame(record.recv, V, "private" if private else "public.0", "in", body, private=private)


def write(log: Log, session: str, what: list[Record], *, block_size: int = 4096, flush_every: int = 0) -> bytes:
    """Writes a whole session, every fifth record with a private frame, and returns its head digest."""
    writer = log.begin(session, '{"code":"1"}', T0, block_size=block_size)
    append(writer, what, flush_every)
    return writer.close(what[-1].recv)


def append(writer: SessionWriter, what: list[Record], flush_every: int = 0) -> None:
    """Appends records, every fifth with a private frame of its own."""
    for record in what:
        writer.append(record, frame_of(record) if record.seq % 5 == 0 else None)
        if flush_every and record.seq % flush_every == 0:
            writer.flush(30)
