"""Which channels there are, on which path, and what each wants to know: the checks of a subscription."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from adapters.loopback.okx import codes, render
from adapters.loopback.okx.codes import OkxError
from adapters.loopback.okx.listings import INST_TYPES, Instrument, of_index

Arg = dict[str, str]
ANY = "ANY"


class Lane(StrEnum):
    """A path of the sockets."""

    PUBLIC = "public"
    PRIVATE = "private"
    BUSINESS = "business"


@dataclass(frozen=True, slots=True)
class Channel:
    """A kind of stream; `wants` names what must be said beside it."""

    lane: Lane
    wants: tuple[str, ...] = ("instId",)
    swaps_only: bool = False
    vip: int = 0
    """The fee tier that may have it; with one, the socket must be logged in."""
    is_counted: bool = False
    """Is the number of its sockets for an account limited and told?"""


CANDLES = {
    f"{kind}candle{bar}": Channel(Lane.BUSINESS) for kind in ("", "mark-price-", "index-") for bar in render.BARS
}
CHANNELS: Mapping[str, Channel] = CANDLES | {
    "bbo-tbt": Channel(Lane.PUBLIC),
    "books-l2-tbt": Channel(Lane.PUBLIC, vip=5),
    "books50-l2-tbt": Channel(Lane.PUBLIC, vip=4),
    "books": Channel(Lane.PUBLIC),
    "books5": Channel(Lane.PUBLIC),
    "trades": Channel(Lane.PUBLIC),
    "tickers": Channel(Lane.PUBLIC),
    "mark-price": Channel(Lane.PUBLIC),
    "index-tickers": Channel(Lane.PUBLIC),
    "funding-rate": Channel(Lane.PUBLIC, swaps_only=True),
    "open-interest": Channel(Lane.PUBLIC, swaps_only=True),
    "price-limit": Channel(Lane.PUBLIC),
    "instruments": Channel(Lane.PUBLIC, ("instType",)),
    "liquidation-orders": Channel(Lane.PUBLIC, ("instType",)),
    "status": Channel(Lane.PUBLIC, ()),
    "trades-all": Channel(Lane.BUSINESS),
    "orders": Channel(Lane.PRIVATE, ("instType",), is_counted=True),
    "fills": Channel(Lane.PRIVATE, (), vip=6, is_counted=True),
    "positions": Channel(Lane.PRIVATE, ("instType",), is_counted=True),
    "account": Channel(Lane.PRIVATE, (), is_counted=True),
    "balance_and_position": Channel(Lane.PRIVATE, (), is_counted=True),
    "liquidation-warning": Channel(Lane.PRIVATE, ("instType",), is_counted=True),
}
"""In the order in which what is due at once is pushed on one connection."""


def topic_of(arg: Arg) -> str:
    """A channel with what it is of, by which faults are ordered: `books.BTC-USDT-SWAP`, `orders.SWAP`, `account`."""
    about = arg.get("instId") or arg.get("instFamily") or arg.get("instType") or arg.get("ccy")
    return f"{arg['channel']}.{about}" if about else arg["channel"]


def no_channel(arg: Arg) -> OkxError:
    said = ",".join(f"{name}:{value}" for name, value in arg.items() if name != "extraParams")
    words = f"Wrong URL or {said} doesn't exist. Please use the correct URL, channel and parameters referring to API document."
    return OkxError(codes.NO_CHANNEL, words)


def check(arg: Arg, lane: Lane, is_logged_in: bool, vip: int, instruments: Mapping[str, Instrument]) -> Channel:
    """The channel that a subscription means; raises OkxError."""
    channel = CHANNELS.get(arg.get("channel", ""))
    if channel is None:
        raise no_channel(arg)
    if channel.lane is not lane:
        if channel.lane is Lane.BUSINESS:
            raise OkxError(codes.MOVED_TO_BUSINESS)
        raise OkxError(codes.NOT_ON_BUSINESS) if lane is Lane.BUSINESS else no_channel(arg)
    if (channel.lane is Lane.PRIVATE or channel.vip) and not is_logged_in:
        raise OkxError(codes.NOT_LOGGED_IN)
    if vip < channel.vip:
        raise OkxError({4: codes.NEEDS_VIP4, 5: codes.NEEDS_VIP5}.get(channel.vip, codes.NEEDS_TIER))
    if any(not arg.get(name) for name in channel.wants) or not _is_listed(arg, channel, instruments):
        raise no_channel(arg)
    return channel


def _is_listed(arg: Arg, channel: Channel, instruments: Mapping[str, Instrument]) -> bool:
    kind, inst_id, name = arg.get("instType", ""), arg.get("instId", ""), arg["channel"]
    if kind and kind not in (*INST_TYPES, ANY):
        return False
    if not inst_id:
        return True
    if name.startswith("index-"):
        return of_index(inst_id, instruments.values()) is not None
    listed = instruments.get(inst_id)
    return listed is not None and (listed.is_swap or not channel.swaps_only)
