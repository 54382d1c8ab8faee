"""What an open position is worth now, so that a limit on losses is never without a price for long.

The mid of its book; while that is lost, the newest mark that the venue told since, with the position or in the ticker, else
the last mid that could be seen; before the first of them, the mark. An account may hold what the session does not follow:
there the venue's own word counts, and where it gives none the position stands at its entry price, since one unknown price
must not end all judgement.
"""

from decimal import Decimal

from state.instruments import exact
from state.ledger import Position
from state.market import Market

_ZERO = Decimal(0)


def price_of(position: Position, market: Market) -> Decimal | None:
    """Price of one base unit in quote; None where nobody has said one yet."""
    book, reported, ticker = market.book, position.reported, market.ticker
    if book.is_ok:
        return exact(book.mid)
    mark = reported.mark if reported is not None and reported.mark else None
    newest_ns = max(market.lost_ns, position.reported_ns if mark else 0)
    if ticker is not None and ticker.mark and market.marked_ns > newest_ns:
        return exact(ticker.mark)
    is_seen = book.bid < book.ask  # NaN on an empty side is below nothing
    if is_seen and (mark is None or position.reported_ns <= market.lost_ns):
        return exact(book.mid)
    return mark


def open_pnl(position: Position, market: Market) -> Decimal | None:
    """PnL of the open size in its settling asset; None while a market that is followed has no price."""
    if not position.size:
        return _ZERO
    price = price_of(position, market)
    if price is not None:
        return position.unrealized(price)
    if market.is_followed:
        return None
    reported = position.reported
    return reported.unrealized_pnl or _ZERO if reported is not None else _ZERO


def open_notional(position: Position, market: Market) -> Decimal:
    """Value of the open size in quote, unsigned; at its entry price where nobody has said one."""
    price = price_of(position, market) or position.avg_price or _ZERO
    size = abs(position.size)
    return size * price if market.instrument is None else market.instrument.notional(price, size)
