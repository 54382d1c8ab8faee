"""Transactions: the chain's own message classes. Their signing stands in `base/cosmos_key.py`. Needs the extra `tapeline[dydx]`.

Importing it takes time and the extra, so it is imported when an order is first built, never before. Numbers are whole here.
https://docs.dydx.xyz/interaction/trading, /concepts/trading/authenticators
"""

from collections.abc import Mapping, Sequence

from dydx_v4_client.node import message as official
from dydx_v4_client.node.builder import as_any
from v4_proto.cosmos.tx.v1beta1.tx_pb2 import TxBody
from v4_proto.dydxprotocol.accountplus.tx_pb2 import TxExtension
from v4_proto.dydxprotocol.clob.order_pb2 import Order, OrderId
from v4_proto.dydxprotocol.clob.tx_pb2 import OrderBatch

from adapters.dydx.terms import Unwanted, Wanted
from adapters.dydx.types import SHORT_TERM


class Bodies:
    """Bodies of transactions of one subaccount; with `authenticators` another key than the owner's signs them."""

    def __init__(self, owner: str, subaccount: int, authenticators: Sequence[int] = ()) -> None:
        self._owner = owner
        self._subaccount = subaccount
        extension = [as_any(TxExtension(selected_authenticators=authenticators))] if authenticators else []
        self._extension = extension

    def placed(self, order: Wanted) -> bytes:
        """Also what replaces an order: the same id, a later end. The official builder would overwrite our metadata."""
        is_short = order.flags == SHORT_TERM
        message = Order(
            order_id=self._id(order.number, order.pair, order.flags),
            side=Order.SIDE_BUY if order.is_buy else Order.SIDE_SELL,
            quantums=order.quantums,
            subticks=order.subticks,
            good_til_block=order.until if is_short else None,
            good_til_block_time=None if is_short else order.until,
            time_in_force=order.tif,
            reduce_only=order.reduce_only,
            client_metadata=order.metadata,
        )
        return self._body(official.place_order(message))

    def cancelled(self, order: Unwanted) -> bytes:
        is_short = order.flags == SHORT_TERM
        message = official.cancel_order(
            self._id(order.number, order.pair, order.flags),
            good_til_block=order.until if is_short else None,
            good_til_block_time=None if is_short else order.until,
        )
        return self._body(message)

    def batch_cancelled(self, numbers: Mapping[int, Sequence[int]], until: int) -> bytes:
        """Short-term orders, by pair."""
        batches = [OrderBatch(clob_pair_id=pair, client_ids=ids) for pair, ids in numbers.items()]
        return self._body(official.batch_cancel(official.subaccount(self._owner, self._subaccount), batches, until))

    def _id(self, number: int, pair: int, flags: int) -> OrderId:
        return official.order_id(self._owner, self._subaccount, number, pair, flags)

    def _body(self, message: object) -> bytes:
        """A message that is alone in its transaction."""
        return bytes(
            TxBody(messages=[as_any(message)], non_critical_extension_options=self._extension).SerializeToString()
        )
