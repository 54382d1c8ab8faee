"""What a venue is told when it is made, and what it says of itself."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from state.errors import WrongUse

Environment: TypeAlias = Literal["mainnet", "testnet", "demo"]
MarketChannel: TypeAlias = Literal["book", "trades", "ticker", "candles", "liquidations"]
ShutdownPolicy: TypeAlias = Literal["cancel", "flatten", "leave"]
ForeignOrders: TypeAlias = Literal["leave", "adopt", "cancel"]


@dataclass(frozen=True, slots=True)
class VenueSettings:
    """Where and how one market of a venue is reached; an empty URL means the environment's own."""

    venue: str
    market: str = "linear"
    environment: Environment = "mainnet"
    rest_url: str = ""
    public_url: str = ""
    private_url: str = ""
    trade_url: str = ""
    recv_window_ms: int = 5_000
    order_entry: Literal["ws", "rest"] = "ws"
    book_depth: int = 50
    market_frames: bool = False
    symbols: tuple[str, ...] = ()  # whose account is read; empty: all that the settle coins cover
    settle: tuple[str, ...] = ("USDT", "USDC")
    request_timeout_s: float = 5.0
    check_every_s: float = 300.0  # how often the account is compared: a healthy socket can lose frames too
    look_up_s: float = 10.0
    silence_s: float = 30.0
    dead_man_s: int | None = None
    state_dir: str = "~/.local/state/tapeline"  # where what must outlive a process is kept, such as nonces
    order_life_s: float | None = None  # how long orders rest where they must expire; None: as the venue's makers do
    foreign_orders: ForeignOrders = (
        "leave"  # whether ending the session ends orders of the account that are not its own
    )


@dataclass(frozen=True, slots=True)
class Subscription:
    """One public stream: `depth` for a book (None: the setting's), `interval_s` for candles."""

    channel: MarketChannel
    symbol: str
    depth: int | None = None
    interval_s: int = 60


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an adapter can do, as `tapeline venues` prints it."""

    markets: tuple[str, ...]
    environments: tuple[str, ...]
    channels: tuple[str, ...]
    depths: tuple[int, ...]
    place_batch: int
    amend_batch: int
    cancel_batch: int
    ws_order_entry: bool
    cancel_all: bool
    amend: bool
    dead_man: str
    private: tuple[str, ...]
    actions: tuple[str, ...]
    expires: bool = False  # its orders must end by themselves


def check(settings: VenueSettings, can: Capabilities, name: str, *, is_trading: bool) -> None:
    """Raises `WrongUse` for what a venue cannot serve; orders go to the first of its markets."""
    if settings.market not in can.markets:
        raise WrongUse(f"{name} has no market {settings.market!r}; known: {', '.join(can.markets)}")
    if settings.environment not in can.environments:
        raise WrongUse(f"{name} has no environment {settings.environment!r}; known: {', '.join(can.environments)}")
    if settings.book_depth not in can.depths:
        raise WrongUse(f"{name} has no book of depth {settings.book_depth}; known: {can.depths}")
    if settings.order_life_s is not None and not (can.expires and settings.order_life_s > 0):
        what = "a time above 0" if can.expires else "not for it: its orders rest until they are cancelled"
        raise WrongUse(f"{name}: order_life_s is {what}")
    if settings.market != can.markets[0] and is_trading:
        raise WrongUse(f"{name} {settings.market} is public data here; orders go to {can.markets[0]}")


@dataclass(frozen=True, slots=True)
class ShutdownReport:
    """What `shutdown` found when it asked again: clean only if nothing of ours rests and nothing is held.

    `foreign` orders of the account, which are not ours, were left resting and are in none of the other words.
    """

    policy: ShutdownPolicy
    cancelled: int
    open_orders: tuple[str, ...]
    positions: tuple[tuple[str, str], ...]  # symbol, signed size
    errors: tuple[str, ...] = ()
    foreign: int = 0

    @property
    def clean(self) -> bool:
        """Nothing rests, and nothing is held where a flat position was asked for."""
        held = bool(self.positions) and self.policy == "flatten"
        return self.policy == "leave" or not (self.open_orders or held or self.errors)
