"""P8 by others: from the interpreter's start to an exchange object (ccxt.pro) or a built trading node (nautilus_trader)."""

import sys

from benchmarks.start import measure_start

PROGRAMS = {
    "ccxt": """
import asyncio
import ccxt.pro

async def main():
    exchange = ccxt.pro.bybit({"apiKey": "k", "secret": "s"})
    print("READY", flush=True)
    await exchange.close()

asyncio.run(main())
""",
    "nautilus": """
from nautilus_trader.adapters.bybit.config import BybitDataClientConfig
from nautilus_trader.adapters.bybit.factories import BybitLiveDataClientFactory
from nautilus_trader.config import LoggingConfig, TradingNodeConfig
from nautilus_trader.live.node import TradingNode

node = TradingNode(TradingNodeConfig(logging=LoggingConfig(log_level="OFF"),
    data_clients={"BYBIT": BybitDataClientConfig(api_key="k", api_secret="s")}))
node.add_data_client_factory("BYBIT", BybitLiveDataClientFactory)
node.build()
print("READY", flush=True)
""",
}
NAMES = {"ccxt": "ccxt.pro, start", "nautilus": "nautilus, start"}

if __name__ == "__main__":
    measure_start(NAMES[sys.argv[1]], [sys.executable, "-c", PROGRAMS[sys.argv[1]]])
