"""Key material in a type that prints as `***`, so that no log, frame, exception or repr can carry it."""

from dataclasses import dataclass


class Secret:
    """A word that only `reveal()` tells."""

    __slots__ = ("_word",)

    def __init__(self, word: str) -> None:
        self._word = word

    def reveal(self) -> str:
        return self._word

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "***"

    def __bool__(self) -> bool:
        return bool(self._word)

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a secret is not pickled")


@dataclass(frozen=True, slots=True)
class Credentials:
    """One account's keys at one venue; `passphrase` where the venue has a third word."""

    key: Secret
    secret: Secret
    passphrase: Secret = Secret("")
