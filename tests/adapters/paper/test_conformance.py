"""The paper venue held to the contract of venues, as far as it has no wire: the suite's own cases, on a stage of its own."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from inspect import signature
from types import SimpleNamespace
from typing import Any

import pytest

from adapters import venue
from adapters.base.settings import Subscription
from adapters.conformance import test_changes, test_life, test_orders, test_outcomes
from adapters.conformance.stage import SESSION, How, Stage, Story, settings_of
from adapters.conformance.subject import Terms, subject_of
from adapters.conformance.told import Told
from adapters.loopback.orders import Kind, Tif
from adapters.loopback.orders import Side as TheirSide
from adapters.loopback.truth import Truth
from adapters.paper import PaperExchange, PaperSettings
from state.clock import WallClock
from state.events import PlaceOrder

MARKET = "bybit"  # whose market data it trades on
QUICK = PaperSettings(
    order_latency_ms=120, response_latency_ms=1, leverage=Decimal(10)
)  # a trade is heard before a cancel is
NOT_OFFERED = {
    "test_filled_before_its_answer": "answer and fill come in one burst",
    "test_fee": "its fees are its settings', and are tested with them",
    "test_client_id_again": "a client id that was used is refused, for there is nobody to ask",
}


class PaperStage(Stage):
    """Its truth is the paper desk; the loopback is the market around it, which never sees our orders."""

    @property
    def truth(self) -> Truth:
        desk = self.paper._desk
        resting = {name: self._seen(order) for name, order in desk._orders.items()}
        held = defaultdict(lambda: SimpleNamespace(size=Decimal(0)))
        held |= {name: SimpleNamespace(size=size) for name, size in self.paper.positions()}
        fills = [
            SimpleNamespace(kind="trade", side=f.side, size=f.size, price=f.price, client_id=f.client_id)
            for f in self.told.fills()
        ]
        zero = Decimal(0)
        return Truth(resting, dict(resting), fills, held, zero, zero, zero, zero)  # type: ignore[arg-type]

    @property
    def paper(self) -> Any:
        return self.exchange.paper  # type: ignore[attr-defined]

    @staticmethod
    def _seen(order: Any) -> Any:
        status = SimpleNamespace(is_final=False)
        return SimpleNamespace(
            filled=order.filled, price=order.price, size=order.size, leaves=order.remaining, status=status
        )

    def hit(self, order: PlaceOrder, size: Decimal) -> None:
        """Others stand behind our place in the queue, and somebody takes what stands before it and `size` more."""
        assert order.price is not None
        ahead = dict(self.venue.books[self.symbol].bids)[order.price]
        self.venue.floor.street(self.symbol, TheirSide.BUY, Kind.LIMIT, Tif.GTC, order.price, size, self.now_ms())
        self.venue.publish()
        self.street(TheirSide.SELL, ahead + size, order.price)


@asynccontextmanager
async def staged(how: How) -> AsyncIterator[Stage]:
    found, subject = subject_of(MARKET)
    loopback = subject.open(Terms(subject.symbols, subject.account, lambda: WallClock().now_ns() // 1_000_000))
    await loopback.start()
    told = Told(found.name)
    public = replace(settings_of(found, subject, loopback, how, ""), private_url="", trade_url="")
    exchange: Any = PaperExchange(
        QUICK, told, WallClock(), SESSION, lambda inbox: venue(MARKET).exchange(public, inbox, WallClock(), SESSION)
    )
    exchange.order_ids = exchange.market.order_ids
    on = PaperStage(subject, loopback, exchange, told, how, subject.symbols[0])
    exchange.on_fatal = on.fatal.append
    try:
        await exchange.start([Subscription(name, on.symbol) for name in ("book", "trades", "ticker")])  # type: ignore[arg-type]
        await told.until(lambda: told.shared.market(told.venue, on.symbol).book.is_ok, "the book")
        yield on
    finally:
        await exchange.close()
        await loopback.stop()


def play(story: Story, *, is_fatal: bool = False, **how: Any) -> None:
    async def run() -> None:
        async with staged(How(**how)) as on:
            await story(on)
            assert not on.fatal

    asyncio.run(run())


CASES: list[Callable[..., None]] = [
    *(case for part in (test_orders, test_changes) for name, case in vars(part).items() if name.startswith("test_")),
    test_outcomes.test_cancel_all,
    test_outcomes.test_order_off_the_grid,
    test_life.test_shutdown,
]


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.__name__ not in NOT_OFFERED], ids=lambda case: case.__name__
)
def test_the_paper_venue_does_what_a_venue_must(case: Callable[..., None]) -> None:
    asked = {"entry": ["rest"], "policy": ["cancel", "flatten", "leave"]}
    more = next((name for name in signature(case).parameters if name != "play"), "")
    for word in asked.get(more, [""]):
        case(play, word) if more else case(play)
