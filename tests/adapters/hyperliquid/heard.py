"""An inbox that remembers everything and can be waited on."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from state.events import AnyEvent
from state.record import Frame
from tests.patience import PATIENCE_S


@dataclass
class Heard:
    """What was fed, in bursts."""

    bursts: list[tuple[int, Sequence[AnyEvent], int, Frame | None]] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def feed(self, recv: int, events: Sequence[AnyEvent], cause: int = 0, frame: Frame | None = None) -> None:
        self.bursts.append((recv, list(events), cause, frame))
        self.news.set()

    @property
    def events(self) -> list[AnyEvent]:
        return [event for _, events, _, _ in self.bursts for event in events]

    def of(self, kind: type, client_id: str = "") -> list[Any]:
        found = [event for event in self.events if isinstance(event, kind)]
        return [e for e in found if not client_id or e.client_id == client_id]  # type: ignore[attr-defined]

    def outcome(self, seq: int) -> list[AnyEvent]:
        return [event for _, events, cause, _ in self.bursts if cause == seq for event in events]

    async def until(self, holds: Callable[[], object], timeout_s: float = PATIENCE_S) -> None:
        async with asyncio.timeout(timeout_s):
            while not holds():
                self.news.clear()
                await self.news.wait()
