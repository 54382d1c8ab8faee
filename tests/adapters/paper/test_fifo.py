"""First in, first out by single orders: as a story, and order by order against hftbacktest's L3 model."""

import random
from collections.abc import Iterator

import msgspec
import numpy as np
import pytest

from state.events import BookOrder, Fill
from state.words import BookOrderAction, Side
from tests.adapters.paper.stage import (
    INSTANT,
    MS,
    SYMBOL,
    VENUE,
    Act,
    Stage,
    amend,
    feed,
    instrument,
    place,
    trade,
    words,
)
from tests.later import Later

hft = Later("hftbacktest")

FIFO = msgspec.structs.replace(INSTANT, queue="fifo")
KINDS = {"add": "ADD_ORDER_EVENT", "change": "MODIFY_ORDER_EVENT", "cancel": "CANCEL_ORDER_EVENT", "fill": "FILL_EVENT"}


def other(action: BookOrderAction, order_id: str, price: float, size: float, side: Side = "buy") -> Act:
    """What the feed says of a single order of somebody else's."""
    return lambda stage: stage.observe(BookOrder(VENUE, SYMBOL, stage.now, action, order_id, side, price, size))


FIRST, OURS, LATER = other("add", "1", 100.0, 2.0), place("a", "buy", "1", "100"), other("add", "2", 100.0, 3.0)
RESTS = ["accepted", "a open 0/1"]
FILLED = [*RESTS, "a buy 1 @ 100 maker", "a filled 1/1"]

STORIES: dict[str, tuple[list[Act], list[str]]] = {
    "an order before ours trades first": ([FIRST, OURS, LATER, other("fill", "1", 100.0, 2.0)], RESTS),
    "what trades with an order behind ours would have been ours": (
        [FIRST, OURS, LATER, other("fill", "2", 100.0, 3.0)],
        FILLED,
    ),
    "up to its size": (
        [FIRST, OURS, LATER, other("fill", "2", 100.0, 0.4)],
        [*RESTS, "a buy 0.4 @ 100 maker", "a partially_filled 0.4/1"],
    ),
    "what trades at a worse price too": ([other("add", "0", 99.0, 1.0), OURS, other("fill", "0", 99.0, 1.0)], FILLED),
    "what trades at a better price does not": (
        [other("add", "0", 101.0, 1.0, "buy"), OURS, other("fill", "0", 101.0, 1.0)],
        RESTS,
    ),
    "whoever grows goes to the back": (
        [FIRST, OURS, other("change", "1", 100.0, 2.5), other("fill", "1", 100.0, 1.0)],
        FILLED,
    ),
    "whoever shrinks keeps its place": (
        [FIRST, OURS, other("change", "1", 100.0, 1.0), other("fill", "1", 100.0, 1.0)],
        RESTS,
    ),
    "ours loses its place when it is moved": (
        [FIRST, OURS, LATER, amend("a", "99", "1"), amend("a", "100", "1"), other("fill", "2", 100.0, 3.0)],
        [*RESTS, "accepted", "a open 0/1", "accepted", "a open 0/1"],
    ),
    "public trades do not fill a second time": ([FIRST, OURS, LATER, trade("sell", 50.0, 99.0)], RESTS),
    "two of ours share what traded, first in line first": (
        [OURS, FIRST, place("b", "buy", "1", "100"), LATER, other("fill", "2", 100.0, 1.5)],
        [
            "accepted", "a open 0/1", "accepted", "b open 0/1", "a buy 1 @ 100 maker", "b buy 0.5 @ 100 maker", "a filled 1/1",
            "b partially_filled 0.5/1",
        ],
    ),
    "an order that nobody told of is nobody's": ([FIRST, OURS, other("fill", "9", 100.0, 5.0)], RESTS),
    "nothing fills in a gap": ([FIRST, OURS, LATER, feed("gap"), other("fill", "2", 100.0, 3.0)], RESTS),
}  # fmt: skip


@pytest.mark.parametrize(("acts", "heard"), STORIES.values(), ids=STORIES)
def test_a_place_in_line(acts: list[Act], heard: list[str]) -> None:
    assert words(Stage(FIFO).play(*acts)) == heard


