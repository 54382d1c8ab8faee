"""The arguments of what is asked of a venue, and how a person writes them as JSON."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Final, TypeAlias, TypeVar

import msgspec

from state.errors import WrongUse
from state.events import AmendOrder, CancelAll, CancelOrder, Intent, PlaceOrder
from state.words import OrderKind, Side, TimeInForce

_Moment: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]
_HIGHEST_LEVERAGE: Final = 10_000


class Query(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a poll or a setting is about; what a venue does not know is left alone by it. Times in ms."""

    symbol: str = ""
    coin: str = ""
    client_id: str = ""
    order_id: str = ""
    limit: Annotated[int, msgspec.Meta(ge=1)] | None = None
    interval_s: Annotated[int, msgspec.Meta(ge=1)] = 60
    start_ms: _Moment | None = None
    end_ms: _Moment | None = None
    cursor: str = ""
    closed: bool = False
    leverage: Decimal | None = None
    hedge: bool = False
    window_s: _Moment = 10


class _Place(msgspec.Struct, forbid_unknown_fields=True):
    symbol: str
    side: Side
    size: Decimal
    price: Decimal | None = None
    kind: OrderKind = "limit"
    tif: TimeInForce = "gtc"
    reduce_only: bool = False
    client_id: str = ""
    strategy: str = ""
    label: str = ""


class _Amend(msgspec.Struct, forbid_unknown_fields=True):
    symbol: str
    client_id: str
    price: Decimal
    size: Decimal
    strategy: str = ""


class _Cancel(msgspec.Struct, forbid_unknown_fields=True):
    symbol: str
    client_id: str
    strategy: str = ""


class _CancelAll(msgspec.Struct, forbid_unknown_fields=True):
    symbol: str = ""
    strategy: str = ""


Arguments: TypeAlias = Intent | Sequence[Intent] | Query
Kind = TypeVar("Kind")
Word = TypeVar("Word")


def of_kind(arguments: object, kind: type[Kind], action: str) -> Kind:
    """The arguments, if they are what the action takes; raises `WrongUse`."""
    if not isinstance(arguments, kind):
        raise WrongUse(f"{action} takes a {kind.__name__}, not {type(arguments).__name__}")
    return arguments


def said(fields: Mapping[str, Word | None]) -> dict[str, Word]:
    """Without what was left open."""
    return {name: word for name, word in fields.items() if word is not None and word != ""}


def parse_arguments(venue: str, action: str, text: str | bytes) -> Arguments:
    """The arguments of an action from JSON with the intents' own field names; a batch is a list. Raises `WrongUse`."""
    try:
        match action:
            case "place":
                return _placed(venue, msgspec.json.decode(text, type=_Place))
            case "amend":
                return _amended(venue, msgspec.json.decode(text, type=_Amend))
            case "cancel":
                return _cancelled(venue, msgspec.json.decode(text, type=_Cancel))
            case "cancel_all":
                wish = msgspec.json.decode(text, type=_CancelAll)
                return CancelAll(venue, wish.symbol, wish.strategy)
            case "place_batch":
                return [_placed(venue, wish) for wish in msgspec.json.decode(text, type=list[_Place])]
            case "amend_batch":
                return [_amended(venue, wish) for wish in msgspec.json.decode(text, type=list[_Amend])]
            case "cancel_batch":
                return [_cancelled(venue, wish) for wish in msgspec.json.decode(text, type=list[_Cancel])]
            case _:
                return _asked(action, msgspec.json.decode(text, type=Query))
    except (
        msgspec.DecodeError,
        UnicodeEncodeError,
    ) as error:  # the latter for bytes of a command line that are no text
        raise WrongUse(f"{action}: {error}") from None


def _asked(action: str, query: Query) -> Query:
    leverage = query.leverage
    if leverage is not None and not (leverage.is_finite() and 0 < leverage <= _HIGHEST_LEVERAGE):
        raise WrongUse(f"{action}: a leverage is above zero and at most {_HIGHEST_LEVERAGE}, not {leverage}")
    return query


def _placed(venue: str, wish: _Place) -> PlaceOrder:
    return PlaceOrder(
        venue,
        wish.symbol,
        wish.side,
        wish.size,
        wish.price,
        wish.kind,
        wish.tif,
        wish.reduce_only,
        wish.client_id,
        wish.strategy,
        wish.label,
    )


def _amended(venue: str, wish: _Amend) -> AmendOrder:
    return AmendOrder(venue, wish.symbol, wish.client_id, wish.price, wish.size, wish.strategy)


def _cancelled(venue: str, wish: _Cancel) -> CancelOrder:
    return CancelOrder(venue, wish.symbol, wish.client_id, wish.strategy)
