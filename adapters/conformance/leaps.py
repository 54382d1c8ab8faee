"""The time of the event loop, which a test may move on: what is late is late until then, however long the machine takes."""

import asyncio

LATE_S = 20.0
"""Longer than what comes before the late one ever takes, and shorter than anybody's patience."""


def leap(seconds: float = LATE_S) -> None:
    """Makes due at once what the running loop was to do within that time."""
    loop = asyncio.get_running_loop()
    now_s = loop.time
    loop.time = lambda: now_s() + seconds  # type: ignore[method-assign]
