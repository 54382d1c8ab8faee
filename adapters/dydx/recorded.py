"""Recordings of dYdX read without any network: public frames, an account's, and REST answers."""

import re
from collections.abc import Sequence
from urllib.parse import parse_qsl, urlsplit

import msgspec

from adapters.base.channel import Channel
from adapters.base.query import Query
from adapters.base.shapes import part_of
from adapters.base.shared_topics import Wire
from adapters.dydx.channels import CHANNELS
from adapters.dydx.client import Client
from adapters.dydx.endpoints import HOSTS, Endpoints
from adapters.dydx.formats import Formats
from adapters.dydx.private import HEIGHTS, SUBACCOUNTS, channel_of
from adapters.dydx.websocket import Websocket
from state.errors import WrongUse
from state.events import AnyEvent, InstrumentDefined, Ticker

MARKETS = ("linear",)

_pair = part_of("clobPairId", int)


class Decoder(Websocket):
    """Recorded frames → events, public and private, by the same code as live and without a network.

    `receive` raises `UnknownWord` for an order word that no table has.
    """

    def __init__(self, market: str = MARKETS[0], venue: str = "") -> None:
        """Raises `WrongUse` for a market the venue does not have."""
        if market not in MARKETS:
            raise WrongUse(f"dydx has no market {market!r}; known: {', '.join(MARKETS)}")
        self._defined: set[str] = set()
        super().__init__(venue or "dydx", "recorded", "")
        self._formats = Formats(self.venue)

    def define(self, instrument: InstrumentDefined) -> None:
        """Of all markets that are told at once, those are followed that were defined; and some orders name their pair alone."""
        self._defined.add(instrument.symbol)
        self._formats.account.symbols[_pair(instrument.native.encode())] = instrument.symbol

    def channel_of(self, topic: str) -> Channel | None:
        return channel_of(self.venue, topic, self._formats.account) or super().channel_of(topic)

    def wire_of(self, topic: str) -> Wire:
        return (topic, "") if topic in (SUBACCOUNTS, HEIGHTS) else super().wire_of(topic)

    def heard_of(self, wire: Wire) -> Sequence[str]:
        return [wire[0]] if wire[0] in (SUBACCOUNTS, HEIGHTS) else super().heard_of(wire)

    def data(self, wire: Wire, frame: bytes, recv: int, *, is_whole: bool) -> Sequence[AnyEvent]:
        """Whatever subaccount it is of, it is the one of the recording."""
        wire = (wire[0], "") if wire[0] in (SUBACCOUNTS, HEIGHTS) else wire
        events = super().data(wire, frame, recv, is_whole=is_whole)
        if wire[0] != CHANNELS["ticker"][0] or not self._defined:
            return events
        return [event for event in events if not isinstance(event, Ticker) or event.symbol in self._defined]

    def http(self, url: str, body: bytes, recv: int) -> Sequence[AnyEvent]:
        """The events of a REST answer, a `FeedStatus` where it does not fit; nothing for an endpoint that tells none."""
        parts = urlsplit(url)
        action, symbol = next(
            ((name, found["symbol"] or "") for name, path in _PATHS if (found := path.fullmatch(parts.path))), ("", "")
        )
        said = dict(parse_qsl(parts.query))
        asked = Query(symbol=symbol or said.get("market", "") or said.get("ticker", ""))
        try:
            verdict = Client(HOSTS["mainnet"]).classify(200, body)
            if verdict.meaning != "ok":
                return (self._status("gap", f"{parts.path}: {verdict.code} {verdict.text}"),)
            return self._formats.answer(action, body, asked)[0]
        except (msgspec.DecodeError, ValueError, ArithmeticError, RecursionError) as error:
            return (self._misfit(error),)


# Reads by the path that asks them; one path may be asked for several.
_PATHS = [
    (
        name,
        re.compile(
            re.sub(r"\{\w+\}", "[^/]+", each.path.replace("{symbol}", "(?P<symbol>[^/]+)"))
            + ("" if "{symbol}" in each.path else "(?P<symbol>)")
        ),
    )
    for name, each in Endpoints.ALL.items()
    if each.path.startswith("/v4/")
]


def market_of(url: str) -> str | None:
    """The market that a socket's or a REST call's URL speaks of; None where it does not say."""
    parts = urlsplit(url)
    return MARKETS[0] if "dydx" in (parts.hostname or "") or parts.path.startswith("/v4/") else None
