"""An exchange without sockets whose venue answers from a script, in virtual time."""

import json
from decimal import Decimal
from typing import Any

from adapters.base.client import Response, SignedRequest
from adapters.base.settings import VenueSettings
from adapters.bybit.exchange import Exchange
from state.events import (
    AmendOrder,
    CancelOrder,
    PlaceOrder,
)
from state.record import Record
from state.secrets import Credentials, Secret

BTC = "BTCUSDT"
CREATE, AMEND, CANCEL = "/v5/order/create", "/v5/order/amend", "/v5/order/cancel"
Script = dict[str, list[Response | Exception]]


def said(
    code: int = 0, text: str = "OK", result: Any = None, status: int = 200, ext: Any = None, **headers: str
) -> Response:
    body = {"retCode": code, "retMsg": text, "result": result or {}, "retExtInfo": ext or {}, "time": 1}
    return Response(status, {k.replace("_", "-"): v for k, v in headers.items()}, json.dumps(body).encode())


def wire_order(client_id: str, status: str = "New", **more: str) -> dict[str, Any]:
    return {
        "symbol": BTC, "orderId": f"id-{client_id}", "orderLinkId": client_id, "side": "Buy", "orderType": "Limit",
        "timeInForce": "GTC", "orderStatus": status, "qty": "1", "price": "100", "cumExecQty": "0", "updatedTime": "5",
    } | more  # fmt: skip


def orders(*rows: dict[str, Any]) -> Response:
    return said(result={"list": list(rows), "nextPageCursor": ""})


class Desk:
    """An exchange without sockets whose venue answers from a script, by path; what is not scripted finds nothing."""

    def __init__(self, world: Any, heard: Any, script: Script, **settings: Any) -> None:
        self.world, self.heard, self.script = world, heard, script
        self.fatal: list[str] = []
        self.exchange = Exchange(
            VenueSettings("bybit", order_entry="rest", look_up_s=5.0, **settings),
            heard, world, "s", Credentials(Secret("k"), Secret("s")), world,
        )  # fmt: skip
        self.exchange.on_fatal = self.fatal.append
        self.seq = 0
        world.answer = self._answer

    def _answer(self, request: SignedRequest) -> Response | Exception:
        path = request.url.split("bybit.com")[1].split("?")[0]
        queue = self.script.get(path, [])
        if queue:
            return queue.pop(0) if len(queue) > 1 else queue[0]
        return orders()

    def intend(self, *events: Any) -> list[int]:
        first = self.seq + 1
        records = [Record(first + n, 0, 0, event) for n, event in enumerate(events)]
        self.seq += len(records)
        self.exchange.submit(records)
        return [record.seq for record in records]

    def sent(self, path: str) -> list[dict[str, Any]]:
        return [json.loads(r.body) for r in self.world.requests if r.url.endswith(path)]

    def asked(self, path: str) -> list[str]:
        return [r.url.partition("?")[2] for r in self.world.requests if f"{path}?" in r.url]


def place(client_id: str = "a", size: str = "1") -> PlaceOrder:
    return PlaceOrder("bybit", BTC, "buy", Decimal(size), Decimal(100), client_id=client_id)


def cancel(client_id: str = "a") -> CancelOrder:
    return CancelOrder("bybit", BTC, client_id)


def amend(client_id: str = "a", price: int = 101) -> AmendOrder:
    return AmendOrder("bybit", BTC, client_id, Decimal(price), Decimal(1))


ACK = said(result={"orderId": "id-a", "orderLinkId": "a"})
