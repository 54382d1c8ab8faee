"""Every endpoint that is used: method, path, rate pool, signed or not, order-socket name, documentation.

https://developers.binance.com/docs/derivatives/usds-margined-futures/general-info#limits
"""

from types import MappingProxyType
from typing import Literal

from adapters.base.endpoints import Endpoint
from adapters.base.limits import Pool

DOCS = "https://developers.binance.com/docs/derivatives/usds-margined-futures/"
SPOT_DOCS = "https://developers.binance.com/docs/binance-spot-api-docs/rest-api/"

WEIGHT, ORDERS_10S, ORDERS_1M = "weight", "orders.10s", "orders.1m"

# REST, streams, order socket; spot has no order socket here.
HOSTS = MappingProxyType(
    {
        ("linear", "mainnet"): (
            "https://fapi.binance.com", "wss://fstream.binance.com", "wss://ws-fapi.binance.com/ws-fapi/v1",
        ),
        ("linear", "testnet"): (
            "https://demo-fapi.binance.com", "wss://fstream.binancefuture.com",
            "wss://testnet.binancefuture.com/ws-fapi/v1",
        ),
        ("spot", "mainnet"): ("https://api.binance.com", "wss://stream.binance.com:9443", ""),
        ("spot", "testnet"): ("https://testnet.binance.vision", "wss://stream.testnet.binance.vision", ""),
    }
)  # fmt: skip


def _public(path: str, docs: str, pool: str = WEIGHT) -> Endpoint:
    return Endpoint("GET", path, pool, False, DOCS + "market-data/rest-api/" + docs)


def _spot(path: str, docs: str) -> Endpoint:
    return Endpoint("GET", path, WEIGHT, False, SPOT_DOCS + docs)


def _of(
    method: Literal["GET", "POST", "PUT", "DELETE"], path: str, docs: str, pool: str = WEIGHT, op: str = ""
) -> Endpoint:
    return Endpoint(method, path, pool, True, DOCS + docs, op)


_TRADE, _ACCOUNT, _STREAM = "trade/rest-api/", "account/rest-api/", "user-data-streams/"


