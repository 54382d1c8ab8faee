"""Every call that is used. All are POST to one of two paths; what is asked, the body says.

https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/rate-limits-and-user-limits
"""

from types import MappingProxyType

from adapters.base.endpoints import Endpoint
from adapters.base.limits import Pool

DOCS = "https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/"

WEIGHT, ACTIONS = "weight", "actions"
USUAL = 20  # what a question weighs; the lighter ones say so

# REST, and the one socket for market data, the account and orders.
HOSTS = MappingProxyType(
    {
        "mainnet": ("https://api.hyperliquid.xyz", "wss://api.hyperliquid.xyz/ws"),
        "testnet": ("https://api.hyperliquid-testnet.xyz", "wss://api.hyperliquid-testnet.xyz/ws"),
    }
)


def _info(mine: bool) -> Endpoint:
    """A question; `mine` where it names the account. Nothing of it is signed."""
    return Endpoint("POST", "/info", WEIGHT, mine, f"{DOCS}info-endpoint")


def _action(docs: str, pool: str = WEIGHT) -> Endpoint:
    return Endpoint("POST", "/exchange", pool, True, f"{DOCS}exchange-endpoint#{docs}", "action")


class Endpoints:
    """Actions by our name; of a question the venue's name, whether it names the account, and what it weighs.

    Where an answer weighs by its rows, too, it is taken for the longest until it is there.
    """

    INFO: MappingProxyType[str, tuple[str, bool, int]] = MappingProxyType(
        {
            "server_time": ("exchangeStatus", False, 2), "instruments": ("meta", False, USUAL),
            "tickers": ("metaAndAssetCtxs", False, USUAL), "book": ("l2Book", False, 2),
            "trades": ("recentTrades", False, 25), "klines": ("candleSnapshot", False, 104),
            "order": ("orderStatus", True, 2), "open_orders": ("frontendOpenOrders", True, USUAL),
            "order_history": ("historicalOrders", True, 120), "executions": ("userFillsByTime", True, 120),
            "order_fills": ("userFills", True, 120), "funding": ("userFunding", True, 45),
            "positions": ("clearinghouseState", True, 2), "wallet": ("clearinghouseState", True, 2),
            "fee_rates": ("userFees", True, USUAL), "rate_limit": ("userRateLimit", True, USUAL),
            "account_mode": ("userAbstraction", True, USUAL), "spot_wallet": ("spotClearinghouseState", True, 2),
        }
    )  # fmt: skip

    ALL: MappingProxyType[str, Endpoint] = MappingProxyType(
        {
            **{name: _info(mine) for name, (_, mine, _) in INFO.items()},
            **dict.fromkeys(("place", "place_batch"), _action("place-an-order", "orders")),
            **dict.fromkeys(("amend", "amend_batch"), _action("modify-multiple-orders", "orders")),
            **dict.fromkeys(("cancel", "cancel_batch"), _action("cancel-order-s-by-cloid", "cancels")),
            "set_leverage": _action("update-leverage"),
            "disconnect_cancel_all": _action("schedule-cancel-dead-mans-switch"),
        }
    )

    # An action weighs 1 with up to 39 orders in it. Each order also counts on what the address has earned by its volume, which
    # `userRateLimit` tells again and again; cancels have more room there than orders, so only the minute holds them back.
    POOLS: tuple[Pool, ...] = (
        Pool(WEIGHT, 1_200, 60.0, reserve=100),
        Pool(ACTIONS, 10_000, 86_400.0, reserve=100),
        Pool("orders", draws=((WEIGHT, 1), (ACTIONS, 0))),
        Pool("cancels", draws=((WEIGHT, 1),)),
    )


BATCH = 39
