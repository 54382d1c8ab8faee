"""Who is asking: HMAC signatures over the very text that was sent, and the time rule."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from http import HTTPStatus

from adapters.loopback.binance.codes import KEY_FORMAT, KEY_REJECTED, SIGNATURE, TIMESTAMP, BinanceError, mandatory
from adapters.loopback.binance.params import Params
from adapters.loopback.ledger import Account

DEFAULT_RECV_WINDOW_MS = 5_000
MAX_RECV_WINDOW_MS = 60_000
FUTURE_MS = 1_000
_LAST_PARAMETER = re.compile(r"^(?P<signed>.*?)&?signature=(?P<signature>[0-9A-Fa-f]*)$", re.DOTALL)


def expected(secret: str, text: str) -> str:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def known(key: str, accounts: Mapping[str, Account]) -> Account:
    """The account of an API key; raises BinanceError."""
    if not key:
        raise BinanceError(KEY_FORMAT, status=HTTPStatus.UNAUTHORIZED)
    account = accounts.get(key)
    if account is None:
        raise BinanceError(KEY_REJECTED, status=HTTPStatus.UNAUTHORIZED)
    return account


def check_time(params: Params, now_ms: int) -> None:
    """Raises BinanceError -1021 unless timestamp < server time + 1 s and no older than the window."""
    sent_ms = params.integer("timestamp", low=-(1 << 62))
    window_ms = params.integer("recvWindow", DEFAULT_RECV_WINDOW_MS, 0, MAX_RECV_WINDOW_MS)
    if sent_ms >= now_ms + FUTURE_MS:
        raise BinanceError(TIMESTAMP, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now_ms - sent_ms > window_ms:
        raise BinanceError(TIMESTAMP, "Timestamp for this request is outside of the recvWindow.")


def check_request(account: Account, query: str, body: str, params: Params, now_ms: int) -> None:
    """Raises BinanceError unless query and body, joined with nothing between, end in their own signature.

    https://developers.binance.com/docs/derivatives/usds-margined-futures/general-info
    """
    found = _LAST_PARAMETER.match(query + body)
    if found is None:
        raise mandatory("signature")
    check_time(params, now_ms)
    _check_signature(account, found["signed"], found["signature"])


def check_call(params: Params, accounts: Mapping[str, Account], now_ms: int) -> Account:
    """The account behind a signed call on a socket; raises BinanceError."""
    account = known(params.text("apiKey", ""), accounts)
    signature = params.text("signature")
    check_time(params, now_ms)
    _check_signature(account, params.signed_text(), signature)
    return account


def _check_signature(account: Account, text: str, signature: str) -> None:
    if not hmac.compare_digest(expected(account.secret, text), signature.lower()):
        raise BinanceError(SIGNATURE)
