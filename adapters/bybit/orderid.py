"""Client order ids: at most 36 of A-Z a-z 0-9 - _, never used twice; the shared 17-character form fits.

https://bybit-exchange.github.io/docs/v5/order/create-order (orderLinkId)
"""

from adapters.base.orderid import OrderID

__all__ = ["OrderID"]
