"""What Bybit says of itself to the suite of `adapters/conformance`."""

from collections.abc import Mapping, Sequence

from adapters.base.client import Meaning
from adapters.conformance.subject import Subject, Terms
from adapters.loopback.bybit import BybitVenue, RateLimits
from adapters.loopback.contract import LoopbackVenue
from adapters.loopback.faults import Fault
from adapters.loopback.ledger import Account
from state.errors import WrongUse
from state.secrets import Credentials, Secret
from state.words import Refusal

KEY, SECRET = "conformance-key", "conformance-secret"


def subject(market: str) -> Subject:
    """Raises `WrongUse` for spot, which has no loopback."""
    if market != "linear":
        raise WrongUse(f"there is no loopback of Bybit's {market}")
    return Subject(
        symbols=("BTCUSDT", "ETHUSDT"),
        account=Account(KEY, SECRET, uid=1),
        credentials=Credentials(Secret(KEY), Secret(SECRET)),
        stranger=Credentials(Secret("nobodys-key"), Secret("nobodys-secret")),
        open=_open,
        asked={
            "book": ['{"req_id":"s1","op":"subscribe","args":["orderbook.50.BTCUSDT"]}'],
            "trades": ['{"req_id":"s1","op":"subscribe","args":["publicTrade.BTCUSDT"]}'],
            "ticker": ['{"req_id":"s1","op":"subscribe","args":["tickers.BTCUSDT"]}'],
            "candles": ['{"req_id":"s1","op":"subscribe","args":["kline.1.BTCUSDT"]}'],
            "liquidations": ['{"req_id":"s1","op":"subscribe","args":["allLiquidation.BTCUSDT"]}'],
        },
        topics={"book": "orderbook.50.BTCUSDT", "trades": "publicTrade.BTCUSDT", "fills": "execution"},
        rest={
            "place": "/v5/order/create",
            "amend": "/v5/order/amend",
            "cancel": "/v5/order/cancel",
            "cancel_all": "/v5/order/cancel-all",
            "read": "/v5/position/list",
        },
        socket={"place": "order.create", "amend": "order.amend", "cancel": "order.cancel"},
        answers=_answers(),
        unanswered={
            "post_only": "is told by the order's end: EC_PostOnlyWillTakeLiquidity",
            "would_not_fill": "is told by the order's end: EC_NoImmediateQtyToFill",
        },
        strangers=['{"topic":"weather.BTCUSDT","ts":1,"type":"snapshot","data":{}}', '{"op":"dance","success":true}'],
        elsewhere=("category",),
        ban=Fault(status=403),
        id_alphabet="[A-Za-z0-9_-]+",
        id_length=36,
        lacks={"checksum": "its books carry none"},
    )


def _answers() -> Mapping[Meaning | Refusal, Sequence[tuple[int, str]]]:
    """An answer of each class that the venue has."""
    return {
        "ok": [_said(0, "OK"), _said(110043, "Set leverage not modified")],
        "gone": [_said(110001, "order not exists or too late to cancel")],
        "retry": [_said(10429, "System level frequency protection"), (429, "")],
        "unknown": [_said(10016, "Server error."), (502, "Bad Gateway"), (504, "")],
        "duplicate": [_said(110072, "OrderLinkedID is duplicate")],
        "reduce_only": [_said(110017, "current position is zero, cannot fix reduce-only order qty")],
        "rule": [_said(10001, "params error: qty"), (404, "not found")],
        "price_band": [_said(110003, "Order price exceeds the allowable range."), _said(30208, "too high")],
        "funds": [_said(110007, "ab not enough for new order")],
        "risk": [_said(110090, "Order placement failed as your position may exceed the max")],
        "rate": [_said(10006, "Too many visits. Exceeded the API Rate Limit."), (403, "access too frequent")],
        "clock": [_said(10002, "invalid request, please check your server timestamp or recv_window param.")],
        "busy": [_said(10019, "Trade service is restarting"), (429, "")],
        "market_state": [_said(110074, "This contract is not live")],
        "fatal": [_said(10003, "API key is invalid."), _said(33004, "Derivatives API key expired."), (401, "")],
    }


def _open(terms: Terms) -> LoopbackVenue:
    return BybitVenue(
        terms.symbols, seed=terms.seed, accounts=[terms.account], rate_limits=RateLimits.off(), clock=terms.clock,
        warm_up_steps=40,
    )  # fmt: skip


def _said(code: int, words: str) -> tuple[int, str]:
    """An answer as the venue writes it: HTTP 200 whatever it says."""
    return 200, f'{{"retCode":{code},"retMsg":"{words}","result":{{}},"retExtInfo":{{}},"time":1754000000000}}'
