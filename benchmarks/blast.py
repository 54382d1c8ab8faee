"""A WebSocket server on localhost that answers subscriptions and then sends every frame as fast as it is read.

Plain asyncio streams, frames encoded beforehand and sent in bundles: the reader is the bottleneck, not this. It runs in a
process of its own and prints its port.
"""

import asyncio
import base64
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.measure import ROOT, frames

BUNDLE = 50
SETTLE_S = 0.3
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE, PING = 1, 8, 9


def framed(payload: bytes) -> bytes:
    """One text frame as a server sends it."""
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


async def read_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Opcode and unmasked payload of a client's frame."""
    head = await reader.readexactly(2)
    size = head[1] & 127
    if size == 126:
        size = int.from_bytes(await reader.readexactly(2), "big")
    elif size == 127:
        size = int.from_bytes(await reader.readexactly(8), "big")
    mask = await reader.readexactly(4) if head[1] & 128 else bytes(4)
    payload = await reader.readexactly(size)
    return head[0] & 15, bytes(byte ^ mask[index & 3] for index, byte in enumerate(payload))


class Blast:
    """Serves whoever connects; `topics` is how many subscriptions open the tap."""

    def __init__(self, topics: int) -> None:
        self._topics = topics
        wire = [framed(frame) for frame in frames()]
        self._bundles = [b"".join(wire[start : start + BUNDLE]) for start in range(0, len(wire), BUNDLE)]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        key = next(
            line.split(b":", 1)[1].strip()
            for line in request.split(b"\r\n")
            if line.lower().startswith(b"sec-websocket-key")
        )
        accept = base64.b64encode(hashlib.sha1(key + _GUID).digest())
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        subscribed = asyncio.Event()
        listening = asyncio.create_task(self._listen(reader, writer, subscribed))
        try:
            await asyncio.wait_for(subscribed.wait(), 20)
            await asyncio.sleep(SETTLE_S)
            for bundle in self._bundles:
                writer.write(bundle)
                await writer.drain()
            await listening
        except (ConnectionError, TimeoutError):
            pass  # the reader has seen enough
        finally:
            listening.cancel()
            writer.close()

    async def _listen(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, subscribed: asyncio.Event
    ) -> None:
        topics: set[str] = set()
        try:
            while True:
                opcode, payload = await read_frame(reader)
                if opcode == CLOSE:
                    return
                if opcode == PING:
                    writer.write(bytes((0x8A, len(payload))) + payload)
                if opcode != TEXT:
                    continue
                message = json.loads(payload)
                if message.get("op") == "subscribe":
                    topics.update(message["args"])
                answer = {"success": True, "ret_msg": "", "conn_id": "x", "req_id": message.get("req_id", "")}
                writer.write(framed(json.dumps(answer | {"op": message.get("op")}).encode()))
                if len(topics) >= self._topics:
                    subscribed.set()
        except (asyncio.IncompleteReadError, ConnectionError):
            return


async def main(topics: int) -> None:
    server = await asyncio.start_server(Blast(topics).serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await asyncio.wait_for(server.serve_forever(), 300)


@contextmanager
def blasting(topics: int) -> Iterator[str]:
    """The server's URL; its process ends with the block."""
    command = [sys.executable, "-m", "benchmarks.blast", str(topics)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            yield f"ws://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
