"""Client order ids: a pure function of session and intent, and back again.

A letter and 16 hex digits fit every venue's alphabet and length: 32 bits of the session, 32 of the intent's `seq`.
"""

from hashlib import blake2b

from state.errors import WrongUse

MAX_SEQ = 2**32 - 1
_DIGITS = frozenset("0123456789abcdef")


class OrderID:
    """The ids of one session; `start` is what a venue's ids begin with."""

    __slots__ = ("_prefix",)
    start = "t"

    def __init__(self, session: str) -> None:
        self._prefix = self.start + blake2b(session.encode(), digest_size=4).hexdigest()

    def make(self, seq: int) -> str:
        """The id of the intent with this seq; raises `WrongUse` past 32 bits."""
        if not 0 < seq <= MAX_SEQ:
            raise WrongUse(f"no order id for seq {seq}: it must be in 1..{MAX_SEQ}")
        return f"{self._prefix}{seq:08x}"

    def parse(self, client_id: str) -> int | None:
        """The seq of an id of this session; None for one that is not ours."""
        digits = client_id[len(self._prefix) :]
        if len(digits) != 8 or not client_id.startswith(self._prefix) or not _DIGITS.issuperset(digits):
            return None
        return int(digits, 16) or None


def alphanumeric(client_id: str, most: int) -> str:
    """An id for a venue that takes letters and digits, so many at most; raises `WrongUse`. An empty one is no id."""
    if client_id and not (client_id.isascii() and client_id.isalnum() and len(client_id) <= most):
        raise WrongUse(f"a client id has at most {most} letters and digits here, not {client_id!r}")
    return client_id
