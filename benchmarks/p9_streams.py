"""P9: what publishing costs: one event to one subscriber, and through five operators, against `reactivex.Subject`."""

from collections.abc import Callable
from random import Random

import reactivex.operators as rx
from reactivex import Observable, Subject

from benchmarks.measure import WrongAnswer, frame_limit, tell, timed
from streams.source import Source

EVENTS = 500_000
PASSES = 3

Event = tuple[float, float]


def one_subscriber(stream: Observable[Event], heard: Callable[[object], None]) -> None:
    stream.subscribe(heard)


def is_sized(event: Event) -> bool:
    return event[1] > 0


def price(event: Event) -> float:
    return event[0]


def smoothed(average: float, price: float) -> float:
    return average * 0.9 + price * 0.1


def doubled(average: float) -> float:
    return average * 2


def five_operators(stream: Observable[Event], heard: Callable[[object], None]) -> None:
    """All RxPY's own."""
    prices: Observable[float] = stream.pipe(rx.filter(is_sized), rx.map(price))
    prices.pipe(rx.scan(smoothed, 100.0), rx.map(doubled), rx.distinct_until_changed()).subscribe(heard)


def measure(
    name: str, make: Callable[[], tuple[Observable[Event], Callable[[Event], None]]],
    subscribe: Callable[[Observable[Event], Callable[[object], None]], None], events: list[Event],
) -> None:  # fmt: skip
    heard = 0

    def hear(_: object) -> None:
        nonlocal heard
        heard += 1

    stream, publish = make()
    subscribe(stream, hear)

    def run() -> None:
        for event in events:
            publish(event)

    seconds = min(timed(run) for _ in range(PASSES))
    if heard != PASSES * len(events):
        raise WrongAnswer(f"{heard} of {PASSES * len(events)} were heard")
    tell("P9", name, len(events), seconds)


def ours() -> tuple[Observable[Event], Callable[[Event], None]]:
    source: Source[Event] = Source()
    return source, source.emit


def theirs() -> tuple[Observable[Event], Callable[[Event], None]]:
    subject: Subject[Event] = Subject()
    return subject, subject.on_next


def main() -> None:
    rng = Random(3)
    events = [(100 + rng.random(), 1.0) for _ in range(frame_limit() or EVENTS)]
    measure("own source", ours, one_subscriber, events)
    measure("reactivex Subject", theirs, one_subscriber, events)
    measure("own source, five operators", ours, five_operators, events)
    measure("reactivex Subject, five operators", theirs, five_operators, events)


if __name__ == "__main__":
    main()
