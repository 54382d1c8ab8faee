"""One WebSocket of a customer: an ordered, bounded queue of frames out, and the faults ordered for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import WSMsgType, web

from adapters.loopback.faults import Faults, Place
from adapters.loopback.ledger import Account

QUEUE_FRAMES = 20_000
IDLE_S = 600.0


class Connection:
    """A connected customer; what is sent keeps its order, a delayed frame holds back those after it."""

    def __init__(self, place: Place, conn_id: str, faults: Faults) -> None:
        self.place, self.conn_id = place, conn_id
        self.topics: set[str] = set()
        self.account: Account | None = None
        self.in_flight: set[str] = set()
        self.active_ms = 0
        self.idle_s = IDLE_S
        self._faults = faults
        self._queue: asyncio.Queue[tuple[bytes, float, WSMsgType]] = asyncio.Queue(QUEUE_FRAMES)
        self._socket: web.WebSocketResponse | None = None
        self._transport: asyncio.Transport | None = None

    def send(self, what: str, frame: bytes, place: Place | None = None) -> None:
        """Queues a frame; `what` is its topic or operation, by which faults are ordered.

        `place` is what the frame is for, where one socket is for everything.
        """
        fault = self._faults.ask(place or self.place, what)
        if fault.cut:
            self.cut()
        elif not fault.drop:
            for _ in range(2 if fault.duplicate else 1):
                self.queue(frame, fault.delay_s)

    def queue(self, frame: bytes, delay_s: float = 0.0) -> None:
        """Queues a frame that no fault may touch; a customer who does not read is cut off."""
        self._put(frame, delay_s, WSMsgType.TEXT)

    def ping(self, payload: bytes) -> None:
        """Queues a ping frame."""
        self._put(payload, 0.0, WSMsgType.PING)

    def farewell(self, code: int, words: str) -> None:
        """Queues the frame that ends the connection in good order, with its reason."""
        self._put(code.to_bytes(2, "big") + words.encode(), 0.0, WSMsgType.CLOSE)

    def _put(self, frame: bytes, delay_s: float, kind: WSMsgType) -> None:
        try:
            self._queue.put_nowait((frame, delay_s, kind))
        except asyncio.QueueFull:
            self.cut()

    def cut(self) -> None:
        """Resets the connection without a farewell."""
        if self._transport is not None:
            self._transport.abort()

    async def close(self) -> None:
        """Says goodbye, as a venue under maintenance does."""
        if self._socket is not None:
            await self._socket.close(code=1001, message=b"going away")

    async def serve(self, request: web.Request, receive: Callable[[Connection, bytes], None]) -> web.WebSocketResponse:
        """Talks to the customer until either side ends it."""
        socket = web.WebSocketResponse(compress=False, timeout=1.0)
        await socket.prepare(request)
        self._socket, self._transport = socket, request.transport
        writer = asyncio.create_task(self._write(socket))
        try:
            async for message in socket:
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    text = message.data
                    receive(self, text.encode() if isinstance(text, str) else text)
        finally:
            writer.cancel()
        return socket

    async def _write(self, socket: web.WebSocketResponse) -> None:
        while True:
            frame, delay_s, kind = await self._queue.get()
            if delay_s:
                await asyncio.sleep(delay_s)
            try:
                await socket.send_frame(frame, kind)
            except ConnectionError:
                return
