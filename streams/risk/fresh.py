"""Whether a market can be gone by: its book is in sequence, and spoke lately."""

from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable

from state.book import Book
from streams.operators.keep import Alarm, Kept, keep
from streams.operators.lift import Operator, positive
from streams.scheduler import clock_of


def fresh(max_age_s: float) -> Operator[Book, bool]:
    """True from when a book that can be trusted changes, False once it cannot be, or has not changed for `max_age_s`.

        book     --ok--ok-----------------ok--gap--
        fresh(9) --T------------F---------T---F----   (1 character = 1 s)

    It speaks at changes only. Private words (orders, fills, positions) never depend on it: what is stale is a price, not
    an account. On virtual time; constant time and memory. Raises `NotDeterministic` where no scheduler is passed down.
    """
    age_ns = round(positive("max_age_s", max_age_s) * 1e9)

    def operator(source: Observable[Book]) -> Observable[bool]:
        def subscribe(
            observer: abc.ObserverBase[bool], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            clock = clock_of(scheduler)
            said: bool | None = None
            changed_ns = clock()

            def say(word: bool) -> None:
                nonlocal said
                if word is not said:
                    said = word
                    observer.on_next(word)

            def due() -> None:
                if changed_ns + age_ns <= clock():
                    say(False)
                else:
                    alarm.at(changed_ns + age_ns)

            def on_next(book: Book) -> None:
                nonlocal changed_ns
                changed_ns = clock()
                if not book.is_ok:
                    say(False)
                    return
                if said is not True:  # else it is set, and looks again when it is due
                    alarm.at(changed_ns + age_ns)
                say(True)

            alarm = Alarm(scheduler, due)
            inner = source.subscribe(on_next, observer.on_error, observer.on_completed, scheduler=scheduler)
            return CompositeDisposable(inner, alarm, keep(scheduler, on_next, due))

        return Kept(subscribe)

    return operator
