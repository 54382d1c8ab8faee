"""A person's word as an event, and what follows from it.

`place`, `amend`, `cancel`, `cancel_all` carry an intent's fields; `halt` stops
everything but what reduces and cancels all orders, `halt_and_leave` leaves them. Any other name is
recorded and published for whoever listens to it.
"""

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from state.errors import WrongUse
from state.events import (
    AmendOrder,
    AnyEvent,
    Blocked,
    CancelAll,
    CancelOrder,
    Command,
    Halted,
    Intent,
    PlaceOrder,
)
from state.shared import SharedState
from state.words import Action, OrderKind, Side, TimeInForce

OPERATOR = "operator"  # the strategy name of what a person ordered


class PlaceFields(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new order as a person writes it."""

    symbol: str
    side: Side
    size: Decimal
    price: Decimal | None = None
    kind: OrderKind = "limit"
    tif: TimeInForce = "gtc"
    reduce_only: bool = False
    client_id: str = ""
    label: str = ""


class AmendFields(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A changed order as a person writes it; `size` is the new total."""

    symbol: str
    client_id: str
    price: Decimal
    size: Decimal


class CancelFields(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An order to be gone as a person writes it."""

    symbol: str
    client_id: str


class CancelAllFields(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All orders of a market, or of the venue where `symbol` is left out."""

    symbol: str = ""


IntentFields = PlaceFields | AmendFields | CancelFields | CancelAllFields
FIELDS: dict[Action, type[IntentFields]] = {
    "place": PlaceFields,
    "amend": AmendFields,
    "cancel": CancelFields,
    "cancel_all": CancelAllFields,
}
INTENTS: dict[type[Intent], Action] = {
    PlaceOrder: "place",
    AmendOrder: "amend",
    CancelOrder: "cancel",
    CancelAll: "cancel_all",
}

_ACTIONS: dict[str, Action] = {action: action for action in FIELDS}


def action_of(intent: Intent) -> Action:
    """The verb of an intent."""
    return INTENTS[type(intent)]


def intent_from(venue: str, fields: IntentFields, strategy: str = "") -> Intent:
    """The intent that the fields describe."""
    if isinstance(fields, PlaceFields):
        return PlaceOrder(
            venue,
            fields.symbol,
            fields.side,
            fields.size,
            fields.price,
            fields.kind,
            fields.tif,
            fields.reduce_only,
            fields.client_id,
            strategy,
            fields.label,
        )
    if isinstance(fields, AmendFields):
        return AmendOrder(venue, fields.symbol, fields.client_id, fields.price, fields.size, strategy)
    if isinstance(fields, CancelFields):
        return CancelOrder(venue, fields.symbol, fields.client_id, strategy)
    return CancelAll(venue, fields.symbol, strategy)


def parse_fields(action: Action, payload: str | bytes) -> IntentFields:
    """Reads a person's JSON; raises `WrongUse` naming the field that does not fit."""
    try:
        return msgspec.json.decode(payload, type=FIELDS[action])
    except msgspec.DecodeError as error:
        raise WrongUse(f"{action}: {error}") from error


def as_command(intent: Intent) -> Command:
    """The command that stands for an intent given from outside of a tick."""
    action = action_of(intent)
    names = FIELDS[action].__struct_fields__
    payload = {name: getattr(intent, name) for name in names}
    return Command(intent.venue, intent.symbol, action, msgspec.json.encode(payload).decode())


def conclude(command: Command, shared: SharedState) -> Sequence[AnyEvent]:
    """The derived events that follow from a command."""
    action = _ACTIONS.get(command.name)
    if action is not None:
        return (intent_from(command.venue, parse_fields(action, command.payload), OPERATOR),)
    if command.name == "halt":
        venues = sorted(shared.accounts)  # who was heard of first, a snapshot does not tell
        return (Halted(command.payload or "at a person's word"), *(CancelAll(venue, "") for venue in venues))
    if command.name == "halt_and_leave":
        return (Halted(command.payload or "at a person's word"),)
    return ()


def blocked(intent: Intent, *, rule: str, limit: str, value: str) -> Blocked:
    """What stands in the log instead of an intent that risk held back."""
    return Blocked(
        intent.venue,
        intent.symbol,
        action_of(intent),
        rule,
        limit,
        value,
        client_id=getattr(intent, "client_id", ""),
        side=getattr(intent, "side", None),
        price=getattr(intent, "price", None),
        size=getattr(intent, "size", None),
        strategy=intent.strategy,
        label=getattr(intent, "label", ""),
    )
