"""Whether a decision may stand in the log: of the declared types and words, and an order that a venue could take.

Nothing looks at a Struct when it is made, and the log writes what it is given: a side that is no side, or a label that is a
number, would be written like any other, and from then on the session could not be read.
"""

import re
from decimal import Decimal
from typing import Literal, get_args, get_origin, get_type_hints

import msgspec

from state.errors import WrongUse
from state.events import AmendOrder, Decision, PlaceOrder
from state.instruments import Instrument
from state.order import Order


def check_shape(decision: Decision) -> None:
    """Raises `WrongUse` naming the field whose value is not of its declared type, or none of its words."""
    kind = type(decision)
    try:
        msgspec.convert((kind.__struct_config__.tag, *msgspec.structs.astuple(decision)), kind)
    except msgspec.ValidationError as error:
        raise WrongUse(_in_words(decision, str(error))) from None


def check_terms(intent: PlaceOrder | AmendOrder, instrument: Instrument, amended: Order | None = None) -> None:
    """Raises `WrongUse` for terms that do not go together, `OffGrid` for numbers that are not the instrument's.

    `amended` is the order that an amendment changes, where it is known.
    """
    if isinstance(intent, AmendOrder):
        _check_money(intent)
        instrument.check(intent.price, intent.size, reduce_only=amended is not None and amended.reduce_only)
        return
    check_order(intent)
    instrument.check(intent.price, intent.size, reduce_only=intent.reduce_only)


def check_order(intent: PlaceOrder) -> None:
    """Raises `WrongUse` for terms that do not go together, whatever the market: what is worked in parts is looked at so."""
    _check_money(intent)
    if (intent.kind == "limit") != (intent.price is not None):
        raise WrongUse(f"a {intent.kind} order {'needs a' if intent.kind == 'limit' else 'takes no'} price")
    if intent.kind == "market" and intent.tif == "post_only":
        raise WrongUse("a market order takes: it cannot be post_only")


def _check_money(intent: PlaceOrder | AmendOrder) -> None:
    if type(intent.size) is Decimal and (type(intent.price) is Decimal or intent.price is None):
        return
    name = "price" if type(intent.size) is Decimal else "size"
    raise WrongUse(
        f"{type(intent).__name__}.{name} is {getattr(intent, name)!r}, and money is Decimal: "
        "Instrument.price(side, x) and Instrument.size(x) make it of a number"
    )


def _in_words(decision: Decision, error: str) -> str:
    kind, place = type(decision), re.search(r"`\$\[(\d+)\]`", error)
    if place is None:
        return f"{kind.__name__}: {error}"
    name = kind.__struct_fields__[int(place[1]) - 1]  # the tag stands before the fields
    hint = get_type_hints(kind)[name]
    words = [word for part in (hint, *get_args(hint)) if get_origin(part) is Literal for word in get_args(part)]
    expected = ", ".join(map(repr, words)) or getattr(hint, "__name__", str(hint))
    return f"{kind.__name__}.{name} is {getattr(decision, name)!r}, which is not {'one of ' if words else ''}{expected}"
