"""The names a venue gives to orders and trades; each venue has its own form, and the floor asks for the next."""

from __future__ import annotations

import random
import uuid
from typing import Protocol


class Ids(Protocol):
    """How a venue names what happens on its floor."""

    def order(self, symbol: str) -> str: ...

    def trade(self, symbol: str) -> str: ...

    def maker_fill(self, trade_id: str) -> str:
        """The name of the maker's side of a trade; the taker's side has the trade's own."""
        ...

    def funding(self, symbol: str) -> str: ...


class Uuids:
    """Random names out of a seed."""

    def __init__(self, seed: int) -> None:
        self._bits = random.Random(f"ids-{seed}")  # noqa: S311 - reproducible identifiers, nothing secret

    def order(self, _: str) -> str:
        return str(uuid.UUID(int=self._bits.getrandbits(128), version=4))

    trade = maker_fill = funding = order
