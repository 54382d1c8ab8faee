"""What is known of each market's contracts before the venue's instruments are read, and after.

Without them only what a name tells is known, and the largest swaps: the size of any other stays in contracts, which is said.
"""

from decimal import Decimal

from adapters.base.contracts import Contract
from adapters.okx.types import OPTION, SPOT, kind_of

# As they have been since they were listed; the instruments, once read, say it for certain.
USUAL = {
    "BTC-USDT-SWAP": "0.01", "ETH-USDT-SWAP": "0.1", "XRP-USDT-SWAP": "100", "LTC-USDT-SWAP": "1", "DOGE-USDT-SWAP": "1000",
    "ADA-USDT-SWAP": "100",
}  # fmt: skip


class Contracts:
    """Every market's, and the code by which order sockets name it."""

    def __init__(self) -> None:
        self.codes: dict[str, int] = {}
        self._known: dict[str, Contract] = {}

    def of(self, symbol: str) -> Contract:
        contract = self._known.get(symbol)
        if contract is None:
            kind, usual = kind_of(symbol), USUAL.get(symbol)
            plain = kind == SPOT or (kind != OPTION and symbol.split("-")[1:2] == ["USD"])  # those are worth dollars
            units = Decimal(usual or 1)
            contract = Contract(symbol, units, Decimal("0.01"), is_known=plain or usual is not None)
            self._known[symbol] = contract
        return contract

    def learn(self, symbol: str, units: Decimal, lot: Decimal, code: int | None = None) -> None:
        self.of(symbol).learn(units, lot)
        if code is not None:
            self.codes[symbol] = code
