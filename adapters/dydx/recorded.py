"""Recordings of dYdX read without any network: public frames, an account's, and REST answers."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from adapters.base.query import Query
from adapters.base.recorded import RestRecording, asked_at
from adapters.base.shapes import part_of
from adapters.base.shared_topics import Wire
from adapters.dydx.channels import CHANNELS
from adapters.dydx.client import Client
from adapters.dydx.endpoints import HOSTS, Endpoints
from adapters.dydx.formats import Formats
from adapters.dydx.websocket import Websocket
from state.errors import WrongUse
from state.events import AnyEvent, InstrumentDefined, Ticker

MARKETS = ("linear",)

_pair = part_of("clobPairId", int)


class Decoder(RestRecording, Websocket):
    """Recorded frames → events, public and private, by the same code as live and without a network.

    `receive` raises `UnknownWord` for an order word that no table has.
    """

    def __init__(self, market: str = MARKETS[0], venue: str = "") -> None:
        """Raises `WrongUse` for a market the venue does not have."""
        if market not in MARKETS:
            raise WrongUse(f"dydx has no market {market!r}; known: {', '.join(MARKETS)}")
        self._defined: set[str] = set()
        self._formats = Formats(venue or "dydx")
        super().__init__(self._formats.venue, "recorded", "", (), self._formats.account)

    def define(self, instrument: InstrumentDefined) -> None:
        """Of all markets that are told at once, those are followed that were defined; and some orders name their pair alone."""
        self._defined.add(instrument.symbol)
        self._formats.account.symbols[_pair(instrument.native.encode())] = instrument.symbol

    def data(self, wire: Wire, frame: bytes, recv: int, *, is_whole: bool) -> Sequence[AnyEvent]:
        events = super().data(wire, frame, recv, is_whole=is_whole)
        if wire[0] != CHANNELS["ticker"][0] or not self._defined:
            return events
        return [event for event in events if not isinstance(event, Ticker) or event.symbol in self._defined]

    def answer(self, path: str, asked: Mapping[str, str], body: bytes) -> Sequence[AnyEvent]:
        verdict = Client(HOSTS["mainnet"]).classify(200, body)
        if verdict.meaning != "ok":
            return (self._status("gap", f"{path}: {verdict.code} {verdict.text}"),)
        action, words = asked_at(path, Endpoints.ALL)
        symbol = words.get("symbol") or asked.get("market") or asked.get("ticker") or ""
        return self._formats.answer(action, body, Query(symbol=symbol))[0]


def market_of(url: str) -> str | None:
    """The market that a socket's or a REST call's URL speaks of; None where it does not say."""
    parts = urlsplit(url)
    return MARKETS[0] if "dydx" in (parts.hostname or "") or parts.path.startswith("/v4/") else None
