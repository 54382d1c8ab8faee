"""Client order ids: at most 36 of . A-Z : / a-z 0-9 _ -, unique among open orders; the shared 17-character form fits.

https://developers.binance.com/docs/derivatives/usds-margined-futures/trade/rest-api (newClientOrderId)
"""

from adapters.base.orderid import OrderID

__all__ = ["OrderID"]
