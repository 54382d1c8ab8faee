"""The error tree on one page: each class says whose fault it is and whether the outcome is known.

No error text holds key material; an error about a venue carries the venue's own code and words.
"""

from state.words import Refusal


class TapelineError(Exception):
    """Whatever Tapeline raises on purpose."""


class WrongUse(TapelineError):
    """The caller's fault, found at the call: nothing was sent, nothing was recorded."""


class OffGrid(WrongUse):
    """Money that is not on the instrument's tick or lot, or below its minimum."""


class NotOffered(WrongUse):
    """An intent that cannot leave as it is: a venue does not have it, or not now; `refusal` says which to a strategy."""

    def __init__(self, text: str, refusal: Refusal = "rule") -> None:
        super().__init__(text)
        self.refusal: Refusal = refusal


class WrongThread(WrongUse):
    """The pipeline was touched from outside its own thread."""


class NotDeterministic(WrongUse):
    """A strategy asked the world (clock, randomness, I/O, a thread timer) instead of its feeds."""


class NotRestartable(WrongUse):
    """A strategy holds state that cannot be written down: the text names the operator, and what it holds."""


class ConfigurationError(WrongUse):
    """A configuration with an unknown key, a missing file or a limit that can never hold."""


class UnknownWord(TapelineError):
    """A venue used an order word that no table has: the adapter must be taught before it goes on."""


class VenueError(TapelineError):
    """The venue refused: its code, its words, and what it means."""

    def __init__(self, venue: str, code: str, text: str, meaning: str) -> None:
        super().__init__(f"{venue} {code}: {text} ({meaning})")
        self.venue = venue
        self.code = code
        self.text = text
        self.meaning = meaning


class VenueFailed(TapelineError):
    """A venue can no longer be traded at: a refused key, a word that no table has, an adapter's own bug."""


class LossLimitReached(TapelineError):
    """The session lost as much as it may: it cancels, flattens and ends."""


class OutcomeUnknown(TapelineError):
    """A request left and no answer says what became of it: look it up, never send it again."""


class ConnectionFailed(TapelineError):
    """The venue was not reached: nothing was sent."""


class SessionBroken(TapelineError):
    """A bug of ours in the middle of a session: it ends, what rests is cancelled, the log stays as far as it is whole."""


class LogError(TapelineError):
    """The log could not be opened, written or read."""


class LogLocked(LogError):
    """Another writer holds the log."""


class LogCorrupt(LogError):
    """The log does not hold together; `seq` is the first record that is not to be trusted."""

    def __init__(self, text: str, seq: int | None = None) -> None:
        super().__init__(text)
        self.seq = seq


class SchemaUnknown(LogError):
    """The log was written by a schema that this version cannot read."""


class ReplayDiverged(TapelineError):
    """The same inputs gave another decision; `seq` is the first record that differs."""

    def __init__(self, text: str, seq: int) -> None:
        super().__init__(text)
        self.seq = seq
