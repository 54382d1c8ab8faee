"""What a strategy sees: the streams of markets and accounts, time, and a generator seeded from the session.

A feed of something that has a current value (position, working orders, balance) says it at once to whoever subscribes.
"""

from collections.abc import Callable
from random import Random
from typing import TypeVar

from reactivex import Observable, abc
from reactivex import operators as ops

from state.book import Book, BookStatus
from state.events import (
    Blocked,
    Candle,
    Command,
    FeedStatus,
    Fill,
    Halted,
    InstrumentDefined,
    Liquidation,
    Rejected,
    Signal,
    Ticker,
    Trade,
)
from state.instruments import Instrument
from state.ledger import Balance, Position
from state.market import Market
from state.orders import WorkingOrders
from state.shared import Account, SharedState
from streams.pipeline import Pipeline
from streams.scheduler import SessionScheduler
from streams.source import Source

T = TypeVar("T")


class MarketFeed:
    """The streams of one market."""

    def __init__(self, pipeline: Pipeline, venue: str, symbol: str) -> None:
        self.venue = venue
        self.symbol = symbol
        self._pipeline = pipeline
        self.state: Market = pipeline.shared.market(venue, symbol)
        """The market as it is known now: a live view."""

    @property
    def instrument(self) -> Instrument | None:
        """The market's rules, None before the venue has told them."""
        return self.state.instrument

    @property
    def rules(self) -> Observable[InstrumentDefined]:
        """The market's rules, each time that the venue tells them; `instrument` has them folded."""
        return self._source(InstrumentDefined)

    @property
    def book(self) -> Observable[Book]:
        """The live book after each change of it, or of its status."""
        return self._source(Book)

    @property
    def book_status(self) -> Observable[BookStatus]:
        """What the book is worth, each time that this changes, before `book` says so."""
        return self._source(BookStatus)

    @property
    def trades(self) -> Observable[Trade]:
        return self._source(Trade)

    @property
    def ticker(self) -> Observable[Ticker]:
        """The merged ticker after each change."""
        market = self.state

        def merged(said: Ticker) -> Ticker:
            return market.ticker or said

        return self._source(Ticker).pipe(ops.map(merged))

    def candles(self, interval_s: int) -> Observable[Candle]:
        """The venue's own candles of one interval, as often as it updates them."""

        def fits(candle: Candle) -> bool:
            return candle.interval_s == interval_s

        return self._pipeline.candles(self.venue, self.symbol, interval_s).pipe(ops.filter(fits))

    @property
    def liquidations(self) -> Observable[Liquidation]:
        return self._source(Liquidation)

    @property
    def status(self) -> Observable[FeedStatus]:
        """What each channel is worth, as it changes."""
        return self._source(FeedStatus)

    def _source(self, kind: type[T]) -> Source[T]:
        return self._pipeline.source(kind, self.venue, self.symbol)


class AccountFeed:
    """The streams of one account."""

    def __init__(self, pipeline: Pipeline, venue: str) -> None:
        self.venue = venue
        self._pipeline = pipeline

    @property
    def state(self) -> Account:
        """The account as it is known now."""
        return self._pipeline.shared.account(self.venue)

    @property
    def is_ready(self) -> bool:
        """True once the account is reconciled with the venue and while its streams are up."""
        return self.state.is_ready

    def is_at_rest(self, symbol: str) -> bool:
        """True while no order of the market works or is on its way, and every fill that was told of is in the position.

        For who decides one order at a time: an order may be told filled a moment before its fills, and is then neither
        working nor in the position.
        """
        orders = self.state.orders
        return not orders.working(symbol) and not orders.unheard(symbol)

    def position(self, symbol: str) -> Observable[Position]:
        """The position folded from our fills, now and after each change."""
        return _from_now(
            lambda: self.state.ledger.position(symbol), self._pipeline.source(Position, self.venue, symbol)
        )

    def orders(self, symbol: str) -> Observable[WorkingOrders]:
        """Working orders in placing order (in flight included), now and after each change."""
        source = self._pipeline.source(WorkingOrders, self.venue, symbol)
        return _from_now(lambda: self.state.orders.working(symbol), source)

    def fills(self, symbol: str) -> Observable[Fill]:
        """Each execution, as the venue tells it (a repeat is told again; positions count it once)."""
        return self._pipeline.source(Fill, self.venue, symbol)

    def refusals(self, symbol: str) -> Observable[Rejected]:
        return self._pipeline.source(Rejected, self.venue, symbol)

    def blocked(self, symbol: str) -> Observable[Blocked]:
        """Intents that risk held back before they left."""
        return self._pipeline.source(Blocked, self.venue, symbol)

    def balance(self, asset: str) -> Observable[Balance]:
        """The balance now, once the venue has told it, and each time that it tells it; in between `total` moves in place."""

        def told() -> Balance | None:
            known = self.state.ledger.balances.get(asset)
            return known if known is not None and known.reported is not None else None

        return _from_now(told, self._pipeline.source(Balance, self.venue, asset))

    @property
    def status(self) -> Observable[FeedStatus]:
        """What the account's streams are worth, as it changes."""

        def fits(status: FeedStatus) -> bool:
            return status.channel == "account"

        return self._pipeline.source(FeedStatus, self.venue, "").pipe(ops.filter(fits))


class Feeds:
    """Everything that a strategy may know; what is not in here must not decide."""

    def __init__(self, pipeline: Pipeline, scheduler: SessionScheduler, strategy: str, random: Random) -> None:
        self.strategy = strategy
        self.scheduler = scheduler
        self.random = random
        self.heard: dict[str, None] = {}  # names of commands that somebody here listens to
        self._pipeline = pipeline

    @property
    def shared(self) -> SharedState:
        return self._pipeline.shared

    @property
    def now_ns(self) -> int:
        """The session's time, ns UTC."""
        return self.scheduler.now_ns

    @property
    def settled(self) -> Observable[int]:
        """The seq at which everything that one burst of input caused has been concluded."""
        return self.scheduler.settled

    @property
    def halted(self) -> Observable[Halted]:
        """The session takes no more orders."""
        return self._pipeline.source(Halted)

    def market(self, venue: str, symbol: str) -> MarketFeed:
        return MarketFeed(self._pipeline, venue, symbol)

    def account(self, venue: str) -> AccountFeed:
        return AccountFeed(self._pipeline, venue)

    def venue_status(self, venue: str) -> Observable[FeedStatus]:
        """What the connections of a venue as a whole are worth (account, clock, rest, …), as it changes."""
        return self._pipeline.source(FeedStatus, venue, "")

    def signal(self, name: str) -> Observable[float]:
        """A named number from outside."""

        def fits(signal: Signal) -> bool:
            return signal.name == name

        def value(signal: Signal) -> float:
            return signal.value

        return self._pipeline.source(Signal).pipe(ops.filter(fits), ops.map(value))

    def commands(self, name: str, venue: str = "", symbol: str = "") -> Observable[Command]:
        """A person's commands of one name."""
        self.heard[name] = None

        def fits(command: Command) -> bool:
            return command.name == name

        return self._pipeline.source(Command, venue, symbol).pipe(ops.filter(fits))


def _from_now(current: Callable[[], T | None], source: Source[T]) -> Observable[T]:
    def subscribe(observer: abc.ObserverBase[T], scheduler: abc.SchedulerBase | None = None) -> abc.DisposableBase:
        known = current()
        if known is not None:
            observer.on_next(known)
        return source.subscribe(observer, scheduler=scheduler)

    return Observable(subscribe)