class Endpoints:
    """By action, of each market."""

    ALL: MappingProxyType[str, Endpoint] = MappingProxyType(
        {
            "server_time": _public("/fapi/v1/time", "Check-Server-Time"),
            "instruments": _public("/fapi/v1/exchangeInfo", "Exchange-Information"),
            "book": _public("/fapi/v1/depth", "Order-Book"),
            "trades": _public("/fapi/v1/aggTrades", "Compressed-Aggregate-Trades-List"),
            "klines": _public("/fapi/v1/klines", "Kline-Candlestick-Data"),
            "tickers": _public("/fapi/v1/ticker/24hr", "24hr-Ticker-Price-Change-Statistics"),
            "book_tickers": _public("/fapi/v1/ticker/bookTicker", "Symbol-Order-Book-Ticker"),
            "mark_prices": _public("/fapi/v1/premiumIndex", "Mark-Price"),
            "open_interest": _public("/fapi/v1/openInterest", "Open-Interest"),
            "funding_info": _public("/fapi/v1/fundingInfo", "Get-Funding-Rate-Info", "funding"),
            "place": _of("POST", "/fapi/v1/order", _TRADE + "New-Order", "orders", "order.place"),
            "amend": _of("PUT", "/fapi/v1/order", _TRADE + "Modify-Order", "orders", "order.modify"),
            "cancel": _of("DELETE", "/fapi/v1/order", _TRADE + "Cancel-Order", WEIGHT, "order.cancel"),
            "place_batch": _of("POST", "/fapi/v1/batchOrders", _TRADE + "Place-Multiple-Orders", "batches"),
            "amend_batch": _of("PUT", "/fapi/v1/batchOrders", _TRADE + "Modify-Multiple-Orders", "batches"),
            "cancel_batch": _of("DELETE", "/fapi/v1/batchOrders", _TRADE + "Cancel-Multiple-Orders", "cancels"),
            "cancel_all": _of("DELETE", "/fapi/v1/allOpenOrders", _TRADE + "Cancel-All-Open-Orders"),
            "disconnect_cancel_all": _of("POST", "/fapi/v1/countdownCancelAll", _TRADE + "Auto-Cancel-All-Open-Orders"),
            "order": _of("GET", "/fapi/v1/order", _TRADE + "Query-Order"),
            "open_orders": _of("GET", "/fapi/v1/openOrders", _TRADE + "Current-All-Open-Orders"),
            "order_history": _of("GET", "/fapi/v1/allOrders", _TRADE + "All-Orders"),
            "executions": _of("GET", "/fapi/v1/userTrades", _TRADE + "Account-Trade-List"),
            "positions": _of("GET", "/fapi/v3/positionRisk", _TRADE + "Position-Information-V3"),
            "wallet": _of("GET", "/fapi/v3/balance", _ACCOUNT + "Futures-Account-Balance-V3"),
            "funding": _of("GET", "/fapi/v1/income", _ACCOUNT + "Get-Income-History"),
            "fee_rates": _of("GET", "/fapi/v1/commissionRate", _ACCOUNT + "User-Commission-Rate"),
            "set_leverage": _of("POST", "/fapi/v1/leverage", _TRADE + "Change-Initial-Leverage"),
            "set_position_mode": _of("POST", "/fapi/v1/positionSide/dual", _TRADE + "Change-Position-Mode"),
            "listen_key": _of("POST", "/fapi/v1/listenKey", _STREAM + "Start-User-Data-Stream"),
            "extend_listen_key": _of("PUT", "/fapi/v1/listenKey", _STREAM + "Keepalive-User-Data-Stream"),
        }
    )

    SPOT: MappingProxyType[str, Endpoint] = MappingProxyType(
        {
            "server_time": _spot("/api/v3/time", "general-endpoints#check-server-time"),
            "instruments": _spot("/api/v3/exchangeInfo", "general-endpoints#exchange-information"),
            "book": _spot("/api/v3/depth", "market-data-endpoints#order-book"),
            "trades": _spot("/api/v3/trades", "market-data-endpoints#recent-trades-list"),
            "klines": _spot("/api/v3/klines", "market-data-endpoints#klinecandlestick-data"),
            "tickers": _spot("/api/v3/ticker/24hr", "market-data-endpoints#24hr-ticker-price-change-statistics"),
            "book_tickers": _spot("/api/v3/ticker/bookTicker", "market-data-endpoints#symbol-order-book-ticker"),
        }
    )

    KEY_ONLY = frozenset({"/fapi/v1/listenKey"})  # they carry the key, and no signature

    # What a call weighs on the address's minute, where it is not 1; with a symbol, and without one.
    WEIGHTS: MappingProxyType[str, tuple[int, int]] = MappingProxyType(
        {
            "trades": (20, 20), "tickers": (1, 40), "book_tickers": (2, 5), "mark_prices": (1, 10),
            "open_orders": (1, 40), "order_history": (5, 5), "executions": (5, 5), "positions": (5, 5),
            "wallet": (5, 5), "funding": (30, 30), "fee_rates": (20, 20), "disconnect_cancel_all": (10, 10),
        }
    )  # fmt: skip
    SPOT_WEIGHTS: MappingProxyType[str, tuple[int, int]] = MappingProxyType(
        {"instruments": (20, 20), "trades": (25, 25), "klines": (2, 2), "tickers": (2, 80), "book_tickers": (2, 4)}
    )

    # Defaults, of which a fifth is left alone; the venue's own numbers replace them. A breach stops the whole address, and
    # to go on after that bans it. An order draws one unit of both counters, a batch five, one and five of weight; a cancel
    # draws weight only. https://developers.binance.com/docs/derivatives/usds-margined-futures/trade/rest-api
    POOLS: tuple[Pool, ...] = (
        Pool(WEIGHT, 1_920, 60.0, reserve=200),
        Pool(ORDERS_10S, 300, 10.0, reserve=20),
        Pool(ORDERS_1M, 1_200, 60.0, reserve=60),
        Pool("funding", 400, 300.0),
        Pool("orders", draws=((ORDERS_10S, 1), (ORDERS_1M, 1))),
        Pool("batches", draws=((ORDERS_10S, 5), (ORDERS_1M, 1), (WEIGHT, 5))),
        Pool("cancels", draws=((WEIGHT, 1),)),
    )


ENDPOINTS = MappingProxyType({"linear": Endpoints.ALL, "spot": Endpoints.SPOT})


def weight_of_levels(market: str, limit: int) -> int:
    """What a book of so many levels weighs."""
    steps = {50: 2, 100: 5, 500: 10} if market == "linear" else {100: 5, 500: 25}
    return next((weight for most, weight in steps.items() if limit <= most), 20 if market == "linear" else 50)
