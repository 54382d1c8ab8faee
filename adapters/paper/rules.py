"""What the paper venue refuses before it matches anything."""

from decimal import Decimal

from adapters.paper.market import PaperMarket
from adapters.paper.orders import PaperOrder
from state.errors import OffGrid
from state.events import AmendOrder, PlaceOrder
from state.instruments import Instrument, exact
from state.words import Refusal, Side, sign

_ZERO = Decimal(0)


class Refused(Exception):
    """An intent is answered with `Rejected`."""

    def __init__(self, refusal: Refusal, code: str, text: str) -> None:
        super().__init__(text)
        self.refusal = refusal
        self.code = code
        self.text = text


def reducible(side: Side, position: Decimal) -> Decimal:
    """How much an order of this side can reduce the position by."""
    return max(_ZERO, position * -sign(side))


def check_place(market: PaperMarket, intent: PlaceOrder, position: Decimal) -> Decimal:
    """The size that is taken on, smaller than wished where it may only reduce; raises `Refused`."""
    instrument = _open_market(market)
    if instrument.status == "post_only" and intent.tif != "post_only":
        raise Refused("market_state", "post_only_market", f"{market.symbol} takes post-only orders only")
    if (intent.kind == "limit") != (intent.price is not None):
        raise Refused(
            "rule", "price", f"a {intent.kind} order {'needs a' if intent.kind == 'limit' else 'takes no'} price"
        )
    if intent.kind == "market" and intent.tif == "post_only":
        raise Refused("rule", "tif", "a market order cannot be post-only")
    _check_grid(instrument, intent.price, intent.size, reduce_only=intent.reduce_only)
    if intent.kind == "market":
        _check_market_notional(market, instrument, intent)
    if not intent.reduce_only:
        return intent.size
    room = reducible(intent.side, position) if instrument.kind != "spot" else _ZERO
    if room <= 0:
        raise Refused("reduce_only", "reduce_only", f"a position of {position} is not reduced by a {intent.side}")
    return min(intent.size, room)


def check_amend(market: PaperMarket, order: PaperOrder, intent: AmendOrder) -> None:
    """Raises `Refused`."""
    _check_grid(_open_market(market), intent.price, intent.size, reduce_only=order.reduce_only)
    if intent.size <= order.filled:
        raise Refused("rule", "size", f"size {intent.size} is not above the {order.filled} already filled")


def _open_market(market: PaperMarket) -> Instrument:
    instrument = market.instrument
    if instrument is None:
        raise Refused("market_state", "no_instrument", f"{market.symbol} was never defined")
    if instrument.status not in ("trading", "post_only"):
        raise Refused("market_state", instrument.status, f"{market.symbol} is {instrument.status}")
    if instrument.kind == "option":
        raise Refused("rule", "no_options", "the paper venue knows no option margins")
    if not market.trusted:
        raise Refused("market_state", "no_book", f"the book of {market.symbol} is not known at the moment")
    return instrument


def _check_grid(instrument: Instrument, price: Decimal | None, size: Decimal, *, reduce_only: bool) -> None:
    try:
        instrument.check(price, size, reduce_only=reduce_only)
    except OffGrid as error:
        raise Refused("rule", "off_grid", str(error)) from error


def _check_market_notional(market: PaperMarket, instrument: Instrument, intent: PlaceOrder) -> None:
    book = market.known.book
    best = book.ask if intent.side == "buy" else book.bid
    if best == best and not intent.reduce_only:  # NaN on an empty side: there is nothing to take, which matching tells
        notional = instrument.notional(exact(best), intent.size)
        if notional < instrument.min_notional:
            raise Refused("rule", "min_notional", f"notional {notional} is below the minimum {instrument.min_notional}")
