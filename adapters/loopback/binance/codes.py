"""Binance's error codes with the words it says to them, and which of the floor's refusals becomes which."""

from __future__ import annotations

from http import HTTPStatus

from adapters.loopback.orders import Refusal, RefusedError


class BinanceError(Exception):
    """A request answered with a negative code.

    https://developers.binance.com/docs/derivatives/usds-margined-futures/error-code
    """

    def __init__(
        self, code: int, words: str = "", status: int = HTTPStatus.BAD_REQUEST, retry_after_s: int = 0
    ) -> None:
        self.code, self.words = code, words or WORDS[code]
        self.status, self.retry_after_s = status, retry_after_s
        super().__init__(f"{code} {self.words}")


UNKNOWN = -1000
TOO_MANY_REQUESTS = -1003
TIMEOUT = -1007
TOO_MANY_ORDERS = -1015
TIMESTAMP = -1021
SIGNATURE = -1022
ILLEGAL_CHARACTERS = -1100
MANDATORY = -1102
PRECISION = -1111
BAD_TIF = -1115
BAD_TYPE = -1116
BAD_SIDE = -1117
BAD_INTERVAL = -1120
BAD_SYMBOL = -1121
NO_LISTEN_KEY = -1125
BAD_PARAMETER = -1130
CANCEL_REJECTED = -2011
NO_SUCH_ORDER = -2013
KEY_FORMAT = -2014
KEY_REJECTED = -2015
MARGIN = -2019
WOULD_TRIGGER = -2021
REDUCE_ONLY = -2022
MAX_OPEN_ORDERS = -2025
PRICE_ABOVE_MAX = -4002
QTY_NOT_POSITIVE = -4003
QTY_BELOW_MIN = -4004
QTY_ABOVE_MAX = -4005
PRICE_BELOW_MIN = -4013
TICK_SIZE = -4014
CLIENT_ID = -4015
PRICE_TOO_HIGH = -4016
STEP_SIZE = -4023
PRICE_TOO_LOW = -4024
LEVERAGE = -4028
MARGIN_TYPE_UNCHANGED = -4046
KEY_KIND = -4056
POSITION_MODE_UNCHANGED = -4059
POSITION_SIDE = -4061
MODE_HAS_ORDERS = -4067
MODE_HAS_POSITION = -4068
DUPLICATE_CLIENT_ID = -4116
USE_ALGO_ENDPOINT = -4120
MIN_NOTIONAL = -4164
NO_SUCH_PATH = -5000
FOK_REFUSED = -5021
POST_ONLY_REFUSED = -5022
LIMIT_ONLY = -5025
TOO_MANY_AMENDMENTS = -5026
NOTHING_CHANGED = -5027
NOT_REDUCE_ONLY = -5047

WORDS: dict[int, str] = {
    UNKNOWN: "An unknown error occurred while processing the request.",
    TIMEOUT: "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
    SIGNATURE: "Signature for this request is not valid.",
    ILLEGAL_CHARACTERS: "Illegal characters found in parameter 'newClientOrderId'; "
    "legal range is '^[\\.A-Z\\:/a-z0-9_-]{1,36}$'.",
    PRECISION: "Precision is over the maximum defined for this asset.",
    BAD_TIF: "Invalid timeInForce.",
    BAD_TYPE: "Invalid orderType.",
    BAD_SIDE: "Invalid side.",
    BAD_INTERVAL: "Invalid interval.",
    BAD_SYMBOL: "Invalid symbol.",
    NO_LISTEN_KEY: "This listenKey does not exist.",
    CANCEL_REJECTED: "Unknown order sent.",
    NO_SUCH_ORDER: "Order does not exist.",
    KEY_FORMAT: "API-key format invalid.",
    KEY_REJECTED: "Invalid API-key, IP, or permissions for action.",
    MARGIN: "Margin is insufficient.",
    WOULD_TRIGGER: "Order would immediately trigger.",
    REDUCE_ONLY: "ReduceOnly Order is rejected.",
    MAX_OPEN_ORDERS: "Reach max open order limit.",
    PRICE_ABOVE_MAX: "Price greater than max price.",
    QTY_NOT_POSITIVE: "Quantity less than or equal to zero.",
    QTY_BELOW_MIN: "Quantity less than min quantity.",
    QTY_ABOVE_MAX: "Quantity greater than max quantity.",
    PRICE_BELOW_MIN: "Price less than min price.",
    TICK_SIZE: "Price not increased by tick size.",
    CLIENT_ID: "Client order id length should be less than 36 chars",
    STEP_SIZE: "Qty not increased by step size.",
    MARGIN_TYPE_UNCHANGED: "No need to change margin type.",
    KEY_KIND: "HMAC_SHA256 API key is not supported.",
    POSITION_MODE_UNCHANGED: "No need to change position side.",
    POSITION_SIDE: "Order's position side does not match user's setting.",
    MODE_HAS_ORDERS: "Position side cannot be changed if there exists open orders.",
    MODE_HAS_POSITION: "Position side cannot be changed if there exists position.",
    DUPLICATE_CLIENT_ID: "ClientOrderId is duplicated.",
    USE_ALGO_ENDPOINT: "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead.",
    FOK_REFUSED: "Due to the order could not be filled immediately, the FOK order has been rejected. "
    "The order will not be recorded in the order history",
    POST_ONLY_REFUSED: "Due to the order could not be executed as maker, the Post Only order will be rejected. "
    "The order will not be recorded in the order history",
    LIMIT_ONLY: "Only limit order is supported.",
    TOO_MANY_AMENDMENTS: "Exceed maximum modify order limit.",
    NOTHING_CHANGED: "No need to modify the order.",
    NOT_REDUCE_ONLY: "Cannot modify the reduceOnly property of an order.",
}

_REFUSALS: dict[Refusal, int] = {
    Refusal.UNKNOWN_ORDER: CANCEL_REJECTED,
    Refusal.ALREADY_FINAL: CANCEL_REJECTED,
    Refusal.NOTHING_TO_REDUCE: REDUCE_ONLY,
    Refusal.WRONG_SIDE_TO_REDUCE: REDUCE_ONLY,
    Refusal.SIZE_NOT_ABOVE_FILLED: CANCEL_REJECTED,
    Refusal.NOTHING_CHANGED: NOTHING_CHANGED,
    Refusal.INSUFFICIENT_FUNDS: MARGIN,
    Refusal.TOO_MANY_ORDERS: MAX_OPEN_ORDERS,
    Refusal.DUPLICATE_CLIENT_ID: DUPLICATE_CLIENT_ID,
}


def refused(error: RefusedError) -> BinanceError:
    """The venue's code and words for a refusal of the floor."""
    return BinanceError(_REFUSALS[error.refusal])


def mandatory(name: str) -> BinanceError:
    return BinanceError(MANDATORY, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def invalid(name: str) -> BinanceError:
    return BinanceError(BAD_PARAMETER, f"Data sent for parameter '{name}' is not valid.")
