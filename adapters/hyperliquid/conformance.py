"""What Hyperliquid says of itself to the suite of `adapters/conformance`."""

from collections.abc import Mapping, Sequence

from adapters.base.client import Meaning
from adapters.conformance.subject import Subject, Terms
from adapters.loopback.contract import LoopbackVenue
from adapters.loopback.faults import Fault
from adapters.loopback.hyperliquid.contracts import CUSTOMER
from adapters.loopback.hyperliquid.limits import RateLimits
from adapters.loopback.hyperliquid.venue import HyperliquidVenue
from state.secrets import Credentials, Secret
from state.words import Refusal

NOBODY = "0x" + "ab" * 20, "0x" + "cd" * 32


def subject(market: str) -> Subject:
    """Perpetuals; the loopback's customer is the wallet of the official SDK's tests."""
    return Subject(
        symbols=("BTC", "ETH"),
        account=CUSTOMER,
        credentials=Credentials(Secret(CUSTOMER.key), Secret(CUSTOMER.secret)),
        stranger=Credentials(*map(Secret, NOBODY)),
        open=_open,
        asked={
            "book": [
                '{"method":"subscribe","subscription":{"type":"l2Book","coin":"BTC","fast":true}}',
                '{"method":"subscribe","subscription":{"type":"l2Book","coin":"BTC"}}',
            ],
            "trades": ['{"method":"subscribe","subscription":{"type":"trades","coin":"BTC"}}'],
            "ticker": [
                '{"method":"subscribe","subscription":{"type":"bbo","coin":"BTC"}}',
                '{"method":"subscribe","subscription":{"type":"activeAssetCtx","coin":"BTC"}}',
            ],
            "candles": ['{"method":"subscribe","subscription":{"type":"candle","coin":"BTC","interval":"1m"}}'],
        },
        topics={"book": "l2Book*", "trades": "trades*", "fills": "userFills*"},
        rest={
            "place": "/exchange/order",
            "amend": "/exchange/batchModify",
            "cancel": "/exchange/cancelByCloid",
            "cancel_all": "/exchange/cancel*",
            "read": "/info/clearinghouseState",
        },
        socket={"place": "order", "amend": "batchModify", "cancel": "cancelByCloid"},
        answers=_answers(),
        unanswered={
            "duplicate": "it takes a client id twice; an order is looked up by its newest",
            "busy": "no text says so",
            "market_state": "no text says so",
        },
        book_sides=(("levels", "levels"),),
        strangers=['{"channel":"weather","data":{"coin":"BTC"}}', '{"channel":"dance","data":[]}'],
        ban=Fault(status=429),
        id_alphabet="0x[0-9a-f]{32}",
        id_length=34,
        lacks={
            "liquidations": "it tells nobody else's",
            "deltas": "each frame tells the whole book",
            "sequence": "its frames have a time and no number",
            "checksum": "its books carry none",
            "fok": "there is no such time in force",
            "amend_total": "a modified order is a new one, of what was left as we knew it",
        },
    )


def _answers() -> Mapping[Meaning | Refusal, Sequence[tuple[int, str]]]:
    """An answer of each class that the venue has."""
    return {
        "ok": [_done('{"resting":{"oid":77738308}}'), _done('"success"')],
        "gone": [_refused("Order was never placed, already canceled, or filled. asset=0")],
        "retry": [_failed("Invalid nonce: too low"), (429, "Too Many Requests")],
        "unknown": [(502, "Bad Gateway"), (504, "")],
        "post_only": [_refused("Post only order would have immediately matched, bbo was 1@2. asset=0")],
        "would_not_fill": [_refused("Order could not immediately match against any resting orders. asset=0")],
        "reduce_only": [_refused("Reduce only order would increase position. asset=0")],
        "rule": [_refused("Price must be divisible by tick size. asset=0"), (422, "Failed to deserialize")],
        "price_band": [_refused("Order price cannot be more than 95% away from the reference price. asset=0")],
        "funds": [
            _refused("Insufficient margin to place order. asset=0"),
            _failed("Must deposit before performing actions."),
        ],
        "risk": [_refused("Order would cause position to exceed margin tier limit. asset=0")],
        "rate": [
            _failed("Too many cumulative requests sent (1 > 0) for cumulative volume traded $0.0."),
            (429, ""),
        ],
        "clock": [_failed("Action expired")],
        "fatal": [_failed("User or API Wallet 0xab does not exist.")],
    }


def _open(terms: Terms) -> LoopbackVenue:
    return HyperliquidVenue(
        terms.symbols, seed=terms.seed, accounts=[terms.account], rate_limits=RateLimits.off(), clock=terms.clock,
        warm_up_steps=40,
    )  # fmt: skip


def _done(leg: str) -> tuple[int, str]:
    return 200, f'{{"status":"ok","response":{{"type":"order","data":{{"statuses":[{leg}]}}}}}}'


def _refused(words: str) -> tuple[int, str]:
    """Of one order."""
    return _done(f'{{"error":"{words}"}}')


def _failed(words: str) -> tuple[int, str]:
    """Of the action as a whole, with HTTP 200."""
    return 200, f'{{"status":"err","response":"{words}"}}'
