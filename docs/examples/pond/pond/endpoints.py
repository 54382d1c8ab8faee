"""Every endpoint that is used, and the rate budgets. https://pond.example/docs#rest"""

from types import MappingProxyType
from typing import Literal

from adapters.base.endpoints import Endpoint
from adapters.base.limits import Pool

HOSTS = MappingProxyType({"mainnet": ("https://api.pond.example", "wss://api.pond.example/ws")})

READS, ORDERS = "reads", "orders"


def _of(method: Literal["GET", "POST", "DELETE"], path: str, pool: str = READS, *, auth: bool = True) -> Endpoint:
    return Endpoint(method, path, pool, auth, f"https://pond.example/docs#{path.strip('/').replace('/', '-')}")


class Endpoints:
    """By action."""

    ALL: MappingProxyType[str, Endpoint] = MappingProxyType(
        {
            "server_time": _of("GET", "/time", auth=False),
            "instruments": _of("GET", "/markets", auth=False),
            "book": _of("GET", "/book", auth=False),
            "trades": _of("GET", "/trades", auth=False),
            "tickers": _of("GET", "/ticker", auth=False),
            "place": _of("POST", "/orders", ORDERS),
            "cancel": _of("DELETE", "/orders", ORDERS),
            "cancel_all": _of("DELETE", "/orders/all", ORDERS),
            "order": _of("GET", "/orders/one"),
            "open_orders": _of("GET", "/orders"),
            "executions": _of("GET", "/fills"),
            "positions": _of("GET", "/positions"),
            "wallet": _of("GET", "/balances"),
            "fee_rates": _of("GET", "/fees"),
        }
    )
    # A second's requests, with what is kept back for shutting down.
    POOLS: tuple[Pool, ...] = (Pool(ORDERS, 50, 1.0, reserve=10), Pool(READS, 100, 1.0, reserve=20))
