"""Transactions: the chain's own message classes, and its whole numbers. Needs the extra `tapeline[dydx]`.

Importing it takes time and the extra, so it is imported when an order is first built, never before.
https://docs.dydx.xyz/interaction/trading, /concepts/trading/authenticators, /concepts/trading/quantums-and-subticks
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import TypeAlias

from dydx_v4_client.node import message as official
from dydx_v4_client.node.builder import as_any
from v4_proto.cosmos.tx.v1beta1.tx_pb2 import TxBody
from v4_proto.dydxprotocol.accountplus.tx_pb2 import TxExtension
from v4_proto.dydxprotocol.clob.order_pb2 import Order, OrderId
from v4_proto.dydxprotocol.clob.tx_pb2 import OrderBatch

from adapters.base.lifetimes import Lifetime
from adapters.dydx import wire
from adapters.dydx.orderid import numbers
from adapters.dydx.types import SHORT_TERM
from state.errors import NotOffered

QUOTE_RESOLUTION = -6
TIFS = {
    "gtc": Order.TIME_IN_FORCE_UNSPECIFIED,
    "ioc": Order.TIME_IN_FORCE_IOC,
    "post_only": Order.TIME_IN_FORCE_POST_ONLY,
}

End: TypeAlias = tuple[int, int, int, int]  # of an order: its number, pair and kind, and until when its cancel lives


class Bodies:
    """Bodies of transactions of one subaccount; with `authenticators` another key than the owner's signs them."""

    def __init__(self, owner: str, subaccount: int, authenticators: Sequence[int] = ()) -> None:
        self._owner = owner
        self._subaccount = subaccount
        extension = [as_any(TxExtension(selected_authenticators=authenticators))] if authenticators else []
        self._extension = extension

    def placed(self, client_id: str, life: Lifetime, market: wire.Market, size: Decimal, price: Decimal) -> bytes:
        """Also what replaces an order: the same id, a later end. The official builder would overwrite our metadata.

        Raises `NotOffered` for a size between two lots or a price between two ticks.
        """
        number, metadata = numbers(client_id)
        scale = market.atomicResolution - market.quantumConversionExponent - QUOTE_RESOLUTION
        what = f"{market.ticker}: size {size}", f"{market.ticker}: price {price}"
        message = Order(
            order_id=self._id(number, market.clobPairId or 0, life.kind),
            side=Order.SIDE_BUY if life.side == "buy" else Order.SIDE_SELL,
            quantums=_whole(what[0], size.scaleb(-market.atomicResolution), market.stepBaseQuantums),
            subticks=_whole(what[1], price.scaleb(scale), market.subticksPerTick),
            time_in_force=TIFS[life.tif],
            reduce_only=life.reduce_only,
            client_metadata=metadata,
            **_ending(life.kind, life.until),
        )
        return self._body(official.place_order(message))

    def cancelled(self, ends: Sequence[End]) -> bytes:
        """One order, or several short-term ones, by pair."""
        if len(ends) == 1:
            ((number, pair, kind, until),) = ends
            return self._body(official.cancel_order(self._id(number, pair, kind), **_ending(kind, until)))
        pairs: dict[int, list[int]] = {}
        for number, pair, _, _ in ends:
            pairs.setdefault(pair, []).append(number)
        batches = [OrderBatch(clob_pair_id=pair, client_ids=ids) for pair, ids in pairs.items()]
        whose, until = official.subaccount(self._owner, self._subaccount), max(until for *_, until in ends)
        return self._body(official.batch_cancel(whose, batches, until))

    def _id(self, number: int, pair: int, flags: int) -> OrderId:
        return official.order_id(self._owner, self._subaccount, number, pair, flags)

    def _body(self, message: object) -> bytes:
        """A message that is alone in its transaction."""
        return bytes(
            TxBody(messages=[as_any(message)], non_critical_extension_options=self._extension).SerializeToString()
        )


def _ending(kind: int, until: int) -> dict[str, int]:
    return {"good_til_block" if kind == SHORT_TERM else "good_til_block_time": until}


def _whole(what: str, scaled: Decimal, step: int) -> int:
    """Exactly so many; nothing is rounded."""
    whole = int(scaled)
    if whole != scaled or whole <= 0 or step <= 0 or whole % step:
        raise NotOffered(f"{what} is {scaled:f} units of the chain, not a multiple of {step}")
    return whole
