"""ccxt on the markets of a recording, which reads and signs on its own: the same orders and cancels, byte for byte."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from adapters.base.client import Request
from adapters.hyperliquid.client import Client
from adapters.hyperliquid.endpoints import Endpoints
from adapters.hyperliquid.formats import Formats
from adapters.hyperliquid.signer import Signer
from state.events import CancelOrder, PlaceOrder
from tests.adapters.hyperliquid.sdk import AGENT, KEY, padded
from tests.later import Later

ccxt = Later("ccxt")

V = "hyperliquid"
TIFS = {"gtc": "Gtc", "ioc": "Ioc", "post_only": "Alo"}


class Both:
    """ccxt and our formats, both with the market list that was recorded."""

    def __init__(self, data: Path) -> None:
        path = data / "hyperliquid/go-hyperliquid-cassettes/extracted.jsonl.zst"
        rows = zstandard.ZstdDecompressor().stream_reader(path.read_bytes()).read().splitlines()
        said = {
            row["request"]["type"]: row["response"] for row in map(json.loads, rows) if not row["request"].get("dex")
        }
        options = {"fetchMarkets": {"types": ["swap"]}}
        self.ccxt: Any = ccxt.hyperliquid({"privateKey": KEY, "walletAddress": AGENT, "options": options})
        self.ccxt.publicPostInfo = lambda params: said[params["type"]]
        self.ccxt.load_markets()
        self.formats = Formats(V, AGENT)
        self.formats.answer("instruments", json.dumps(said["metaAndAssetCtxs"][0]).encode())
        self.client = Client("", Signer(KEY, mainnet=True))

    def same(self, ours: Request, theirs: dict[str, Any]) -> None:
        """The same action with the same signature; ccxt has its own time, and says no expiry."""
        unexpiring = Request(Endpoints.ALL["cancel"], body=ours.body)
        said = json.loads(self.client.sign(unexpiring, theirs["nonce"]).body)
        assert json.dumps(said["action"]) == json.dumps(theirs["action"]), "and in the same order"
        assert said["signature"] == padded(theirs["signature"])


@pytest.fixture(scope="module")
def both(recordings: Path) -> Both:
    return Both(recordings)


@given(st.data())
def test_orders_and_cancels_are_those_of_ccxt(both: Both, data: st.DataObject) -> None:
    coin = data.draw(st.sampled_from(["BTC", "ETH", "SOL", "DOGE", "SUI"]))
    rules = both.formats.rules[coin]
    price = Decimal(data.draw(st.integers(10_000, 99_999))).scaleb(
        -data.draw(st.integers(0, -int(rules.tick.adjusted())))
    )
    size = rules.lot * data.draw(st.integers(1, 10**5))
    tif = data.draw(st.sampled_from(list(TIFS)))
    side, reduce_only = data.draw(st.sampled_from(["buy", "sell"])), data.draw(st.booleans())
    cloid = f"0x{data.draw(st.integers(1, 2**128 - 1)):032x}"
    order = PlaceOrder(V, coin, side, size, price, "limit", tif, reduce_only, cloid)
    symbol = f"{coin}/USDC:USDC"
    more = {"timeInForce": TIFS[tif], "clientOrderId": cloid, "reduceOnly": reduce_only}
    wish = {
        "symbol": symbol,
        "type": "limit",
        "side": side,
        "amount": float(size),
        "price": float(price),
        "params": more,
    }
    both.same(both.formats.request("place", order), both.ccxt.create_orders_request([wish]))
    by_cloid = both.ccxt.cancel_orders_request([], symbol, {"clientOrderId": [cloid]})
    both.same(both.formats.request("cancel", CancelOrder(V, coin, cloid)), by_cloid)
    by_number = both.ccxt.cancel_orders_request(["77738308"], symbol)
    both.same(both.formats.request("cancel", CancelOrder(V, coin, "77738308")), by_number)


def test_its_markets_have_our_numbers_lots_and_minimum(both: Both) -> None:
    compared = 0
    for market in both.ccxt.markets.values():
        rules = both.formats.rules.get(market["info"]["name"])
        if rules is None or market["type"] != "swap":
            continue
        assert both.formats.assets[rules.symbol] == int(market["baseId"])
        assert Decimal(str(market["precision"]["amount"])) == rules.lot
        assert market["limits"]["cost"]["min"] == rules.min_notional
        compared += 1
    assert compared > 200
