"""What a customer says on a stream socket, and the answers: SUBSCRIBE, UNSUBSCRIBE, LIST_SUBSCRIPTIONS."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import msgspec

from adapters.loopback.binance.streams import Lane
from adapters.loopback.connection import Connection

MAX_STREAMS = 1_024
RequestId = int | str | None


class Request(msgspec.Struct, gc=False):
    method: str
    params: list[str | bool] = msgspec.field(default_factory=list)
    id: RequestId = None


class Reply(msgspec.Struct, gc=False):
    result: list[str] | None
    id: RequestId


class Fault(msgspec.Struct, gc=False):
    code: int
    msg: str


class Refusal(msgspec.Struct, gc=False, omit_defaults=True):
    error: Fault
    id: RequestId = None


class Session:
    """A stream socket: its path, the form of its frames, and how fast it talks."""

    __slots__ = ("_said_ms", "combined", "connection", "lane")

    def __init__(self, connection: Connection, lane: Lane, combined: bool) -> None:
        self.connection, self.lane, self.combined = connection, lane, combined
        self._said_ms: deque[int] = deque()

    def push(self, stream: str, frame: bytes, what: str = "") -> None:
        """Sends an event as the path wants it: by itself, or wrapped with the stream's name; `what` is its name for faults."""
        wrapped = b'{"stream":"%s","data":%s}' % (stream.encode(), frame) if self.combined else frame
        self.connection.send(what or stream, wrapped)

    def talks_too_much(self, limit: int, now_ms: int) -> bool:
        """Counts a message; true where more than `limit` came within a second."""
        self._said_ms.append(now_ms)
        while self._said_ms[0] <= now_ms - 1_000:
            self._said_ms.popleft()
        return 0 < limit < len(self._said_ms)

    def answer(self, frame: bytes, add: Callable[[str], None], remove: Callable[[str], None]) -> None:
        """Carries out one message; a stream that does not exist is acknowledged like any other."""
        try:
            request = msgspec.json.decode(frame, type=Request)
        except msgspec.DecodeError as error:
            self._refuse(3, f"Invalid JSON: {error}", None)
            return
        names = list(dict.fromkeys(name for name in request.params if isinstance(name, str)))
        if request.method == "SUBSCRIBE":
            if len(self.connection.topics | set(names)) > MAX_STREAMS:
                self._refuse(2, f"Invalid request: more than {MAX_STREAMS} streams", request.id)
                return
            self._reply(request, None)
            for name in names:
                add(name)
        elif request.method == "UNSUBSCRIBE":
            self._reply(request, None)
            for name in names:
                remove(name)
        elif request.method == "LIST_SUBSCRIPTIONS":
            self._reply(request, sorted(self.connection.topics))
        else:
            self._refuse(2, f"Invalid request: unknown variant {request.method}", request.id)

    def _reply(self, request: Request, result: list[str] | None) -> None:
        self.connection.send(f"reply.{request.method}", msgspec.json.encode(Reply(result, request.id)))

    def _refuse(self, code: int, words: str, request_id: RequestId) -> None:
        self.connection.send("reply.error", msgspec.json.encode(Refusal(Fault(code, words), request_id)))
