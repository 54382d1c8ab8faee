"""What is said to every venue at once is said in one order, whoever was heard of first: a snapshot does not tell that."""

from collections.abc import Callable
from decimal import Decimal

import reactivex
from reactivex import Observable

from state.events import CancelAll, CancelOrder, Command, Decision, FeedStatus, PlaceOrder, Signal
from state.record import Collected
from state.shared import SharedState
from streams import checkpoint
from streams import operators as op
from streams.feeds import Feeds
from streams.pipeline import Pipeline
from streams.strategy import Strategy
from streams.testing import SYMBOL, Session, instrument, levels

VENUES = ("zulu", "alpha")  # the one that is heard of first stands last in the alphabet


def _on_both(feeds: Feeds) -> Observable[Decision]:
    """An order at each venue at the first word, and none after the second."""

    def act(x: float) -> list[Decision]:
        if x > 1:
            raise ValueError("enough")
        return [PlaceOrder(venue, SYMBOL, "buy", Decimal(1), Decimal(90)) for venue in VENUES]

    return reactivex.merge(feeds.signal("x").pipe(op.map(act), op.each()))


def _said(end: Callable[[Pipeline], None], *, restarted: bool) -> list[str]:
    begin = [
        event for venue in VENUES for event in (instrument(venue=venue), levels([(100.0, 1.0)], [(101.0, 1.0)], venue))
    ]
    ready = [FeedStatus(venue, "", "account", "ok") for venue in VENUES]
    session = Session(begin=[*begin, *ready])
    running = session.run(_on_both)
    session.feed(1, Signal("x", 1.0))
    pipeline, sink = session.pipeline, session.sink
    if restarted:
        sink = Collected()
        shared = SharedState.load(session.shared.dump())
        pipeline = Pipeline(sink, lambda _, seq: f"c{seq}", shared=shared)
        checkpoint.restore(pipeline, [Strategy("one", _on_both)], checkpoint.dump([running]))
    end(pipeline)
    return [record.event.venue for record in sink.records if isinstance(record.event, CancelAll | CancelOrder)]


def test_a_halt_cancels_in_the_same_order_after_a_restart() -> None:
    """A session on OKX and Bybit was told to decide otherwise at its end, wherever it was entered by a snapshot."""

    def halt(pipeline: Pipeline) -> None:
        pipeline.feed(pipeline.shared.now + 1, (Command("", "", "halt", "over"),))

    assert _said(halt, restarted=True) == _said(halt, restarted=False) == ["alpha", "zulu"]


def test_a_strategy_that_fails_cancels_in_the_same_order_after_a_restart() -> None:
    def fail(pipeline: Pipeline) -> None:
        pipeline.feed(pipeline.shared.now + 1, (Signal("x", 2.0),))

    assert _said(fail, restarted=True) == _said(fail, restarted=False) == ["alpha", "zulu"]
