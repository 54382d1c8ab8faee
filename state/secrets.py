"""Key material in a type that prints as `***`, so that no log, frame, exception or repr can carry it."""

from dataclasses import dataclass
from typing import Final

UNCLEAN: Final = "has a blank or a line end around it, or a character in it that cannot be sent"


class Secret:
    """A word that only `reveal()` tells."""

    __slots__ = ("_word",)

    def __init__(self, word: str) -> None:
        self._word = word

    def reveal(self) -> str:
        return self._word

    @property
    def is_clean(self) -> bool:
        """False where something stands around or in it that no key has, such as the line end of the file that it is from."""
        return self._word == self._word.strip() and self._word.isprintable()

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

    def unclean(self) -> list[str]:
        """The names of words that cannot be what the venue gave, see `Secret.is_clean`."""
        words = {"key": self.key, "secret": self.secret, "passphrase": self.passphrase}
        return [name for name, word in words.items() if not word.is_clean]
