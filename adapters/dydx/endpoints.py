"""Every endpoint that is used: method, path, rate pool, whose account it tells of, documentation.

The Indexer is read, a node's REST gateway is asked for the account and takes transactions.
https://docs.dydx.xyz/concepts/trading/limits/rate-limits
"""

from types import MappingProxyType
from typing import NamedTuple

from adapters.base.cosmos import ACCOUNT, BROADCAST, GATEWAY_DOCS, LATEST_BLOCK
from adapters.base.endpoints import Endpoint
from adapters.base.limits import Pool

DOCS = "https://docs.dydx.xyz/"

INDEXER, NODE, SHORT, STATEFUL = "indexer", "node", "short-term", "stateful"


class Host(NamedTuple):
    """Indexer by REST and by socket, a node's gateway, and the chain that transactions are signed for."""

    rest: str
    socket: str
    node: str
    chain_id: str


HOSTS = MappingProxyType(
    {
        "mainnet": Host(
            "https://indexer.dydx.trade", "wss://indexer.dydx.trade/v4/ws", "https://dydx-ops-rest.kingnodes.com",
            "dydx-mainnet-1",
        ),
        "testnet": Host(
            "https://indexer.v4testnet.dydx.exchange", "wss://indexer.v4testnet.dydx.exchange/v4/ws",
            "https://test-dydx-rest.kingnodes.com", "dydx-testnet-4",
        ),
    }
)  # fmt: skip


def _get(path: str, docs: str, *, auth: bool = False, pool: str = INDEXER) -> Endpoint:
    return Endpoint("GET", path, pool, auth, DOCS + docs)


def _send(docs: str, pool: str = SHORT) -> Endpoint:
    return Endpoint("POST", BROADCAST, pool, True, DOCS + docs)


_HTTP = "indexer-client/http#"
_SUBACCOUNT = "/v4/addresses/{address}/subaccountNumber/{number}"


class Endpoints:
    """By action."""

    ALL: MappingProxyType[str, Endpoint] = MappingProxyType(
        {
            "server_time": _get("/v4/time", _HTTP + "get-time"),
            "height": _get("/v4/height", _HTTP + "get-height"),
            "instruments": _get("/v4/perpetualMarkets", _HTTP + "get-perpetual-markets"),
            "book": _get("/v4/orderbooks/perpetualMarket/{symbol}", _HTTP + "get-perpetual-market-orderbook"),
            "trades": _get("/v4/trades/perpetualMarket/{symbol}", _HTTP + "get-trades"),
            "klines": _get("/v4/candles/perpetualMarkets/{symbol}", _HTTP + "get-candles"),
            "tickers": _get("/v4/perpetualMarkets", _HTTP + "get-perpetual-markets"),
            "place": _send("interaction/trading#place-an-order"),
            "place_stateful": _send("interaction/trading#place-an-order", STATEFUL),
            "amend": _send("interaction/trading#replacing-an-order"),
            "cancel": _send("interaction/trading#cancel-an-order"),
            "cancel_batch": _send("interaction/trading#batch-cancel"),
            "cancel_all": _send("interaction/trading#batch-cancel"),
            "order": _get("/v4/orders/{order_id}", _HTTP + "get-order", auth=True),
            "open_orders": _get("/v4/orders", _HTTP + "list-orders", auth=True),
            "order_history": _get("/v4/orders", _HTTP + "list-orders", auth=True),
            "executions": _get("/v4/fills", _HTTP + "get-fills", auth=True),
            "funding": _get("/v4/fundingPayments", _HTTP + "get-funding-payments", auth=True),
            "positions": _get(_SUBACCOUNT, _HTTP + "get-subaccount", auth=True),
            "wallet": _get(_SUBACCOUNT, _HTTP + "get-subaccount", auth=True),
            "fee_rates": Endpoint(
                "GET", "/dydxprotocol/v4/feetiers/user_fee_tier", NODE, True,
                "https://github.com/dydxprotocol/v4-chain/blob/main/proto/dydxprotocol/feetiers/query.proto",
            ),
            "block": Endpoint("GET", LATEST_BLOCK, NODE, True, GATEWAY_DOCS + "GetLatestBlock"),
            "account": Endpoint("GET", ACCOUNT, NODE, True, GATEWAY_DOCS + "AccountInfo"),
        }
    )  # fmt: skip

    # Public nodes let some 250 requests a minute through; an own node has no limit but the chain's: 4000 short-term messages in
    # 5 blocks, 2 stateful orders a block and 20 in 100, a block taking half a second and more.
    @staticmethod
    def pools(*, own_node: bool) -> tuple[Pool, ...]:
        node = Pool(NODE, 4_000, 3.0, reserve=200) if own_node else Pool(NODE, 240, 60.0, reserve=40)
        return (
            Pool(INDEXER, 95, 10.0, reserve=15),
            node,
            Pool("block", 2, 0.6),
            Pool("blocks.100", 20, 60.0),
            Pool(SHORT, draws=((NODE, 0),)),
            Pool(STATEFUL, draws=((NODE, 0), ("block", 0), ("blocks.100", 0))),
        )
