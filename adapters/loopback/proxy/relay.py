"""One WebSocket through the proxy: frames in both directions, and what the weather does to those of the venue."""

from __future__ import annotations

import asyncio
from collections import deque

import aiohttp
from aiohttp import WSMsgType, web

from adapters.loopback.proxy.plan import Spot
from adapters.loopback.proxy.weather import Weather

REMEMBERED = 50  # frames of some time ago, for one that comes again
LARGE = 800  # bytes; a snapshot is, a reply is not
Frame = tuple[WSMsgType, bytes]


class Relay:
    """The customer's side is `down`, the venue's `up`; whoever ends first ends both."""

    def __init__(self, spot: Spot, weather: Weather) -> None:
        self.spot = spot
        self._weather = weather
        self._transport: asyncio.Transport | None = None
        self._past: deque[Frame] = deque(maxlen=REMEMBERED)
        self._held: list[Frame] = []  # to come after the next
        self._large_lost = False

    async def run(self, request: web.Request, session: aiohttp.ClientSession, url: str) -> web.WebSocketResponse:
        """Relays until either side ends it; raises what the venue's refusal to connect raises."""
        async with session.ws_connect(url, autoping=False, autoclose=False, max_msg_size=0) as up:
            down = web.WebSocketResponse(autoping=False, autoclose=False, compress=False, max_msg_size=0)
            await down.prepare(request)
            self._transport = request.transport
            to_venue = asyncio.create_task(self._to_venue(down, up))
            try:
                await self._to_customer(up, down)
            finally:
                to_venue.cancel()
                await asyncio.gather(to_venue, return_exceptions=True)
                self.reset()
            return down

    def reset(self) -> None:
        """Ends it without a farewell."""
        if self._transport is not None:
            self._transport.abort()

    async def _to_venue(self, down: web.WebSocketResponse, up: aiohttp.ClientWebSocketResponse) -> None:
        async for message in down:
            if self._weather.lasts("half_open", self.spot):
                continue
            await up.send_frame(_bytes(message), message.type)
        await up.close()

    async def _to_customer(self, up: aiohttp.ClientWebSocketResponse, down: web.WebSocketResponse) -> None:
        async for message in up:
            frame = (message.type, _bytes(message))
            held_s = self._weather.lasts("half_open", self.spot)
            if held_s:
                await asyncio.sleep(held_s)
                return  # what was on its way is lost with it
            held_s = self._weather.lasts("delay", self.spot)
            if not held_s and self.spot == "trade":
                held_s = self._weather.lasts("reply_late", self.spot)
            if held_s:
                await asyncio.sleep(held_s)
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                await down.send_frame(frame[1], frame[0])
                continue
            if self._weather.hits("tear", self.spot):
                self._tear(frame[1])
                return
            for each in self._changed(frame):
                await down.send_frame(each[1], each[0])

    def _changed(self, frame: Frame) -> list[Frame]:
        """What arrives in a frame's place."""
        weather, spot = self._weather, self.spot
        if weather.lasts("silent", spot):
            return []
        if not self._large_lost and len(frame[1]) > LARGE and weather.hits("snapshot_lost", spot):
            self._large_lost = True
            return []
        if weather.hits("drop", spot) or (spot == "trade" and weather.hits("reply_lost", spot)):
            return []
        if weather.hits("reorder", spot):
            self._held.append(frame)
            return []
        arrives = [frame, *self._held]
        self._held.clear()
        if weather.hits("duplicate", spot):
            arrives.append(frame)
        if self._past and weather.hits("stale", spot):
            arrives.append(self._past[0])
        self._past.append(frame)
        return arrives

    def _tear(self, body: bytes) -> None:
        """Half of a text frame, and then the end of the connection. https://www.rfc-editor.org/rfc/rfc6455#section-5.2"""
        if self._transport is None:
            return
        size = max(len(body), 200)
        header = bytes((0x81, 127)) + size.to_bytes(8, "big")
        self._transport.write(header + body[: len(body) // 2])
        self._transport.close()


def _bytes(message: aiohttp.WSMessage) -> bytes:
    data = message.data
    return data.encode() if isinstance(data, str) else bytes(data or b"")
