"""Who is asking: signatures over the very string that was sent, and the time rule."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from adapters.loopback.bybit.codes import BAD_SIGNATURE, INVALID_KEY, PARAMETER, TIME_WINDOW, BybitError
from adapters.loopback.ledger import Account

DEFAULT_RECV_WINDOW_MS = 5_000
FUTURE_MS = 1_000


class MissingHeadersError(Exception):
    """A private call without the headers that say who asks: HTTP 401."""


def expected(secret: str, text: str) -> str:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def check_time(sent_ms: int, recv_window_ms: int, now_ms: int) -> None:
    """Raises BybitError 10002 unless server time - window <= timestamp < server time + 1 s."""
    if not now_ms - recv_window_ms <= sent_ms < now_ms + FUTURE_MS:
        words = "invalid request, please check your server timestamp or recv_window param."
        raise BybitError(
            TIME_WINDOW,
            f"{words} req_timestamp[{sent_ms}],server_timestamp[{now_ms}],recv_window[{recv_window_ms}]",
        )


def whole(text: str, name: str) -> int:
    """A whole number of milliseconds; raises BybitError 10001."""
    if not text.isdigit():
        raise BybitError(PARAMETER, f"{name} is not a number of milliseconds: {text!r}")
    return int(text)


def check_request(headers: Mapping[str, str], payload: str, accounts: Mapping[str, Account], now_ms: int) -> Account:
    """The account that signed a REST request; `payload` is the query or body exactly as it came.

    Raises MissingHeadersError or BybitError. https://bybit-exchange.github.io/docs/v5/guide#authentication
    """
    key, stamp = headers.get("X-BAPI-API-KEY", ""), headers.get("X-BAPI-TIMESTAMP", "")
    signature = headers.get("X-BAPI-SIGN", "")
    if not (key and stamp and signature):
        raise MissingHeadersError
    window = headers.get("X-BAPI-RECV-WINDOW", "")
    account = accounts.get(key)
    if account is None:
        raise BybitError(INVALID_KEY, "API key is invalid.")
    check_time(
        whole(stamp, "X-BAPI-TIMESTAMP"),
        whole(window, "X-BAPI-RECV-WINDOW") if window else DEFAULT_RECV_WINDOW_MS,
        now_ms,
    )
    origin = f"{stamp}{key}{window}{payload}"
    if not hmac.compare_digest(expected(account.secret, origin), signature):
        raise BybitError(BAD_SIGNATURE, f"error sign! origin_string[{origin}]")
    return account


def check_socket(args: object, accounts: Mapping[str, Account], now_ms: int) -> Account:
    """The account behind a socket's `auth` of [key, expires, signature]; raises BybitError."""
    if not isinstance(args, list) or len(args) != 3:
        raise BybitError(PARAMETER, "Params Error")
    key, expires, signature = args
    if not isinstance(key, str) or not isinstance(signature, str) or not str(expires).isdigit():
        raise BybitError(PARAMETER, "Params Error")
    account = accounts.get(key)
    if account is None:
        raise BybitError(INVALID_KEY, "API key is invalid.")
    if int(expires) <= now_ms:
        raise BybitError(BAD_SIGNATURE, "Params Error: expires is not in the future")
    if not hmac.compare_digest(expected(account.secret, f"GET/realtime{expires}"), signature):
        raise BybitError(BAD_SIGNATURE, "error sign!")
    return account
