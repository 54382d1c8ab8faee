"""Marbles: values on a line of virtual time, written as a line of text, and what an operator says to them."""

import re
from collections.abc import Callable, Sequence
from math import isclose
from typing import Final, TypeAlias, TypeVar

from reactivex import Observable
from reactivex import operators as ops
from reactivex.notification import OnError
from reactivex.testing import ReactiveTest, TestScheduler

from state.errors import WrongUse

T = TypeVar("T")
U = TypeVar("U")

Marble: TypeAlias = tuple[float, T]  # at which second, what

_BEGIN: Final = ReactiveTest.subscribed  # second 0 of a line is here on RxPY's test clock
_TOKENS: Final = re.compile(r"(-)|\(([^()]*)\)|([A-Za-z0-9])|(.)")


def marbles(line: str, step_s: float = 1.0, **values: T) -> list[Marble[T]]:
    """What a line says: each character is a step, a letter is the value of that name, a digit that number, `-` nothing.

    `(ab)` are two values of one instant and take one step together; spaces are for the eye.
    Raises `WrongUse` for a letter without a value, or for a sign that means nothing here.
    """
    said: list[Marble[T]] = []
    for step, (nothing, group, one, strange) in enumerate(_TOKENS.findall(line.replace(" ", ""))):
        if strange:
            raise WrongUse(f"{strange!r} in {line!r} means nothing: a line has letters, digits, '-' and '(ab)'")
        if not nothing:
            said += [(step * step_s, _value(name, line, values)) for name in group or one]
    return said


def _value(name: str, line: str, values: dict[str, T]) -> T:
    if name in values:
        return values[name]
    if name.isdigit():
        return float(name)  # type: ignore[return-value]  # digits are numbers where nothing else was said
    raise WrongUse(f"{name!r} in {line!r} has no value: say {name}=…")


def hear(
    operator: Callable[[Observable[T]], Observable[U]], *values: Marble[T], until: float = 1000
) -> list[Marble[U]]:
    """(second, value) of what an operator says to values at their seconds, until then; raises what it ends with."""
    scheduler = TestScheduler()
    marks = [ReactiveTest.on_next(_BEGIN + at, value) for at, value in values]  # type: ignore[arg-type]  # fractions are fine
    heard: list[Marble[U]] = []

    def note(value: U) -> None:
        heard.append((scheduler.clock - _BEGIN, value))

    def create() -> Observable[U]:  # only now, so that what is said at second 0 comes after the subscription
        return scheduler.create_hot_observable(marks).pipe(operator, ops.do_action(note))

    ended = scheduler.start(create, disposed=_BEGIN + until)
    for message in ended.messages:
        if isinstance(message.value, OnError):
            raise message.value.exception
    return heard


def close(heard: Sequence[Marble[float]], expected: Sequence[Marble[float]]) -> bool:
    """The same numbers at the same seconds, to twelve digits."""
    return len(heard) == len(expected) and all(
        at == at_expected and isclose(value, expected_value, rel_tol=1e-12, abs_tol=1e-12)
        for (at, value), (at_expected, expected_value) in zip(heard, expected, strict=True)
    )
