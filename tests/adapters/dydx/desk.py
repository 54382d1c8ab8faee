"""An exchange of which requests are only asked, what it would have been told, and how to read what it would send."""

import base64
import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from v4_proto.cosmos.tx.v1beta1.tx_pb2 import TxBody, TxRaw

from adapters.base.query import Query
from adapters.base.settings import VenueSettings
from adapters.dydx.exchange import Exchange
from adapters.dydx.orderid import text
from state.clock import WallClock
from state.events import AnyEvent, PlaceOrder
from state.record import Frame
from state.secrets import Credentials, Secret

MNEMONIC = "abandon " * 11 + "about"
KEY = "c4a48e2fce1481cd3294b4490f6678090ea98d3d0e5cd984558ab0968741b104"
ADDRESS = "dydx19rl4cm2hmr8afy4kldpxz3fka4jguq0a4erelz"
HEIGHT, ACCOUNT_NUMBER, CHAIN = 66_624_085, 12_345, "dydx-testnet-4"
BTC = {
    "clobPairId": "0", "ticker": "BTC-USD", "atomicResolution": -10, "quantumConversionExponent": -9, "tickSize": "1",
    "stepBaseQuantums": 1_000_000, "subticksPerTick": 100_000, "stepSize": "0.0001", "oraclePrice": "89919.2",
}  # fmt: skip
ETH = {
    "clobPairId": "1", "ticker": "ETH-USD", "atomicResolution": -9, "quantumConversionExponent": -9, "tickSize": "0.1",
    "stepBaseQuantums": 1_000_000, "subticksPerTick": 100_000, "stepSize": "0.001", "oraclePrice": "3000",
}  # fmt: skip
GIVEN = {"height": HEIGHT, "account_number": ACCOUNT_NUMBER}
ID = text(123_456_789, 0)


class Nowhere:
    def feed(self, recv: int, events: Sequence[AnyEvent], cause: int = 0, frame: Frame | None = None) -> None:
        raise AssertionError(f"nothing is sent, nothing comes back: {events}")


def exchange(
    key: str = ADDRESS,
    secret: str = KEY,
    authenticators: str = "",
    said: Any = GIVEN,
    markets: bool = True,
    **settings: Any,
) -> Exchange:
    keys = Credentials(Secret(key), Secret(secret), Secret(authenticators))
    made = Exchange(VenueSettings("dydx", environment="testnet", **settings), Nowhere(), WallClock(), "s", keys)
    made.given(json.dumps(said))
    if markets:
        made.read("instruments", json.dumps({"markets": {"BTC-USD": BTC, "ETH-USD": ETH}}).encode(), Query())
    return made


def order(side: Any = "buy", size: str = "0.01", price: str | None = "89942", **more: Any) -> PlaceOrder:
    more = {"client_id": ID, "symbol": "BTC-USD"} | more
    limit = None if price is None else Decimal(price)
    return PlaceOrder("dydx", more.pop("symbol"), side, Decimal(size), limit, **more)


def sent(desk: Exchange, action: str, arguments: Any, now_ms: int = 7) -> tuple[bytes, TxRaw]:
    request = desk.request(action, arguments, now_ms)
    assert (request.method, request.url) == ("POST", "https://test-dydx-rest.kingnodes.com/cosmos/tx/v1beta1/txs")
    said = json.loads(request.body)
    assert said["mode"] == "BROADCAST_MODE_SYNC"
    tx = base64.b64decode(said["tx_bytes"])
    return tx, TxRaw.FromString(tx)


def message_of(raw: TxRaw, kind: Any) -> Any:
    (packed,) = TxBody.FromString(raw.body_bytes).messages
    assert packed.type_url == f"/dydxprotocol.clob.{kind.DESCRIPTOR.name}"
    return kind.FromString(packed.value)
