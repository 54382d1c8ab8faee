"""Reading what a customer sent: typed values out of a query, a JSON body or a socket's args, or a code with words."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from urllib.parse import parse_qsl

from adapters.loopback.okx import codes
from adapters.loopback.okx.codes import OkxError, missing, wrong


class Params:
    """The named parameters of one request; an empty text and null mean not given."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Mapping[str, object]) -> None:
        self._fields = fields

    @classmethod
    def of_query(cls, query: str) -> Params:
        return cls(dict(parse_qsl(query, keep_blank_values=True)))

    def has(self, name: str) -> bool:
        return self._fields.get(name) not in (None, "")

    def text(self, name: str, default: str | None = None) -> str:
        """A string, or a number as one; raises OkxError where it is missing without a default, or of another type."""
        value = self._fields.get(name)
        if value is None or value == "":
            if default is None:
                raise missing(name)
            return default
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if not isinstance(value, str):
            raise wrong(name)
        return value

    def said(self, name: str) -> str:
        """The text given, or nothing where it is none: for an answer that says again what was said."""
        value = self._fields.get(name)
        return value if isinstance(value, str) else ""

    def word(self, name: str, allowed: Collection[str], default: str | None = None) -> str:
        """A string out of a fixed set."""
        value = self.text(name, default)
        if value not in allowed:
            raise wrong(name)
        return value

    def decimal(self, name: str) -> Decimal:
        """A decimal in a string, finite and above zero."""
        value = self.text(name)
        try:
            number = Decimal(value)
        except InvalidOperation as error:
            raise wrong(name) from error
        if not number.is_finite() or number <= 0:
            raise wrong(name)
        return number

    def whole(self, name: str, default: int | None = None, low: int = 0, high: int = 1 << 63) -> int:
        """A whole number in a string, between bounds."""
        value = self.text(name, "" if default is not None else None)
        if not value:
            return default or 0
        if not value.isdecimal() or not low <= int(value) <= high:
            raise wrong(name)
        return int(value)

    def code(self, name: str) -> int:
        """A JSON number without a fraction."""
        value = self._fields.get(name)
        if value is None or value == "":
            raise missing(name)
        if isinstance(value, bool) or not isinstance(value, int):
            raise wrong(name)
        return value

    def flag(self, name: str) -> bool:
        """A JSON boolean or its word, false where missing."""
        value = self._fields.get(name)
        if value in (None, ""):
            return False
        if value in (True, "true"):
            return True
        if value in (False, "false"):
            return False
        raise wrong(name)


def of_object(raw: bytes) -> Params:
    """One of a socket's args; raises OkxError."""
    content = of_body(raw)
    if isinstance(content, list):
        raise OkxError(codes.BAD_ARGS)
    return content


def of_body(body: bytes) -> Params | list[Params]:
    """The object or the objects of a POST; raises OkxError."""
    if not body:
        raise OkxError(codes.EMPTY_BODY)
    try:
        content = json.loads(body, parse_float=str)
    except ValueError as error:
        raise OkxError(codes.BAD_JSON) from error
    if isinstance(content, dict):
        return Params(content)
    if isinstance(content, list) and all(isinstance(item, dict) for item in content):
        return [Params(item) for item in content]
    raise OkxError(codes.BAD_JSON, status=HTTPStatus.BAD_REQUEST)
