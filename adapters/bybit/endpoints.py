"""Every endpoint that is used: method, path, rate pool, signed or not, order-socket name, documentation.

https://bybit-exchange.github.io/docs/v5/rate-limit
"""

from types import MappingProxyType

from adapters.base.endpoints import Endpoint
from adapters.base.limits import Pool

DOCS = "https://bybit-exchange.github.io/docs/v5/"

IP_POOL = "ip"

HOSTS = MappingProxyType(
    {
        "mainnet": ("https://api.bybit.com", "wss://stream.bybit.com/v5"),
        "testnet": ("https://api-testnet.bybit.com", "wss://stream-testnet.bybit.com/v5"),
        "demo": ("https://api-demo.bybit.com", "wss://stream-demo.bybit.com/v5"),
    }
)
# Demo has no market data of its own.
PUBLIC_HOSTS = MappingProxyType({name: socket for name, (_, socket) in HOSTS.items()} | {"demo": HOSTS["mainnet"][1]})


def _get(path: str, pool: str, docs: str, *, auth: bool = True) -> Endpoint:
    return Endpoint("GET", path, pool, auth, DOCS + docs)


def _post(path: str, pool: str, docs: str, op: str = "") -> Endpoint:
    return Endpoint("POST", path, pool, True, DOCS + docs, op)


class Endpoints:
    """By action."""

    ALL: MappingProxyType[str, Endpoint] = MappingProxyType(
        {
            "server_time": _get("/v5/market/time", IP_POOL, "market/time", auth=False),
            "instruments": _get("/v5/market/instruments-info", IP_POOL, "market/instrument", auth=False),
            "book": _get("/v5/market/orderbook", IP_POOL, "market/orderbook", auth=False),
            "trades": _get("/v5/market/recent-trade", IP_POOL, "market/recent-trade", auth=False),
            "klines": _get("/v5/market/kline", IP_POOL, "market/kline", auth=False),
            "tickers": _get("/v5/market/tickers", IP_POOL, "market/tickers", auth=False),
            "place": _post("/v5/order/create", "place", "order/create-order", "order.create"),
            "amend": _post("/v5/order/amend", "amend", "order/amend-order", "order.amend"),
            "cancel": _post("/v5/order/cancel", "cancel", "order/cancel-order", "order.cancel"),
            "place_batch": _post("/v5/order/create-batch", "place_batch", "order/batch-place", "order.create-batch"),
            "amend_batch": _post("/v5/order/amend-batch", "amend_batch", "order/batch-amend", "order.amend-batch"),
            "cancel_batch": _post("/v5/order/cancel-batch", "cancel_batch", "order/batch-cancel", "order.cancel-batch"),
            "cancel_all": _post("/v5/order/cancel-all", "cancel_all", "order/cancel-all"),
            "open_orders": _get("/v5/order/realtime", "orders", "order/open-order"),
            "order_history": _get("/v5/order/history", "history", "order/order-list"),
            "executions": _get("/v5/execution/list", "executions", "order/execution"),
            "positions": _get("/v5/position/list", "positions", "position"),
            "wallet": _get("/v5/account/wallet-balance", "wallet", "account/wallet-balance"),
            "fee_rates": _get("/v5/account/fee-rate", "fee_rates", "account/fee-rate"),
            "set_leverage": _post("/v5/position/set-leverage", "set_leverage", "position/leverage"),
            "set_position_mode": _post("/v5/position/switch-mode", "switch_mode", "position/position-mode"),
            "disconnect_cancel_all": _post("/v5/order/disconnected-cancel-all", "dcp", "order/dcp"),
        }
    )

    # Defaults of an account without a VIP level; what answers say of the limit replaces them. The address's own limit is
    # 600 in 5 s, and its breach shuts the door for ten minutes, so it is not run near.
    POOLS: tuple[Pool, ...] = (
        Pool(IP_POOL, 500, 5.0, reserve=60),
        *(Pool(name, most, 1.0, reserve=kept) for name, most, kept in (
            ("place", 10, 1), ("amend", 10, 0), ("cancel", 10, 2), ("cancel_all", 10, 5),
            ("place_batch", 10, 0), ("amend_batch", 10, 0), ("cancel_batch", 10, 2),
            ("orders", 50, 10), ("history", 50, 5), ("executions", 50, 5), ("positions", 50, 10), ("wallet", 50, 0),
            ("fee_rates", 5, 0), ("set_leverage", 10, 0), ("switch_mode", 10, 0), ("dcp", 5, 0),
        )),
    )  # fmt: skip
