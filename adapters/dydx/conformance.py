"""What dYdX says of itself to the suite of `adapters/conformance`."""

import json
from collections.abc import Mapping, Sequence

from adapters.base.client import Meaning
from adapters.conformance.subject import Subject, Terms
from adapters.dydx.orderid import OrderID, numbers, text
from adapters.loopback.contract import LoopbackVenue
from adapters.loopback.dydx.contracts import CUSTOMER
from adapters.loopback.dydx.limits import RateLimits
from adapters.loopback.dydx.venue import DydxVenue
from state.secrets import Credentials, Secret
from state.words import Refusal

# The half of each id that the suite's session has to itself; the loopback knows an order by the other.
_, _TAG = numbers(OrderID("conformance").make(1))
# An address and its key that the loopback does not know.
NOBODY = "dydx1l3e9pgs3mmwuwrh95fecme0s0qtn2880qnulfw", "11" * 32


def subject(market: str) -> Subject:
    """Perpetuals; the loopback's customer is the wallet of the mnemonic that everybody tests with."""
    return Subject(
        symbols=("BTC-USD", "ETH-USD"),
        account=CUSTOMER,
        credentials=Credentials(Secret(CUSTOMER.key), Secret(CUSTOMER.secret)),
        stranger=Credentials(*map(Secret, NOBODY)),
        open=_open,
        asked={
            "book": ['{"type":"subscribe","channel":"v4_orderbook","id":"BTC-USD","batched":false}'],
            "trades": ['{"type":"subscribe","channel":"v4_trades","id":"BTC-USD","batched":false}'],
            "ticker": ['{"type":"subscribe","channel":"v4_markets","batched":false}'],
            "candles": ['{"type":"subscribe","channel":"v4_candles","id":"BTC-USD/1MIN","batched":false}'],
            "liquidations": ['{"type":"subscribe","channel":"v4_trades","id":"BTC-USD","batched":false}'],
        },
        topics={"book": "v4_orderbook*", "trades": "v4_trades*", "fills": "v4_subaccounts*"},
        rest={
            "place": "MsgPlaceOrder", "amend": "MsgPlaceOrder", "cancel": "MsgCancelOrder", "cancel_all": "Msg*Cancel*",
            "read": "/v4/addresses/*",
        },
        answers=_answers(),
        unanswered={"price_band": "it has none"},
        book_sides=(("bids", "asks"),),
        maps=("markets", "trading", "oraclePrices", "openPerpetualPositions", "assetPositions"),
        strangers=['{"type":"weather","connection_id":"c","message_id":3}'],
        known_as=lambda theirs: text(int(theirs), _TAG) if theirs else "",
        id_alphabet="t[0-9a-f]{16}",
        id_length=17,
        lacks={
            "ws": "orders are transactions, sent to a node",
            "fok": "deprecated: refused by the chain",
            "batch": "cancels alone",
            "gone": "an id lives until its block: a cancel is taken again, an amendment to more goes on",
            "sequence": "its books carry no number; messages do, by connection",
            "checksum": "its books carry none",
            "ban": "429 is all",
            "signed_time": "an order's end is a block",
            "liquidations": "its loopback liquidates nobody",
            "funding": "told by REST alone",
        },
    )  # fmt: skip


def _answers() -> Mapping[Meaning | Refusal, Sequence[tuple[int, str]]]:
    return {
        "ok": [_checked(0), _checked(19, "sdk"), _checked(9)],
        "gone": [_checked(24), _checked(3006), _checked(3010)],
        "retry": [_checked(5001), _checked(10), (429, '{"errors":[{"msg":"Too many requests"}]}')],
        "unknown": [_checked(46), (503, '{"code":14,"message":"unavailable"}'), (502, "Bad Gateway")],
        "duplicate": [_checked(20), _checked(3005)],
        "post_only": [_checked(2003)],
        "would_not_fill": [_checked(2004)],
        "reduce_only": [_checked(2001), _checked(9003)],
        "rule": [_checked(12), _checked(11), (400, '{"errors":[{"msg":"Invalid"}]}')],
        "funds": [_checked(3007), _checked(5, "sdk")],
        "risk": [_checked(10001)],
        "rate": [_checked(5001)],
        "clock": [_checked(10), _checked(32, "sdk")],
        "busy": [_checked(47), _checked(20, "sdk")],
        "market_state": [_checked(34)],
        "fatal": [_checked(4, "sdk"), _checked(104, "accountplus")],
    }


def _checked(code: int, space: str = "clob") -> tuple[int, str]:
    """CheckTx's word, which comes with HTTP 200."""
    said = {"tx_response": {"code": code, "codespace": space if code else "", "raw_log": "why", "txhash": "AB"}}
    return 200, json.dumps(said)


def _open(terms: Terms) -> LoopbackVenue:
    return DydxVenue(
        terms.symbols,
        seed=terms.seed,
        accounts=[terms.account],
        rate_limits=RateLimits.off(),
        clock=terms.clock,
        block_ms=150,
        warm_up_steps=40,
    )
