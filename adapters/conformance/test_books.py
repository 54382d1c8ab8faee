"""Books: in sequence or not trusted; whatever happens on the wire, a trusted book is the venue's."""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import pairwise

import pytest

from adapters import Venue
from adapters.conformance.mutations import altered_size, book_frames, crossed
from adapters.conformance.recording import Heard, Reader, Recording
from adapters.conformance.stage import Play, Stage, Story
from adapters.conformance.subject import Subject
from adapters.conformance.told import UNTIL_S
from adapters.loopback.faults import Fault, Place
from state.book import Book
from state.events import AnyEvent, BookDelta, BookSnapshot, FeedStatus

LEVELS = 10
ROUNDS = 60


class Followed:
    """One book as a session would fold it."""

    def __init__(self, venue: str, symbol: str) -> None:
        self.book = Book(venue, symbol)
        self.doubts: list[str] = []

    def fold(self, events: Sequence[AnyEvent]) -> None:
        for event in events:
            match event:
                case BookSnapshot():
                    self.book.replace(event)
                case BookDelta():
                    self.book.update(event)
                case FeedStatus() if event.status not in ("ok", "connecting"):
                    self.doubts.append(event.status)
                    if event.channel == "book":
                        self.book.distrust(event.status)
                case _:
                    pass

    @property
    def levels(self) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
        return list(self.book.bids(LEVELS)), list(self.book.asks(LEVELS))


def trusted(on: Stage) -> Book:
    return on.told.shared.market(on.told.venue, on.symbol).book


def same(on: Stage) -> bool:
    """Whether the book is trusted and its best levels are the venue's."""
    book, theirs = trusted(on), on.venue.books[on.symbol]
    bids, asks = ([(float(p), float(s)) for p, s in side[:LEVELS]] for side in (theirs.bids, theirs.asks))
    return book.is_ok and list(book.bids(len(bids)))[:LEVELS] == bids and list(book.asks(len(asks)))[:LEVELS] == asks


def doubts(on: Stage) -> list[FeedStatus]:
    """What was said against the book since it first stood."""
    said = [s for s in on.told.of(FeedStatus) if s.channel == "book"]
    first = next((n for n, status in enumerate(said) if status.status == "ok"), len(said))
    return [status for status in said[first:] if status.status != "ok"]


def watched(play: Play, story: Story) -> None:
    """Plays it from where the book stands."""

    async def begin(on: Stage) -> None:
        await on.told.until(lambda: same(on), "the book")
        await story(on)

    play(begin, is_public=True, channels=("book",))


async def moved(on: Stage, rounds: int = 10) -> None:
    for _ in range(rounds):
        on.venue.step(3)
        await asyncio.sleep(0.005)


# --- over the wire ---


def test_follows(play: Play) -> None:
    """A book follows the venue's, level by level, without a doubt."""

    async def story(on: Stage) -> None:
        for _ in range(5):
            await moved(on, 4)
            await on.told.until(lambda: same(on), "the book")
        assert doubts(on) == []

    watched(play, story)


@pytest.mark.needs("deltas", "sequence")
def test_lost_frame(play: Play) -> None:
    """A lost update is told as a gap, and the book comes back whole."""

    async def story(on: Stage) -> None:
        on.venue.faults.add(Place.PUBLIC, on.subject.topics["book"], Fault(drop=True))
        async with asyncio.timeout(UNTIL_S):
            while not (doubts(on) and same(on)):
                on.venue.step()
                await asyncio.sleep(0.02)
        assert not on.venue.faults.rules, "no frame was lost"
        assert {status.status for status in doubts(on)} == {"gap"}
        assert doubts(on)[0].reason

    watched(play, story)


def test_doubled_frame(play: Play) -> None:
    """A frame that comes twice changes nothing."""

    async def story(on: Stage) -> None:
        on.venue.faults.add(Place.PUBLIC, on.subject.topics["book"], Fault(duplicate=True), times=5)
        await moved(on)
        assert not on.venue.faults.rules, "no frame was doubled"
        await on.told.until(lambda: same(on), "the book")
        assert doubts(on) == []

    watched(play, story)


def test_cut_socket(play: Play) -> None:
    """A cut socket is told as down at once, and the book comes back whole."""

    async def story(on: Stage) -> None:
        assert on.venue.cut_sockets(Place.PUBLIC)
        on.venue.step(5)
        await on.told.until(lambda: doubts(on), "the word that it is down")
        assert doubts(on)[0].status == "down"
        await on.told.until(lambda: same(on), "the book after a reconnect")
        await moved(on)
        await on.told.until(lambda: same(on), "the book")

    watched(play, story)


