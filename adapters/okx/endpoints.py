"""Every endpoint that is used: method, path, rate pool, signed or not, order-socket name, documentation.

https://www.okx.com/docs-v5/en/#overview-rate-limits
"""

from types import MappingProxyType
from typing import Literal

from adapters.base.endpoints import Endpoint
from adapters.base.limits import Pool

DOCS = "https://www.okx.com/docs-v5/en/#"

_SIMULATED = ("https://www.okx.com", "wss://wspap.okx.com/ws/v5")

# REST and sockets. Simulated trading is a header and keys of its own, and is what this venue has for a test network.
HOSTS = MappingProxyType(
    {"mainnet": ("https://www.okx.com", "wss://ws.okx.com/ws/v5"), "testnet": _SIMULATED, "demo": _SIMULATED}
)

_DATA, _MARKET = "public-data-rest-api-get-", "order-book-trading-market-data-get-"
_TRADE, _ACCOUNT = "order-book-trading-trade-", "trading-account-rest-api-"

# Path, pool, documentation, the same on an order socket; what is neither public nor of the market is signed.
_READ = {
    "server_time": ("public/time", "time", _DATA + "system-time"),
    "instruments": ("public/instruments", "instruments", _DATA + "instruments"),
    "book": ("market/books", "book", _MARKET + "order-book"),
    "trades": ("market/trades", "trades", _MARKET + "trades"),
    "klines": ("market/candles", "klines", _MARKET + "candlesticks"),
    "ticker": ("market/ticker", "tickers", _MARKET + "ticker"),
    "tickers": ("market/tickers", "tickers", _MARKET + "tickers"),
    "index_tickers": ("market/index-tickers", "tickers", _DATA + "index-tickers"),
    "mark_prices": ("public/mark-price", "marks", _DATA + "mark-price"),
    "funding_rate": ("public/funding-rate", "marks", _DATA + "funding-rate"),
    "open_interest": ("public/open-interest", "marks", _DATA + "open-interest"),
    "order": ("trade/order", "order", _TRADE + "get-order-details"),
    "open_orders": ("trade/orders-pending", "open_orders", _TRADE + "get-order-list"),
    "order_history": ("trade/orders-history", "order_history", _TRADE + "get-order-history-last-7-days"),
    "executions": ("trade/fills", "executions", _TRADE + "get-transaction-details-last-3-days"),
    "execution_archive": ("trade/fills-history", "fills", _TRADE + "get-transaction-details-last-3-months"),
    "positions": ("account/positions", "positions", _ACCOUNT + "get-positions"),
    "wallet": ("account/balance", "wallet", _ACCOUNT + "get-balance"),
    "funding": ("account/bills", "settings", _ACCOUNT + "get-bills-details-last-7-days"),
    "funding_archive": ("account/bills-archive", "settings", _ACCOUNT + "get-bills-details-last-3-months"),
    "fee_rates": ("account/trade-fee", "settings", _ACCOUNT + "get-fee-rates"),
}
_WRITE = {
    "place": ("trade/order", "place", _TRADE + "post-place-order", "order"),
    "amend": ("trade/amend-order", "amend", _TRADE + "post-amend-order", "amend-order"),
    "cancel": ("trade/cancel-order", "cancel", _TRADE + "post-cancel-order", "cancel-order"),
    "place_batch": ("trade/batch-orders", "place_batch", _TRADE + "post-place-multiple-orders", "batch-orders"),
    "amend_batch": ("trade/amend-batch-orders", "amend_batch", _TRADE + "post-amend-multiple-orders", "batch-amend-orders"),
    "cancel_batch": ("trade/cancel-batch-orders", "cancel_batch", _TRADE + "post-cancel-multiple-orders", "batch-cancel-orders"),
    "disconnect_cancel_all": ("trade/cancel-all-after", "switch", _TRADE + "post-cancel-all-after", ""),
    "set_leverage": ("account/set-leverage", "leverage", _ACCOUNT + "set-leverage", ""),
    "set_position_mode": ("account/set-position-mode", "settings", _ACCOUNT + "set-position-mode", ""),
}  # fmt: skip


def _of(method: Literal["GET", "POST"], path: str, pool: str, docs: str, op: str = "") -> Endpoint:
    return Endpoint(method, f"/api/v5/{path}", pool, path.startswith(("trade/", "account/")), DOCS + docs, op)


class Endpoints:
    """By action."""

    ALL: MappingProxyType[str, Endpoint] = MappingProxyType(
        {action: _of("GET", *told) for action, told in _READ.items()}
        | {action: _of("POST", *told) for action, told in _WRITE.items()}
    )

    READS: MappingProxyType[str, str] = MappingProxyType(
        {f"/api/v5/{told[0]}": action for action, told in _READ.items()}
    )

    # What must arrive within a time of its signature, where it is posted.
    EXPIRING = frozenset(
        f"/api/v5/trade/{name}" for name in ("order", "amend-order", "batch-orders", "amend-batch-orders")
    )

    # Requests, and what is kept back for emergencies, in two seconds; nothing tells what is left. Orders count for each
    # market alone, and new and amended ones also together, 1000 of the account.
    POOLS: tuple[Pool, ...] = (
        Pool("orders", 1_000, 2.0, reserve=40),
        *(Pool(f"{name}.each", most, 2.0, kept, each=True) for name, most, kept in (
            ("place", 60, 6), ("amend", 60, 0), ("place_batch", 300, 0), ("amend_batch", 300, 0),
        )),
        *(Pool(name, draws=((f"{name}.each", 0), ("orders", 0))) for name in (
            "place", "amend", "place_batch", "amend_batch",
        )),
        *(Pool(name, most, 2.0, kept, each=True) for name, most, kept in (
            ("cancel", 60, 10), ("cancel_batch", 300, 60), ("order", 60, 10),
        )),
        *(Pool(name, most, 2.0, most // 6) for name, most in (
            ("open_orders", 60), ("order_history", 40), ("executions", 60), ("fills", 10),
            ("positions", 10), ("wallet", 10), ("settings", 5), ("leverage", 20), ("time", 10), ("instruments", 20),
            ("book", 40), ("trades", 100), ("klines", 40), ("tickers", 20), ("marks", 10), ("switch", 2),
        )),
    )  # fmt: skip
