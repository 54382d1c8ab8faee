"""Nothing that a venue says brings a key back in, however it quotes it."""

import asyncio
from typing import Any

import pytest

from adapters.base.client import Response, SignedRequest
from adapters.base.struck import StruckTransport
from state.secrets import Credentials, Secret

KEY, SECRET = "key-0123456789", "secret-0123456789"


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        pytest.param(
            b"error sign! origin_string[1key-0123456789500]", b"error sign! origin_string[1***500]", id="a key"
        ),
        pytest.param(b"key-0123456789 secret-0123456789", b"*** ***", id="both"),
        pytest.param(b"secret of nobody", b"secret of nobody", id="neither"),
    ],
)
def test_answers_and_frames_are_heard_without_keys(world: Any, said: bytes, heard: bytes) -> None:
    async def main() -> None:
        struck = StruckTransport(world, Credentials(Secret(KEY), Secret(SECRET)))
        world.answer = lambda request: Response(200, {}, said)
        assert (await struck.request(SignedRequest("GET", "http://x", {}), 1.0)).body == heard
        socket = await struck.open("ws://x")
        world.sockets[-1].say(said)
        world.sockets[-1].cut()
        frames: list[bytes] = []
        await socket.read(frames.append)
        assert frames == [heard]

    asyncio.run(main())


def test_a_word_too_short_for_a_key_is_not_struck_out_of_others() -> None:
    struck = StruckTransport(None, Credentials(Secret("k"), Secret("s")))  # type: ignore[arg-type]
    assert struck.strike(b"asks") == b"asks"
