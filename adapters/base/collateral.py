"""Where an account keeps its coins: perpetuals apart from spot, or all in one that is told as spot."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec

from adapters.base.numbers import owed
from state.events import BalanceUpdate


class Coin(msgspec.Struct, gc=False):
    """One coin: how much of it there is, and how much of that positions and orders hold."""

    coin: str
    total: str
    hold: str = "0"


_word = msgspec.json.Decoder(str).decode


class Collateral:
    """`modes` are the venue's words for how coins are kept, and whether that is together; apart, until one was told."""

    def __init__(self, venue: str, asset: str, modes: Mapping[str, bool]) -> None:
        """`asset` is the collateral, which is told though there be none of it."""
        self.is_unified = False
        self._venue, self._asset, self._modes = venue, asset, modes
        self._listed: dict[str, None] = {}

    def learn(self, body: bytes) -> Sequence[BalanceUpdate]:
        """From an answer that is the word alone, and tells nothing yet. Raises `msgspec.DecodeError`, `ValueError`."""
        mode = _word(body)
        if mode not in self._modes:
            raise ValueError(f"an account of the mode {mode[:40]!r}, which is not known here")
        self.is_unified = self._modes[mode]
        return ()

    def balances(self, held: Iterable[Coin]) -> list[BalanceUpdate]:
        """Each coin of a unified account; of any other nothing."""
        if not self.is_unified:
            return []
        rows = list(held)
        if all(each.coin != self._asset for each in rows):
            rows.insert(0, Coin(self._asset, "0"))
        amounts = ((each.coin, owed(each.total), owed(each.hold)) for each in rows)
        return [BalanceUpdate(self._venue, "", None, coin, total, total - hold) for coin, total, hold in amounts]

    def listed(self, held: Iterable[Coin]) -> Sequence[BalanceUpdate]:
        """As `balances`, from a list that a stream tells whole each time: what it had before and has no more is none."""
        told, none = self.balances(held), Decimal(0)
        names = dict.fromkeys(balance.asset for balance in told)
        gone = [BalanceUpdate(self._venue, "", None, coin, none, none) for coin in self._listed if coin not in names]
        self._listed = names
        return [*told, *gone]
