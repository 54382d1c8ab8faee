"""What is wrong with a word to strategies, told before it is in the log: the person is still there to say it better."""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from app.session import LiveSession
from state.commands import FIELDS, AmendFields, IntentFields, PlaceFields, parse_fields
from state.errors import WrongUse
from state.shared import SharedState
from state.words import Action
from streams.risk import LimitsWord, StateWord
from streams.strategy import Running, SetWord


def check_word(session: LiveSession, name: str, payload: str, venue: str) -> None:
    """Raises `WrongUse`, `OffGrid`, `ConfigurationError` or `msgspec.DecodeError`; a name that nobody knows is anybody's."""
    running = [*session.running, *(one for shadow in session.shadows for one in shadow.running)]
    for action in FIELDS:
        if name == action:
            _check_order(session.pipeline.shared, action, parse_fields(action, payload), venue)
    if name == "set":
        word = msgspec.json.decode(payload, type=SetWord)
        _named(running, word.strategy)[0].change(word.params)
    elif name in ("risk", "limits"):
        steered = _DECODERS[name](payload)
        deaf = [one.name for one in _named(running, steered.strategy) if not one.hears(name)]
        if deaf and (steered.strategy or len(deaf) == len(running)):
            raise WrongUse(f"{', '.join(deaf)} has no desk that would hear it: give it one (docs/risk.md)")


def _check_order(shared: SharedState, action: Action, fields: IntentFields, venue: str) -> None:
    """What a strategy cannot emit and a person can type."""
    known = sorted({market for market, _ in shared.markets})
    if venue not in known:
        raise WrongUse(f"{action}: say with --venue where, one of {', '.join(known)}, not {venue!r}")
    if not isinstance(fields, PlaceFields | AmendFields):
        return
    for number in (fields.size, fields.price):
        if number is not None and not (number.is_finite() and number > 0 and abs(number.adjusted()) <= _MOST_DIGITS):
            raise WrongUse(f"{action}: {number} is no size and no price")
    reduces = True  # whether an order that is there may be below the venue's minimum, the venue knows
    if isinstance(fields, PlaceFields):
        reduces = fields.reduce_only
        if fields.kind == "limit" and fields.price is None:
            raise WrongUse("place: a limit order needs a price")
        if fields.kind == "market" and (fields.price is not None or fields.tif == "post_only"):
            raise WrongUse("place: a market order takes whatever price there is, so it has none, and is not post_only")
    market = shared.markets.get((venue, fields.symbol))
    if market is not None and market.instrument is not None:
        market.instrument.check(fields.price, fields.size, reduce_only=reduces)


_MOST_DIGITS: Final = 30  # before or after the point: beyond them no arithmetic of a market goes
_DECODERS: dict[str, Callable[[str], StateWord | LimitsWord]] = {
    "risk": msgspec.json.Decoder(StateWord).decode,
    "limits": msgspec.json.Decoder(LimitsWord).decode,
}


def _named(running: Sequence[Running], name: str) -> Sequence[Running]:
    """The one of that name, or all where none is named."""
    found = [one for one in running if name in ("", one.name)]
    if not found:
        raise WrongUse(f"no strategy {name or 'runs'}: there is {', '.join(one.name for one in running) or 'none'}")
    return found
