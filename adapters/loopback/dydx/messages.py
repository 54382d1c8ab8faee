"""Transactions as the chain reads them: the envelope, and the messages that are served here."""

# https://github.com/dydxprotocol/v4-chain/tree/main/proto/dydxprotocol

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import IntEnum

from adapters.loopback.dydx import codes
from adapters.loopback.dydx.codes import ChainError
from adapters.loopback.dydx.protobuf import BadEncoding, Fields

SHORT_TERM, CONDITIONAL, LONG_TERM, TWAP = 0, 32, 64, 128
PUBLIC_KEY_URL = "/cosmos.crypto.secp256k1.PubKey"
EXTENSION_URL = "/dydxprotocol.accountplus.TxExtension"


class OrderSide(IntEnum):
    NONE = 0
    BUY = 1
    SELL = 2


class TimeInForce(IntEnum):
    RESTS = 0
    IOC = 1
    POST_ONLY = 2
    FOK = 3


class Condition(IntEnum):
    NONE = 0
    STOP_LOSS = 1
    TAKE_PROFIT = 2


@dataclass(frozen=True, slots=True)
class Subaccount:
    owner: str
    number: int

    @property
    def key(self) -> str:
        """Its name on the floor: the address for number 0, else ADDRESS/NUMBER."""
        return self.owner if self.number == 0 else f"{self.owner}/{self.number}"


@dataclass(frozen=True, slots=True)
class OrderId:
    """What makes an order the same order; a second placement under it is a replacement."""

    subaccount: Subaccount
    client_id: int
    flags: int
    pair_id: int

    @property
    def is_short_term(self) -> bool:
        return self.flags == SHORT_TERM


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    order_id: OrderId
    side: int
    quantums: int
    subticks: int
    good_til_block: int
    good_til_time_s: int
    time_in_force: int
    reduce_only: bool
    client_metadata: int
    condition: int
    trigger_subticks: int
    router: str


@dataclass(frozen=True, slots=True)
class CancelOrder:
    order_id: OrderId
    good_til_block: int
    good_til_time_s: int


@dataclass(frozen=True, slots=True)
class BatchCancel:
    """Short-term cancels of one subaccount; `cancels` holds (pair, client ids)."""

    subaccount: Subaccount
    cancels: tuple[tuple[int, tuple[int, ...]], ...]
    good_til_block: int

    def order_ids(self) -> list[OrderId]:
        return [
            OrderId(self.subaccount, client_id, SHORT_TERM, pair_id)
            for pair_id, client_ids in self.cancels
            for client_id in client_ids
        ]


@dataclass(frozen=True, slots=True)
class Transfer:
    """USDC from one subaccount to another."""

    sender: Subaccount
    recipient: Subaccount
    asset_id: int
    quantums: int


Message = PlaceOrder | CancelOrder | BatchCancel | Transfer


def owner(message: Message) -> str:
    """The address that has to sign a message."""
    match message:
        case PlaceOrder() | CancelOrder():
            return message.order_id.subaccount.owner
        case BatchCancel():
            return message.subaccount.owner
        case Transfer():
            return message.sender.owner


def is_short_term(message: Message) -> bool:
    """Is it carried out when it arrives, without a sequence?"""
    return isinstance(message, BatchCancel) or (
        isinstance(message, PlaceOrder | CancelOrder) and message.order_id.is_short_term
    )


def tx_hash(encoded: bytes) -> str:
    """By which a transaction is known before it is sent."""
    return hashlib.sha256(encoded).hexdigest().upper()


@dataclass(frozen=True, slots=True)
class Tx:
    """One signed transaction."""

    encoded: bytes = field(repr=False)
    body: bytes = field(repr=False)
    auth_info: bytes = field(repr=False)
    messages: tuple[Message, ...]
    names: tuple[str, ...]
    """The messages' names, without their package."""
    public_key: bytes
    sequence: int
    signature: bytes
    authenticators: tuple[int, ...]
    timeout_height: int

    @property
    def hash(self) -> str:
        return tx_hash(self.encoded)

    @property
    def is_short_term(self) -> bool:
        return any(is_short_term(message) for message in self.messages)


def read(encoded: bytes) -> Tx:
    """A transaction out of its bytes; raises ChainError where it is none, or says what is not served here."""
    try:
        raw = Fields(encoded)
        body, auth_info, signatures = Fields(raw.data(1)), Fields(raw.data(2)), raw.all_data(3)
        boxed = [Fields(one) for one in body.all_data(1)]
        signers = [Fields(one) for one in auth_info.all_data(1)]
        messages = tuple(_message(box.text(1), Fields(box.data(2))) for box in boxed)
        if not messages:
            raise ChainError(codes.INVALID_REQUEST, "must contain at least one message")
        if not signatures or len(signatures) != 1 or len(signers) != 1:
            raise ChainError(codes.NO_SIGNATURES)
        return Tx(
            encoded,
            raw.data(1),
            raw.data(2),
            messages,
            tuple(box.text(1).rpartition(".")[2] for box in boxed),
            _public_key(signers[0].message(1)),
            signers[0].number(3),
            signatures[0],
            tuple(_authenticators(body)),
            body.number(3),
        )
    except BadEncoding as error:
        raise ChainError(codes.TX_DECODE, str(error)) from error


def _public_key(box: Fields) -> bytes:
    if box.text(1) != PUBLIC_KEY_URL:
        raise ChainError(codes.INVALID_PUBKEY, box.text(1))
    return box.message(2).data(1)


def _authenticators(body: Fields) -> list[int]:
    for encoded in body.all_data(2047):
        box = Fields(encoded)
        if box.text(1) == EXTENSION_URL:
            return box.message(2).numbers(1)
    return []


def _message(url: str, fields: Fields) -> Message:
    match url:
        case "/dydxprotocol.clob.MsgPlaceOrder":
            return _place(fields.message(1))
        case "/dydxprotocol.clob.MsgCancelOrder":
            return CancelOrder(_order_id(fields.message(1)), fields.number(2), fields.number(3))
        case "/dydxprotocol.clob.MsgBatchCancel":
            cancels = [Fields(batch) for batch in fields.all_data(2)]
            return BatchCancel(
                _subaccount(fields.message(1)),
                tuple((batch.number(1), tuple(batch.numbers(2))) for batch in cancels),
                fields.number(3),
            )
        case "/dydxprotocol.sending.MsgCreateTransfer":
            transfer = fields.message(1)
            return Transfer(
                _subaccount(transfer.message(1)),
                _subaccount(transfer.message(2)),
                transfer.number(3),
                transfer.number(4),
            )
        case _:
            raise ChainError(codes.UNKNOWN_REQUEST, f"this venue does not serve {url}")


def _place(order: Fields) -> PlaceOrder:
    return PlaceOrder(
        order_id=_order_id(order.message(1)),
        side=order.number(2),
        quantums=order.number(3),
        subticks=order.number(4),
        good_til_block=order.number(5),
        good_til_time_s=order.number(6),
        time_in_force=order.number(7),
        reduce_only=bool(order.number(8)),
        client_metadata=order.number(9),
        condition=order.number(10),
        trigger_subticks=order.number(11),
        router=order.text(14),
    )


def _order_id(fields: Fields) -> OrderId:
    return OrderId(_subaccount(fields.message(1)), fields.number(2), fields.number(3), fields.number(4))


def _subaccount(fields: Fields) -> Subaccount:
    return Subaccount(fields.text(1), fields.number(2))
