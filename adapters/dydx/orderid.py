"""Client order ids: the shared 17 characters here, two uint32 on the wire; and the venue's own ids, which are computed.

The venue keeps `client_id` and `client_metadata` with an order. Metadata is the session's tag, `client_id` the intent's seq
XOR that tag, so that two sessions with the same seq rarely meet in one id; any pair of the venue's, also of somebody else's,
reads back as an id. https://docs.dydx.xyz/concepts/trading/orders, indexer/packages/postgres/src/stores/order-table.ts
"""

from uuid import UUID, uuid5

from adapters.base.orderid import OrderID
from state.errors import WrongUse

__all__ = ["OrderID"]

NAMESPACE = UUID("0f9da948-a6fb-4c45-9edc-4685c3f3317d")


def numbers(client_id: str) -> tuple[int, int]:
    """What goes over the wire: `client_id` and `client_metadata`. Raises `WrongUse` for an id of another form."""
    try:
        if len(client_id) != 17 or client_id[0] != "t":
            raise ValueError
        tag, seq = int(client_id[1:9], 16), int(client_id[9:], 16)
    except ValueError:
        raise WrongUse(f"{client_id!r} is no order id of dydx: it must be t and 16 hex digits") from None
    return seq ^ tag, tag


def text(number: int, metadata: int) -> str:
    """The id that two numbers of the venue stand for."""
    return f"t{metadata:08x}{number ^ metadata:08x}"


def subaccount_id(address: str, number: int) -> str:
    return str(uuid5(NAMESPACE, f"{address}-{number}"))


def order_id(subaccount: str, number: int, pair: int, flags: int) -> str:
    """The Indexer's id of an order; `subaccount` is the Indexer's id too."""
    return str(uuid5(NAMESPACE, f"{subaccount}-{number}-{pair}-{flags}"))
