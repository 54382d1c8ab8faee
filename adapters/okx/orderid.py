"""Client order ids: at most 32 letters and digits, unique among pending orders; the shared 17-character form fits.

https://www.okx.com/docs-v5/en/#order-book-trading-trade-post-place-order (clOrdId)
"""

from adapters.base.orderid import OrderID

__all__ = ["OrderID"]
