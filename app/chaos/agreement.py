"""Where we and the venue differ: orders, fills, positions, books. Words for people; none is the proof."""

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

from adapters.loopback.floor import Fill as TheirFill
from app.chaos.venue import Seen
from state.book import Book
from state.events import AnyEvent, Fill
from state.shared import SharedState

TOP = 5  # levels a side that are compared: some venues show no more


def open_differences(shared: SharedState, venue: str, seen: Seen) -> list[str]:
    """Orders and books that are not the venue's; empty once everything that was on its way has arrived."""
    account = shared.accounts.get(venue)
    working = account.orders.working() if account is not None else ()
    ours: Counter[tuple[str, str, str]] = Counter((o.side, _plain(o.price or 0), _plain(o.remaining)) for o in working)
    theirs = Counter((o.side.name.lower(), _plain(o.price), _plain(o.leaves)) for o in seen.truth.open_orders.values())
    found = [f"we know of an order that the venue has not: {order}" for order in (ours - theirs).elements()]
    found += [f"the venue has an order that we do not know: {order}" for order in (theirs - ours).elements()]
    for symbol, view in seen.books.items():
        found += _book_differences(symbol, shared.market(venue, symbol).book, view.bids, view.asks)
    return found


def closed_differences(shared: SharedState, venue: str, events: Iterable[AnyEvent], seen: Seen) -> list[str]:
    """Fills and positions that are not the venue's, once the session is over."""
    told: dict[tuple[str, str, str], Fill] = {}
    for event in events:
        if isinstance(event, Fill) and event.venue == venue:
            told[event.symbol, event.side, event.fill_id] = event
    ours: Counter[tuple[str, str, str, str]] = Counter(
        (f.symbol, f.side, _plain(f.price), _plain(f.size)) for f in told.values()
    )
    theirs = Counter(_their(fill) for fill in seen.truth.fills if fill.kind == "trade")
    found = [f"a fill that the venue does not know: {fill}" for fill in (ours - theirs).elements()]
    found += [f"a fill that was never told: {fill}" for fill in (theirs - ours).elements()]
    ledger = shared.account(venue).ledger
    for symbol in seen.books:
        at_venue = seen.truth.positions.get(symbol)
        size = at_venue.size if at_venue is not None else Decimal(0)
        if ledger.position(symbol).size != size:
            found.append(f"{symbol}: we hold {ledger.position(symbol).size}, the venue says {size}")
    found += [f"an order still rests: {name}" for name in seen.truth.open_orders]
    return found


def _their(fill: TheirFill) -> tuple[str, str, str, str]:
    return fill.symbol, fill.side.name.lower(), _plain(fill.price), _plain(fill.size)


def _book_differences(
    symbol: str, book: Book, bids: list[tuple[Decimal, Decimal]], asks: list[tuple[Decimal, Decimal]]
) -> list[str]:
    if not book.is_ok:
        return [f"the book of {symbol} is {book.status}"]
    found = []
    for side, ours, theirs in (("bids", book.bids(TOP), bids), ("asks", book.asks(TOP), asks)):
        wanted = [(float(price), float(size)) for price, size in theirs[:TOP]]
        if list(ours) != wanted:
            found.append(f"{side} of {symbol}: {list(ours)[:2]}, the venue says {wanted[:2]}")
    return found


def _plain(number: Decimal | int) -> str:
    return f"{Decimal(number).normalize():f}"
