"""What trading costs: rates by tier, and what has been traded so far."""

from decimal import Decimal
from typing import Protocol

import msgspec

from state.instruments import Instrument

MAKER_FEE_BPS = Decimal("2")  # where neither a tier, the setting nor the instrument says
TAKER_FEE_BPS = Decimal("5.5")
BPS = Decimal(10_000)


class FeeTier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rates from a traded volume on, in quote, of all markets together; a negative rate is a rebate."""

    volume: Decimal
    maker_bps: Decimal
    taker_bps: Decimal


class FeeWords(Protocol):
    """What the settings say of fees."""

    @property
    def maker_fee_bps(self) -> Decimal | None: ...

    @property
    def taker_fee_bps(self) -> Decimal | None: ...

    @property
    def fee_tiers(self) -> tuple[FeeTier, ...]: ...

    @property
    def fee_volume(self) -> Decimal: ...


class FeeSchedule:
    """The tier that the volume has reached, else the settings' rates, else the instrument's, else 2 and 5.5 bps.

    Volume is what was traded before the session (`fee_volume`) and in it; nothing of it expires.
    """

    def __init__(self, said: FeeWords) -> None:
        self._said = said
        self._tiers = sorted(said.fee_tiers, key=lambda tier: tier.volume)
        self._volume = said.fee_volume

    def traded(self, value: Decimal) -> None:
        """This much more was traded; the fill itself was still paid at the tier before it."""
        self._volume += value

    def rate(self, instrument: Instrument, *, maker: bool) -> Decimal:
        """Share of the notional that is paid; negative for a rebate."""
        tier = self._tier()
        if tier is not None:
            return (tier.maker_bps if maker else tier.taker_bps) / BPS
        said = self._said.maker_fee_bps if maker else self._said.taker_fee_bps
        if said is not None:
            return said / BPS
        own = instrument.maker_fee if maker else instrument.taker_fee
        return own if own is not None else (MAKER_FEE_BPS if maker else TAKER_FEE_BPS) / BPS

    def words(self) -> str:
        """The assumption in one sentence."""
        if self._tiers:
            steps = ", ".join(f"{tier.maker_bps}/{tier.taker_bps} bps from {tier.volume:f}" for tier in self._tiers)
            rates = f"maker/taker by volume: {steps}; volume before the session {self._said.fee_volume:f}, none expires"
        else:
            maker = _said(self._said.maker_fee_bps, MAKER_FEE_BPS)
            taker = _said(self._said.taker_fee_bps, TAKER_FEE_BPS)
            rates = f"maker {maker}, taker {taker}, no tiers"
        return f"fees: {rates}; in the settling asset (spot: the quote), no rounding"

    def _tier(self) -> FeeTier | None:
        reached = None
        for tier in self._tiers:
            if tier.volume > self._volume:
                break
            reached = tier
        return reached


def _said(setting: Decimal | None, fallback: Decimal) -> str:
    return f"{setting} bps" if setting is not None else f"the instrument's, else {fallback} bps"
