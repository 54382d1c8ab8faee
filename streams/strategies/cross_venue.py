"""`cross_venue`: makes on one venue, hedges on another."""

import reactivex
from reactivex import Observable

from state.events import Decision
from streams.execution import hedged
from streams.feeds import Feeds
from streams.risk import risk_desk
from streams.strategies.lead_lag import LeadLag, wishes
from streams.strategies.quoted import desk_of, not_negative, send


class CrossVenue(LeadLag, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of `cross_venue`: those of `lead_lag`, whose lead market is where it hedges."""

    hedge_slippage_bps: float = 5.0  # how far through the touch a hedge may go
    hedge_whole: bool = False  # both accounts' positions, and not only what this session was filled

    def check(self) -> None:
        LeadLag.check(self)
        not_negative(self, "hedge_slippage_bps")


def cross_venue(feeds: Feeds, p: CrossVenue) -> Observable[Decision]:
    """Quotes one market around another's price, and takes there the other side of every fill, at once.

    `spread_bps` must pay for the hedge: half of it, less the fees of both venues and the way through the other touch, is what
    a fill earns. Hedges stand behind the strategy's own limits, not before them: a limit that held one back would leave what
    it is to take away. Do not use it where the hedge venue is the slower one, or where base units differ.
    """
    quotes = send(feeds, p, wishes(feeds, p)).pipe(risk_desk(desk_of(p.desk, p.risk), feeds))
    made, there = (p.venue, p.symbol), (p.lead_venue, p.lead_symbol)
    hedges = hedged(feeds, made, there, slippage_bps=p.hedge_slippage_bps, whole=p.hedge_whole)
    return reactivex.merge(quotes, hedges)
