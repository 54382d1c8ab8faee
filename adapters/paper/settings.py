"""What a paper venue assumes, as a person writes it down."""

from decimal import Decimal
from typing import Literal

import msgspec

from adapters.paper.probability import QUEUES
from state.errors import ConfigurationError
from state.instruments import Instrument

MAKER_FEE_BPS = Decimal("2")  # where neither the setting nor the instrument says
TAKER_FEE_BPS = Decimal("5.5")
_BPS = Decimal(10_000)
_NS_PER_MS = 1_000_000


class PaperSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Latencies are constant and one way. A fee that is None is the instrument's own, else 2 (maker) and 5.5 bps (taker).

    Raises `ConfigurationError` for what can never hold.
    """

    order_latency_ms: float = 25.0  # from us to the venue
    response_latency_ms: float = 25.0  # from the venue to us
    maker_fee_bps: Decimal | None = None
    taker_fee_bps: Decimal | None = None
    balance: Decimal = Decimal(100_000)
    asset: str = "USDT"
    leverage: Decimal = Decimal(1)
    matching: Literal["price_time"] = "price_time"
    queue: str = "conservative"
    queue_power: float = 2.0  # the n of power, power2 and power3
    funding: bool = True

    def __post_init__(self) -> None:
        for name in ("order_latency_ms", "response_latency_ms"):
            if not 0 <= getattr(self, name) < 3_600_000:
                raise ConfigurationError(f"paper {name} {getattr(self, name)} must be between 0 and an hour")
        if not self.balance.is_finite() or self.balance < 0:
            raise ConfigurationError(f"paper balance {self.balance} must not be negative")
        if not self.leverage.is_finite() or self.leverage <= 0:
            raise ConfigurationError(f"paper leverage {self.leverage} must be positive")
        if not self.asset:
            raise ConfigurationError("paper asset must be named")
        for fee in (self.maker_fee_bps, self.taker_fee_bps):
            if fee is not None and not (fee.is_finite() and abs(fee) < _BPS):
                raise ConfigurationError(f"paper fee {fee} bps is not a fee")
        if not 0 < self.queue_power < 1_000:
            raise ConfigurationError(f"paper queue_power {self.queue_power} must be positive")
        if self.queue not in QUEUES:
            raise ConfigurationError(f"paper queue {self.queue!r} is none of {', '.join(sorted(QUEUES))}")

    @property
    def order_latency(self) -> int:
        """Nanoseconds from us to the venue."""
        return round(self.order_latency_ms * _NS_PER_MS)

    @property
    def response_latency(self) -> int:
        """Nanoseconds from the venue to us."""
        return round(self.response_latency_ms * _NS_PER_MS)

    def fee_rate(self, instrument: Instrument, *, maker: bool) -> Decimal:
        """Share of the notional that is paid; negative for a rebate."""
        said = self.maker_fee_bps if maker else self.taker_fee_bps
        if said is not None:
            return said / _BPS
        own = instrument.maker_fee if maker else instrument.taker_fee
        return own if own is not None else (MAKER_FEE_BPS if maker else TAKER_FEE_BPS) / _BPS
