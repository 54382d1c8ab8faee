"""Bybit's error codes with the words it says to them, and which of the floor's refusals becomes which."""

from __future__ import annotations

from adapters.loopback.orders import Refusal, RefusedError


class BybitError(Exception):
    """A request answered with a retCode other than zero.

    https://bybit-exchange.github.io/docs/v5/error
    """

    def __init__(self, code: int, words: str) -> None:
        super().__init__(f"{code} {words}")
        self.code, self.words = code, words


PARAMETER = 10001
TIME_WINDOW = 10002
INVALID_KEY = 10003
BAD_SIGNATURE = 10004
TOO_MANY_VISITS = 10006
NOT_AUTHENTICATED = 10007
SERVER_ERROR = 10016
OVERLOAD = 10429
UNKNOWN_OP = 10404
ALREADY_AUTHENTICATED = 20001
DUPLICATE_REQUEST = 20006
PRICE_TOO_HIGH = 30208
PRICE_TOO_LOW = 30209
ORDER_NOT_FOUND = 110001
PRICE_OUT_OF_RANGE = 110003
INSUFFICIENT_FUNDS = 110007
REDUCE_ONLY = 110017
TOO_MANY_ORDERS = 110020
MODE_HAS_POSITION = 110024
MODE_UNCHANGED = 110025
MODE_HAS_ORDERS = 110028
LEVERAGE_UNCHANGED = 110043
SIZE_NOT_ABOVE_FILLED = 110064
DUPLICATE_ORDER_LINK_ID = 110072
MIN_NOTIONAL = 110094

TOO_MANY_VISITS_WORDS = "Too many visits. Exceeded the API Rate Limit."

_REFUSALS: dict[Refusal, tuple[int, str]] = {
    Refusal.UNKNOWN_ORDER: (ORDER_NOT_FOUND, "order not exists or too late to cancel"),
    Refusal.ALREADY_FINAL: (ORDER_NOT_FOUND, "order not exists or too late to cancel"),
    Refusal.NOTHING_TO_REDUCE: (REDUCE_ONLY, "current position is zero, cannot fix reduce-only order qty"),
    Refusal.WRONG_SIDE_TO_REDUCE: (REDUCE_ONLY, "Reduce-only rule not satisfied"),
    Refusal.SIZE_NOT_ABOVE_FILLED: (SIZE_NOT_ABOVE_FILLED, "order qty should be larger than the executed qty"),
    Refusal.NOTHING_CHANGED: (
        PARAMETER,
        "The order remains unchanged as the parameters entered match the existing ones.",
    ),
    Refusal.INSUFFICIENT_FUNDS: (INSUFFICIENT_FUNDS, "ab not enough for new order"),
    Refusal.TOO_MANY_ORDERS: (TOO_MANY_ORDERS, "Not allowed to have more than 500 active orders"),
    Refusal.DUPLICATE_CLIENT_ID: (DUPLICATE_ORDER_LINK_ID, "OrderLinkedID is duplicate"),
}


def refused(error: RefusedError) -> BybitError:
    """The venue's code and words for a refusal of the floor."""
    return BybitError(*_REFUSALS[error.refusal])


def parameter(words: str) -> BybitError:
    return BybitError(PARAMETER, f"params error: {words}")
