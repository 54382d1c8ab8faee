"""Client order ids: 128 bits as `0x` and 32 hex digits; ours begin with eight letters that say whose they are.

https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/exchange-endpoint#place-an-order
"""

import re

from adapters.base.orderid import OrderID as BaseOrderID

OURS = b"tapeline".hex()

is_cloid = re.compile("0x[0-9a-f]{32}").fullmatch


class OrderID(BaseOrderID):
    """32 bits of the session and 32 of the intent's seq, behind 64 that never change."""

    __slots__ = ()
    start = f"0x{OURS}"
