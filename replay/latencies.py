"""How long a recorded session's own intents were on their way, each by its outcome."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec

from adapters.paper import OrderLatency
from state.log import Log
from state.words import Action

NOTHING_RECORDED: Final[Mapping[str, Sequence[OrderLatency]]] = MappingProxyType({})
_ACTIONS: Final[Mapping[str, Action]] = {
    "PlaceOrder": "place",
    "AmendOrder": "amend",
    "CancelOrder": "cancel",
    "CancelAll": "cancel_all",
}


class _Outcome(msgspec.Struct):
    ts: int | None = None


def recorded_latencies(log: Log, session: str) -> dict[str, list[OrderLatency]]:
    """By venue, in order of time: every intent that was accepted or that the venue refused with a time.

    What an adapter refused before sending has no time of the venue and is left out. Where an acceptance has none, the intent
    is taken to have arrived half-way.
    """
    left: dict[int, tuple[Action, int]] = {}
    found: dict[str, list[OrderLatency]] = {}
    for line in log.journal(session, types=(*_ACTIONS, "Accepted", "Rejected")):
        if line.type in _ACTIONS:
            left[line.seq] = _ACTIONS[line.type], line.recv
        elif line.cause in left:
            action, sent = left.pop(line.cause)
            there = msgspec.json.decode(line.payload, type=_Outcome).ts
            if there is not None or line.type == "Accepted":
                row = latency(action, sent, there, line.recv)
                found.setdefault(line.venue, []).append(row)
    return found


def latency(action: Action, left: int, there: int | None, heard: int) -> OrderLatency:
    """One intent's times, arrival between leaving and hearing of it whatever the venue's clock says."""
    middle = (left + heard) // 2
    return OrderLatency(action, left, middle if there is None else min(max(there, left), heard), heard)
