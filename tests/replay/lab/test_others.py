"""A simulation on a live session meets others, and not that session's own orders, which stood in the books that were recorded."""

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from reactivex import Observable
from reactivex import operators as rx

from adapters.paper import PaperSettings, PaperVenue
from adapters.paper.takeover import take_over
from app.commands.sweep import SweepFact
from replay.bursts import is_market
from replay.others import Others
from state.events import (
    Accepted,
    AnyEvent,
    BalanceUpdate,
    BookDelta,
    BookSnapshot,
    Decision,
    Fill,
    OrderUpdate,
    PlaceOrder,
    SessionOpened,
    Trade,
)
from state.log import Log
from state.manifest import Manifest
from state.record import Record
from state.reducer import Reducer
from state.shared import SharedState
from streams.feeds import Feeds
from tests.replay.lab.sessions import Tapeline
from tests.replay.told import instrument

VENUE, SYMBOL = "bybit", "BTCUSDT"
S = 1_000_000_000
START = 1_790_000_000 * S
D = Decimal


class Nothing(msgspec.Struct, frozen=True):
    """No parameters."""


def bid_at_100(feeds: Feeds, p: Nothing) -> Observable[Decision]:
    """One bid of 1 at 100, at the first book."""
    wish = PlaceOrder(VENUE, SYMBOL, "buy", D(1), D(100), tif="post_only")
    return feeds.market(VENUE, SYMBOL).book.pipe(rx.take(1), rx.map(lambda _: wish))


def session(log: Log, source: str, paper: object) -> None:
    """Others show 2 at 100, we stand there with 3; 2.5 are sold to that level by others, and 4 by ourselves at 99."""
    ours = OrderUpdate(VENUE, SYMBOL, START + 2 * S, "c1", "o1", "open", "buy", "limit", "gtc", D(100), D(3), D(0))
    told: list[tuple[int, AnyEvent]] = [
        (0, SessionOpened("s", 1)),
        (0, instrument()),
        (0, BalanceUpdate(VENUE, "", START, "USDT", D(100_000))),
        (1, PlaceOrder(VENUE, SYMBOL, "buy", D(3), D(100), client_id="c1", strategy="live")),
        (2, Accepted(VENUE, SYMBOL, START + 2 * S, "place", "c1", "o1")),
        (2, ours),
        (3, BookSnapshot(VENUE, SYMBOL, START + 3 * S, [(100.0, 5.0), (99.0, 9.0)], [(101.0, 5.0)])),
        (10, Trade(VENUE, SYMBOL, START + 10 * S, "t1", 100.0, 2.5, "sell")),
        (11, BookDelta(VENUE, SYMBOL, START + 11 * S, [(100.0, 2.5)], [])),
        (12, PlaceOrder(VENUE, SYMBOL, "sell", D(4), None, "market", "ioc", client_id="c2", strategy="live")),
        (13, Fill(VENUE, SYMBOL, START + 13 * S, "t2", "o2", "c2", "sell", D(99), D(4), D(0), "USDT", maker=False)),
        (13, Trade(VENUE, SYMBOL, START + 13 * S, "t2", 99.0, 4.0, "sell")),
    ]
    manifest = Manifest(seed=1, venues=[VENUE], source=source, paper=msgspec.Raw(msgspec.json.encode(paper)))
    writer = log.begin("s", manifest.to_json(), START)
    for seq, (at, event) in enumerate(told, 1):
        writer.append(Record(seq, START + at * S, 0, event))
    writer.close(START + 20 * S)


@pytest.mark.parametrize(
    ("source", "paper", "in_book"),
    [
        pytest.param("live", {VENUE: None}, True, id="live at a real venue"),
        pytest.param("live", {VENUE: PaperSettings()}, False, id="live on paper"),
        pytest.param("simulation", PaperSettings(), False, id="a simulation"),
    ],
)
def test_books_and_trades_are_those_of_others(source: str, paper: object, in_book: bool, tmp_path: Path) -> None:
    with Log.open(f"sqlite:///{tmp_path}/log.db") as log:
        session(log, source, paper)
        others = Others(log, log.find("s"))
        events = [record.event for record in others.market(log.records("s"))]
    book = next(event for event in events if isinstance(event, BookSnapshot))
    assert book.bids == ([(100.0, 2.0), (99.0, 9.0)] if in_book else [(100.0, 5.0), (99.0, 9.0)])
    assert [event.trade_id for event in events if isinstance(event, Trade)] == (["t1"] if in_book else ["t1", "t2"])
    assert len(others.words()) == in_book


def test_a_simulated_order_queues_behind_others_alone(tapeline: Tapeline, tmp_path: Path) -> None:
    """2.5 were sold where others show 2: half of the order is filled, which behind our own 3 would not have been."""
    url = f"sqlite:///{tmp_path}/log.db"
    with Log.open(url) as log:
        session(log, "live", {VENUE: None})
    strategy = f"{__name__}:bid_at_100"
    said = tapeline("replay", "s", "--simulate", strategy, "--log", url, "--json")
    assert said.code == 0, said.err
    assert "the session's own 2 orders are taken out of the recorded books" in said.out
    with Log.open(url) as log:
        fills = [it.event for it in log.records(str(said.fact()["session"])) if isinstance(it.event, Fill)]
    assert [(it.price, it.size, it.maker) for it in fills] == [(100, D("0.5"), True)]
    swept = tapeline("sweep", strategy, "s", "--grid", "paper.queue=conservative,power", "--log", url, "--json")
    assert swept.code == 0, swept.err
    rows = msgspec.json.decode(swept.out, type=SweepFact).rows
    assert [row.outcome.turnover for row in rows] == [50, 50]


def test_a_fork_takes_over_an_order_that_does_not_stand_behind_itself(tmp_path: Path) -> None:
    """Live it was 3 behind 2 of others, of which 2.5 were sold: half a coin of it is filled, at the venue and in the fork."""
    with Log.open(f"sqlite:///{tmp_path}/log.db") as log:
        session(log, "live", {VENUE: None})
        row = log.find("s")
        venue = PaperVenue(VENUE, PaperSettings(order_latency_ms=0, response_latency_ms=0), "s")
        shared = SharedState()
        fold, others = Reducer(shared).apply, Others(log, row)
        filled = []
        for record in log.records("s", 1, 9):
            fold(record)
            shown = others.shown(record.event, record.recv)
            if record.seq == 8:  # the trade
                take_over(venue, shared.account(VENUE), (), record.recv)
            if is_market(record.event) and shown is not None:
                venue.observe(shown, record.recv)
            filled += [event for _, _, told in venue.collect(record.recv) for event in told if isinstance(event, Fill)]
    assert [(fill.size, fill.maker) for fill in filled] == [(D("0.5"), True)]
