"""What happens to a session itself: its begin and end, feeds, time, people, and strategies. Read through `state/events.py`."""

from typing import ClassVar

import msgspec

from state.market_events import Event
from state.words import FeedState, RiskState

TAKEN = "position taken"


class SessionOpened(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=5_01_01):
    """The first record of every session."""

    session: str
    seed: int
    parent: str = ""
    venue: ClassVar[str] = ""
    symbol: ClassVar[str] = ""


class FeedStatus(Event, frozen=True, gc=False, array_like=True, tag=5_02_01):
    """What a channel of a market (or of a whole connection where `symbol` is empty) is worth from here on."""

    channel: str
    status: FeedState
    reason: str = ""


class Tick(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=5_03_01):
    """Nothing arrived, but a timer was due: time is an event too."""

    venue: ClassVar[str] = ""
    symbol: ClassVar[str] = ""


class Command(Event, frozen=True, gc=False, array_like=True, tag=5_04_01):
    """A person's or an operator's word; `payload` is JSON text."""

    name: str
    payload: str = ""


class Signal(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=5_05_01):
    """A named number from outside (a model, a desk); its stream is a feed like any other."""

    name: str
    value: float
    venue: ClassVar[str] = ""
    symbol: ClassVar[str] = ""


class Reconciled(Event, frozen=True, gc=False, array_like=True, tag=5_06_01):
    """One difference between the log's view and the venue's, with both sides; `what` names the order, asset or position.

    Its `subject` is "order", "position" or "balance"; where it is `TAKEN`, the venue's position is ours from here on.
    """

    subject: str
    what: str
    ours: str
    theirs: str


class StrategyFailed(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=5_07_01):
    """A strategy raised and ended alone."""

    strategy: str
    error: str
    traceback: str
    venue: ClassVar[str] = ""
    symbol: ClassVar[str] = ""


class Halted(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=5_08_01):
    """No intent but cancels leaves from here on."""

    reason: str
    venue: ClassVar[str] = ""
    symbol: ClassVar[str] = ""


class SessionClosed(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=5_09_01):
    """The last record of a session that ended in order."""

    reason: str
    venue: ClassVar[str] = ""
    symbol: ClassVar[str] = ""


class RiskChanged(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=5_10_01):
    """A strategy may do more or less from here on: because a limit was broken, or at a person's word (the cause)."""

    strategy: str
    before: RiskState
    state: RiskState
    reason: str
    venue: ClassVar[str] = ""
    symbol: ClassVar[str] = ""


class ParametersChanged(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=5_11_01):
    """A strategy goes on with other parameters, at a person's word (the cause); `params` is JSON of those that changed.

    `kept` where its operators went on with what they had learnt, else they began anew.
    """

    strategy: str
    params: str
    kept: bool
    venue: ClassVar[str] = ""
    symbol: ClassVar[str] = ""


class CommandRefused(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=5_12_01):
    """A strategy could not follow a person's word (the cause), and nothing changed."""

    strategy: str
    name: str
    why: str
    venue: ClassVar[str] = ""
    symbol: ClassVar[str] = ""
