"""Answers of REST that only their shape tells apart, where all are asked for at one address and the question is not recorded."""

from collections.abc import Iterator, Sequence

import msgspec

from adapters.base.topics import TopicSocket
from state.events import AnyEvent


class Shaped(TopicSocket):
    """A decoder of recordings; `shapes` are keys and the actions whose answers have all of them, the first that fits."""

    shapes: Sequence[tuple[Sequence[bytes], Sequence[str]]]
    word: Sequence[str] | None = None  # the actions whose answer is a word alone

    def answer(self, action: str, body: bytes) -> Sequence[AnyEvent]:
        """The events of an action's answer."""
        raise NotImplementedError

    def receive(self, frame: bytes, recv: int) -> Sequence[AnyEvent]:
        """Also an answer among the frames."""
        is_frame = b'"channel"' in frame[:200] or self._actions(frame) is None
        return super().receive(frame, recv) if is_frame else self.http("", frame, recv)

    def http(self, url: str, body: bytes, recv: int) -> Sequence[AnyEvent]:
        """The events of an answer, a status where it does not fit; nothing for a shape that tells none or is unknown."""
        try:
            return [event for action in self._actions(body) or () for event in self.answer(action, body)]
        except (msgspec.DecodeError, ValueError, ArithmeticError, RecursionError) as error:
            return (self._misfit(error),)

    def _actions(self, body: bytes) -> Sequence[str] | None:
        if body[:1] == b'"':
            return self.word
        found: Iterator[Sequence[str]] = (
            actions for keys, actions in self.shapes if all(b'"%s"' % key in body for key in keys)
        )
        return next(found, None)
