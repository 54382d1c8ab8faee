"""What a paper venue assumes, as a person writes it down."""

from decimal import Decimal
from typing import Literal

import msgspec

from adapters.paper.fees import BPS, FeeTier
from adapters.paper.latency import NS_PER_MS
from adapters.paper.probability import QUEUES
from state.errors import ConfigurationError
from state.words import Action


class PaperSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Latencies are one way, and the medians where they are drawn. A fee that is None is the instrument's own, else 2 (maker)
    and 5.5 bps (taker).

    Raises `ConfigurationError` for what can never hold.
    """

    feed_latency_ms: float = 0.0  # from the venue to us, of market data: how much older it is here than there
    order_latency_ms: float = 25.0  # from us to the venue
    amend_latency_ms: float | None = None  # of an amendment, where it is another
    cancel_latency_ms: float | None = None  # of a cancel, where it is another
    response_latency_ms: float = 25.0  # from the venue to us
    latency: Literal["constant", "lognormal", "recorded"] = "constant"
    latency_sigma: float = 0.5  # of lognormal
    latency_seed: int = 1
    requests_per_s: int | None = None  # of each action; None for no limit
    maker_fee_bps: Decimal | None = None
    taker_fee_bps: Decimal | None = None
    fee_tiers: tuple[FeeTier, ...] = ()
    fee_volume: Decimal = Decimal(0)  # traded before the session
    balance: Decimal = Decimal(100_000)
    asset: str = ""  # of the balance; empty for as much of each that its markets settle in (spot: their quotes)
    leverage: Decimal = Decimal(1)
    maintenance_margin: Decimal = Decimal(
        "0.005"
    )  # share of the positions' value below which the account is liquidated
    matching: Literal["price_time"] = "price_time"
    queue: str = "conservative"
    queue_power: float = 2.0  # the n of power, power2 and power3
    funding: bool = True

    def __post_init__(self) -> None:
        for name in _LATENCIES:
            if not 0 <= (getattr(self, name) or 0.0) < 3_600_000:
                raise ConfigurationError(f"paper {name} {getattr(self, name)} must be between 0 and an hour")
        if not 0 <= self.latency_sigma <= 5:
            raise ConfigurationError(f"paper latency_sigma {self.latency_sigma} must be between 0 and 5")
        if self.requests_per_s is not None and self.requests_per_s < 1:
            raise ConfigurationError(f"paper requests_per_s {self.requests_per_s} must be at least 1")
        if not self.balance.is_finite() or self.balance < 0:
            raise ConfigurationError(f"paper balance {self.balance} must not be negative")
        if not self.leverage.is_finite() or self.leverage <= 0:
            raise ConfigurationError(f"paper leverage {self.leverage} must be positive")
        if not 0 <= self.maintenance_margin < 1:
            raise ConfigurationError(f"paper maintenance_margin {self.maintenance_margin} must be a share below 1")
        self._check_fees()
        if not 0 < self.queue_power < 1_000:
            raise ConfigurationError(f"paper queue_power {self.queue_power} must be positive")
        if self.queue not in QUEUES:
            raise ConfigurationError(f"paper queue {self.queue!r} is none of {', '.join(sorted(QUEUES))}")

    @property
    def feed_latency(self) -> int:
        """Nanoseconds from the venue to us, of market data."""
        return round(self.feed_latency_ms * NS_PER_MS)

    def entry_ms(self) -> dict[Action, float]:
        """Milliseconds from us to the venue, by action."""
        place = self.order_latency_ms
        cancel = place if self.cancel_latency_ms is None else self.cancel_latency_ms
        amend = place if self.amend_latency_ms is None else self.amend_latency_ms
        return {"place": place, "amend": amend, "cancel": cancel, "cancel_all": cancel}

    def _check_fees(self) -> None:
        rates = [self.maker_fee_bps, self.taker_fee_bps]
        for tier in self.fee_tiers:
            rates += [tier.maker_bps, tier.taker_bps]
        for fee in rates:
            if fee is not None and not (fee.is_finite() and abs(fee) < BPS):
                raise ConfigurationError(f"paper fee {fee} bps is not a fee")
        volumes = [tier.volume for tier in self.fee_tiers]
        if not all(volume.is_finite() and volume >= 0 for volume in (*volumes, self.fee_volume)):
            raise ConfigurationError("paper fee_volume and the volumes of fee_tiers must not be negative")
        if len(set(volumes)) < len(volumes):
            raise ConfigurationError("paper fee_tiers has two tiers from the same volume")


_LATENCIES = ("feed_latency_ms", "order_latency_ms", "amend_latency_ms", "cancel_latency_ms", "response_latency_ms")
