"""Who is asking: signatures over the very text that was sent, the passphrase, and the time rule."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

import msgspec

from adapters.loopback.ledger import Account
from adapters.loopback.okx import codes
from adapters.loopback.okx.codes import OkxError

WINDOW_MS = 30_000
VERIFY = "GET/users/self/verify"


class Login(msgspec.Struct, gc=False, rename="camel"):
    """The argument of `login`; the official client sends its timestamp as a number."""

    api_key: str = ""
    passphrase: str = ""
    timestamp: str | int = ""
    sign: str = ""


def expected(secret: str, text: str) -> str:
    digest = hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def moment_ms(stamp: str) -> int:
    """Unix milliseconds of an ISO timestamp, or of one in seconds with a fraction; raises OkxError 50112."""
    try:
        if stamp.endswith("Z"):
            return round(datetime.fromisoformat(stamp).timestamp() * 1000)
        return round(float(stamp) * 1000)
    except ValueError as error:
        raise OkxError(codes.BAD_TIMESTAMP) from error


def check_request(
    headers: Mapping[str, str], method: str, path: str, body: str, accounts: Mapping[str, Account], now_ms: int
) -> Account:
    """The account that signed a REST request; path with its query and body exactly as they came.

    Raises OkxError. https://www.okx.com/docs-v5/en/#overview-rest-authentication
    """
    given = {}
    for name, code in (
        ("KEY", codes.NO_KEY),
        ("SIGN", codes.NO_SIGN),
        ("TIMESTAMP", codes.NO_TIMESTAMP),
        ("PASSPHRASE", codes.NO_PASSPHRASE),
    ):
        given[name] = headers.get(f"OK-ACCESS-{name}", "")
        if not given[name]:
            raise OkxError(code)
    if abs(now_ms - moment_ms(given["TIMESTAMP"])) > WINDOW_MS:
        raise OkxError(codes.EXPIRED)
    account = accounts.get(given["KEY"])
    if account is None:
        raise OkxError(codes.NO_SUCH_KEY)
    if not hmac.compare_digest(expected(account.secret, given["TIMESTAMP"] + method + path + body), given["SIGN"]):
        raise OkxError(codes.BAD_SIGN)
    if not hmac.compare_digest(account.passphrase, given["PASSPHRASE"]):
        raise OkxError(codes.WRONG_PASSPHRASE)
    return account


def check_login(login: Login, accounts: Mapping[str, Account], now_ms: int) -> Account:
    """The account behind a socket's `login`; raises OkxError.

    https://www.okx.com/docs-v5/en/#overview-websocket-login
    """
    account, stamp = accounts.get(login.api_key), str(login.timestamp)
    if account is None:
        raise OkxError(codes.LOGIN_NO_SUCH_KEY)
    if not stamp.isdecimal():
        raise OkxError(codes.LOGIN_TIMESTAMP)
    if abs(now_ms - int(stamp) * 1000) > WINDOW_MS:
        raise OkxError(codes.LOGIN_EXPIRED)
    if not hmac.compare_digest(expected(account.secret, stamp + VERIFY), login.sign):
        raise OkxError(codes.LOGIN_SIGN)
    if not hmac.compare_digest(account.passphrase, login.passphrase):
        raise OkxError(codes.LOGIN_PASSPHRASE)
    return account
