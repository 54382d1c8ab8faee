"""Client order ids: computed from the session and the intent, and readable back.

The shared form is 17 characters, a letter and 16 hex digits. Where the venue takes that, nothing is to be written here.
"""

from adapters.base.orderid import OrderID

# ? Which characters may a client order id have, how many, and may one be used twice?
__all__ = ["OrderID"]
