"""The state of running strategies as bytes, and strategies that go on from there as if they had never stopped.

What is written: what every operator holds, in the order of subscription, with timers; the functions given to `map` and
`filter`; the generator `feeds.random`. What the shared state knows stands in its own snapshot, of the same seq.
"""

from collections.abc import Callable, Sequence
from types import FunctionType
from typing import cast

import msgspec

from state.errors import NotRestartable, SchemaUnknown, WrongUse
from streams.closures import Closure, Written
from streams.notes import Note, Notes
from streams.operators.keep import operator_of
from streams.pipeline import Pipeline
from streams.strategy import Running, Strategy
from streams.wiring import functions_in

VERSION = 2


class OperatorState(msgspec.Struct, frozen=True, array_like=True):
    """One subscription of an operator, or one function given to another."""

    operator: str
    written: Written


class StrategyState(msgspec.Struct, frozen=True, array_like=True):
    """One strategy; one that failed has ended, and stays so."""

    name: str
    is_ended: bool
    random: Note
    operators: list[OperatorState]
    changed: str = "{}"  # parameters that were changed in flight, as JSON
    turn: int = 0  # its place among the others, in the order in which they were subscribed last


class _Checkpoint(msgspec.Struct, frozen=True, array_like=True):
    version: int
    seq: int
    now_ns: int
    cause: int
    timers_made: int
    strategies: list[StrategyState]


def dump(running: Sequence[Running]) -> bytes:
    """What the strategies of one pipeline hold now, between two ticks. Equal states give equal bytes.

    Raises `NotRestartable` naming the strategy and the operator whose state cannot be given back, `WrongUse` inside a tick.
    """
    if not running:
        return b""
    pipeline = running[0].pipeline
    if not pipeline.is_settled:
        raise WrongUse("strategies can be written down between two ticks only")
    timeline = pipeline.timeline
    notes = Notes(pipeline.shared)
    turns = sorted(one.turn for one in running)  # one that is changed in flight is subscribed anew, behind the others
    states = [msgspec.structs.replace(_written(one, notes), turn=turns.index(one.turn)) for one in running]
    return _encode(_Checkpoint(VERSION, pipeline.seq, timeline.now_ns, timeline.cause, timeline.made, states))


def restore(pipeline: Pipeline, strategies: Sequence[Strategy], body: bytes) -> list[Running]:
    """The strategies on a pipeline whose shared state is that of the checkpoint's seq; they say nothing until it is fed.

    Raises `SchemaUnknown` where these are not the strategies that were dumped, or not at this seq.
    """
    if not strategies and not body:
        return []
    try:
        checkpoint = _decode(body)
    except msgspec.DecodeError as error:
        raise SchemaUnknown(f"a checkpoint of strategies cannot be read: {error}") from error
    if checkpoint.version != VERSION:
        raise SchemaUnknown(f"a checkpoint of strategies has version {checkpoint.version}, not {VERSION}")
    if checkpoint.seq != pipeline.seq:
        raise SchemaUnknown(f"a checkpoint of strategies is of seq {checkpoint.seq}, the state of {pipeline.seq}")
    names, ours = [state.name for state in checkpoint.strategies], [strategy.name for strategy in strategies]
    if names != ours:
        raise SchemaUnknown(f"a checkpoint is of the strategies {', '.join(names)}, not {', '.join(ours)}")
    running = [
        Running(pipeline, _changed(strategy, state))
        for strategy, state in zip(strategies, checkpoint.strategies, strict=True)
    ]
    for one, state in zip(running, checkpoint.strategies, strict=True):
        one.changed = _params(state.changed)

    def give_back() -> None:
        timeline = pipeline.timeline
        timeline.now_ns = max(timeline.now_ns, checkpoint.now_ns)
        for state, one in sorted(zip(checkpoint.strategies, running, strict=True), key=_turn):
            _resubscribe(one, is_ended=state.is_ended)
        while timeline.next_due <= timeline.now_ns:  # subscribing itself may be a timer's work (RxPY's merge)
            timeline.pop().action()
        notes = Notes(pipeline.shared)
        for one, state in zip(running, checkpoint.strategies, strict=True):
            for key, _ in timeline.waiting(one):
                timeline.remove(key)
            _give_back(one, state, notes)
        timeline.made = checkpoint.timers_made
        timeline.cause = checkpoint.cause

    pipeline.restore(give_back)
    return running


