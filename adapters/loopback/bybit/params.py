"""Reading what a customer sent: typed values out of a query or a JSON body, or retCode 10001 with words."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from urllib.parse import parse_qsl, unquote

import orjson

from adapters.loopback.bybit.codes import BybitError, parameter


class Params:
    """The named parameters of one request."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Mapping[str, object]) -> None:
        self._fields = fields

    @classmethod
    def of_query(cls, query: str) -> Params:
        return cls(dict(parse_qsl(query, keep_blank_values=True)))

    @classmethod
    def of_body(cls, body: bytes) -> Params:
        """Raises BybitError where the body is no JSON object."""
        try:
            fields = orjson.loads(body or b"{}")
        except orjson.JSONDecodeError as error:
            raise parameter(f"body is not JSON: {error}") from error
        if not isinstance(fields, dict):
            raise parameter("body is not a JSON object")
        return cls(fields)

    def has(self, name: str) -> bool:
        return self._fields.get(name) not in (None, "")

    def text(self, name: str, default: str | None = None) -> str:
        """A string; raises BybitError where it is missing without a default, or of another type."""
        value = self._fields.get(name)
        if value is None or value == "":
            if default is None:
                raise parameter(f"{name} is required")
            return default
        if not isinstance(value, str):
            raise parameter(f"{name} must be a string, got {type(value).__name__}")
        return value

    def word(self, name: str, allowed: Mapping[str, object] | frozenset[str], default: str | None = None) -> str:
        """A string out of a fixed set."""
        value = self.text(name, default)
        if value not in allowed:
            raise parameter(f"{name} invalid: {value}")
        return value

    def decimal(self, name: str) -> Decimal:
        """A decimal in a string, finite and not negative."""
        value = self.text(name)
        try:
            number = Decimal(value)
        except InvalidOperation as error:
            raise parameter(f"{name} invalid: {value}") from error
        if not number.is_finite() or number < 0:
            raise parameter(f"{name} invalid: {value}")
        return number

    def integer(self, name: str, default: int | None = None, low: int = 0, high: int = 1 << 62) -> int:
        """A whole number, as number or as text, between bounds."""
        value = self._fields.get(name)
        if value is None or value == "":
            if default is None:
                raise parameter(f"{name} is required")
            return default
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise parameter(f"{name} must be an integer")
        try:
            number = int(value)
        except ValueError as error:
            raise parameter(f"{name} invalid: {value}") from error
        if not low <= number <= high:
            raise parameter(f"{name} invalid: {number} is not in {low}..{high}")
        return number

    def flag(self, name: str) -> bool:
        """A JSON boolean, false where missing."""
        value = self._fields.get(name)
        if value is None:
            return False
        if not isinstance(value, bool):
            raise parameter(f"{name} must be a boolean")
        return value

    def offset(self) -> int:
        """Where the page asked for begins; cursors are opaque to customers and percent-encoded as Bybit's are."""
        cursor = unquote(self.text("cursor", ""))
        if not cursor:
            return 0
        head, _, number = cursor.partition(":")
        if head != "page" or not number.isdigit():
            raise parameter("cursor invalid")
        return int(number)

    def items(self, name: str, at_most: int) -> list[Params]:
        """The list of objects of a batch."""
        value = self._fields.get(name)
        if not isinstance(value, list) or not value:
            raise parameter(f"{name} must be a list of orders")
        if len(value) > at_most:
            raise BybitError(10001, f"The number of orders in a batch exceeds {at_most}")
        if not all(isinstance(item, dict) for item in value):
            raise parameter(f"{name} must be a list of objects")
        return [Params(item) for item in value]

    def length(self, name: str) -> int:
        """How many items a batch has, zero where it is none."""
        value = self._fields.get(name)
        return len(value) if isinstance(value, list) else 0


def cursor(offset: int, shown: int, total: int) -> str:
    """The cursor to the page after, empty at the end."""
    return f"page%3A{offset + shown}" if offset + shown < total else ""
