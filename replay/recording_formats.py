"""How a line of each known recording becomes a frame; no file is opened here.

A reader is fed the lines of one recording in order and remembers what earlier lines said, such as which address a
connection has. A line that does not fit raises `MisfitLine`; whether the frame in it makes sense is for an adapter to say.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, Literal, Protocol, TypeAlias

import msgspec

FrameKind: TypeAlias = Literal["ws", "http"]
Direction: TypeAlias = Literal["in", "out"]


@dataclass(frozen=True, slots=True)
class RecordedFrame:
    """One frame as it was written down: `recv_ns` UTC by the recorder's clock, 0 where nothing says when.

    `channel` names the connection within the recording; `url` is empty where the recording does not tell it.
    """

    recv_ns: int
    channel: str
    kind: FrameKind
    direction: Direction
    url: str
    body: bytes


class MisfitLine(ValueError):
    """A line is not of the format that the recording began in."""


class Reader(Protocol):
    """One format: `None` for a line that is no frame."""

    def receive(self, line: bytes) -> RecordedFrame | None: ...


# --- one JSON object a line, as cryptofeed records now ---


class _JsonLine(msgspec.Struct):
    t: Literal["header", "http", "connect", "send", "recv"]
    conn: str = ""
    ts: Decimal | None = None
    addr: str = ""
    url: str = ""
    data: str = ""


_json_line = msgspec.json.Decoder(_JsonLine).decode


class JsonLines:
    """`t` tells the kind, `ts` is in seconds, `data` the raw text; a connection that is made again is another channel."""

    def __init__(self) -> None:
        self._urls: dict[str, str] = {}
        self._times: dict[str, int] = {}

    @staticmethod
    def fits(line: bytes) -> bool:
        """True for a line that this reader can read."""
        try:
            _json_line(line)
        except (msgspec.DecodeError, RecursionError):
            return False
        return True

    def receive(self, line: bytes) -> RecordedFrame | None:
        try:
            said = _json_line(line)
        except (msgspec.DecodeError, RecursionError) as error:
            raise MisfitLine(str(error)) from error
        if said.t == "header":
            return None
        if said.t == "connect":
            self._urls[said.conn] = said.addr
            self._times[said.conn] = self._times.get(said.conn, 0) + 1
            return None
        if said.ts is None:
            raise MisfitLine(f"a {said.t} line without `ts`")
        recv_ns = _from_seconds(said.ts)
        body = said.data.encode()
        if said.t == "http":
            return RecordedFrame(recv_ns, said.conn, "http", "in", said.url, body)
        url = said.addr or self._urls.get(said.conn, "")
        return RecordedFrame(recv_ns, self._channel(said.conn), "ws", "in" if said.t == "recv" else "out", url, body)

    def _channel(self, conn: str) -> str:
        times = self._times.get(conn, 1)
        return conn if times == 1 else f"{conn}#{times}"


# --- a line of text a frame, as cryptofeed recorded earlier ---

_RECEIVED: Final = re.compile(rb"(\d+(?:\.\d+)?): (.*)", re.DOTALL)
_SENT: Final = re.compile(rb"(wss?://\S+) <- (\d+(?:\.\d+)?): (.*)", re.DOTALL)
_CONNECTED: Final = re.compile(rb"(wss?://\S+) <-> (\d+(?:\.\d+)?)")
_ANSWERED: Final = re.compile(rb"(https?://\S+) -> (\d+(?:\.\d+)?): (.*)", re.DOTALL)
_CONFIGURED: Final = re.compile(rb"configuration: ")


class TextLines:
    """`<ts>: <raw>` received, `wss:// <- <ts>: <raw>` sent, `wss:// <-> <ts>` connected, `https:// -> <ts>: <raw>` answered.

    A received line does not say by which connection; its address is told only where the recording has just one.
    """

    def __init__(self) -> None:
        self._urls: dict[str, None] = {}
        self._connects = 0

    @staticmethod
    def fits(line: bytes) -> bool:
        """True for a line that this reader can read."""
        patterns = (_RECEIVED, _SENT, _CONNECTED, _ANSWERED, _CONFIGURED)
        return any(pattern.match(line) for pattern in patterns)

    def receive(self, line: bytes) -> RecordedFrame | None:
        if found := _RECEIVED.fullmatch(line):
            url = next(iter(self._urls)) if len(self._urls) == 1 else ""
            return self._frame("ws", "in", url, found[1], found[2])
        if found := _SENT.fullmatch(line):
            return self._frame("ws", "out", found[1].decode(), found[2], found[3])
        if found := _ANSWERED.fullmatch(line):
            return self._frame("http", "in", found[1].decode(), found[2], found[3])
        if found := _CONNECTED.fullmatch(line):
            self._urls[found[1].decode()] = None
            self._connects += 1
            return None
        if _CONFIGURED.match(line):
            return None
        raise MisfitLine("neither received, sent, connected nor answered")

    def _frame(self, kind: FrameKind, direction: Direction, url: str, seconds: bytes, body: bytes) -> RecordedFrame:
        channel = "http" if kind == "http" else f"ws.{max(self._connects, 1)}"
        return RecordedFrame(_from_seconds(Decimal(seconds.decode())), channel, kind, direction, url, body)


# --- time of receipt and a raw frame, as hftbacktest and collect-binancefutures record ---

_STAMPED: Final = re.compile(rb"(\d{19}|\d{16}) (.+)", re.DOTALL)
_SCALE: Final[Mapping[int, int]] = {19: 1, 16: 1_000}  # ns, and µs in the older files
_DEPTH_ANSWER: Final = re.compile(rb'\{\s*"lastUpdateId"')
DEPTH_URL: Final = "/depth?limit=1000"  # all that the format says about what was asked


class StampedLines:
    """`<ns or µs> <raw>`; a REST depth answer stands among the frames where it arrived."""

    @staticmethod
    def fits(line: bytes) -> bool:
        """True for a line that this reader can read."""
        return _STAMPED.fullmatch(line) is not None

    def receive(self, line: bytes) -> RecordedFrame | None:
        found = _STAMPED.fullmatch(line)
        if found is None:
            raise MisfitLine("no time of receipt in ns or µs before the frame")
        recv_ns = int(found[1]) * _SCALE[len(found[1])]
        if _DEPTH_ANSWER.match(found[2]):
            return RecordedFrame(recv_ns, "ws", "http", "in", DEPTH_URL, found[2])
        return RecordedFrame(recv_ns, "ws", "ws", "in", "", found[2])


# --- tables of test cases, as tardis-node has them ---


class _Case(msgspec.Struct):
    test: str
    exchange: str
    localTimestamp: datetime  # noqa: N815 - the file's own name
    message: msgspec.Raw


_case = msgspec.json.Decoder(_Case).decode
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class CaseLines:
    """`{test, exchange, localTimestamp, message}`: what stands under one test is one connection's story."""

    @staticmethod
    def fits(line: bytes) -> bool:
        """True for a line that this reader can read."""
        try:
            _case(line)
        except (msgspec.DecodeError, RecursionError):
            return False
        return True

    def receive(self, line: bytes) -> RecordedFrame | None:
        try:
            case = _case(line)
        except (msgspec.DecodeError, RecursionError) as error:
            raise MisfitLine(str(error)) from error
        received = case.localTimestamp
        if received.tzinfo is None:
            raise MisfitLine("localTimestamp without a zone")
        recv_ns = (received - _EPOCH) // timedelta(microseconds=1) * 1_000
        return RecordedFrame(recv_ns, f"{case.exchange}: {case.test}", "ws", "in", "", bytes(case.message))


# --- nothing but frames ---


class PlainLines:
    """One frame a line; nothing says when it came or from where."""

    @staticmethod
    def fits(line: bytes) -> bool:
        """True for what looks like a frame of any of the venues."""
        return line.lstrip()[:1] in (b"{", b"[")

    def receive(self, line: bytes) -> RecordedFrame | None:
        return plain(line)


def plain(body: bytes) -> RecordedFrame:
    """A frame of which only the bytes are known."""
    return RecordedFrame(0, "ws", "ws", "in", "", body)


def is_json(document: bytes) -> bool:
    """True for one whole JSON document."""
    try:
        msgspec.json.decode(document, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


class Format(Protocol):
    """A reader's class: what fits it, and a reader with nothing read."""

    def __call__(self) -> Reader: ...

    def fits(self, line: bytes) -> bool: ...


# In this order: every line that an earlier one fits, a later one could be mistaken for.
FORMATS: Final[Mapping[str, Format]] = {
    "cryptofeed jsonl": JsonLines,
    "tardis-node cases": CaseLines,
    "cryptofeed text": TextLines,
    "stamped frames": StampedLines,
}


def _from_seconds(seconds: Decimal) -> int:
    return int(seconds * 1_000_000_000)
