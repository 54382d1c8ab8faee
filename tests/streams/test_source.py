"""A source says its values to who is there when it is their turn, whatever they are subscribed by."""

import pytest
from reactivex import abc
from reactivex import operators as rx

from state.errors import NotDeterministic
from streams import operators as op
from streams.operators.settling import Settling
from streams.scheduler import SessionScheduler, Timeline
from streams.source import Source


def test_who_goes_while_a_value_is_told_does_not_hear_it_and_who_comes_hears_the_next() -> None:
    source: Source[int] = Source()
    heard: list[tuple[str, int]] = []
    leaving: list[abc.DisposableBase] = []

    def first(value: int) -> None:
        heard.append(("first", value))
        if value == 1:
            leaving[0].dispose()
            source.subscribe(lambda later: heard.append(("late", later)))

    source.subscribe(first)
    leaving.append(source.subscribe(lambda value: heard.append(("gone", value))))
    source.subscribe(lambda value: heard.append(("last", value)))
    for value in (1, 2):
        source.emit(value)
    assert heard == [("first", 1), ("last", 1), ("first", 2), ("last", 2), ("late", 2)]


def test_an_operator_of_rxpy_that_takes_its_leave_hears_no_more() -> None:
    source: Source[int] = Source()
    heard: list[int] = []
    source.pipe(rx.take(2)).subscribe(heard.append)
    for value in range(5):
        source.emit(value)
    assert heard == [0, 1]
    assert not source.subscribers


@pytest.mark.parametrize("raised_to", ["the observer", "the caller"])
def test_an_operator_that_cannot_start_says_so_where_one_listens_for_errors(raised_to: str) -> None:
    stream = Source[float]().pipe(op.ema(1.0))
    if raised_to == "the observer":
        errors: list[Exception] = []
        stream.subscribe(on_error=errors.append)
        assert [type(error) for error in errors] == [NotDeterministic]
    else:
        with pytest.raises(NotDeterministic):
            stream.subscribe()


def test_who_acted_before_the_tick_settled_acts_again_only_if_marked_again() -> None:
    timeline = Timeline()
    acted: list[str] = []
    settling = Settling(SessionScheduler(timeline), lambda: acted.append("acted"))
    settling.mark()
    settling.start()
    settling.flush()
    timeline.settle(1)
    assert acted == ["acted"]
    for _ in range(2):
        settling.mark()
        settling.flush()
        settling.mark()
    timeline.settle(2)
    assert acted == ["acted"] * 4
