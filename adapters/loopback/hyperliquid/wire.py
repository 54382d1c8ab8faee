"""What customers send: actions with their fields in the venue's order, since that order and the form of numbers are signed."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import ClassVar, Literal

import msgspec

from adapters.loopback.hyperliquid.render import number

ADDRESS = re.compile(r"0x[0-9a-f]{40}")
CLOID = re.compile(r"0x[0-9a-f]{32}")
MOST_DECIMALS = 8


def plain(text: str) -> str:
    """A number as the venue writes it into what it hashes: no trailing zeros, no exponent; raises ValueError."""
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"not a number: {text}") from error
    if not value.is_finite() or -int(value.normalize().as_tuple().exponent) > MOST_DECIMALS:
        raise ValueError(f"not a number of at most {MOST_DECIMALS} decimals: {text}")
    return number(value)


def checked(text: str, form: re.Pattern[str]) -> str:
    """An address or a cloid in lower case; raises ValueError."""
    lower = text.lower()
    if not form.fullmatch(lower):
        raise ValueError(f"not of the form {form.pattern}: {text}")
    return lower


class Wire(msgspec.Struct, gc=False, omit_defaults=True):
    """Fields are hashed in the order in which they stand; what is not given is left out."""


class Limit(Wire):
    tif: Literal["Gtc", "Ioc", "Alo", "FrontendMarket"]


class Trigger(Wire):
    isMarket: bool  # noqa: N815 - the venue's own name, as the others are
    triggerPx: str  # noqa: N815
    tpsl: Literal["tp", "sl"]

    def __post_init__(self) -> None:
        self.triggerPx = plain(self.triggerPx)


class Kind(Wire):
    limit: Limit | None = None
    trigger: Trigger | None = None

    def __post_init__(self) -> None:
        if (self.limit is None) == (self.trigger is None):
            raise ValueError("an order is a limit or a trigger")


class OrderWire(Wire):
    """An order: asset, is it a buy, price, size, does it only reduce, kind, cloid."""

    a: int
    b: bool
    p: str
    s: str
    r: bool
    t: Kind
    c: str | None = None

    def __post_init__(self) -> None:
        self.p, self.s = plain(self.p), plain(self.s)
        if self.c is not None:
            self.c = checked(self.c, CLOID)


class Builder(Wire):
    b: str
    f: int


class CancelWire(Wire):
    a: int
    o: int


class CloidWire(Wire):
    asset: int
    cloid: str

    def __post_init__(self) -> None:
        self.cloid = checked(self.cloid, CLOID)


class ModifyWire(Wire):
    oid: int | str
    order: OrderWire


class Action(Wire, tag_field="type"):
    """One thing to do; `items` of it count against the limits."""

    @property
    def word(self) -> str:
        """The `type` it came with."""
        return str(self.__struct_config__.tag)

    @property
    def items(self) -> int:
        return 1


class PlaceOrders(Action, tag="order"):
    orders: list[OrderWire]
    grouping: Literal["na", "normalTpsl", "positionTpsl"]
    builder: Builder | None = None

    @property
    def items(self) -> int:
        return len(self.orders)


class Cancel(Action, tag="cancel"):
    cancels: list[CancelWire]

    @property
    def items(self) -> int:
        return len(self.cancels)


class CancelByCloid(Action, tag="cancelByCloid"):
    cancels: list[CloidWire]

    @property
    def items(self) -> int:
        return len(self.cancels)


class Modify(Action, tag="modify"):
    oid: int | str
    order: OrderWire
    a: Literal[True] | None = None  # place it even where the old one is gone; a false one is none of the form


class BatchModify(Action, tag="batchModify"):
    modifies: list[ModifyWire]
    a: Literal[True] | None = None

    @property
    def items(self) -> int:
        return len(self.modifies)


class ScheduleCancel(Action, tag="scheduleCancel"):
    time: int | None = None


class UpdateLeverage(Action, tag="updateLeverage"):
    asset: int
    isCross: bool  # noqa: N815
    leverage: int


class Noop(Action, tag="noop"):
    """Uses up a nonce and nothing else."""


class Approval(Action):
    """An action that the account's own key has to sign, field by field, and not as a trading action."""

    signed: ClassVar[tuple[tuple[str, str], ...]]
    primary: ClassVar[str]

    signatureChainId: str  # noqa: N815
    hyperliquidChain: Literal["Mainnet", "Testnet"]  # noqa: N815
    nonce: int


class ApproveAgent(Approval, tag="approveAgent"):
    signed = (
        ("string", "hyperliquidChain"),
        ("address", "agentAddress"),
        ("string", "agentName"),
        ("uint64", "nonce"),
    )
    primary = "ApproveAgent"

    agentAddress: str  # noqa: N815
    agentName: str | None = ""  # noqa: N815


class ApproveBuilderFee(Approval, tag="approveBuilderFee"):
    signed = (
        ("string", "hyperliquidChain"),
        ("string", "maxFeeRate"),
        ("address", "builder"),
        ("uint64", "nonce"),
    )
    primary = "ApproveBuilderFee"

    maxFeeRate: str  # noqa: N815
    builder: str


AnyAction = (
    PlaceOrders
    | Cancel
    | CancelByCloid
    | Modify
    | BatchModify
    | ScheduleCancel
    | UpdateLeverage
    | Noop
    | ApproveAgent
    | ApproveBuilderFee
)


class Signature(msgspec.Struct, gc=False):
    r: str
    s: str
    v: int


class Signed(msgspec.Struct, gc=False):
    """The body of a POST to /exchange, or the payload of one on the socket."""

    action: AnyAction
    nonce: int
    signature: Signature
    vaultAddress: str | None = None  # noqa: N815
    expiresAfter: int | None = None  # noqa: N815

    def __post_init__(self) -> None:
        if self.vaultAddress is not None:
            self.vaultAddress = checked(self.vaultAddress, ADDRESS)
