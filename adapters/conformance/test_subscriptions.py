"""Subscriptions: exactly what is sent for each channel, and that the venue takes it and speaks."""

import pytest

from adapters import Venue
from adapters.base.websocket import Websocket
from adapters.conformance.recording import STREAMED
from adapters.conformance.stage import Play, Stage, channel, offline
from adapters.conformance.subject import Subject
from state.errors import WrongUse
from state.events import FeedStatus

NOW = 1_754_000_000_000_000_000
MANY = 300


def _sent(sockets: "list[Websocket]") -> list[str]:
    return [frame.decode() for socket in sockets for frame in socket.on_connect(NOW)]


def test_as_sent(found: Venue, subject: Subject) -> None:
    """Each channel is asked for in exactly the words that the venue documents."""
    exchange = offline(found, subject)
    for name in subject.channels(found):
        sent = _sent(list(exchange.public_sockets([channel(name, subject.symbols[0])])))
        assert sent == list(subject.asked.get(name, ["declare it in `asked`"])), name  # type: ignore[call-overload]


def test_again_after_a_reconnect(found: Venue, subject: Subject) -> None:
    """After a reconnect everything is asked for again, and nothing twice."""
    subscriptions = [channel(name, symbol) for symbol in subject.symbols for name in subject.channels(found)]
    for socket in offline(found, subject).public_sockets(subscriptions * 2):
        first = socket.on_connect(NOW)
        socket.on_disconnect("lost")
        again = socket.on_connect(NOW)
        assert [_without_numbers(frame) for frame in again] == [_without_numbers(frame) for frame in first]
        assert len(set(first)) == len(first)


def _without_numbers(frame: bytes) -> bytes:
    """Requests are numbered, and a timestamp is one too."""
    return frame.translate(None, b"0123456789")


def test_many(found: Venue, subject: Subject) -> None:
    """Hundreds of markets are each asked for once, over as many requests and sockets as the venue's limits need."""
    first = subject.symbols[0]
    names = [first.replace(first[:3], f"Q{n:03d}X", 1) for n in range(MANY)]
    sockets = list(offline(found, subject).public_sockets([channel("trades", name) for name in names]))
    sent = " ".join(_sent(sockets)).lower()
    assert [name for name in names if sent.count(name.lower()) != 1] == []


@pytest.mark.needs("candles")
def test_interval_that_is_not_there(found: Venue, subject: Subject) -> None:
    """Candles of an interval that the venue has not are refused at the call."""
    from adapters.base.settings import Subscription

    with pytest.raises(WrongUse):
        list(offline(found, subject).public_sockets([Subscription("candles", subject.symbols[0], interval_s=61)]))


def test_every_channel_speaks(play: Play, found: Venue, subject: Subject) -> None:
    """Every channel is acknowledged, becomes ok without a doubt, and speaks."""

    async def story(on: Stage) -> None:
        kinds = [STREAMED[name] for name in subject.channels(found) if name != "liquidations"]

        def heard() -> bool:
            on.venue.step(2)
            return all(on.told.of(kind) for kind in kinds)

        await on.told.until(heard, "the channels")
        doubts = [s for s in on.told.of(FeedStatus) if s.status not in ("ok", "connecting")]
        assert doubts == []
        defined = on.told.shared.instrument(on.told.venue, on.symbol)
        assert defined.tick > 0
        assert defined.lot > 0

    play(story, is_public=True, channels=subject.channels(found))
