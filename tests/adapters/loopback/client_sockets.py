"""Sockets of a test's client of a loopback venue, which end with the test."""

from collections.abc import Iterable

import aiohttp


async def close_all(sockets: Iterable[aiohttp.ClientWebSocketResponse]) -> None:
    """One that was reset is closed for aiohttp, yet holds its connection."""
    for socket in sockets:
        await socket.close()
        socket._response.close()
