"""Wished quotes that stay where an order of ours stands well in its queue."""

from collections.abc import Sequence
from decimal import Decimal
from typing import cast

from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable

from state.book import Book
from state.events import Trade
from state.instruments import exact
from state.orders import Order, WorkingOrders
from streams.feeds import Feeds
from streams.operators.keep import Kept, keep
from streams.operators.lift import Operator
from streams.quoting.ladder import Quote
from streams.quoting.queue_worth import Flow, place_lead, stays


class Queues:
    """How much of others' size stands before each order, told by what is public; a guess that is never too good.

    An order joins at the end of what its level shows when it is first known to be open. What trades at its price takes
    from the front; who leaves is taken to have stood behind, until the level is too small for that.
    """

    def __init__(self) -> None:
        self._ahead: dict[str, tuple[Decimal, float]] = {}  # client id -> price, size ahead

    def ahead(self, order: Order) -> float | None:
        """Base units; None where nothing is known of its place."""
        known = self._ahead.get(order.client_id)
        return known[1] if known is not None and known[0] == order.price else None

    def orders(self, working: Sequence[Order], book: Book) -> None:
        """Who came, moved or left."""
        present: dict[str, tuple[Decimal, float]] = {}
        for order in working:
            if order.price is None or order.status == "pending":
                continue
            known = self._ahead.get(order.client_id)
            if known is not None and known[0] == order.price:
                present[order.client_id] = known
            elif book.is_ok:
                present[order.client_id] = (order.price, book.size_at(order.side, float(order.price)))
        self._ahead = present

    def traded(self, trade: Trade) -> None:
        at = exact(trade.price)
        for client_id, (price, ahead) in self._ahead.items():
            if price == at:
                self._ahead[client_id] = (price, max(0.0, ahead - trade.size))

    def shown(self, working: Sequence[Order], book: Book) -> None:
        """No more can stand before us than there is."""
        if not book.is_ok:
            return
        for order in working:
            known = self._ahead.get(order.client_id)
            if known is not None:
                shown = book.size_at(order.side, float(known[0]))
                if shown < known[1]:
                    self._ahead[order.client_id] = (known[0], shown)

    def dump(self) -> dict[str, tuple[Decimal, float]]:
        return self._ahead

    def load(self, state: object, /) -> None:
        self._ahead = cast("dict[str, tuple[Decimal, float]]", state)


def places_worth(orders: Sequence[Order], queues: Queues, book: Book, flow: Flow) -> dict[str, float]:
    """By label, what each order's place is worth above the end of its queue (bps); nothing for one of which none is known."""
    if not book.is_ok:
        return {}
    mid, worth = book.mid, dict[str, float]()
    for order in orders:
        ahead = queues.ahead(order)
        if ahead is None or order.price is None:
            continue
        price = float(order.price)
        edge_bps = (1 if order.side == "buy" else -1) * (1 - price / mid) * 10_000
        worth[order.label] = place_lead(edge_bps, ahead, book.size_at(order.side, price), flow)
    return worth


def keep_places(
    feeds: Feeds, venue: str, symbol: str, flow: Flow, *, message_bps: float = 0.0
) -> Operator[Sequence[Quote], Sequence[Quote]]:
    """Each quote as wished, or at the price of its present order while that place is worth more than the end of another queue.

        quotes      --[b0@99.9]----------[b0@99.8]----
        keep_places --[b0@99.9]----------[b0@99.9]----   (little stands before b0, much shows at 99.8)

    To be put before `to_intents`. Edges are measured from the mid of the book; a quote whose book cannot be trusted is
    passed on as wished. What a place is worth: `queue_worth`; how it is guessed: `Queues`. Time and memory are
    proportional to the strategy's orders in the market.
    """

    def operator(source: Observable[Sequence[Quote]]) -> Observable[Sequence[Quote]]:
        def subscribe(
            observer: abc.ObserverBase[Sequence[Quote]], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            market, account = feeds.market(venue, symbol), feeds.account(venue)
            queues = Queues()

            def mine() -> list[Order]:
                orders = account.state.orders.working(symbol)
                return [order for order in orders if order.strategy == feeds.strategy and order.label]

            def on_orders(_: WorkingOrders) -> None:
                queues.orders(mine(), market.state.book)

            def on_book(book: Book) -> None:
                queues.shown(mine(), book)

            def on_next(quotes: Sequence[Quote]) -> None:
                orders = {order.label: order for order in mine() if not order.pending_cancel}
                observer.on_next(_kept(quotes, orders, queues, market.state.book, flow, message_bps))

            return CompositeDisposable(
                account.orders(symbol).subscribe(on_orders, observer.on_error, scheduler=scheduler),
                market.trades.subscribe(queues.traded, observer.on_error, scheduler=scheduler),
                market.book.subscribe(on_book, observer.on_error, scheduler=scheduler),
                source.subscribe(on_next, observer.on_error, observer.on_completed, scheduler=scheduler),
                keep(scheduler, on_next, queues),
            )

        return Kept(subscribe)

    return operator


def _kept(
    quotes: Sequence[Quote], orders: dict[str, Order], queues: Queues, book: Book, flow: Flow, message_bps: float
) -> tuple[Quote, ...]:
    if not book.is_ok:
        return tuple(quotes)
    mid = book.mid
    kept: list[Quote] = []
    for quote in quotes:
        order = orders.get(quote.label)
        ahead = queues.ahead(order) if order is not None and order.side == quote.side else None
        if order is None or order.price is None or ahead is None:
            kept.append(quote)
            continue
        price = float(order.price)
        sign = 1 if quote.side == "buy" else -1
        here, there = sign * (1 - price / mid) * 10_000, sign * (1 - quote.price / mid) * 10_000
        shown = book.size_at(quote.side, quote.price)
        kept.append(quote._replace(price=price) if stays(here, ahead, there, shown, flow, message_bps) else quote)
    return tuple(kept)