def test_what_stands_before_an_order_is_told() -> None:
    stage = Stage(FIFO)
    stage.play(FIRST, LATER, OURS)
    assert stage.venue.ahead("a") == 5
    stage.play(other("fill", "1", 100.0, 0.5), other("cancel", "2", 100.0, 3.0))
    assert str(stage.venue.ahead("a")) == "1.5"


def test_without_single_orders_it_is_the_conservative_queue() -> None:
    acts: list[Act] = [OURS, trade("sell", 5.5, 100.0)]
    assert words(Stage(FIFO).play(*acts)) == words(Stage(INSTANT).play(*acts))


# --- against hftbacktest ---

Step = tuple[BookOrderAction, int, float]  # action, id, size; all at the bid of 100


def flow(seed: int) -> Iterator[Step]:
    """Orders of others come, change, go and trade; the first that were there trade at times out of turn, as icebergs do."""
    rng = random.Random(seed)
    there: dict[int, float] = {1: 2.0, 2: 3.0}
    for number in range(3, 40):
        kind = rng.random()
        if kind < 0.4 or len(there) < 2:
            there[number] = float(rng.randint(1, 5))
            yield "add", number, there[number]
            continue
        order_id = rng.choice(list(there)[: rng.choice((1, 1, len(there)))])
        if kind < 0.6:
            del there[order_id]
            yield "cancel", order_id, 0.0
        elif kind < 0.8:
            there[order_id] = float(rng.randint(1, 5))
            yield "change", order_id, there[order_id]
        else:
            yield "fill", order_id, there.pop(order_id)
            yield "cancel", order_id, 0.0


def theirs(steps: list[Step]) -> int | None:
    """After which step hftbacktest fills one lot of ours that came after orders 1 and 2."""
    both = hft.EXCH_EVENT | hft.LOCAL_EVENT
    rows = [
        (both | hft.ADD_ORDER_EVENT | side, 1 * MS, 1 * MS, price, size, number, 0, 0.0)
        for number, side, price, size in (
            (1, hft.BUY_EVENT, 100.0, 2.0),
            (2, hft.BUY_EVENT, 100.0, 3.0),
            (900, hft.SELL_EVENT, 101.0, 5.0),
        )
    ]
    for number, (action, order_id, size) in enumerate(steps):
        at = (10 + number) * MS
        rows.append((both | getattr(hft, KINDS[action]) | hft.BUY_EVENT, at, at, 100.0, size, order_id, 0, 0.0))
    rows.append((both | hft.ADD_ORDER_EVENT | hft.SELL_EVENT, 10_000 * MS, 10_000 * MS, 102.0, 5.0, 901, 0, 0.0))
    events = np.array(rows, dtype=hft.event_dtype)
    asset = hft.BacktestAsset().data([events]).linear_asset(1.0).constant_order_latency(0, 0).l3_fifo_queue_model()
    asset = asset.no_partial_fill_exchange().trading_value_fee_model(0, 0).tick_size(1.0).lot_size(1.0)
    backtest = hft.HashMapMarketDepthBacktest([asset])
    backtest.elapse(5 * MS)
    backtest.submit_buy_order(0, 5000, 100.0, 1.0, hft.GTC, hft.LIMIT, False)
    backtest.elapse(100 * MS)
    order = backtest.orders(0).get(5000)
    filled = order.leaves_qty == 0
    at = int(order.exch_timestamp)
    backtest.close()
    assert len(events) == len(rows)
    return at // MS - 10 if filled else None


def ours(steps: list[Step]) -> int | None:
    stage = Stage(FIFO, instrument(lot="1"))
    stage.play(other("add", "1", 100.0, 2.0), other("add", "2", 100.0, 3.0), place("a", "buy", "1", "100"))
    for number, (action, order_id, size) in enumerate(steps):
        if any(isinstance(event, Fill) for event in stage.play(other(action, str(order_id), 100.0, size))):
            return number
    return None


def test_our_order_fills_when_hftbacktests_does() -> None:
    found = []
    for seed in range(60):
        steps = list(flow(seed))
        found.append(ours(steps))
        assert found[-1] == theirs(steps), seed
    assert sum(at is not None for at in found) >= 30
    assert len(set(found)) >= 10
