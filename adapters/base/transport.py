"""The door to the network, narrow enough to be faked whole: open a socket, send a request, sleep.

What comes in is bytes; who waits for what is told by two errors: `ConnectionFailed` (nothing was sent) and
`OutcomeUnknown` (something may have been).
"""

from collections.abc import Callable
from typing import Protocol

from adapters.base.client import Response, SignedRequest


class Socket(Protocol):
    """One open WebSocket."""

    async def read(self, on_frame: Callable[[bytes], None]) -> str:
        """Hands over each frame as it comes, until the connection ends; why it ended."""

    async def send(self, frame: bytes) -> None:
        """Raises `OutcomeUnknown` where the connection ended first."""

    async def close(self) -> None: ...


class Transport(Protocol):
    """The network and the passing of time."""

    async def open(self, url: str, ping_s: float = 0.0) -> Socket:
        """Pings every `ping_s` where it is not 0, and ends the connection that does not answer. Raises `ConnectionFailed`."""

    async def request(self, request: SignedRequest, timeout_s: float) -> Response:
        """Raises `ConnectionFailed` or `OutcomeUnknown`."""

    async def sleep(self, seconds: float) -> None: ...

    async def close(self) -> None: ...


def network() -> Transport:
    """The real one, loaded late: what replays, decodes or prints requests needs no aiohttp, a third of its start."""
    from adapters.base.network import AiohttpTransport

    return AiohttpTransport()
