"""Carrying out order commands, one or many, for REST and the sockets alike: limits, deadline, items, the answer's code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from adapters.loopback.ledger import Account
from adapters.loopback.okx import codes
from adapters.loopback.okx.actions import Action, Actions, AnyAck, Find, failed
from adapters.loopback.okx.codes import OkxError, wrong
from adapters.loopback.okx.limits import Limiter
from adapters.loopback.okx.params import Params

BATCH = 20
PLACE, AMEND, CANCEL = "place", "amend", "cancel"
TOO_MANY_IN_BATCH = {PLACE: "51111", AMEND: "51501", CANCEL: "51406"}


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply before it is put into an envelope."""

    code: str
    data: Sequence[object]
    words: str = ""
    status: int = HTTPStatus.OK
    is_timed: bool = False
    """Does it say when it came in and went out?"""


def refusal(error: OkxError) -> Answer:
    """The answer to a request that was refused as a whole."""
    return Answer(error.code, [], error.words, error.status)


@dataclass(frozen=True, slots=True)
class Command:
    """What is done with orders, and whether with many at once."""

    doing: str
    is_batch: bool = False


class Commands:
    """The one way into the floor for customers' orders."""

    def __init__(self, actions: Actions, limiter: Limiter, readers: Collection[str] = ()) -> None:
        self._limiter, self._readers = limiter, readers
        self._actions: Mapping[str, Action] = {PLACE: actions.place, AMEND: actions.amend, CANCEL: actions.cancel}

    def carry_out(
        self, command: Command, account: Account, items: Sequence[Params], find: Find, deadline: str, now_ms: int
    ) -> Answer:
        """Each item on its own; raises OkxError where the request as a whole is refused."""
        self.check_permission(account)
        self._check_count(command, items)
        if command.doing != CANCEL:
            check_deadline(deadline, now_ms)
        self._check_limits(command, account, items, find, now_ms)
        acks = [self._one(command.doing, account, item, find, now_ms) for item in items]
        bad = sum(ack.s_code != codes.OK for ack in acks)
        if not bad:
            return Answer(codes.OK, acks, is_timed=True)
        if bad == len(acks):
            return Answer(codes.ALL_FAILED, acks, "All operations failed", is_timed=True)
        return Answer(codes.SOME_FAILED, acks, "Bulk operation partially succeeded.", is_timed=True)

    def check_permission(self, account: Account) -> None:
        """Raises OkxError where the key may only read."""
        if account.key in self._readers:
            raise OkxError(codes.NO_PERMISSION)

    def _one(self, doing: str, account: Account, params: Params, find: Find, now_ms: int) -> AnyAck:
        try:
            return self._actions[doing](account, params, find(params), now_ms)
        except OkxError as error:
            return failed(error, params, now_ms, doing == AMEND)

    @staticmethod
    def _check_count(command: Command, items: Sequence[Params]) -> None:
        if not items or (len(items) > 1 and not command.is_batch):
            raise OkxError(codes.BAD_ARGS)
        if len(items) > BATCH:
            raise OkxError(TOO_MANY_IN_BATCH[command.doing], f"Maximum {BATCH} orders can be handled in bulk")

    def _check_limits(
        self, command: Command, account: Account, items: Sequence[Params], find: Find, now_ms: int
    ) -> None:
        """Counts the orders of each instrument; those whose instrument is not known cost nothing."""
        counted: Counter[str] = Counter()
        for item in items:
            try:
                counted[find(item).inst_id] += 1
            except OkxError:
                continue
        batched = len(items) > 1
        for inst_id, cost in counted.items():
            if not self._limiter.orders(account.key, command.doing, inst_id, cost, batched, now_ms):
                raise OkxError(codes.TOO_FREQUENT)


def check_deadline(text: str, now_ms: int) -> None:
    """Raises OkxError where `expTime` is not a time to come."""
    if not text:
        return
    if not text.isdecimal():
        raise wrong("expTime")
    if int(text) < now_ms:
        raise OkxError(codes.EXP_TIME_PAST)


AccountCall = Callable[[Account, Params, int], Sequence[object]]
