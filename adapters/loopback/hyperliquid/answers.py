"""How an action is answered: the envelope, and what became of each of its items."""

from __future__ import annotations

import msgspec

from adapters.loopback.hyperliquid.rows import Row


class Resting(Row, omit_defaults=True):
    oid: int
    cloid: str | None = None


class Filled(Row, omit_defaults=True):
    total_sz: str
    avg_px: str
    oid: int
    cloid: str | None = None


class IsResting(Row):
    resting: Resting


class IsFilled(Row):
    filled: Filled


class IsRefused(Row):
    error: str


Status = IsResting | IsFilled | IsRefused | str
SUCCESS = "success"


class Statuses(Row):
    statuses: list[Status]


class Response(Row, omit_defaults=True):
    """What was done; `data` where the action has items."""

    type: str
    data: Statuses | None = None


class Done(Row):
    response: Response
    status: str = "ok"


class NotDone(Row):
    response: str
    status: str = "err"


Answer = Done | NotDone
DEFAULT = Done(Response("default"))


def of_items(kind: str, statuses: list[Status]) -> Done:
    return Done(Response(kind, Statuses(statuses)))


class PostPayload(msgspec.Struct, gc=False):
    """The answer to a question that was posted on the socket."""

    type: str
    data: object
