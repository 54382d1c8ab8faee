"""ccxt's dYdX in a process of its own, since its message classes and the chain's cannot live in one: a line in, a line out."""

import base64
import json
import sys

import ccxt
from coincurve import PrivateKey

KEY, ADDRESS, CHAIN, ACCOUNT_NUMBER = sys.argv[1:5]

made = ccxt.dydx({"walletAddress": ADDRESS, "options": {"chainName": CHAIN}})
public = base64.b64encode(PrivateKey.from_hex(KEY).public_key.format()).decode()
account = {"account_number": ACCOUNT_NUMBER, "pub_key": {"key": public}}
for line in sys.stdin:
    asked = json.loads(line)
    info = {name: str(word) for name, word in (asked["market"] | {"status": "ACTIVE"}).items()}
    made.set_markets([made.parse_market(info)])
    made.milliseconds = lambda now=asked["now_ms"]: now
    base = info["ticker"].split("-")[0]
    wish = (f"{base}/USDC:USDC", "limit", asked["side"], asked["size"], asked["price"], asked["params"])
    uuid, message = made.create_order_request(*wish)
    message["value"]["order"]["goodTilBlockTime"] = asked["until_s"]  # it asks its own clock
    message["value"]["order"]["orderRouterAddress"] = ""  # ccxt's own cut, whatever its option says
    print(json.dumps([uuid, made.sign_dydx_tx(KEY, message, "", CHAIN, account, None)]), flush=True)
