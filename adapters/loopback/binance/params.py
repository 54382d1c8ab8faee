"""Reading what a customer sent: every value is text, out of a query, a form or a JSON object, or there is an error code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from urllib.parse import parse_qsl

from adapters.loopback.binance.codes import BinanceError, invalid, mandatory


class Params:
    """The named parameters of one request."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = fields

    @classmethod
    def of_text(cls, query: str, form: str) -> Params:
        """The parameters of a query string and of a form in the body; the body wins where both name one."""
        return cls(dict(parse_qsl(query, keep_blank_values=True)) | dict(parse_qsl(form, keep_blank_values=True)))

    def has(self, name: str) -> bool:
        return bool(self._fields.get(name))

    def text(self, name: str, default: str | None = None) -> str:
        """A string; raises BinanceError where it is missing without a default."""
        value = self._fields.get(name)
        if value:
            return value
        if default is None:
            raise mandatory(name)
        return default

    def word(self, name: str, allowed: Mapping[str, object], code: int = 0, default: str | None = None) -> str:
        """A string out of a fixed set; raises BinanceError with the code that the venue has for this one."""
        value = self.text(name, default)
        if value not in allowed:
            raise BinanceError(code) if code else invalid(name)
        return value

    def decimal(self, name: str) -> Decimal:
        """A finite decimal."""
        try:
            number = Decimal(self.text(name))
        except InvalidOperation as error:
            raise mandatory(name) from error
        if not number.is_finite():
            raise mandatory(name)
        return number

    def integer(self, name: str, default: int | None = None, low: int = 0, high: int = 1 << 62) -> int:
        """A whole number between bounds."""
        if not self.has(name) and default is not None:
            return default
        value = self.text(name)
        if not value.lstrip("-").isdigit():
            raise mandatory(name)
        if not low <= int(value) <= high:
            raise invalid(name)
        return int(value)

    def flag(self, name: str) -> bool:
        """`true` or `false` in any case, false where missing."""
        value = self.text(name, "false").lower()
        if value not in ("true", "false"):
            raise invalid(name)
        return value == "true"

    def batch(self, name: str, at_most: int) -> list[Params]:
        """A JSON list of objects."""
        items = self._list(name, at_most)
        if not all(isinstance(item, dict) for item in items):
            raise invalid(name)
        return [Params({key: worded(value) for key, value in item.items()}) for item in items if isinstance(item, dict)]

    def texts(self, name: str, at_most: int) -> list[str]:
        """A JSON list of ids."""
        return [worded(item) for item in self._list(name, at_most)]

    def _list(self, name: str, at_most: int) -> list[object]:
        try:
            items = json.loads(self.text(name), parse_float=str)
        except ValueError as error:
            raise invalid(name) from error
        if not isinstance(items, list) or not items or len(items) > at_most:
            raise invalid(name)
        return items

    def signed_text(self) -> str:
        """What a request on a socket signs: all but the signature, by name."""
        return "&".join(f"{key}={value}" for key, value in sorted(self._fields.items()) if key != "signature")


def worded(value: object) -> str:
    """A JSON value as the text that a form would carry."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
