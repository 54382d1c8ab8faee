"""Recorded frames → normalized events, by the adapters' own decoders and without any network.

`tapeline decode` prints what comes out, `tapeline import` feeds it to the pipeline; both see the same events.
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import msgspec

from adapters import Decoder, Venue
from replay.recordings import RecordedFrame
from state.errors import UnknownWord
from state.events import AnyEvent, FeedStatus, InstrumentDefined


@runtime_checkable
class Instructed(Protocol):
    """A decoder that must know a market's rules to read its frames, such as how much a contract is."""

    def define(self, instrument: InstrumentDefined) -> None: ...


@runtime_checkable
class Reconnected(Decoder, Protocol):
    """A decoder that goes on after its connection was lost."""

    def on_disconnect(self, reason: str) -> Sequence[AnyEvent]: ...


class Decoding:
    """One recording of one venue; markets are told apart by the address that a frame came from.

    With `by_connection` the channel alone tells whose frame it is: a session of ours names its connections, and its venue the
    market, and keeps what a stream asked of REST under the stream's own name.
    """

    def __init__(self, venue: Venue, *, by_connection: bool = False) -> None:
        self._venue = venue
        self._by_connection = by_connection
        self._decoders: dict[tuple[str, str], Decoder] = {}
        self._defined: dict[tuple[str, str], InstrumentDefined] = {}

    def receive(self, frame: RecordedFrame) -> Sequence[AnyEvent]:
        """The events of a frame, none of what was sent; what cannot be read is a `FeedStatus` with the reason."""
        if frame.direction == "out":
            return ()
        decoder = self._decoder(frame)
        try:
            if frame.kind == "http":
                events = decoder.http(frame.url, frame.body, frame.recv_ns)
                for event in events:
                    if type(event) is InstrumentDefined:
                        self.define(event)
                return events
            return decoder.receive(frame.body, frame.recv_ns)
        except (UnknownWord, msgspec.DecodeError, ValueError, ArithmeticError, RecursionError) as error:
            channel = "rest" if frame.kind == "http" else frame.channel
            return (FeedStatus(decoder.venue, "", channel, "gap", f"a frame did not fit: {error}"),)

    def define(self, instrument: InstrumentDefined) -> None:
        """What a market's rules are, told beside its frames or by another connection of the recording."""
        self._defined[instrument.venue, instrument.symbol] = instrument
        for decoder in self._decoders.values():
            if isinstance(decoder, Instructed):
                decoder.define(instrument)

    def forget(self, channel: str) -> None:
        """The connection was made again: what it told before is not continued. For recordings that tell no addresses.

        A decoder that knows what a lost connection is keeps what a live one keeps, such as which trades were told.
        """
        decoder: object = self._decoders.pop(("", channel), None)
        if isinstance(decoder, Reconnected):
            decoder.on_disconnect("made again")
            self._decoders["", channel] = decoder

    def _decoder(self, frame: RecordedFrame) -> Decoder:
        """One a market, as a venue's sequences are per market; where no address is told, one a channel."""
        venue = self._venue
        market = venue.market_of(frame.url) if frame.url and not self._by_connection else None
        key = ("", frame.channel) if market is None else (market, "")
        decoder = self._decoders.get(key)
        if decoder is None:
            decoder = venue.decoder() if market is None else venue.make_decoder(market, "")
            self._decoders[key] = decoder
            if isinstance(decoder, Instructed):
                for instrument in self._defined.values():
                    decoder.define(instrument)
        return decoder


def is_finding(event: AnyEvent) -> bool:
    """True for the word that a feed is not worth what it should be."""
    return isinstance(event, FeedStatus) and event.status not in ("ok", "connecting")
