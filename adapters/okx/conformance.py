"""What OKX says of itself to the suite of `adapters/conformance`."""

from collections.abc import Mapping, Sequence

from adapters.base.client import Meaning
from adapters.base.settings import MarketChannel
from adapters.conformance.subject import Subject, Terms
from adapters.loopback.contract import LoopbackVenue
from adapters.loopback.ledger import Account
from adapters.loopback.okx import OkxVenue, RateLimits
from state.secrets import Credentials, Secret
from state.words import Refusal

KEY, SECRET, PASSPHRASE = "conformance-key", "conformance-secret", "conformance-phrase"
STRANGERS = (
    '{"arg":{"channel":"weather","instId":"BTC-USDT-SWAP"},"data":[{"rain":"1"}]}',
    '{"event":"dance","connId":"a"}',
)


def subject(market: str) -> Subject:
    """Swaps; spot is public data."""
    return _spot() if market == "spot" else _swaps()


def _spot() -> Subject:
    return Subject(
        symbols=("BTC-USDT", "ETH-USDT"),
        account=Account(KEY, SECRET, passphrase=PASSPHRASE),
        credentials=Credentials(Secret(KEY), Secret(SECRET), Secret(PASSPHRASE)),
        stranger=Credentials(Secret("nobodys-key"), Secret("nobodys-secret"), Secret("nobodys-phrase")),
        open=_open,
        asked=_asked("BTC-USDT"),
        topics={"book": "books.BTC-USDT", "trades": "trades.BTC-USDT"},
        strangers=STRANGERS,
        lacks={"orders": "spot is public data here", "liquidations": "spot has none"},
    )


def _swaps() -> Subject:
    return Subject(
        symbols=("BTC-USDT-SWAP", "ETH-USDT-SWAP"),
        account=Account(KEY, SECRET, passphrase=PASSPHRASE),
        credentials=Credentials(Secret(KEY), Secret(SECRET), Secret(PASSPHRASE)),
        stranger=Credentials(Secret("nobodys-key"), Secret("nobodys-secret"), Secret("nobodys-phrase")),
        open=_open,
        asked=_asked("BTC-USDT-SWAP"),
        topics={"book": "books.BTC-USDT-SWAP", "trades": "trades.BTC-USDT-SWAP", "fills": "orders.SWAP"},
        rest={
            "place": "/api/v5/trade/order",
            "amend": "/api/v5/trade/amend-order",
            "cancel": "/api/v5/trade/cancel-order",
            "cancel_all": "/api/v5/trade/cancel-batch-orders",
            "read": "/api/v5/account/positions",
        },
        socket={"place": "order", "amend": "amend-order", "cancel": "cancel-order"},
        answers=_answers(),
        unanswered={"would_not_fill": "is told by the order's end"},
        strangers=STRANGERS,
        id_alphabet="[A-Za-z0-9]+",
        id_length=32,
        lacks={"ban": "nothing names a time until which it lasts"},
    )


def _answers() -> Mapping[Meaning | Refusal, Sequence[tuple[int, str]]]:
    """An answer of each class that the venue has."""
    return {
        "ok": [_done("0", "")],
        "gone": [_failed("51400", "Cancellation failed as the order has been filled, canceled or does not exist.")],
        "retry": [_said("50013", "Systems are busy."), _said("50001", "Service temporarily unavailable.", 503)],
        "unknown": [_said("50004", "API endpoint request timeout."), (502, "Bad Gateway"), (504, "")],
        "duplicate": [_failed("51016", "Client order ID already exists.")],
        "post_only": [_failed("51511", "The new price would take.")],
        "reduce_only": [_failed("51169", "You don't have any positions to reduce.")],
        "rule": [_failed("51121", "Order quantity must be a multiple of the lot size."), (404, "Not Found")],
        "price_band": [_failed("51137", "The highest price limit for buy orders is 1.")],
        "funds": [_failed("51008", "Order failed. Insufficient USDT margin in account.")],
        "risk": [_failed("51004", "The order amount exceeds the limit at the current leverage.")],
        "rate": [_said("50011", "Rate limit reached.", 429), (429, "")],
        "clock": [_said("50102", "Timestamp request expired", 401), _said("50036", "expTime has passed.")],
        "busy": [_said("50013", "Systems are busy.")],
        "market_state": [_failed("51028", "Contract under delivery.")],
        "fatal": [_said("50111", "Invalid OK-ACCESS-KEY", 401), _said("50113", "Invalid Sign", 401), (401, "")],
    }


def _open(terms: Terms) -> LoopbackVenue:
    """With the checksums of old: the venue sends 0 since 2026-06-23."""
    return OkxVenue(
        terms.symbols, seed=terms.seed, accounts=[terms.account], rate_limits=RateLimits.off(), clock=terms.clock,
        checksums=True, warm_up_steps=40,
    )  # fmt: skip


def _asked(symbol: str) -> dict[MarketChannel, list[str]]:
    ticker = [("tickers", symbol)]
    if symbol.endswith("-SWAP"):
        ticker += [(name, symbol) for name in ("mark-price", "open-interest", "funding-rate")]
        ticker.append(("index-tickers", symbol.removesuffix("-SWAP")))
    return {
        "book": [_asks(("books", symbol))],
        "trades": [_asks(("trades", symbol))],
        "ticker": [_asks(*ticker)],
        "candles": [_asks(("candle1m", symbol))],
        "liquidations": ['{"id":"1","op":"subscribe","args":[{"channel":"liquidation-orders","instType":"SWAP"}]}'],
    }


def _asks(*topics: tuple[str, str]) -> str:
    args = ",".join(f'{{"channel":"{channel}","instId":"{symbol}"}}' for channel, symbol in topics)
    return f'{{"id":"1","op":"subscribe","args":[{args}]}}'


def _said(code: str, words: str, status: int = 200) -> tuple[int, str]:
    return status, f'{{"code":"{code}","data":[],"msg":"{words}"}}'


def _done(code: str, words: str) -> tuple[int, str]:
    row = f'{{"ordId":"1","clOrdId":"a","sCode":"{code}","sMsg":"{words}","ts":"1754000000000"}}'
    return 200, f'{{"code":"{min(code, "1")}","data":[{row}],"msg":""}}'


def _failed(code: str, words: str) -> tuple[int, str]:
    """An answer to one order, which says in its only item why it failed."""
    return _done(code, words)
