"""What is wrong with a word to strategies, told before it is in the log: the person is still there to say it better."""

from collections.abc import Callable, Sequence

import msgspec

from app.session import LiveSession
from state.commands import FIELDS, parse_fields
from state.errors import WrongUse
from streams.risk import LimitsWord, StateWord
from streams.strategy import Running, SetWord


def check_word(session: LiveSession, name: str, payload: str) -> None:
    """Raises `WrongUse`, `ConfigurationError` or `msgspec.DecodeError`; a name that nobody knows is anybody's."""
    running = [*session.running, *(one for shadow in session.shadows for one in shadow.running)]
    for action in FIELDS:
        if name == action:
            parse_fields(action, payload)
    if name == "set":
        word = msgspec.json.decode(payload, type=SetWord)
        _named(running, word.strategy)[0].change(word.params)
    elif name in ("risk", "limits"):
        steered = _DECODERS[name](payload)
        deaf = [one.name for one in _named(running, steered.strategy) if not one.hears(name)]
        if deaf and (steered.strategy or len(deaf) == len(running)):
            raise WrongUse(f"{', '.join(deaf)} has no desk that would hear it: give it one (docs/risk.md)")


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
