"""What a side of a paper market makes of orders that the book loses sight of, and of what was taken there."""

from decimal import Decimal

from adapters.paper.orders import PaperOrder
from adapters.paper.queue import RiskAverseQueue
from adapters.paper.side import OwnSide
from state.book import Book
from state.events import BookDelta, BookSnapshot, Level

V, S = "paper", "BTC"
DEPTH = 2


class Side:
    """Bids of a venue that shows two levels; asks stand far above."""

    def __init__(self, *bids: Level) -> None:
        self.book = Book(V, S)
        self.side = OwnSide("buy", self.book, RiskAverseQueue())
        self.replaced(*bids)

    def replaced(self, *bids: Level) -> None:
        self.book.replace(BookSnapshot(V, S, 1, list(bids), [(200.0, 1.0), (201.0, 1.0)], 1, DEPTH))
        self.side.replaced(1)

    def changed(self, *bids: Level) -> None:
        self.book.update(BookDelta(V, S, 1, list(bids), [], 1))
        self.side.changed(list(bids), 1)

    def rests(self, price: int) -> PaperOrder:
        order = PaperOrder(f"o{price}", f"c{price}", S, "buy", "limit", "gtc", Decimal(price), Decimal(1))
        self.side.put(order)
        return order


def ahead(order: PaperOrder) -> Decimal:
    assert order.place is not None
    return order.place.ahead


def test_an_order_that_a_snapshot_lost_sight_of_is_looked_at_when_the_edge_moves() -> None:
    market = Side((100.0, 5.0), (99.0, 5.0))
    order = market.rests(99)
    assert ahead(order) == 5
    market.replaced((102.0, 5.0), (101.0, 5.0))
    assert ahead(order) == 5, "nobody knows what stands there now"
    market.changed((101.0, 0.0))  # a level less than the venue shows: at 99 there is none
    assert ahead(order) == 0


def test_an_order_deeper_than_the_book_knows_of_nobody_until_it_is_seen() -> None:
    market = Side((100.0, 5.0), (99.0, 5.0))
    order = market.rests(97)
    assert ahead(order) == Decimal("Infinity")
    market.replaced((101.0, 5.0), (100.0, 5.0))
    assert ahead(order) == Decimal("Infinity")
    market.replaced((98.0, 5.0), (97.0, 3.0))
    assert ahead(order) == 3


def test_what_was_taken_stays_taken_while_it_is_out_of_sight() -> None:
    market = Side((100.0, 5.0), (99.0, 5.0))
    market.side.take(Decimal(100), Decimal(1))
    market.side.take(Decimal(99), Decimal(4))
    market.replaced((101.0, 5.0), (100.0, 5.0))
    market.replaced((102.0, 5.0), (101.0, 5.0))
    market.replaced((100.0, 5.0), (99.0, 5.0))
    assert list(market.side.available()) == [(100, 4), (99, 1)]
    market.replaced((100.0, 5.0), (98.0, 5.0))  # 99 is seen, and gone
    market.replaced((100.0, 5.0), (99.0, 5.0))
    assert list(market.side.available()) == [(100, 4), (99, 5)]


def test_orders_are_in_the_order_in_which_they_fill() -> None:
    market = Side((100.0, 5.0), (99.0, 5.0))
    orders = [market.rests(price) for price in (98, 100, 99)]
    assert [int(order.limit) for order in market.side.orders()] == [100, 99, 98]
    assert (market.side.first, market.side.first_order()) == (100.0, orders[1])
    for order in orders:
        market.side.remove(order)
    assert (market.side.orders(), market.side.first, market.side.first_order()) == ([], float("-inf"), None)