# --- on the protocol object, with frames told again ---


def levels_by_frame(found: Venue, frames: Sequence[Heard]) -> Mapping[int | None, object]:
    """The best levels after each update id, as they were told in order."""
    reader, followed, known = Reader(found), _followed(found, frames), {}
    for each in frames:
        followed.fold(reader.read(each.frame))
        if followed.book.is_ok:
            known[followed.book.update_id] = followed.levels
    assert len(known) > 5, "the recording has no book to speak of"
    return known


def _followed(found: Venue, frames: Sequence[Heard]) -> Followed:
    symbol = next(e.symbol for each in frames for e in each.events if isinstance(e, BookSnapshot))
    return Followed(found.name, symbol)


def _retold(found: Venue, frames: Sequence[Heard], told: Sequence[Heard]) -> Followed:
    """Frames told in another way: whenever the book is trusted, it must be one that there was, at its update id."""
    known, reader, followed = levels_by_frame(found, frames), Reader(found), _followed(found, frames)
    for each in told:
        followed.fold(reader.read(each.frame))
        if followed.book.is_ok:
            assert followed.levels == known.get(followed.book.update_id), (
                f"trusted and wrong at {followed.book.update_id}"
            )
    return followed


@pytest.mark.needs("deltas", "sequence")
def test_each_frame_lost(found: Venue, recording: Recording) -> None:
    """Whichever update is lost, from the next on the book is not trusted until it was told whole."""
    frames = book_frames(recording)
    deltas = [n for n, each in enumerate(frames) if any(isinstance(e, BookDelta) for e in each.events)]
    for lost in deltas[1:-1][:ROUNDS]:
        followed = _retold(found, frames, [*frames[:lost], *frames[lost + 1 :]])
        assert "gap" in followed.doubts


@pytest.mark.needs("deltas", "sequence")
def test_frames_in_another_order(found: Venue, recording: Recording) -> None:
    """Two updates that change places are never applied as they come: a gap, or the right order."""
    frames = list(book_frames(recording))
    deltas = [n for n, each in enumerate(frames) if any(isinstance(e, BookDelta) for e in each.events)]
    for first, second in pairwise(deltas[1:]):
        swapped = list(frames)
        swapped[first], swapped[second] = frames[second], frames[first]
        _retold(found, frames, swapped)


@pytest.mark.needs("sequence")
def test_each_frame_twice(found: Venue, recording: Recording) -> None:
    """Every frame told twice gives the book that each told once gives, without a gap."""
    frames = book_frames(recording)
    followed = _retold(found, frames, [each for each in frames for _ in (0, 1)])
    assert followed.levels == _retold(found, frames, frames).levels
    assert followed.doubts == []


def test_crossed(found: Venue, subject: Subject, recording: Recording) -> None:
    """A book whose bids stand above its asks is never trusted: crossed, doubted, or uncrossed by the venue's rule."""
    frames = book_frames(recording)
    bodies = [(each, crossed(each.frame.body, subject.book_sides)) for each in frames]
    assert any(body != each.frame.body for each, body in bodies), "no frame has two sides that could change places"
    reader, followed = Reader(found), _followed(found, frames)
    for each, body in bodies:
        followed.fold(reader.read(each.frame, body))
        book = followed.book
        assert not book.is_ok or book.bid < book.ask


@pytest.mark.needs("checksum")
def test_checksum(found: Venue, recording: Recording) -> None:
    """A size that does not fit its frame's checksum is found on that very frame."""
    frames = book_frames(recording)
    changed, reader, followed = 0, Reader(found), _followed(found, frames)
    for wrong, each in enumerate(frames):
        followed.fold(reader.read(each.frame))
        best = {price for side in followed.levels for price, _ in side}
        body = altered_size(each.frame.body, best)
        if body == each.frame.body:
            continue
        changed += 1
        other = Reader(found)
        for before in frames[:wrong]:
            assert not _gaps(other.read(before.frame))
        assert _gaps(other.read(each.frame, body)), each.frame.body[:200]
    assert changed


def _gaps(events: Sequence[AnyEvent]) -> list[FeedStatus]:
    return [event for event in events if isinstance(event, FeedStatus) and event.status == "gap"]
