"""Client order ids: at most 20 letters and digits, unique for ever; the shared 17-character form fits.

https://pond.example/docs#client-ids
"""

from adapters.base.orderid import OrderID

__all__ = ["OrderID"]
