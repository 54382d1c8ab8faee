"""Quotes only while something holds; else none, at once."""

from collections.abc import Sequence

from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable

from streams.operators.keep import Kept, keep
from streams.operators.lift import Operator
from streams.quoting.ladder import Quote


def quote_when(healthy: Observable[bool]) -> Operator[Sequence[Quote], Sequence[Quote]]:
    """Passes wished quotes while `healthy` last said True, and wishes for none as soon as it says False.

        healthy            ----T---------F-----T------
        quotes             --A---B---C------D----E----
        quote_when(healthy)------B---C---[]------E----

    Unlike `op.when` it pulls: what `to_intents` hears is that nothing is wished. After trouble only quotes that are wished
    anew count. Completes with the quotes.
    """

    def operator(source: Observable[Sequence[Quote]]) -> Observable[Sequence[Quote]]:
        def subscribe(
            observer: abc.ObserverBase[Sequence[Quote]], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            is_open = False
            is_quoting = False

            def on_health(word: bool) -> None:
                nonlocal is_open, is_quoting
                is_open = word
                if not word and is_quoting:
                    is_quoting = False
                    observer.on_next(())

            def on_next(quotes: Sequence[Quote]) -> None:
                nonlocal is_quoting
                if is_open:
                    is_quoting = True
                    observer.on_next(quotes)

            return CompositeDisposable(
                healthy.subscribe(
                    on_health, observer.on_error, scheduler=scheduler
                ),  # first, so that it counts already
                source.subscribe(on_next, observer.on_error, observer.on_completed, scheduler=scheduler),
                keep(scheduler, on_next, on_health),
            )

        return Kept(subscribe)

    return operator
