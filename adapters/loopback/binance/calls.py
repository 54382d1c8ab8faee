"""Every call by its method and path, with its weight and who may make it: the one table behind HTTP and the order socket."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import msgspec

from adapters.loopback.binance.actions import Actions
from adapters.loopback.binance.algo import Algos
from adapters.loopback.binance.holdings import Holdings
from adapters.loopback.binance.params import Params
from adapters.loopback.binance.quotes import Quotes
from adapters.loopback.binance.user_hub import UserHub
from adapters.loopback.ledger import Account

Result = msgspec.Struct | Sequence[object]
PublicCall = Callable[[Params, int], Result]
PrivateCall = Callable[[Account, Params, int], Result]


def depth_weight(params: Params) -> int:
    """2, 5, 10 or 20 by the number of levels."""
    limit = _limit(params, 500)
    return 2 if limit <= 50 else 5 if limit <= 100 else 10 if limit <= 500 else 20


def spot_depth_weight(params: Params) -> int:
    limit = _limit(params, 100)
    return 5 if limit <= 100 else 25 if limit <= 500 else 50 if limit <= 1000 else 250


def kline_weight(params: Params) -> int:
    limit = _limit(params, 500)
    return 1 if limit < 100 else 2 if limit < 500 else 5 if limit <= 1000 else 10


def _limit(params: Params, default: int) -> int:
    """The `limit` of a request that may still turn out to be malformed."""
    given = params.text("limit", "")
    return int(given) if given.isdigit() else default


@dataclass(frozen=True, slots=True)
class Call:
    """An endpoint: what answers it, its weight with and without a symbol, and what it counts as an order."""

    answer: PublicCall | None = None
    act: PrivateCall | None = None
    weight: int = 1
    weight_of_all: int = 0
    weigh: Callable[[Params], int] | None = None
    is_signed: bool = True
    orders_10s: int = 0
    orders_1m: int = 0

    def cost(self, params: Params) -> int:
        """The weight of one request."""
        if self.weigh is not None:
            return self.weigh(params)
        return self.weight_of_all if self.weight_of_all and not params.has("symbol") else self.weight


Table = Mapping[tuple[str, str], Call]


def futures_table(quotes: Quotes, actions: Actions, holdings: Holdings, algos: Algos, users: UserHub) -> Table:
    """The calls of the USD-M futures."""
    return _public(quotes) | _orders(actions, holdings) | _account(holdings) | _algo(algos) | _listen_keys(users)


def _public(quotes: Quotes) -> dict[tuple[str, str], Call]:
    v1 = "/fapi/v1"
    return {
        ("GET", f"{v1}/ping"): Call(quotes.ping),
        ("GET", f"{v1}/time"): Call(quotes.time),
        ("GET", f"{v1}/exchangeInfo"): Call(quotes.exchange_info),
        ("GET", f"{v1}/depth"): Call(quotes.depth, weigh=depth_weight),
        ("GET", f"{v1}/trades"): Call(quotes.trades, weight=5),
        ("GET", f"{v1}/aggTrades"): Call(quotes.agg_trades, weight=20),
        ("GET", f"{v1}/klines"): Call(quotes.klines, weigh=kline_weight),
        ("GET", f"{v1}/premiumIndex"): Call(quotes.premium_index, weight_of_all=10),
        ("GET", f"{v1}/fundingRate"): Call(quotes.funding_rate, weight=0),
        ("GET", f"{v1}/fundingInfo"): Call(quotes.funding_info, weight=0),
        ("GET", f"{v1}/ticker/24hr"): Call(quotes.day, weight_of_all=40),
        ("GET", f"{v1}/ticker/price"): Call(quotes.price, weight_of_all=2),
        ("GET", "/fapi/v2/ticker/price"): Call(quotes.price, weight_of_all=2),
        ("GET", f"{v1}/ticker/bookTicker"): Call(quotes.book_ticker, weight=2, weight_of_all=5),
        ("GET", f"{v1}/openInterest"): Call(quotes.open_interest),
    }


def _orders(actions: Actions, holdings: Holdings) -> dict[tuple[str, str], Call]:
    v1 = "/fapi/v1"
    one = Call(weight=0, orders_10s=1, orders_1m=1)
    five = Call(weight=5, orders_10s=5, orders_1m=1)
    return {
        ("POST", f"{v1}/order"): replace(one, act=actions.place),
        ("PUT", f"{v1}/order"): replace(one, act=actions.amend),
        ("DELETE", f"{v1}/order"): Call(act=actions.cancel),
        ("GET", f"{v1}/order"): Call(act=holdings.order),
        ("POST", f"{v1}/batchOrders"): replace(five, act=partial(actions.batch, actions.place)),
        ("PUT", f"{v1}/batchOrders"): replace(five, act=partial(actions.batch, actions.amend)),
        ("DELETE", f"{v1}/batchOrders"): Call(act=actions.cancel_batch),
        ("DELETE", f"{v1}/allOpenOrders"): Call(act=actions.cancel_all),
        ("POST", f"{v1}/countdownCancelAll"): Call(act=holdings.countdown, weight=10),
        ("GET", f"{v1}/openOrder"): Call(act=holdings.open_order),
        ("GET", f"{v1}/openOrders"): Call(act=holdings.open_orders, weight_of_all=40),
        ("GET", f"{v1}/allOrders"): Call(act=holdings.all_orders, weight=5),
        ("GET", f"{v1}/userTrades"): Call(act=holdings.user_trades, weight=5),
        ("GET", f"{v1}/orderAmendment"): Call(act=holdings.amendments),
        ("GET", f"{v1}/rateLimit/order"): Call(act=holdings.order_limits),
        ("GET", f"{v1}/forceOrders"): Call(act=holdings.force_orders, weight=20, weight_of_all=50),
    }


def _account(holdings: Holdings) -> dict[tuple[str, str], Call]:
    v1 = "/fapi/v1"
    return {
        ("GET", "/fapi/v3/positionRisk"): Call(act=holdings.positions, weight=5),
        ("GET", "/fapi/v3/account"): Call(act=holdings.account, weight=5),
        ("GET", "/fapi/v3/balance"): Call(act=holdings.balance, weight=5),
        ("GET", f"{v1}/accountConfig"): Call(act=holdings.account_config, weight=5),
        ("GET", f"{v1}/symbolConfig"): Call(act=holdings.symbol_config, weight=5),
        ("POST", f"{v1}/leverage"): Call(act=holdings.set_leverage),
        ("POST", f"{v1}/marginType"): Call(act=holdings.set_margin_type),
        ("GET", f"{v1}/positionSide/dual"): Call(act=holdings.position_mode, weight=30),
        ("POST", f"{v1}/positionSide/dual"): Call(act=holdings.set_position_mode),
        ("GET", f"{v1}/multiAssetsMargin"): Call(act=holdings.margin_mode, weight=30),
        ("GET", f"{v1}/income"): Call(act=holdings.income, weight=30),
        ("GET", f"{v1}/commissionRate"): Call(act=holdings.commission_rate, weight=20),
        ("GET", f"{v1}/adlQuantile"): Call(act=holdings.adl_quantile, weight=5),
        ("GET", f"{v1}/leverageBracket"): Call(act=holdings.brackets),
    }


def _algo(algos: Algos) -> dict[tuple[str, str], Call]:
    v1 = "/fapi/v1"
    return {
        ("POST", f"{v1}/algoOrder"): Call(act=algos.place, weight=0, orders_10s=1, orders_1m=1),
        ("GET", f"{v1}/algoOrder"): Call(act=algos.one),
        ("DELETE", f"{v1}/algoOrder"): Call(act=algos.cancel),
        ("GET", f"{v1}/openAlgoOrders"): Call(act=algos.open, weight_of_all=40),
        ("GET", f"{v1}/allAlgoOrders"): Call(act=algos.all, weight=5),
        ("DELETE", f"{v1}/algoOpenOrders"): Call(act=algos.cancel_all),
    }


def _listen_keys(users: UserHub) -> dict[tuple[str, str], Call]:
    path = "/fapi/v1/listenKey"
    return {
        ("POST", path): Call(act=lambda account, _, now_ms: users.open_key(account, now_ms), is_signed=False),
        ("PUT", path): Call(act=lambda account, _, now_ms: users.extend_key(account, now_ms), is_signed=False),
        ("DELETE", path): Call(act=lambda account, _, now_ms: users.close_key(account, now_ms), is_signed=False),
    }


def spot_table(quotes: Quotes) -> Table:
    """The public calls of spot."""
    v3 = "/api/v3"
    return {
        ("GET", f"{v3}/ping"): Call(quotes.ping),
        ("GET", f"{v3}/time"): Call(quotes.time),
        ("GET", f"{v3}/exchangeInfo"): Call(quotes.exchange_info, weight=20),
        ("GET", f"{v3}/depth"): Call(quotes.depth, weigh=spot_depth_weight),
        ("GET", f"{v3}/trades"): Call(quotes.trades, weight=25),
        ("GET", f"{v3}/aggTrades"): Call(quotes.agg_trades, weight=4),
        ("GET", f"{v3}/klines"): Call(quotes.klines, weight=2),
        ("GET", f"{v3}/ticker/24hr"): Call(quotes.day, weight=2, weight_of_all=80),
        ("GET", f"{v3}/ticker/price"): Call(quotes.price, weight=2, weight_of_all=4),
        ("GET", f"{v3}/ticker/bookTicker"): Call(quotes.book_ticker, weight=2, weight_of_all=4),
    }


SOCKET_METHODS: Mapping[str, tuple[str, str]] = {
    "order.place": ("POST", "/fapi/v1/order"),
    "order.modify": ("PUT", "/fapi/v1/order"),
    "order.cancel": ("DELETE", "/fapi/v1/order"),
    "order.status": ("GET", "/fapi/v1/order"),
    "algoOrder.place": ("POST", "/fapi/v1/algoOrder"),
    "algoOrder.cancel": ("DELETE", "/fapi/v1/algoOrder"),
    "v2/account.position": ("GET", "/fapi/v3/positionRisk"),
    "v2/account.balance": ("GET", "/fapi/v3/balance"),
    "v2/account.status": ("GET", "/fapi/v3/account"),
    "userDataStream.start": ("POST", "/fapi/v1/listenKey"),
    "userDataStream.ping": ("PUT", "/fapi/v1/listenKey"),
    "userDataStream.stop": ("DELETE", "/fapi/v1/listenKey"),
    "depth": ("GET", "/fapi/v1/depth"),
    "ticker.book": ("GET", "/fapi/v1/ticker/bookTicker"),
    "ticker.price": ("GET", "/fapi/v1/ticker/price"),
}
"""The methods of the order socket by the call that each is."""
