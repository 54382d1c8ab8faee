"""What decoders of recordings share: a REST answer among the frames, which says by its address what was asked."""

import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cache
from urllib.parse import parse_qsl, urlsplit

import msgspec

from adapters.base.endpoints import Endpoint
from adapters.base.topics import TopicSocket
from state.events import AnyEvent


@cache
def _shape(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))


def asked_at(path: str, actions: Mapping[str, Endpoint]) -> tuple[str, Mapping[str, str]]:
    """The first action that is asked for at a path, empty where none is, and the words that stand in its places."""
    for action, endpoint in actions.items():
        found = _shape(endpoint.path).fullmatch(path)
        if found is not None:
            return action, found.groupdict()
    return "", {}


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
