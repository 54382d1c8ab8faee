"""A query whose conditions are added one by one, as they are asked for."""

from collections.abc import Sequence
from typing import Self


class Select:
    """`SELECT columns FROM table WHERE … AND … ORDER BY …`; nothing but names and conditions of ours becomes part of its text."""

    def __init__(self, table: str, columns: Sequence[str], order: str) -> None:
        self.table = table
        self.values: dict[str, object] = {}
        self._columns = ", ".join(columns)
        self._conditions: list[str] = []
        self._tail = f"ORDER BY {order}"

    @property
    def sql(self) -> str:
        """The text; what stands in it as `:name` is in `values`."""
        where = f"WHERE {' AND '.join(self._conditions)}" if self._conditions else ""
        return f"SELECT {self._columns} FROM {self.table} {where} {self._tail}"  # noqa: S608

    def where(self, condition: str, **values: object) -> Self:
        """And this condition too, which names these values."""
        self._conditions.append(condition)
        self.values |= values
        return self

    def among(self, column: str, words: Sequence[str]) -> Self:
        """And the column is one of these words."""
        names = [f"{column}_{number}" for number in range(len(words))]
        return self.where(
            f"{column} IN ({', '.join(f':{name}' for name in names)})", **dict(zip(names, words, strict=True))
        )

    def first(self) -> Self:
        """Only the first row."""
        self._tail += " LIMIT 1"
        return self
