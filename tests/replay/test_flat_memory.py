"""Books, executions and quality hold no more of a long session than of a short one."""

import tracemalloc
from collections.abc import Callable
from decimal import Decimal

import pytest

from replay.books.close import close_books
from replay.books.trades import executions
from replay.quality.report import measure
from state.events import Accepted, BalanceUpdate, BookSnapshot, OrderUpdate, PlaceOrder, PositionUpdate
from state.log import Log
from tests.replay.told import MS, OPENED, Told, fill, instrument

D = Decimal
VENUE, SYMBOL = "bybit", "BTCUSDT"
MIB = 1 << 20


def written(log: Log, name: str, trades: int) -> str:
    """A session of eight records a trade, in blocks of 256."""
    told = Told(name)
    told.say(instrument())
    told.say(BalanceUpdate(VENUE, "", OPENED, "USDT", D(1000)))
    told.ready()
    for number in range(trades):
        side, price = ("buy", "100") if number % 2 == 0 else ("sell", "101")
        told.say(BookSnapshot(VENUE, SYMBOL, OPENED, [(99.0, 1.0)], [(102.0, 1.0)], number, 50), after_ns=100 * MS)
        client_id, order_id = f"c{number}", f"o{number}"
        placed = told.say(PlaceOrder(VENUE, SYMBOL, side, D("0.1"), D(price), client_id=client_id, strategy="p"))  # type: ignore[arg-type]
        told.say(Accepted(VENUE, SYMBOL, None, "place", client_id, order_id), cause=placed)
        told.say(OrderUpdate(VENUE, SYMBOL, OPENED, client_id, order_id, "open", side, price=D(price), size=D("0.1")))  # type: ignore[arg-type]
        told.say(fill(f"f{number}", side, price, "0.1", "0", client_id=client_id, order_id=order_id))  # type: ignore[arg-type]
        told.say(OrderUpdate(VENUE, SYMBOL, OPENED, client_id, order_id, "filled", side, filled=D("0.1")))  # type: ignore[arg-type]
        told.say(PositionUpdate(VENUE, SYMBOL, OPENED, D("0.1") if number % 2 == 0 else D(0), version=number))
        told.say(BalanceUpdate(VENUE, "", OPENED, "USDT", 1000 + D("0.1") * ((number + 1) // 2)))
    return told.write(log, block_size=256)


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, str]:
    url = f"sqlite:///{tmp_path_factory.mktemp('long')}/log.db"
    with Log.open(url) as log:
        return url, written(log, "short", 400), written(log, "long", 1_200)


def exhaust(log: Log, session: str) -> object:
    count = 0
    for _ in executions(log, session):
        count += 1
    return count


@pytest.mark.parametrize("work", [close_books, exhaust, measure], ids=["books", "trades", "quality"])
def test_memory_does_not_grow_with_the_session(
    sessions: tuple[str, str, str], work: Callable[[Log, str], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept on purpose (ids against repeats, ended orders) is bounded, here lower so that both sessions reach it."""
    for name in ("replay.books.close.FILL_IDS_KEPT", "replay.books.close.ORDERS_KEPT", "replay.books.trades.FILL_IDS_KEPT",
                 "replay.books.trades.ORDERS_KEPT", "replay.quality.samples.ORDERS_KEPT", "replay.quality.report._FILLS_KEPT",
                 "state.orders.FILL_IDS_KEPT", "state.order_index.ENDED_KEPT"):  # fmt: skip
        monkeypatch.setattr(name, 100)
    url, short, long = sessions
    peaks = []
    with Log.open(url) as log:
        work(log, short)  # whatever is loaded and cached once
        for session in (short, long):
            tracemalloc.start()
            work(log, session)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert peaks[1] < peaks[0] + 0.25 * MIB, [f"{peak / MIB:.1f} MiB" for peak in peaks]
