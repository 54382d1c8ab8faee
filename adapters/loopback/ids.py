"""The names a venue gives to orders and trades; each venue has its own form, and the floor asks for the next."""

from __future__ import annotations

import random
from typing import Final, Protocol

_VERSION_4: Final = 0x4 << 76 | 0x8 << 60
_FREE: Final = ~(0xF << 76 | 0xC << 60)


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
        """As `str(uuid.UUID(int=bits, version=4))`, in a third of its time: a venue begins with some hundred orders."""
        digits = f"{self._bits.getrandbits(128) & _FREE | _VERSION_4:032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    trade = maker_fill = funding = order
