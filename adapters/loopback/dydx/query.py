"""The parameters of an indexer request, checked; what is wrong is said as the indexer says it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus

from adapters.loopback.dydx.messages import Subaccount
from adapters.loopback.dydx.texts import iso_ms

MOST_ROWS = 1_000


class QueryError(Exception):
    """A request that is not answered with what was asked."""

    def __init__(self, status: HTTPStatus, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


class Query:
    """Path and query parameters by name."""

    def __init__(self, parameters: Mapping[str, str]) -> None:
        self._parameters = parameters

    def has(self, name: str) -> bool:
        return name in self._parameters

    def text(self, name: str) -> str:
        """Raises QueryError 400 where it is missing."""
        found = self._parameters.get(name)
        if not found:
            raise QueryError(HTTPStatus.BAD_REQUEST, f"{name} must be given")
        return found

    def integer(self, name: str, default: int | None = None) -> int:
        if default is not None and not self.has(name):
            return default
        given = self.text(name)
        if not given.isdigit():
            raise QueryError(HTTPStatus.BAD_REQUEST, f"{name} must be a whole number that is not negative")
        return int(given)

    def limit(self) -> int:
        """How many rows at most; raises QueryError where more are asked for than there may be."""
        limit = self.integer("limit", MOST_ROWS)
        if not 0 < limit <= MOST_ROWS:
            raise QueryError(
                HTTPStatus.BAD_REQUEST, f"limit must be a positive integer that is not greater than max: {MOST_ROWS}"
            )
        return limit

    def time_ms(self, name: str) -> int | None:
        """An ISO 8601 time, or nothing where there is none."""
        if not self.has(name):
            return None
        try:
            return iso_ms(self.text(name))
        except ValueError:
            raise QueryError(HTTPStatus.BAD_REQUEST, f"{name} must be a valid ISO 8601 string") from None

    def word(self, name: str, words: Iterable[str]) -> str | None:
        """One of the words, or nothing where it is not given."""
        if not self.has(name):
            return None
        given = self.text(name)
        if given not in words:
            raise QueryError(HTTPStatus.BAD_REQUEST, f"{name} must be one of {','.join(words)}")
        return given

    def words(self, name: str, words: Iterable[str]) -> tuple[str, ...]:
        """A list by commas; empty where it is not given."""
        given = tuple(filter(None, self._parameters.get(name, "").split(",")))
        for one in given:
            if one not in words:
                raise QueryError(HTTPStatus.BAD_REQUEST, f"{name} must be one of {','.join(words)}")
        return given

    def flag(self, name: str) -> bool:
        return self._parameters.get(name, "") in ("true", "True", "1")

    def subaccount(self, number: str = "subaccountNumber") -> Subaccount:
        return Subaccount(self.text("address"), self.integer(number))
