"""What arrived at the best prices, net of what left."""

from collections.abc import Callable

from reactivex import abc

from state.book import Book
from streams.operators.lift import Operator, lift
from streams.operators.window import Window
from streams.scheduler import clock_of


def order_flow_imbalance(window_s: float, buckets: int = 60) -> Operator[Book, float]:
    """sum of e_n over the window, base, e_n = [b >= b'] q_b - [b <= b'] q_b' - [a <= a'] q_a + [a >= a'] q_a', at each change.

        book                     --9x1|11x1---9x3|11x1---10x2|11x1---
        order_flow_imbalance(60) ------------2---------4-------------

    b, a, q the best prices and their sizes, a dash before the change: above zero, the bid grew or the ask shrank. Cont, Kukanov,
    Stoikov, "The price impact of order book events" (2014). The window is on virtual time and moves in steps of
    window_s / buckets (see `Window`). After the book could not be trusted it begins anew from the next that can. Constant time
    and memory. Raises `NotDeterministic` where no scheduler is passed down.
    """
    Window(window_s, buckets)  # wrong parameters are told where they are written

    def start(emit: Callable[[float], None], scheduler: abc.SchedulerBase | None) -> Callable[[Book], None]:
        clock = clock_of(scheduler)
        window = Window(window_s, buckets)
        before: tuple[float, float, float, float] | None = None

        def on_next(book: Book) -> None:
            nonlocal before
            if not book.is_ok:
                before = None
                return
            now = bid, bid_size, ask, ask_size = book.touch()
            if before is not None:
                old_bid, old_bid_size, old_ask, old_ask_size = before
                flow = 0.0
                if bid >= old_bid:
                    flow += bid_size
                if bid <= old_bid:
                    flow -= old_bid_size
                if ask <= old_ask:
                    flow -= ask_size
                if ask >= old_ask:
                    flow += old_ask_size
                window.add(clock(), flow)
                emit(window.total_a)
            before = now

        return on_next

    return lift(start)
