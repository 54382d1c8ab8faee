"""Candles of a venue that never says that one is closed: the next one says it."""

from abc import abstractmethod
from collections.abc import Sequence

from msgspec.structs import replace

from adapters.base.channel import Channel
from state.events import AnyEvent, Candle


class ClosingCandles(Channel):
    """A venue says how a frame reads, and whether it begins anew, with history."""

    __slots__ = ("_last",)
    channel = "candles"

    def __init__(self, venue: str, topic: str, symbol: str) -> None:
        super().__init__(venue, topic, symbol)
        self._last: Candle | None = None

    @abstractmethod
    def read(self, frame: bytes) -> tuple[Sequence[Candle], bool]:
        """The candles of a frame in any order, and True where they are told from the beginning."""

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        candles, anew = self.read(frame)
        self._last = None if anew else self._last
        events: list[AnyEvent] = []
        for told in sorted(candles, key=lambda candle: candle.start):
            last = self._last
            if last is not None and told.start < last.start:
                continue  # told before
            if last is not None and told.start > last.start:
                events.append(replace(last, closed=True))
            events.append(told)
            self._last = told
        return events
