"""`lead_lag`: quotes on one venue, fair price from another."""

from collections.abc import Sequence

from reactivex import Observable

from state.events import Decision
from streams import operators as op
from streams.feeds import Feeds
from streams.health import health, is_ok
from streams.quoting import Quote, at_extreme, ladder, quote_when
from streams.risk import fresh, risk_desk
from streams.strategies.quoted import Quoted, above_zero, desk_of, not_negative, require, send


class LeadLag(Quoted, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of `lead_lag`."""

    lead_venue: str
    lead_symbol: str
    spread_bps: float = 6.0
    level_spacing_bps: float = 2.0
    skew_bps: float = 3.0
    basis_half_life_s: float = 60.0  # how slowly the difference of both venues is learnt
    max_age_s: float = 2.0  # quotes are pulled once the lead venue has said nothing for so long

    def check(self) -> None:
        above_zero(self, "basis_half_life_s", "max_age_s")
        not_negative(self, "level_spacing_bps", "skew_bps")
        require(
            self.min_bps <= self.spread_bps <= self.max_bps,
            "lead_lag",
            f"spread_bps {self.spread_bps} must be within min_bps {self.min_bps} and max_bps {self.max_bps}",
        )
        require(
            self.levels == 1 or self.level_spacing_bps > 0, "lead_lag", "levels need a level_spacing_bps above zero"
        )
        require(bool(self.lead_venue and self.lead_symbol), "lead_lag", "lead_venue and lead_symbol must be named")
        require(
            (self.lead_venue, self.lead_symbol) != (self.venue, self.symbol), "lead_lag", "a market cannot lead itself"
        )

    def reach_bps(self, nearest_bps: float) -> float:
        return (self.levels - 1) * self.level_spacing_bps


def lead_lag(feeds: Feeds, p: LeadLag) -> Observable[Decision]:
    """Quotes one market around what another says it is worth.

        basis = EMA of (our mid / lead mid)
        fair  = lead microprice x basis, a ladder of `spread_bps` around it that leans against the position

    Quotes are pulled while the lead book cannot be trusted or has been silent for `max_age_s`. Do not use it where the other
    venue does not lead: it then quotes the past.
    """
    return send(feeds, p, wishes(feeds, p)).pipe(risk_desk(desk_of(p.desk, p.risk), feeds))


def wishes(feeds: Feeds, p: LeadLag) -> Observable[Sequence[Quote]]:
    """What it would like to stand in the market with; nothing while the lead is stale."""
    lead, here = feeds.market(p.lead_venue, p.lead_symbol), feeds.market(p.venue, p.symbol)

    def ratio(mids: tuple[float, float]) -> float:
        return mids[0] / mids[1]

    basis = op.combine(here.book.pipe(op.mid()), lead.book.pipe(op.mid())).pipe(
        op.map(ratio), op.ema(p.basis_half_life_s)
    )
    lean = feeds.account(p.venue).position(p.symbol).pipe(op.utilisation(p.max_position))
    size, max_position = float(p.size), float(p.max_position)

    def quotes(wish: tuple[float, float, float, bool]) -> Sequence[Quote]:
        price, basis, lean, is_fresh = wish
        if not is_fresh:
            return ()
        wished = ladder(
            price * basis,
            p.spread_bps / 2,
            lean,
            size=size,
            levels=p.levels,
            spacing_bps=p.level_spacing_bps,
            skew_bps=p.skew_bps,
            max_position=max_position,
        )
        return at_extreme(wished, lean, lean * max_position)

    return op.combine_every(
        p.requote_s, lead.book.pipe(op.microprice()), basis, lean, lead.book.pipe(fresh(p.max_age_s))
    ).pipe(op.map(quotes), quote_when(is_ok(health(feeds, p.lead_venue, p.lead_symbol))))
