"""The real network behind the door of `transport.py`, by aiohttp. Loaded only where something is to be connected."""

import asyncio
from collections.abc import Callable
from typing import Literal

import aiohttp
from yarl import URL

from adapters.base.client import Response, SignedRequest
from adapters.base.transport import Socket
from state.errors import ConnectionFailed, OutcomeUnknown

MAX_FRAME_BYTES = 16 * 2**20
MAX_ANSWER_BYTES = 64 * 2**20
CONNECT_S = 10.0
CLOSE_S = 1.0  # how long the other side may take to say good-bye; nothing is heard from it meanwhile


class AiohttpSocket:
    """A WebSocket by aiohttp, read as bytes without a round trip through text."""

    def __init__(self, connection: "aiohttp.ClientWebSocketResponse[Literal[False]]") -> None:
        self._connection = connection

    async def read(self, on_frame: Callable[[bytes], None]) -> str:
        receive = self._connection.receive
        text, binary = aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY
        while True:
            message = await receive()
            kind = message.type
            if kind is text or kind is binary:
                on_frame(message.data)
            elif kind is aiohttp.WSMsgType.ERROR:
                return f"socket error: {message.data}"
            else:
                return f"closed by the venue (code {self._connection.close_code})"

    async def send(self, frame: bytes) -> None:
        try:
            await self._connection.send_frame(frame, aiohttp.WSMsgType.TEXT)
        except (ConnectionError, aiohttp.ClientError) as error:
            raise OutcomeUnknown(f"the socket broke while sending: {error}") from error

    async def close(self) -> None:
        await self._connection.close()


async def _once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keeps aiohttp from sending a PUT or DELETE again when its connection was lost: it may have been carried out."""
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise  # nothing was sent
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientConnectionResetError(
            f"the connection was lost: {error}"
        ) from error  # that it does not repeat


class AiohttpTransport:
    """The real network. The session is made when first used, so that building an exchange needs no loop."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def open(self, url: str, ping_s: float = 0.0) -> Socket:
        try:
            async with asyncio.timeout(CONNECT_S):
                connection = await self._opened().ws_connect(
                    url,
                    max_msg_size=MAX_FRAME_BYTES,
                    autoping=True,
                    decode_text=False,
                    heartbeat=ping_s or None,
                    timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_S),
                )
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise ConnectionFailed(f"{url}: {error or 'timed out'}") from error
        return AiohttpSocket(connection)

    async def request(self, request: SignedRequest, timeout_s: float) -> Response:
        try:
            async with self._opened().request(
                request.method,
                URL(request.url, encoded=True),
                headers=request.headers,
                data=request.body or None,
                timeout=aiohttp.ClientTimeout(total=timeout_s, connect=CONNECT_S),
                allow_redirects=False,
                middlewares=() if request.method == "GET" else (_once,),
            ) as answer:
                body = bytearray()
                async for chunk in answer.content.iter_any():
                    body += chunk
                    if len(body) > MAX_ANSWER_BYTES:
                        raise OutcomeUnknown(
                            f"{request.method} {request.kept_url}: an answer over {MAX_ANSWER_BYTES} bytes"
                        )
                headers = {name.lower(): text for name, text in answer.headers.items()}
                return Response(answer.status, headers, bytes(body))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
            raise ConnectionFailed(f"{request.kept_url}: {error}") from error
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise OutcomeUnknown(f"{request.method} {request.kept_url}: {error or 'timed out'}") from error

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        return self._session
