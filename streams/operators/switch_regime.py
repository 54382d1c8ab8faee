"""One stream of several, by what the market is like."""

from collections.abc import Hashable, Mapping
from typing import TypeVar, cast

from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable

from state.errors import WrongUse
from streams.operators.keep import UNSAID, Kept, keep
from streams.operators.settling import Settling

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


def switch_regime(regime: Observable[K], streams: Mapping[K, Observable[T]]) -> Observable[T]:
    """The latest value of the stream that stands for the latest regime, once a settled tick in which either changed.

        regime                 --calm---------wild-----calm---
        calm                   -----1----2-------------------
        wild                   -------8------------9---------
        switch_regime(…)       -----1----2----8----9---2------

    All streams are subscribed from the start, in the order of the mapping, and stay warm: a switch says at once what the new
    stream said last, where RxPY's `switch_latest` would begin it anew. A regime that no stream stands for says nothing. The
    regimes of Hamilton, "A new approach to the economic analysis of nonstationary time series and the business cycle" (1989),
    found however you like. Completes when all have. Constant time; one value of memory a stream. Raises `NotDeterministic` where
    no scheduler is passed down.
    """
    if not streams:
        raise WrongUse("switch_regime needs at least one stream")

    def subscribe(observer: abc.ObserverBase[T], scheduler: abc.SchedulerBase | None = None) -> abc.DisposableBase:
        latest: dict[object, object] = dict.fromkeys(streams, UNSAID)
        current: object = UNSAID
        running, is_news = len(streams) + 1, False

        def act() -> None:
            nonlocal is_news
            value = latest.get(current, UNSAID)
            if is_news and value is not UNSAID:
                is_news = False
                observer.on_next(cast(T, value))

        settling = Settling(scheduler, act)

        def on_regime(word: K) -> None:
            nonlocal current, is_news
            if word != current:
                current, is_news = word, True
                settling.mark()

        def subscribe_one(key: K, one: Observable[T]) -> abc.DisposableBase:
            def on_next(value: T) -> None:
                nonlocal is_news
                latest[key] = value
                if key == current:
                    is_news = True
                    settling.mark()

            return one.subscribe(on_next, observer.on_error, on_completed, scheduler=scheduler)

        def on_completed() -> None:
            nonlocal running
            running -= 1
            if not running:
                settling.flush()
                observer.on_completed()

        kept = keep(scheduler, on_completed, on_regime, subscribe_one)
        inner = [regime.subscribe(on_regime, observer.on_error, on_completed, scheduler=scheduler)]
        inner += [subscribe_one(key, one) for key, one in streams.items()]
        return CompositeDisposable(*inner, settling.start(), kept)

    return Kept(subscribe)
