"""Frames: every event that the venue offers is read from them, and nothing is read from one that does not fit."""

from collections.abc import Iterator, Sequence

import pytest

from adapters import Venue
from adapters.base.websocket import Websocket
from adapters.conformance.mutations import (
    NEW_WORD,
    OTHER_TYPE,
    Json,
    encode,
    leaves,
    parse,
    replaced,
    shape,
    widened,
)
from adapters.conformance.recording import STREAMED, Heard, Reader, Recording
from adapters.conformance.stage import channel, offline
from adapters.conformance.subject import Subject
from state.errors import UnknownWord
from state.events import (
    AnyEvent,
    BalanceUpdate,
    BookDelta,
    BookSnapshot,
    FeedStatus,
    Fill,
    FundingPayment,
    OrderUpdate,
    PositionUpdate,
)

NOW = 1_754_000_000_000_000_000
WORDS = ("status", "side", "kind", "tif", "action")
GARBAGE = (
    b"",
    b"{",
    b"[]",
    b"null",
    b"0",
    b'"text"',
    b"\xff\xfe\x00",
    b"{}",
    b'{"data":1}',
    b"[" * 5_000,
    b'{"topic":' * 2_000,
    b'[{"a":[]}]',
    b"<html>bad gateway</html>",
)


def plain(events: Sequence[AnyEvent]) -> list[AnyEvent]:
    return [event for event in events if not isinstance(event, FeedStatus)]


def doubted(events: Sequence[AnyEvent]) -> bool:
    return any(isinstance(event, FeedStatus) and event.status not in ("ok", "connecting") for event in events)


def examples(recording: Recording) -> Iterator[tuple[Sequence[Heard], Heard, Json]]:
    """One frame of each shape from which something was read, with the book's frames before it, which it may rest on."""
    seen = set()
    for n, each in enumerate(recording.streamed):
        said = parse(each.frame.body)
        if not plain(each.events) or said is None or (key := shape(said)) in seen:
            continue
        seen.add(key)
        before = [
            each for each in recording.streamed[:n] if any(isinstance(e, BookSnapshot | BookDelta) for e in each.events)
        ]
        is_delta = any(isinstance(event, BookDelta) for event in each.events)
        yield before if is_delta else (), each, said


def told(found: Venue, before: Sequence[Heard], frame: Heard, body: bytes) -> Sequence[AnyEvent] | str:
    reader = Reader(found)
    for each in before:
        reader.read(each.frame)
    return reader.tells(frame.frame, body)


def test_every_event_is_heard(found: Venue, subject: Subject, recording: Recording) -> None:
    """Every kind of event that the venue offers was read from its frames."""
    wanted: set[type] = {STREAMED[name] for name in subject.channels(found)}
    if "deltas" not in subject.lacks:
        wanted.add(BookDelta)
    if "orders" not in subject.lacks:
        wanted |= {OrderUpdate, Fill, PositionUpdate, BalanceUpdate}
        if "funding" not in subject.lacks:
            wanted.add(FundingPayment)
    heard = {type(event) for event in recording.events}
    assert {kind.__name__ for kind in wanted - heard} == set()


def test_read_again(found: Venue, recording: Recording) -> None:
    """The frames of a session, read from its recording, give the events that they gave live.

    Live nobody follows the other markets of a stream that tells all of them at once.
    """
    reader = Reader(found)
    again = [event for each in recording.streamed for event in plain(reader.read(each.frame))]
    live = [event for each in recording.streamed for event in plain(each.events)]
    assert len(live) > 20
    followed = {event.symbol for event in live}
    assert [event for event in again if event.symbol in followed] == live


def test_unknown_field(found: Venue, subject: Subject, recording: Recording) -> None:
    """A field that nobody knows, in every object of a frame, changes nothing."""
    for before, each, said in examples(recording):
        body = encode(widened(said, subject.maps))
        assert told(found, before, each, body) == told(found, before, each, encode(said)), body[:400]


def test_wrong_type(found: Venue, recording: Recording) -> None:
    """A value of another type, in any place, is not read or makes the frame doubted: never half of it believed."""
    changed = 0
    for before, each, said in examples(recording):
        fair = told(found, before, each, encode(said))
        for at, _ in leaves(said):
            unfair = told(found, before, each, encode(replaced(said, at, OTHER_TYPE)))
            if unfair != fair:
                changed += 1
                assert isinstance(unfair, str) or (doubted(unfair) and not plain(unfair)), (
                    f"{at} of {each.frame.body[:300]!r}"
                )
    assert changed > 10


def test_unknown_word(found: Venue, subject: Subject, recording: Recording) -> None:
    """A word that nobody knows is never taken for one that we know: the frame is doubted, or trading stops."""
    stops = 0
    for before, each, said in examples(recording):
        fair = told(found, before, each, encode(said))
        for at, value in leaves(said):
            if not isinstance(value, str) or at[-1] in subject.elsewhere:
                continue
            unfair = told(found, before, each, encode(replaced(said, at, NEW_WORD)))
            if isinstance(unfair, str):
                stops += 1
                assert NEW_WORD in unfair
            elif not doubted(unfair):
                assert not isinstance(fair, str)
                assert _words(unfair) == _words(fair), f"{at} of {each.frame.body[:300]!r}"
    if any(isinstance(event, OrderUpdate) for event in recording.events):
        assert stops, "no order word is guarded by a table"


def _words(events: Sequence[AnyEvent]) -> list[tuple[object, ...]]:
    """What events say in words; a balance, a funding payment and a position are said in numbers."""
    worded = [event for event in plain(events) if any(hasattr(event, name) for name in WORDS)]
    return [(type(event), *(getattr(event, name, None) for name in WORDS)) for event in worded]


def test_unknown_topic(found: Venue, subject: Subject) -> None:
    """A frame of a topic that nobody knows is told as a gap, and kept."""
    assert subject.strangers, "declare a frame that no adapter knows"
    for frame in subject.strangers:
        decoder = found.decoder()
        events = decoder.receive(frame.encode(), NOW)
        assert doubted(events), frame
        assert decoder.suspect


def sockets(found: Venue, subject: Subject) -> list[Websocket]:
    exchange = offline(found, subject)
    subscriptions = [channel(name, subject.symbols[0]) for name in subject.channels(found)]
    made: list[Websocket] = list(exchange.public_sockets(subscriptions))
    if "orders" not in subject.lacks:
        order_socket = exchange.order_socket()
        made += [exchange.private_socket(), *([order_socket] if order_socket is not None else [])]
    return made


@pytest.mark.parametrize("when", ["connected", "before it is connected"])
def test_garbage(found: Venue, subject: Subject, when: str) -> None:
    """No frame, however odd, makes a socket raise, and none is taken for an event."""
    for socket in sockets(found, subject):
        if when == "connected":
            socket.on_connect(NOW)
        for frame in GARBAGE:
            try:
                assert not plain(socket.receive(frame, NOW)), (socket.name, frame[:40])
            except UnknownWord:
                raise AssertionError(f"{socket.name} speaks of orders at {frame[:40]!r}") from None
        socket.replies()
        socket.on_disconnect("the end")


def test_silence(found: Venue, subject: Subject) -> None:
    """A socket that is lost says of everything it told that it is worth nothing now."""
    for socket in sockets(found, subject):
        socket.on_connect(NOW)
        statuses = [event for event in socket.on_disconnect("lost") if isinstance(event, FeedStatus)]
        assert statuses, socket.name
        assert {status.status for status in statuses} == {"down"}
        assert not socket.is_ready
