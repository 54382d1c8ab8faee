"""What customers say on the sockets and the forms of the answers; each of the three sockets has its own."""

# ruff: noqa: N815
# The field names are the venue's own.

from __future__ import annotations

import msgspec


class Request(msgspec.Struct, gc=False):
    """A message on the public or the private socket."""

    op: str = ""
    args: list[str | int | float] | None = None
    req_id: str | int | None = None

    def topics(self) -> list[str]:
        """The topics named, each once, in order."""
        return list(dict.fromkeys(arg for arg in self.args or [] if isinstance(arg, str)))


class StreamReply(msgspec.Struct, gc=False):
    """https://bybit-exchange.github.io/docs/v5/ws/connect"""

    success: bool
    ret_msg: str
    conn_id: str
    op: str
    req_id: str | int | msgspec.UnsetType = msgspec.UNSET


class PrivatePong(msgspec.Struct, gc=False):
    args: list[str]
    conn_id: str
    req_id: str | int | msgspec.UnsetType = msgspec.UNSET
    op: str = "pong"


class TradeRequest(msgspec.Struct, gc=False):
    """A message on the trade socket."""

    op: str = ""
    reqId: str = ""
    header: dict[str, str | int] | None = None
    args: list[msgspec.Raw] | None = None


class TradeHeader(msgspec.Struct, gc=False):
    Timenow: str
    Traceid: str = "loopback"
    limit: str | msgspec.UnsetType = msgspec.field(default=msgspec.UNSET, name="X-Bapi-Limit")
    remaining: str | msgspec.UnsetType = msgspec.field(default=msgspec.UNSET, name="X-Bapi-Limit-Status")
    reset: str | msgspec.UnsetType = msgspec.field(default=msgspec.UNSET, name="X-Bapi-Limit-Reset-Timestamp")


class TradeReply(msgspec.Struct, gc=False):
    """https://bybit-exchange.github.io/docs/v5/websocket/trade/guideline"""

    retCode: int
    retMsg: str
    op: str
    connId: str
    reqId: str | msgspec.UnsetType = msgspec.UNSET
    data: msgspec.Struct | list[str] | msgspec.UnsetType = msgspec.UNSET
    retExtInfo: msgspec.Struct | msgspec.UnsetType = msgspec.UNSET
    header: TradeHeader | msgspec.UnsetType = msgspec.UNSET
