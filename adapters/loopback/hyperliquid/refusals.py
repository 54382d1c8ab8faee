"""What the venue says when it does not do as it is told: words only, no codes; those about one order end with its asset.

https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/error-responses
"""

from __future__ import annotations

from http import HTTPStatus

from adapters.loopback.orders import Refusal, RefusedError

GONE = "Order was never placed, already canceled, or filled."
NOT_TO_MODIFY = "Cannot modify canceled or filled order"
MODIFYING = "Error placing new order during modify: "  # and what follows; the old one is gone by then
MUST_REST = "Modified order must rest."  # the venue's own words for it are not known
TICK = "Price must be divisible by tick size."
TOO_SMALL = "Order must have minimum value of $10."
INVALID_SIZE = "Order has invalid size."
ZERO_SIZE = "Order has zero size."
INVALID_TRIGGER = "Invalid TP/SL price."
TOO_FAR = "Order price cannot be more than 80% away from the reference price"
NO_MATCH = "Order could not immediately match against any resting orders."
WOULD_INCREASE = "Reduce only order would increase position."
MARGIN = "Insufficient margin to place order."
TOO_MANY_ORDERS = "Too many open orders."
NOT_LISTED = "Trading is halted."
MALFORMED = "Failed to deserialize the JSON body into the target type"

_REFUSALS = {
    Refusal.UNKNOWN_ORDER: GONE,
    Refusal.ALREADY_FINAL: GONE,
    Refusal.NOTHING_TO_REDUCE: WOULD_INCREASE,
    Refusal.WRONG_SIDE_TO_REDUCE: WOULD_INCREASE,
    Refusal.INSUFFICIENT_FUNDS: MARGIN,
    Refusal.TOO_MANY_ORDERS: TOO_MANY_ORDERS,
}


class ItemRefusedError(Exception):
    """One order, cancel or modify of an action that was not done; the others go on."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


class ActionRefusedError(Exception):
    """A whole action that was not done: `{"status":"err","response":words}`, with HTTP 200 like a success."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


class RequestRefusedError(Exception):
    """A request that is not looked at: an HTTP status, or its like in words on a socket."""

    def __init__(self, status: HTTPStatus, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


def malformed(why: str = "") -> RequestRefusedError:
    """HTTP 422; the venue says no more than that, `why` is for those who read a traceback."""
    refused = RequestRefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, MALFORMED)
    refused.add_note(why)
    return refused


def about(words: str, asset: int) -> ItemRefusedError:
    """A refusal of one order with its asset."""
    return ItemRefusedError(f"{words} asset={asset}")


def refused(error: RefusedError, asset: int) -> ItemRefusedError:
    """The venue's words for a refusal of the floor."""
    return about(_REFUSALS[error.refusal], asset)
