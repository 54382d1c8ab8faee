"""The best bid and offer of several venues, with who makes them."""

from dataclasses import dataclass

from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable

from state.book import Book
from state.errors import WrongUse
from streams.operators.keep import Kept, keep
from streams.operators.settling import Settling


@dataclass(frozen=True, slots=True)
class Nbbo:
    """Best prices (quote per base), their sizes (base) and venues; of equal prices the stream that was named first stands."""

    bid: float
    bid_size: float
    bid_venue: str
    ask: float
    ask_size: float
    ask_venue: str

    @property
    def mid(self) -> float:
        return (self.bid + self.ask) / 2

    @property
    def is_crossed(self) -> bool:
        """One venue bids what another asks, or more."""
        return self.bid >= self.ask


def nbbo(*books: Observable[Book]) -> Observable[Nbbo]:
    """max of bids and min of asks over the venues whose book can be trusted, once a settled tick in which they changed.

        a            --9|12-----------10|12---
        b            -----8|11----------------
        nbbo(a, b)   --9a|12a-9a|11b--10a|11b-

    The national best bid and offer of SEC Regulation NMS, rule 600(b) (2005), with its venues. A book that cannot be trusted is
    left out until it can; while none can, nothing is said. Constant time for each venue. Completes when all have. Raises
    `NotDeterministic` where no scheduler is passed down.
    """
    if not books:
        raise WrongUse("nbbo needs at least one book")

    def subscribe(observer: abc.ObserverBase[Nbbo], scheduler: abc.SchedulerBase | None = None) -> abc.DisposableBase:
        known: list[Book | None] = [None] * len(books)
        running = len(books)
        said: Nbbo | None = None

        def act() -> None:
            nonlocal said
            best = best_of(known)
            if best is not None and best != said:
                said = best
                observer.on_next(best)

        settling = Settling(scheduler, act)

        def subscribe_one(place: int, one: Observable[Book]) -> abc.DisposableBase:
            def on_next(book: Book) -> None:
                known[place] = book
                settling.mark()

            return one.subscribe(on_next, observer.on_error, on_completed, scheduler=scheduler)

        def on_completed() -> None:
            nonlocal running
            running -= 1
            if not running:
                settling.flush()
                observer.on_completed()

        kept = keep(scheduler, on_completed, act)
        inner = [subscribe_one(place, one) for place, one in enumerate(books)]
        return CompositeDisposable(*inner, settling.start(), kept)

    return Kept(subscribe)


def best_of(books: list[Book | None]) -> Nbbo | None:
    """None while no book can be trusted."""
    bidder: Book | None = None
    asker: Book | None = None
    bid = ask = 0.0
    for book in books:
        if book is None or not book.is_ok:
            continue
        if bidder is None or book.bid > bid:
            bidder, bid = book, book.bid
        if asker is None or book.ask < ask:
            asker, ask = book, book.ask
    if bidder is None or asker is None:
        return None
    return Nbbo(bid, bidder.bid_size, bidder.venue, ask, asker.ask_size, asker.venue)
