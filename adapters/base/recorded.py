"""What decoders of recordings share: a REST answer among the frames, which says by its address what was asked."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, urlsplit

import msgspec

from adapters.base.topics import TopicSocket
from state.events import AnyEvent


class RestRecording(TopicSocket):
    """Reads an answer as a frame is read: what does not fit is a `FeedStatus`."""

    @abstractmethod
    def answer(self, path: str, asked: Mapping[str, str], body: bytes) -> Sequence[AnyEvent]:
        """The events of an answer; nothing for an endpoint that tells none."""

    def http(self, url: str, body: bytes, recv: int) -> Sequence[AnyEvent]:
        parts = urlsplit(url)
        try:
            return self.answer(parts.path, dict(parse_qsl(parts.query)), body)
        except (msgspec.DecodeError, ValueError, ArithmeticError, RecursionError) as error:
            return (self._misfit(error),)
