"""Candles of a venue that never says that one is closed: the next one does."""

from collections.abc import Iterable

from msgspec.structs import replace

from adapters.base.channel import Channel
from state.events import AnyEvent, Candle, FeedStatus
from state.words import FeedState


class ClosedByNext(Channel):
    """One interval of one market."""

    __slots__ = ("_last",)

    channel = "candles"

    def __init__(self, venue: str, topic: str, symbol: str) -> None:
        super().__init__(venue, topic, symbol)
        self._last: Candle | None = None

    def told(self, candles: Iterable[Candle], *, anew: bool = False) -> list[AnyEvent]:
        """Those told, oldest first, each after the end of the one before; an old one says nothing, but if told `anew`."""
        self._last = None if anew else self._last
        events: list[AnyEvent] = []
        for candle in sorted(candles, key=lambda candle: candle.start):
            last = self._last
            if last is not None and candle.start < last.start:
                continue
            if last is not None and candle.start > last.start:
                events.append(replace(last, closed=True))
            events.append(candle)
            self._last = candle
        return events

    def distrust(self, status: FeedState, reason: str) -> FeedStatus:
        self._last = None  # what it became is not known
        return super().distrust(status, reason)
