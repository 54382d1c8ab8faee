"""What a paper venue did, and every assumption that its fills rest on, in words."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from adapters.paper.settings import PaperSettings


@dataclass(slots=True)
class PaperStatistics:
    """Counts since the start; sizes in base units, `turnover` in quote."""

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
    throttled: int = 0  # of the refused, those beyond the requests a second
    liquidations: int = 0
    late_intents: int = 0  # told after the venue had moved on; matched then, not in the past


def assumptions(venue: str, settings: PaperSettings, models: Iterable[str], seen: PaperStatistics) -> list[str]:
    """One sentence each, as the simulate report prints them; `models` are those that speak for themselves."""
    words = (
        *models,
        f"market data: {settings.feed_latency_ms:g} ms older here than at the venue; an order meets the book of its arrival there"
        + (", and no answer comes before the market data of its moment" if settings.feed_latency_ms else ""),
        "connection: requests and answers keep their order, nothing overtakes",
        "matching: price-time; an order meets the book as of its arrival, a resting order only what happens after it",
        "passive fills: a trade at or through our price, or an opposite level shown there, fills at our price, up to its size",
        "volume: no trade fills two orders with the same volume; block, RPI, ADL and insurance trades fill nobody",
        "taking: what was taken of a shown level stays taken until the level shows less or is gone",
        "impact: nobody else reacts to our orders; what is hidden, or deeper than the book shows, does not exist",
        f"account: {settings.balance} {settings.asset or 'of each asset that is settled in'}, leverage {settings.leverage}; "
        "open losses bind margin, gains do not",
        f"liquidation: of everything at the mark, once the equity is {settings.maintenance_margin * 100:f} % of the positions' "
        "value, and nothing is left; no interest",
        "funding: on the position at the venue's next funding time, at the last rate and mark price told before it"
        if settings.funding
        else "funding: none",
        "own orders: never meet; what of a new order would trade with an own one is cancelled",
        "gaps: while a book has a gap nothing fills and new orders are refused, until its next snapshot" + _gaps(seen),
    )
    return [f"{venue}: {sentence}" for sentence in words]


def _gaps(seen: PaperStatistics) -> str:
    if not seen.gaps:
        return ""
    return f"; there were {seen.gaps}, and {seen.trades_in_gaps} trades in them reached a price of ours"
