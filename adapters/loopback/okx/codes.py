"""OKX's error codes with its words, and which of the floor's refusals becomes which for each kind of command."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from adapters.loopback.floor import MAX_ORDERS_PER_SYMBOL
from adapters.loopback.orders import Refusal, RefusedError

OK, ALL_FAILED, SOME_FAILED = "0", "1", "2"

EMPTY_BODY = "50000"
UNAVAILABLE = "50001"
BAD_JSON = "50002"
TIMEOUT = "50004"
CONTENT_TYPE = "50006"
TOO_FREQUENT = "50011"
BUSY = "50013"
MISSING = "50014"
SYSTEM_ERROR = "50026"
EXP_TIME_PAST = "50036"
ACCOUNT_TOO_FREQUENT = "50061"
FEATURE_UNAVAILABLE = "50062"
ENVIRONMENT = "50101"
EXPIRED = "50102"
NO_KEY = "50103"
NO_PASSPHRASE = "50104"  # noqa: S105 - codes, not passphrases
WRONG_PASSPHRASE = "50105"  # noqa: S105
NO_SIGN = "50106"
NO_TIMESTAMP = "50107"
BAD_TIMESTAMP = "50112"
BAD_SIGN = "50113"
BAD_METHOD = "50115"
NO_SUCH_KEY = "50119"
NO_PERMISSION = "50120"
PARAMETER = "51000"
NO_INSTRUMENT = "51001"
MARGIN = "51008"
DUPLICATE_CLIENT_ID = "51016"
SIZE_TOO_SMALL = "51020"
NO_POSITION = "51023"
TOO_MANY_PENDING = "51102"
SIZE_TOO_LARGE = "51101"
LOT = "51121"
PRICE_TOO_HIGH = "51137"
PRICE_TOO_LOW = "51138"
NOTHING_TO_REDUCE = "51169"
REDUCES_NOT = "51170"
MARKET_TOO_LARGE = "51202"
CANCEL_GONE = "51400"
NO_ORDER_NAMED = "51407"
NOTHING_TO_AMEND = "51500"
AMEND_MARGIN = "51502"
AMEND_GONE = "51503"
AMEND_BREAKS_POST_ONLY = "51511"
NO_SUCH_ORDER = "51603"
SETTINGS_HELD = "59000"
LEVERAGE_TOO_HIGH = "59102"
LOGIN_TIMESTAMP = "60004"
LOGIN_EXPIRED = "60006"
LOGIN_SIGN = "60007"
LOGIN_FAILED = "60009"
NOT_LOGGED_IN = "60011"
ILLEGAL = "60012"
BAD_ARGS = "60013"
REQUESTS_TOO_FREQUENT = "60014"
NO_CHANNEL = "60018"
BAD_OP = "60019"
LOGIN_PASSPHRASE = "60024"  # noqa: S105
WRONG_PATH = "60028"
NEEDS_VIP5 = "60029"
NEEDS_VIP4 = "60030"
LOGIN_TWICE = "60031"
LOGIN_NO_SUCH_KEY = "60032"
MOVED_TO_BUSINESS = "64001"
NOT_ON_BUSINESS = "64002"
NEEDS_TIER = "64003"
CHANNELS_EXCLUDE = "64004"

_BAD, _AUTH, _OK = HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.OK

SAID: Mapping[str, tuple[str, int]] = {
    EMPTY_BODY: ("Body for POST request cannot be empty.", _BAD),
    UNAVAILABLE: ("Service temporarily unavailable. Try again later.", HTTPStatus.SERVICE_UNAVAILABLE),
    BAD_JSON: ("JSON syntax error", _BAD),
    TIMEOUT: (
        "API endpoint request timeout (does not mean that the request was successful or failed, "
        "please check the request result).",
        _BAD,
    ),
    CONTENT_TYPE: ('Invalid Content-Type. Please use "application/JSON".', _BAD),
    TOO_FREQUENT: ("Rate limit reached. Please refer to API documentation and throttle requests accordingly.", _OK),
    BUSY: ("Systems are busy. Please try again later.", HTTPStatus.TOO_MANY_REQUESTS),
    SYSTEM_ERROR: ("System error. Try again later.", HTTPStatus.INTERNAL_SERVER_ERROR),
    EXP_TIME_PAST: (
        "The expTime can't be earlier than the current system time. Please adjust the expTime and try again.",
        _OK,
    ),
    ACCOUNT_TOO_FREQUENT: ("You've reached the maximum order rate limit for this account.", _OK),
    FEATURE_UNAVAILABLE: ("This feature is currently unavailable.", _OK),
    ENVIRONMENT: ("APIKey does not match current environment.", _AUTH),
    EXPIRED: ("Timestamp request expired", _AUTH),
    NO_KEY: ('Request header "OK-ACCESS-KEY" cannot be empty.', _AUTH),
    NO_PASSPHRASE: ('Request header "OK-ACCESS-PASSPHRASE" cannot be empty.', _AUTH),
    WRONG_PASSPHRASE: ('Request header "OK-ACCESS-PASSPHRASE" incorrect.', _AUTH),
    NO_SIGN: ('Request header "OK-ACCESS-SIGN" cannot be empty.', _AUTH),
    NO_TIMESTAMP: ('Request header "OK-ACCESS-TIMESTAMP" cannot be empty.', _AUTH),
    BAD_TIMESTAMP: ("Invalid OK-ACCESS-TIMESTAMP", _AUTH),
    BAD_SIGN: ("Invalid Sign", _AUTH),
    BAD_METHOD: ("Invalid request method.", HTTPStatus.METHOD_NOT_ALLOWED),
    NO_SUCH_KEY: ("API key doesn't exist", _OK),
    NO_PERMISSION: ("This API key doesn't have permission to use this function", _OK),
    NO_INSTRUMENT: ("Instrument ID, Instrument ID code, or Spread ID doesn't exist.", _OK),
    MARGIN: ("Order failed. Insufficient USDT margin in account", _OK),
    DUPLICATE_CLIENT_ID: ("Client order ID already exists.", _OK),
    SIZE_TOO_SMALL: ("Your order should meet or exceed the minimum order amount.", _OK),
    NO_POSITION: ("Position doesn't exist.", _OK),
    TOO_MANY_PENDING: (
        f"Order failed, the number of pending orders for this instId can't be more than {MAX_ORDERS_PER_SYMBOL} (orders)",
        _OK,
    ),
    LOT: ("Order quantity must be a multiple of the lot size.", _OK),
    NOTHING_TO_REDUCE: (
        "Order failed because you don't have any positions in this direction for this contract to reduce or close.",
        _OK,
    ),
    REDUCES_NOT: (
        "Failed to place order. A reduce-only order can't be the same trading direction as your existing positions.",
        _OK,
    ),
    MARKET_TOO_LARGE: ("Market order amount exceeds the maximum amount.", _OK),
    CANCEL_GONE: ("Order cancellation failed as the order has been filled, canceled or does not exist.", _OK),
    NO_ORDER_NAMED: ("Either order ID or client order ID is required.", _OK),
    NOTHING_TO_AMEND: ("You must enter a price, quantity, or TP/SL", _OK),
    AMEND_MARGIN: ("Order failed. Insufficient USDT margin in account", _OK),
    AMEND_GONE: ("Order modification failed as the order has been filled, canceled or does not exist.", _OK),
    AMEND_BREAKS_POST_ONLY: (
        "Order modification failed as the price did not meet the requirement for Post Only.",
        _OK,
    ),
    NO_SUCH_ORDER: ("Order does not exist", _OK),
    SETTINGS_HELD: (
        "Setting failed. Cancel any open orders, close positions, and stop trading bots first.",
        _OK,
    ),
    LEVERAGE_TOO_HIGH: ("Leverage exceeds the maximum limit. Please lower the leverage.", _OK),
    LOGIN_TIMESTAMP: ("Invalid timestamp", _OK),
    LOGIN_EXPIRED: ("Timestamp request expired", _OK),
    LOGIN_SIGN: ("Invalid sign", _OK),
    LOGIN_FAILED: ("Login failed.", _OK),
    NOT_LOGGED_IN: ("Please log in", _OK),
    BAD_ARGS: ("Invalid args", _OK),
    REQUESTS_TOO_FREQUENT: ("Requests too frequent", _OK),
    LOGIN_PASSPHRASE: ("Wrong passphrase", _OK),
    WRONG_PATH: (
        "The current operation is not supported by this URL. Please use the correct WebSocket URL for the operation.",
        _OK,
    ),
    LOGIN_TWICE: ("The WebSocket endpoint does not allow multiple or repeated logins.", _OK),
    LOGIN_NO_SUCH_KEY: ("API key doesn't exist.", _OK),
    NEEDS_VIP5: (
        "Only users who are VIP5 and above in trading fee tier are allowed to subscribe to this channel.",
        _OK,
    ),
    NEEDS_VIP4: (
        "Only users who are VIP4 and above in trading fee tier are allowed to subscribe to this channel.",
        _OK,
    ),
    MOVED_TO_BUSINESS: (
        "This channel has been migrated to the '/business' URL. Please subscribe using the new URL.",
        _OK,
    ),
    NOT_ON_BUSINESS: (
        'This channel is not supported by "/business" URL. Please use "/private" URL(for private channels), '
        'or "/public" URL(for public channels).',
        _OK,
    ),
    NEEDS_TIER: ("Your trading fee tier doesn't meet the requirement to access this channel", _OK),
}
"""The words to a code and the HTTP status with it."""


class OkxError(Exception):
    """A request answered with a code other than zero.

    https://www.okx.com/docs-v5/en/#error-code
    """

    def __init__(self, code: str, words: str = "", status: int = 0) -> None:
        said, usual = SAID.get(code, ("", HTTPStatus.OK))
        self.code, self.words, self.status = code, words or said, status or usual
        super().__init__(f"{code} {self.words}")


PLACING: Mapping[Refusal, str] = {
    Refusal.NOTHING_TO_REDUCE: NOTHING_TO_REDUCE,
    Refusal.WRONG_SIDE_TO_REDUCE: REDUCES_NOT,
    Refusal.INSUFFICIENT_FUNDS: MARGIN,
    Refusal.TOO_MANY_ORDERS: TOO_MANY_PENDING,
    Refusal.DUPLICATE_CLIENT_ID: DUPLICATE_CLIENT_ID,
}
AMENDING: Mapping[Refusal, str] = {
    **PLACING,
    Refusal.UNKNOWN_ORDER: AMEND_GONE,
    Refusal.ALREADY_FINAL: AMEND_GONE,
    Refusal.INSUFFICIENT_FUNDS: AMEND_MARGIN,
}
CANCELLING: Mapping[Refusal, str] = {Refusal.UNKNOWN_ORDER: CANCEL_GONE, Refusal.ALREADY_FINAL: CANCEL_GONE}


def refused(error: RefusedError, doing: Mapping[Refusal, str]) -> OkxError:
    """The venue's code and words for a refusal of the floor, by what was being done."""
    return OkxError(doing[error.refusal])


def missing(name: str) -> OkxError:
    return OkxError(MISSING, f"Parameter {name} can not be empty.", HTTPStatus.BAD_REQUEST)


def wrong(name: str) -> OkxError:
    return OkxError(PARAMETER, f"Parameter {name} error", HTTPStatus.BAD_REQUEST)
