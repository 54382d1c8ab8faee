"""Why the chain refuses a transaction: (codespace, code) with its words."""

# https://github.com/dydxprotocol/v4-chain/blob/main/protocol/x/clob/types/errors.go
# https://github.com/cosmos/cosmos-sdk/blob/main/types/errors/errors.go

from __future__ import annotations

from dataclasses import dataclass

from adapters.loopback.orders import Refusal


@dataclass(frozen=True, slots=True)
class Code:
    codespace: str
    number: int
    words: str


class ChainError(Exception):
    """A transaction that was not taken; nothing has changed."""

    def __init__(self, code: Code, detail: str = "") -> None:
        super().__init__(f"{detail}: {code.words}" if detail else code.words)
        self.code = code
        self.log = str(self)


TX_DECODE = Code("sdk", 2, "tx parse error")
UNAUTHORIZED = Code("sdk", 4, "unauthorized")
UNKNOWN_REQUEST = Code("sdk", 6, "unknown request")
INVALID_PUBKEY = Code("sdk", 8, "invalid pubkey")
UNKNOWN_ADDRESS = Code("sdk", 9, "unknown address")
NO_SIGNATURES = Code("sdk", 15, "no signatures supplied")
INVALID_REQUEST = Code("sdk", 18, "invalid request")
TX_IN_CACHE = Code("sdk", 19, "tx already in mempool")
TIMEOUT_HEIGHT = Code("sdk", 30, "tx timeout height")
WRONG_SEQUENCE = Code("sdk", 32, "account sequence mismatch, incorrect account sequence")

AUTHENTICATOR_NOT_FOUND = Code("accountplus", 1, "authenticator not found")
SIGNATURE_NOT_VERIFIED = Code("accountplus", 100, "signature verification failed")

BAD_SIDE = Code("clob", 3, "Invalid order side")
BAD_QUANTUMS = Code("clob", 4, "Invalid order quantums")
BAD_GOOD_TIL = Code("clob", 5, "Invalid order goodTilBlock")
BAD_SUBTICKS = Code("clob", 6, "Invalid order subticks")
IS_CANCELED = Code("clob", 7, "Attempt to place an order that is already canceled")
BAD_PAIR = Code("clob", 8, "ClobPair ID does not reference a valid CLOB")
CANCEL_EXISTS = Code(
    "clob", 9, "A cancel already exists in the memclob for this order with a greater than or equal GoodTilBlock"
)
GOOD_TIL_PASSED = Code("clob", 10, "The next block height is greater than the GoodTilBlock of the message")
GOOD_TIL_TOO_FAR = Code(
    "clob", 11, "The GoodTilBlock of the message is further than ShortBlockWindow blocks into the future"
)
INVALID_PLACE = Code("clob", 12, "MsgPlaceOrder is invalid")
INVALID_REPLACEMENT = Code("clob", 20, "Replacing an existing order failed")
FULLY_FILLED = Code("clob", 24, "Order is fully filled")
INVALID_CANCEL = Code("clob", 29, "Invalid stateful order cancellation")
CANCEL_PENDING = Code("clob", 32, "Existing stateful order cancellation has higher-or-equal priority than the new one")
BAD_BATCH = Code("clob", 45, "Invalid batch cancel message")
BATCH_FAILED = Code("clob", 46, "Batch cancel has failed")
DEPRECATED = Code("clob", 48, "This field has been deprecated")
REDUCE_ONLY_INCREASES = Code("clob", 2001, "Reduce-only orders cannot increase the position size")
POST_ONLY_CROSSES = Code("clob", 2003, "Post-only order would cross one or more maker orders")
IOC_PARTLY_FILLED = Code("clob", 2004, "IOC order is already filled, remaining size is cancelled.")
BAD_FLAGS = Code("clob", 3000, "Invalid order flags")
BAD_GOOD_TIL_TIME = Code("clob", 3001, "Invalid order goodTilBlockTime")
STATEFUL_IMMEDIATE = Code("clob", 3002, "Stateful orders cannot require immediate execution")
TIME_PASSED = Code("clob", 3003, "The block time is greater than the GoodTilBlockTime of the message")
TIME_TOO_FAR = Code(
    "clob", 3004, "The GoodTilBlockTime of the message is further than StatefulOrderTimeWindow into the future"
)
STATEFUL_EXISTS = Code("clob", 3005, "Existing stateful order has higher-or-equal priority than the new one")
PREVIOUSLY_CANCELLED = Code("clob", 3008, "Stateful order was previously cancelled and therefore cannot be placed")
STATEFUL_MISSING = Code("clob", 3006, "Stateful order does not exist")
COLLATERAL = Code("clob", 3007, "Stateful order collateralization check failed")
RATE_LIMIT = Code("clob", 5001, "Block rate limit exceeded")
BAD_CONDITION = Code("clob", 6000, "Conditional type is invalid")
BAD_TRIGGER = Code("clob", 6001, "Conditional order trigger subticks is invalid")
REDUCE_ONLY_RESTS = Code("clob", 9003, "Reduce-only is currently disabled for non-IOC orders")
EQUITY_TIER = Code("clob", 10001, "Subaccount cannot open more orders due to equity tier limit.")

SAME_SUBACCOUNT = Code("sending", 1, "Sender is the same as recipient")
BAD_AMOUNT = Code("sending", 2, "Invalid transfer amount")
NOT_USDC = Code("sending", 1101, "Non-USDC asset transfer not implemented")
NOT_UPDATED = Code("subaccounts", 102, "failed to apply subaccount updates")

REFUSED: dict[Refusal, Code] = {
    Refusal.NOTHING_TO_REDUCE: REDUCE_ONLY_INCREASES,
    Refusal.WRONG_SIDE_TO_REDUCE: REDUCE_ONLY_INCREASES,
    Refusal.SIZE_NOT_ABOVE_FILLED: FULLY_FILLED,
    Refusal.TOO_MANY_ORDERS: EQUITY_TIER,
    Refusal.INSUFFICIENT_FUNDS: COLLATERAL,
}
"""What the floor refuses, in the chain's words."""
