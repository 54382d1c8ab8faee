"""A session of ccxt's dYdX in a process of its own: places, finds, cancels, and says in JSON what came of it."""

from __future__ import annotations

import json
import sys
import time

import ccxt

SYMBOL = "BTC/USDC:USDC"
PATIENCE_S = 20


def until(found):
    """What `found` finds, as soon as it finds something: the indexer is behind the node."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if answer := found():
            return answer
        time.sleep(0.02)
    raise SystemExit(f"nothing was found: {found}")


def refusal(*order, **params) -> str:
    try:
        exchange.create_order(SYMBOL, *order, params)
    except ccxt.BaseError as error:
        return type(error).__name__
    return "taken"


indexer, node, address, key = sys.argv[1:]
exchange = ccxt.dydx({"enableRateLimit": False, "walletAddress": address, "options": {"privateKey": key}})
exchange.urls["api"] |= {"indexer": f"{indexer}/v4", "nodeRpc": node, "nodeRest": node}
exchange.load_markets()
for market in exchange.markets.values():  # the indexer sends numbers, as recorded; this ccxt counts with texts only
    market["info"] |= {name: str(market["info"][name]) for name in ("atomicResolution", "quantumConversionExponent")}

said = {}
exchange.create_order(SYMBOL, "limit", "buy", 0.01, 80_000, {"clientOrderId": 42})
resting = until(lambda: exchange.fetch_open_orders(SYMBOL))
said["open"] = [[o["type"], o["side"], o["price"], o["amount"], o["status"]] for o in resting]
exchange.cancel_order("42", SYMBOL, {"clientOrderId": 42})
uuid = resting[0]["id"]
until(lambda: exchange.fetch_order(uuid, SYMBOL)["status"] == "canceled")
said["cancelled"] = exchange.fetch_order(uuid, SYMBOL)["status"]

best = exchange.fetch_order_book(SYMBOL)["asks"][0][0]
exchange.create_order(SYMBOL, "market", "buy", 0.02, best + 50)
position = until(lambda: exchange.fetch_positions([SYMBOL]))
said["positions"] = [[p["side"], p["contracts"]] for p in position]
said["refused"] = [
    refusal("limit", "buy", 0.01, 80_000, goodTillBlock=1, timeInForce="IOC"),
    refusal("limit", "sell", 0.01, 80_000, goodTillBlockTimeInSeconds=-60),
]
batch = exchange.cancel_orders([], SYMBOL, {"clientOrderIds": [1, 2]})
said["batch"] = batch[0]["info"]["code"]
exchange.transfer("USDC", 5, address, address, {"fromSubaccountId": 0, "toSubaccountId": 1})
moved = until(lambda: exchange.fetch_ledger("USDC"))
said["transfers"] = [[entry["direction"], entry["amount"]] for entry in moved]
print(json.dumps(said))
