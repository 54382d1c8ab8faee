"""Every private call by its path, with its rate limit: the one table that REST and the trade socket both answer from."""

# The field names are the venue's own.

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from adapters.loopback.bybit import codes
from adapters.loopback.bybit.actions import Action, Actions
from adapters.loopback.bybit.codes import BybitError
from adapters.loopback.bybit.holdings import Holdings
from adapters.loopback.bybit.limits import Allowance, Limiter
from adapters.loopback.bybit.params import Params
from adapters.loopback.ledger import Account
from adapters.loopback.orders import RefusedError


class Empty(msgspec.Struct, gc=False):
    """The empty object of failed calls and of extra information that there is none of."""


EMPTY = Empty()
Query = Callable[[Account, Params, int], msgspec.Struct]


@dataclass(frozen=True, slots=True)
class Call:
    """A private endpoint: what answers it and which class of rate limit it has; a batch carries out `action` per item."""

    method: str
    kind: str
    query: Query | None = None
    action: Action | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply before it is put into an envelope."""

    code: int
    words: str
    result: msgspec.Struct
    extra: msgspec.Struct
    allowance: Allowance


class Calls:
    """Carries out private calls under the account's rate limits."""

    def __init__(self, actions: Actions, holdings: Holdings, limiter: Limiter) -> None:
        self._actions, self._limiter = actions, limiter
        self.table: Mapping[str, Call] = {
            "/v5/order/create": Call("POST", "orders", actions.create),
            "/v5/order/amend": Call("POST", "orders", actions.amend),
            "/v5/order/cancel": Call("POST", "orders", actions.cancel),
            "/v5/order/create-batch": Call("POST", "orders", action=actions.create),
            "/v5/order/amend-batch": Call("POST", "orders", action=actions.amend),
            "/v5/order/cancel-batch": Call("POST", "orders", action=actions.cancel),
            "/v5/order/cancel-all": Call("POST", "orders", actions.cancel_all),
            "/v5/order/realtime": Call("GET", "queries", holdings.realtime),
            "/v5/order/history": Call("GET", "queries", holdings.history),
            "/v5/execution/list": Call("GET", "queries", holdings.executions),
            "/v5/position/list": Call("GET", "queries", holdings.positions),
            "/v5/position/set-leverage": Call("POST", "settings", holdings.set_leverage),
            "/v5/position/switch-mode": Call("POST", "settings", holdings.switch_mode),
            "/v5/account/wallet-balance": Call("GET", "queries", holdings.wallet),
            "/v5/account/info": Call("GET", "queries", holdings.info),
            "/v5/account/fee-rate": Call("GET", "slow", holdings.fee_rate),
            "/v5/account/transaction-log": Call("GET", "queries", holdings.statement),
            "/v5/account/query-dcp-info": Call("GET", "slow", holdings.cancel_windows),
            "/v5/order/disconnected-cancel-all": Call("POST", "slow", holdings.set_cancel_window),
            "/v5/user/query-api": Call("GET", "queries", holdings.key_info),
        }

    def carry_out(self, path: str, account: Account, params: Params, now_ms: int) -> Answer:
        """The answer to a call, errors of the customer included."""
        call = self.table[path]
        cost = 1 if call.action is None else max(1, params.length("request"))
        allowance = self._limiter.take(account.key, path, call.kind, cost, now_ms)
        if not allowance.granted:
            return Answer(codes.TOO_MANY_VISITS, codes.TOO_MANY_VISITS_WORDS, EMPTY, EMPTY, allowance)
        try:
            if call.action is not None:
                listed, verdicts = self._actions.batch(call.action, account, params, now_ms, allowance.granted)
                return Answer(0, "OK", listed, verdicts, allowance)
            assert call.query is not None
            return Answer(0, "OK", call.query(account, params, now_ms), EMPTY, allowance)
        except RefusedError as error:
            said = codes.refused(error)
            return Answer(said.code, said.words, EMPTY, EMPTY, allowance)
        except BybitError as error:
            return Answer(error.code, error.words, EMPTY, EMPTY, allowance)
