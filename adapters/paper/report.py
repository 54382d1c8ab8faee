"""What a paper venue did, and every assumption that its fills rest on, in words."""

from dataclasses import dataclass
from decimal import Decimal

from adapters.paper.settings import MAKER_FEE_BPS, TAKER_FEE_BPS, PaperSettings


@dataclass(slots=True)
class PaperStatistics:
    """Counts since the start; sizes in base units, `turnover` in the settling assets."""

    placed: int = 0
    amended: int = 0
    cancelled: int = 0
    refused: int = 0  # intents that were answered with Rejected
    ended_unfilled: int = (
        0  # accepted orders that the venue ended: post-only, ioc, fok, own order in the way, nothing to reduce
    )
    maker_fills: int = 0
    taker_fills: int = 0
    maker_size: Decimal = Decimal(0)
    taker_size: Decimal = Decimal(0)
    turnover: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)  # signed as the account feels them
    funding_payments: int = 0
    gaps: int = 0
    trades_in_gaps: int = 0  # trades that reached a price of ours while nothing was filled
    late_intents: int = 0  # told after the venue had moved on; matched then, not in the past


def assumptions(venue: str, settings: PaperSettings, queue_words: str) -> list[str]:
    """One sentence each, as the simulate report prints them."""
    there, back = f"{settings.order_latency_ms:g} ms", f"{settings.response_latency_ms:g} ms"
    words = (
        f"latency: constant, {there} to the venue and {back} back",
        "market data: as old at the venue as it is here, so the delay of the feed belongs into the latency to the venue",
        "matching: price-time; an order meets the book as of its arrival, a resting order only what happens after it",
        queue_words,
        "passive fills: a trade at or through our price, or an opposite level shown there, fills at our price, up to its size",
        "volume: no trade fills two orders with the same volume; block, RPI, ADL and insurance trades fill nobody",
        "taking: what was taken of a shown level stays taken until the level shows less or is gone",
        "impact: nobody else reacts to our orders; what is hidden, or deeper than the book shows, does not exist",
        _fees(settings),
        f"account: {settings.balance} {settings.asset}, leverage {settings.leverage}; open losses bind margin, gains do not",
        "liquidation: none, and no interest",
        "funding: on the position at the venue's next funding time, at the last rate and mark price told before it"
        if settings.funding
        else "funding: none",
        "own orders: never meet; what of a new order would trade with an own one is cancelled",
        "gaps: while a book has a gap nothing fills and new orders are refused, until its next snapshot",
        "requests: never lost, never throttled, their outcome is never unknown",
    )
    return [f"{venue}: {sentence}" for sentence in words]


def _fees(settings: PaperSettings) -> str:
    def said(setting: Decimal | None, fallback: Decimal) -> str:
        return f"{setting} bps" if setting is not None else f"the instrument's, else {fallback} bps"

    maker, taker = said(settings.maker_fee_bps, MAKER_FEE_BPS), said(settings.taker_fee_bps, TAKER_FEE_BPS)
    return f"fees: maker {maker}, taker {taker}, in the settling asset (spot: the quote), no tiers, no rounding"
