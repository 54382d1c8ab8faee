"""The venue's own client, which is told the time and sends nothing: what it would have sent is kept."""

from typing import Any

import eth_account
import hyperliquid.exchange
import pytest
from hyperliquid.utils.constants import MAINNET_API_URL, TESTNET_API_URL

KEY = "0x0123456789012345678901234567890123456789012345678901234567890123"
AGENT = "0x14791697260e4c9a71f18484c9f997b308e59325"
COINS = ("BTC", "ETH", "ATOM", "MATIC", "DYDX", "SOL")
DECIMALS = (5, 4, 2, 1, 1, 2)


class Sdk:
    """`hyperliquid-python-sdk`'s Exchange on a market list of six coins."""

    def __init__(self, key: str = KEY, *, mainnet: bool = True, vault: str | None = None) -> None:
        universe = [{"name": name, "szDecimals": n} for name, n in zip(COINS, DECIMALS, strict=True)]
        self.exchange = hyperliquid.exchange.Exchange(
            eth_account.Account.from_key(key),
            MAINNET_API_URL if mainnet else TESTNET_API_URL,
            meta={"universe": universe},  # type: ignore[typeddict-item]
            vault_address=vault,
            spot_meta={"universe": [], "tokens": []},
        )
        self.sent: list[dict[str, Any]] = []
        self.exchange.post = self._post  # type: ignore[method-assign]

    def _post(self, path: str, payload: Any = None) -> Any:
        assert path == "/exchange"
        self.sent.append(payload)
        return {"status": "ok"}

    def said(self, now_ms: int, call: str, *args: Any, **words: Any) -> dict[str, Any]:
        """The body that a call of the SDK sends at this time."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(hyperliquid.exchange, "get_timestamp_ms", lambda: now_ms)
            getattr(self.exchange, call)(*args, **words)
        return self.sent.pop()


def padded(signature: dict[str, Any]) -> dict[str, Any]:
    """The SDK leaves out leading zeros, which are no part of the number."""
    return {name: f"0x{word[2:]:0>64}" if isinstance(word, str) else word for name, word in signature.items()}
