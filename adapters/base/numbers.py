"""Money as text: Decimal from a venue's text and back, never through a float."""

from decimal import Decimal, InvalidOperation

from state.errors import NotOffered


def money(said: str | None) -> Decimal | None:
    """The Decimal of the venue's text; empty means not said. Raises `ValueError` on what is no finite number."""
    if not said:
        return None
    try:
        number = Decimal(said)
    except InvalidOperation:
        raise ValueError(f"{said[:40]!r} is no number") from None
    if not number.is_finite():
        raise ValueError(f"{said[:40]!r} is no number")
    return number


def owed(said: str | None) -> Decimal:
    """As `money`, where empty is not allowed."""
    number = money(said)
    if number is None:
        raise ValueError("a number is missing")
    return number


def ns(said: str) -> int | None:
    """The time that a text in ms says, ns; empty means not said. Raises `ValueError`."""
    if not said:
        return None
    number = int(said)
    if not 0 <= number <= 9_000_000_000_000:
        raise ValueError(f"{said[:40]!r} is no time in ms")
    return number * 1_000_000


def unpadded(number: Decimal, most: int) -> str:
    """Plain decimal text without zeros at its end. Raises `NotOffered` past so many decimals."""
    whole, _, fraction = format(number, "f").partition(".")
    fraction = fraction.rstrip("0")
    if len(fraction) > most:
        raise NotOffered(f"{number} has more than {most} decimals")
    return f"{whole}.{fraction}" if fraction else whole


def text(number: Decimal) -> str:
    """Plain decimal text: never an exponent."""
    said = str(number)
    return said if "E" not in said else format(number, "f")  # plain already, most often, and then said faster