def carry_over(one: Running, tell: Callable[[bool], None]) -> None:
    """Subscribes a strategy anew, inside of a tick, and gives it what its operators held.

    `tell` hears, before the strategy says anything, whether that was possible: where its operators are others now, or hold
    what cannot be given back, they begin anew.
    """
    notes = Notes(one.pipeline.shared)
    try:
        state = _written(one, notes)
    except NotRestartable:
        state = None
    one.unsubscribe()
    if state is None or not _carried(one, state, notes):
        one.unsubscribe()
        tell(False)
        one.resubscribe()
    else:
        tell(True)


def _carried(one: Running, state: StrategyState, notes: Notes) -> bool:
    timeline = one.pipeline.timeline
    one.resubscribe(is_mute=True)
    if one.is_ended:
        return False
    for key, timer in timeline.waiting(one):
        timeline.remove(key)
        if key[0] <= timeline.now_ns:  # subscribing itself may be a timer's work (RxPY's merge)
            timer.action()
    try:
        _give_back(one, state, notes)
    except SchemaUnknown:
        return False
    return True


def _changed(strategy: Strategy, state: StrategyState) -> Strategy:
    params = _params(state.changed)
    return strategy.change(params) if params and strategy.change is not None else strategy


def _params(text: str) -> dict[str, object]:
    return msgspec.json.decode(text, type=dict[str, object])


def _written(one: Running, notes: Notes) -> StrategyState:
    if one.is_ended:
        return StrategyState(one.name, True, None, [])
    if one.listens_aside:
        raise NotRestartable(
            f"strategy {one.name}: it subscribes to a feed by itself, and what it learns there is not seen: return all streams"
        )
    try:
        closures = _closures(one)
        _check_timers(one, closures)
        operators = [OperatorState(closure.operator, closure.dump(notes)) for closure in closures]
        random = notes.note(one.random.getstate(), "feeds.random")
        return StrategyState(one.name, False, random, operators, msgspec.json.encode(one.changed).decode())
    except NotRestartable as error:
        raise NotRestartable(f"strategy {one.name}: {error}") from error


def _closures(one: Running) -> list[Closure]:
    """Where the state of one strategy is, always in the same order."""
    if one.decisions is None:
        raise WrongUse(f"strategy {one.name} was not subscribed")
    closures = [Closure(name, (function,)) for name, function in functions_in(one.decisions)]
    closures += [Closure(name, parts, beyond) for name, parts, beyond in one.scheduler.kept]
    return closures


def _check_timers(one: Running, closures: Sequence[Closure]) -> None:
    """Every timer is an `Alarm` that some operator holds."""
    known = [alarm for closure in closures for alarm in closure.alarms]
    for _, timer in one.pipeline.timeline.waiting(one):
        alarm = getattr(timer.action, "__self__", None)
        if not any(alarm is each for each in known):
            held = [cell.cell_contents for cell in getattr(timer.action, "__closure__", None) or ()]
            name = operator_of(next((each for each in held if isinstance(each, FunctionType)), timer.action))
            raise NotRestartable(f"the operator {name} waits for a timer of its own: use op.Alarm, and say `keep`")


def _turn(noted: tuple[StrategyState, Running]) -> int:
    return noted[0].turn


def _resubscribe(one: Running, *, is_ended: bool) -> None:
    if is_ended:
        one.is_ended = True
        return
    one.subscribe()
    if one.error is not None:
        raise SchemaUnknown(f"strategy {one.name} cannot be subscribed again: {one.error}") from one.error


def _give_back(one: Running, state: StrategyState, notes: Notes) -> None:
    if state.is_ended:
        return
    closures = _closures(one)
    names, ours = [each.operator for each in state.operators], [each.operator for each in closures]
    if names != ours:
        raise SchemaUnknown(f"strategy {one.name} was made of {', '.join(names)}, now of {', '.join(ours)}")
    for closure, written in zip(closures, state.operators, strict=True):
        closure.load(notes, written.written)
    one.random.setstate(cast("tuple[object, ...]", notes.read(state.random)))


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Checkpoint).decode
