"""Every question and action in one place: how it is read, what it weighs, who answers; the same over HTTP and the socket."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from http import HTTPStatus

import msgspec

from adapters.loopback.hyperliquid import answers, wire
from adapters.loopback.hyperliquid.actions import Actions
from adapters.loopback.hyperliquid.ask import Ask
from adapters.loopback.hyperliquid.holdings import Holdings
from adapters.loopback.hyperliquid.limits import Limiter
from adapters.loopback.hyperliquid.quotes import Quotes
from adapters.loopback.hyperliquid.refusals import ActionRefusedError, ItemRefusedError, RequestRefusedError, malformed
from adapters.loopback.hyperliquid.register import Register
from adapters.loopback.hyperliquid.wallets import Wallets

LIGHT, USUAL, HEAVY = 2, 20, 60
ITEMS_A_WEIGHT = 20
CANDLES_A_WEIGHT = 60
ACTIONS_A_WEIGHT = 40


@dataclass(frozen=True, slots=True)
class Call:
    """A question: what it weighs, and how many items of its answer weigh one more."""

    answer: Callable[[Ask, int], object]
    weight: int = USUAL
    items_a_weight: int = 0


def table(quotes: Quotes, holdings: Holdings) -> Mapping[str, Call]:
    """Every type of question.

    https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/info-endpoint
    """
    return {
        "meta": Call(quotes.meta),
        "metaAndAssetCtxs": Call(quotes.meta_and_contexts),
        "allMids": Call(quotes.mids, LIGHT),
        "l2Book": Call(quotes.book, LIGHT),
        "recentTrades": Call(quotes.trades, USUAL, ITEMS_A_WEIGHT),
        "candleSnapshot": Call(quotes.candles, USUAL, CANDLES_A_WEIGHT),
        "fundingHistory": Call(quotes.funding_history, USUAL, ITEMS_A_WEIGHT),
        "spotMeta": Call(quotes.spot_meta),
        "spotMetaAndAssetCtxs": Call(quotes.spot_meta_and_contexts),
        "perpDexs": Call(quotes.dexes),
        "exchangeStatus": Call(quotes.status, LIGHT),
        "openOrders": Call(holdings.open_orders),
        "frontendOpenOrders": Call(holdings.frontend_open_orders),
        "orderStatus": Call(holdings.order_status, LIGHT),
        "historicalOrders": Call(holdings.historical_orders, USUAL, ITEMS_A_WEIGHT),
        "userFills": Call(holdings.fills, USUAL, ITEMS_A_WEIGHT),
        "userFillsByTime": Call(holdings.fills_by_time, USUAL, ITEMS_A_WEIGHT),
        "userFunding": Call(holdings.funding, USUAL, ITEMS_A_WEIGHT),
        "userNonFundingLedgerUpdates": Call(holdings.nothing, USUAL, ITEMS_A_WEIGHT),
        "clearinghouseState": Call(holdings.state, LIGHT),
        "spotClearinghouseState": Call(holdings.spot_state, LIGHT),
        "activeAssetData": Call(holdings.active_asset),
        "userRateLimit": Call(holdings.rate_limit),
        "userFees": Call(holdings.fees),
        "userRole": Call(holdings.role, HEAVY),
        "userAbstraction": Call(holdings.abstraction),
        "extraAgents": Call(holdings.agents),
        "subAccounts": Call(holdings.nothing),
    }


class Counter:
    """Where questions and actions arrive."""

    def __init__(
        self,
        calls: Mapping[str, Call],
        actions: Actions,
        wallets: Wallets,
        register: Register,
        limiter: Limiter,
        block: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._calls, self._actions, self._wallets = calls, actions, wallets
        self._register, self._limiter, self._block = register, limiter, block

    @staticmethod
    def read_ask(body: bytes | msgspec.Raw) -> Ask:
        """Raises RequestRefusedError."""
        try:
            return msgspec.json.decode(body, type=Ask)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise malformed(str(error)) from error

    @staticmethod
    def read_action(body: bytes | msgspec.Raw) -> wire.Signed:
        """Raises RequestRefusedError."""
        try:
            return msgspec.json.decode(body, type=wire.Signed)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise malformed(str(error)) from error

    def ask(self, ask: Ask, address: str, now_ms: int) -> object:
        """The answer to a question; raises RequestRefusedError."""
        call = self._calls.get(ask.type)
        if call is None:
            raise malformed(f"there is no question {ask.type!r}")
        self._limiter.weigh(address, call.weight, now_ms)
        answer = call.answer(ask, now_ms)
        if call.items_a_weight and isinstance(answer, list):
            self._limiter.weigh(address, len(answer) // call.items_a_weight, now_ms)
        return answer

    def act(self, signed: wire.Signed, address: str, now_ms: int) -> answers.Answer:
        """The answer to an action, all of it in one block; raises RequestRefusedError."""
        action = signed.action
        self._limiter.weigh(address, 1 + action.items // ACTIONS_A_WEIGHT, now_ms)
        try:
            key = self._wallets.admit(signed, now_ms)
            cancels = isinstance(action, wire.Cancel | wire.CancelByCloid)
            self._limiter.act(key, action.items, cancels, self._register.volume(key), now_ms)
            with self._block():
                return self._actions.carry_out(key, action, now_ms)
        except (ActionRefusedError, ItemRefusedError) as refused:
            return answers.NotDone(refused.words)


def phrase(status: int) -> str:
    """A status as it stands in words on the socket."""
    return f"{status} {HTTPStatus(status).phrase}"


def failed(error: RequestRefusedError) -> str:
    return f"{phrase(error.status)}: {error.words}"
