"""Who acts when a tick settles: those that something happened to, in the order in which they were made, and nobody else."""

import pytest

from state.errors import WrongUse
from state.events import Signal
from state.record import Collected
from streams.pipeline import Pipeline
from streams.scheduler import NEVER, Settler, Timeline


def test_who_was_not_marked_does_not_act() -> None:
    timeline, acted = Timeline(), []
    timeline.settler(lambda: acted.append("a"), None)
    timeline.settler(lambda: acted.append("b"), None).mark()
    timeline.settle(1)
    timeline.settle(2)
    assert acted == ["b"]


def test_the_first_made_acts_first_whoever_was_marked_first() -> None:
    timeline, acted = Timeline(), []
    inner = timeline.settler(lambda: acted.append("inner"), None)
    outer = timeline.settler(lambda: acted.append("outer"), None)
    outer.mark()
    inner.mark()
    timeline.settle(1)
    assert acted == ["inner", "outer"]


def test_what_an_input_says_when_it_settles_is_one_output_a_tick() -> None:
    timeline, acted = Timeline(), []
    outer: Settler
    inner = timeline.settler(lambda: (acted.append("inner"), outer.mark()), None)
    outer = timeline.settler(lambda: acted.append("outer"), None)
    outer.mark()
    inner.mark()
    timeline.settle(1)
    assert acted == ["inner", "outer"]


def test_the_disposed_does_not_act() -> None:
    timeline, acted = Timeline(), []
    settler = timeline.settler(lambda: acted.append("x"), None)
    settler.mark()
    settler.dispose()
    timeline.settle(1)
    assert acted == []


def test_operators_that_mark_each_other_are_stopped() -> None:
    timeline = Timeline()
    one: Settler
    other = timeline.settler(lambda: one.mark(), None)
    one = timeline.settler(lambda: other.mark(), None)
    one.mark()
    with pytest.raises(WrongUse, match="mark each other"):
        timeline.settle(1)


def test_the_settled_seq_is_the_last_record_whether_or_not_anybody_acts() -> None:
    pipeline = Pipeline(Collected(), lambda venue, seq: f"{venue}{seq}")
    pipeline.feed(1, [Signal("x", 1.0)])
    assert pipeline.timeline.settled_seq == 1
    pipeline.timeline.settler(lambda: None, None).mark()
    pipeline.feed(2, [Signal("x", 1.0), Signal("x", 2.0)])
    assert pipeline.timeline.settled_seq == 3


def test_timers_fire_in_the_order_of_a_sorted_list_whatever_was_taken_out() -> None:
    from random import Random

    rng, timeline = Random(2), Timeline()
    expected: dict[tuple[int, int], None] = {}
    fired: list[tuple[int, int]] = []
    for _ in range(5000):
        what = rng.random()
        if what < 0.5 or not expected:
            key = timeline.put(timeline.now_ns + rng.randrange(50), lambda: None, None)
            expected[key] = None
        elif what < 0.9:
            key = rng.choice(sorted(expected))
            timeline.remove(key)
            timeline.remove(key)
            del expected[key]
        else:
            first = min(expected)
            assert timeline.next_due == first[0] == timeline.first().due
            timeline.now_ns = timeline.pop().due
            del expected[first]
            fired.append(first)
        assert len(timeline) == len(expected)
        assert timeline.next_due == (min(expected)[0] if expected else NEVER)
        assert len(timeline._keys) <= 2 * len(expected) + 65
    assert len(fired) > 300
