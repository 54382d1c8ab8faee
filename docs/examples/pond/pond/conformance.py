"""What Pond says of itself to the suite of `adapters/conformance`."""

from pond_loopback import PondVenue

from adapters.conformance.subject import Subject, Terms
from adapters.loopback.contract import LoopbackVenue
from adapters.loopback.ledger import Account
from state.secrets import Credentials, Secret

KEY, SECRET = "pond-key", "pond-secret"  # of the loopback's customer


def subject(market: str) -> Subject:
    return Subject(
        symbols=("BTCUSDT", "ETHUSDT"),
        account=Account(KEY, SECRET),
        credentials=Credentials(Secret(KEY), Secret(SECRET)),
        stranger=Credentials(Secret("nobodys-key"), Secret("nobodys-secret")),
        open=_open,
        asked={
            name: [f'{{"do":"subscribe","id":1,"topics":["{name}:BTCUSDT"]}}'] for name in ("book", "trades", "ticker")
        },
        topics={"book": "book:BTCUSDT", "trades": "trades:BTCUSDT", "fills": "account"},
        rest={
            "place": "POST /orders",
            "cancel": "DELETE /orders",
            "cancel_all": "DELETE /orders/all",
            "read": "GET /positions",
        },
        answers={
            "ok": [(200, '{"ok":true,"result":{"id":"1","ms":1}}'), (200, '{"ok":true,"result":null}')],
            "gone": [_said("no_such_order"), _said("order_has_ended")],
            "retry": [_said("try_again", 503), (429, "")],
            "unknown": [_said("internal", 500), (502, "Bad Gateway")],
            "duplicate": [_said("client_id_taken")],
            "reduce_only": [_said("nothing_to_reduce")],
            "rule": [_said("off_tick"), _said("too_small"), (404, "")],
            "funds": [_said("no_funds")],
            "rate": [_said("too_many_requests", 429), (429, "")],
            "clock": [_said("time_too_far_off")],
            "busy": [_said("try_again", 503)],
            "market_state": [_said("market_shut")],
            "fatal": [_said("bad_signature", 401), (403, "")],
        },
        unanswered={
            "post_only": "is told by the order's end",
            "would_not_fill": "is told by the order's end",
            "price_band": "any price is taken",
            "risk": "there is no limit but the funds",
        },
        strangers=['{"topic":"weather:BTCUSDT","rain":1}', '{"did":"dance"}'],
        id_alphabet="[a-z0-9]+",
        id_length=20,
        lacks={
            "ws": "orders go by REST",
            "amend": "an order is never changed",
            "batch": "a request holds one order",
            "fok": "there is no such life of an order",
            "candles": "there are none",
            "liquidations": "nobody is told of them",
            "checksum": "its books carry none",
            "funding": "positions pay none",
            "ban": "it only says 429",
        },
    )


def _open(terms: Terms) -> LoopbackVenue:
    return PondVenue(terms.symbols, terms.seed, [terms.account], clock=terms.clock)


def _said(code: str, status: int = 400) -> tuple[int, str]:
    return status, f'{{"ok":false,"code":"{code}","text":"…"}}'
