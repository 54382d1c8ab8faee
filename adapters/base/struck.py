"""A transport through which no key comes back: venues quote it in their refusals (Bybit's 10004 shows what it signed).

What is struck out here reaches no event, frame or exception. Market data passes by beside it.
"""

from collections.abc import Callable

from adapters.base.client import Response, SignedRequest
from adapters.base.transport import Socket, Transport
from state.secrets import Credentials

STRUCK = b"***"
KEY_CHARACTERS_MIN = 8  # a shorter word would be struck out of the middle of others, and is nobody's key


class StruckTransport:
    """Another transport with an account's words struck out of whatever it hears."""

    def __init__(self, transport: Transport, credentials: Credentials) -> None:
        self._transport = transport
        words = (credentials.key, credentials.secret, credentials.passphrase)
        self._words = [word.reveal().encode() for word in words if len(word.reveal()) >= KEY_CHARACTERS_MIN]

    def strike(self, body: bytes) -> bytes:
        """The body without any of the words."""
        for word in self._words:
            if word in body:
                body = body.replace(word, STRUCK)
        return body

    async def open(self, url: str, ping_s: float = 0.0) -> Socket:
        opened = self._transport.open(url, ping_s) if ping_s else self._transport.open(url)
        return _StruckSocket(await opened, self.strike)

    async def request(self, request: SignedRequest, timeout_s: float) -> Response:
        response = await self._transport.request(request, timeout_s)
        return Response(response.status, response.headers, self.strike(response.body))

    async def sleep(self, seconds: float) -> None:
        await self._transport.sleep(seconds)

    async def close(self) -> None:
        await self._transport.close()


class _StruckSocket:
    def __init__(self, socket: Socket, strike: Callable[[bytes], bytes]) -> None:
        self._socket = socket
        self._strike = strike

    async def read(self, on_frame: Callable[[bytes], None]) -> str:
        strike = self._strike

        def struck(frame: bytes) -> None:
            on_frame(strike(frame))

        return await self._socket.read(struck)

    async def send(self, frame: bytes) -> None:
        await self._socket.send(frame)

    async def close(self) -> None:
        await self._socket.close()
