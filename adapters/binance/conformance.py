"""What Binance says of itself to the suite of `adapters/conformance`."""

from collections.abc import Mapping, Sequence

from adapters.base.client import Meaning
from adapters.conformance.subject import Subject, Terms
from adapters.loopback.binance import BinanceVenue, RateLimits
from adapters.loopback.contract import LoopbackVenue
from adapters.loopback.faults import Fault
from adapters.loopback.ledger import Account
from state.secrets import Credentials, Secret
from state.words import Refusal

KEY, SECRET = "conformance-key", "conformance-secret"


def subject(market: str) -> Subject:
    """USD-M futures; spot is public data."""
    return _spot() if market == "spot" else _futures()


def _spot() -> Subject:
    return Subject(
        symbols=("BTCUSDT", "ETHUSDT"),
        account=Account(KEY, SECRET, uid=1),
        credentials=Credentials(Secret(KEY), Secret(SECRET)),
        stranger=Credentials(Secret("nobodys-key"), Secret("nobodys-secret")),
        open=lambda terms: BinanceVenue(terms.symbols, seed=terms.seed, clock=terms.clock, spot=True, warm_up_steps=40),
        asked={
            "book": [_asks("btcusdt@depth@100ms")],
            "trades": [_asks("btcusdt@trade")],
            "ticker": [_asks("btcusdt@bookTicker", "btcusdt@ticker")],
            "candles": [_asks("btcusdt@kline_1m")],
        },
        topics={"book": "btcusdt@depth@100ms", "trades": "btcusdt@trade"},
        strangers=['{"stream":"btcusdt@weather","data":{"e":"weather","s":"BTCUSDT"}}', '{"e":"weather","E":1}'],
        lacks={
            "orders": "spot is public data here",
            "liquidations": "spot has none",
            "checksum": "its books carry none",
        },
    )


def _futures() -> Subject:
    return Subject(
        symbols=("BTCUSDT", "ETHUSDT"),
        account=Account(KEY, SECRET, uid=1),
        credentials=Credentials(Secret(KEY), Secret(SECRET)),
        stranger=Credentials(Secret("nobodys-key"), Secret("nobodys-secret")),
        open=_open,
        asked={
            "book": [_asks("btcusdt@depth@100ms")],
            "trades": [_asks("btcusdt@aggTrade")],
            "ticker": [_asks("btcusdt@bookTicker"), _asks("btcusdt@markPrice@1s", "btcusdt@ticker")],
            "candles": [_asks("btcusdt@kline_1m")],
            "liquidations": [_asks("btcusdt@forceOrder")],
        },
        topics={"book": "btcusdt@depth@100ms", "trades": "btcusdt@aggTrade", "fills": "ORDER_TRADE_UPDATE"},
        rest={
            "place": "POST /fapi/v1/order",
            "amend": "PUT /fapi/v1/order",
            "cancel": "DELETE /fapi/v1/order",
            "cancel_all": "DELETE /fapi/v1/allOpenOrders",
            "read": "GET /fapi/v3/positionRisk",
        },
        socket={"place": "order.place", "amend": "order.modify", "cancel": "order.cancel"},
        answers=_answers(),
        strangers=['{"stream":"btcusdt@weather","data":{"e":"weather","s":"BTCUSDT"}}', '{"e":"weather","E":1}'],
        ban=Fault(status=418),
        id_alphabet="[.A-Z:/a-z0-9_-]+",
        id_length=36,
        lacks={"checksum": "its books carry none"},
    )


def _answers() -> Mapping[Meaning | Refusal, Sequence[tuple[int, str]]]:
    """An answer of each class that the venue has."""
    return {
        "ok": [(200, '{"orderId":1,"clientOrderId":"a","updateTime":1}'), (200, '{"code":200,"msg":"done"}')],
        "gone": [_said(-2011, "Unknown order sent."), _said(-2013, "Order does not exist.")],
        "retry": [_said(-1008, "Server is currently overloaded.", 503), _said(-1016, "no longer available")],
        "unknown": [_said(-1007, "Timeout; execution status unknown.", 408), (502, "Bad Gateway"), (504, "")],
        "duplicate": [_said(-4116, "ClientOrderId is duplicated.")],
        "post_only": [_said(-5022, "The Post Only order will be rejected.")],
        "would_not_fill": [_said(-5021, "The FOK order has been rejected.")],
        "reduce_only": [_said(-2022, "ReduceOnly Order is rejected.")],
        "rule": [_said(-4014, "Price not increased by tick size."), _said(-1111, "Precision is over."), (404, "")],
        "price_band": [_said(-4016, "Limit price can't be higher than 1.")],
        "funds": [_said(-2019, "Margin is insufficient.")],
        "risk": [_said(-2027, "Exceeded the maximum allowable position at current leverage.")],
        "rate": [_said(-1003, "Too many requests.", 429), _said(-1015, "Too many new orders.", 429), (418, "")],
        "clock": [_said(-1021, "Timestamp for this request is outside of the recvWindow.")],
        "busy": [_said(-1008, "Server is currently overloaded.", 503), (503, "Service Unavailable.")],
        "market_state": [_said(-4108, "Invalid symbol status.")],
        "fatal": [_said(-2015, "Invalid API-key, IP, or permissions for action.", 401), (401, "")],
    }


def _open(terms: Terms) -> LoopbackVenue:
    return BinanceVenue(
        terms.symbols, seed=terms.seed, accounts=[terms.account], rate_limits=RateLimits.off(), clock=terms.clock,
        warm_up_steps=40,
    )  # fmt: skip


def _asks(*streams: str) -> str:
    names = ",".join(f'"{stream}"' for stream in streams)
    return f'{{"method":"SUBSCRIBE","params":[{names}],"id":1}}'


def _said(code: int, words: str, status: int = 400) -> tuple[int, str]:
    return status, f'{{"code":{code},"msg":"{words}"}}'
