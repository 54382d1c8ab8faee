"""Each way an order can go, as a story: acts on the stage, and what is heard of them."""

from decimal import Decimal

import msgspec
import pytest

from state.events import BalanceUpdate
from tests.adapters.paper.stage import (
    INSTANT,
    Act,
    Stage,
    amend,
    book,
    cancel,
    cancel_all,
    change,
    define,
    feed,
    instrument,
    place,
    trade,
    words,
)

STORIES: dict[str, tuple[list[Act], list[str]]] = {
    # taking
    "a limit that crosses takes what is shown at the shown prices, and what remains rests": (
        [place("a", "buy", "12", "102")],
        ["accepted", "a buy 5 @ 101 taker", "a buy 5 @ 102 taker", "a partially_filled 10/12"],
    ),
    "a limit that is filled at once is filled": (
        [place("a", "sell", "3", "100")],
        ["accepted", "a sell 3 @ 100 taker", "a filled 3/3"],
    ),
    "a market order walks the book, and what the book does not hold is cancelled": (
        [place("a", "buy", "16")],
        [
            "accepted",
            "a buy 5 @ 101 taker",
            "a buy 5 @ 102 taker",
            "a buy 5 @ 103 taker",
            "a cancelled 15/16 would_not_fill",
        ],
    ),
    "a market order on an empty side is cancelled": (
        [book(asks=[]), place("a", "buy", "1")],
        ["accepted", "a cancelled 0/1 would_not_fill"],
    ),
    "an ioc takes what its limit reaches and is cancelled for the rest": (
        [place("a", "sell", "7", "100", "ioc")],
        ["accepted", "a sell 5 @ 100 taker", "a cancelled 5/7 would_not_fill"],
    ),
    "an ioc that reaches nothing is cancelled": (
        [place("a", "buy", "1", "100", "ioc")],
        ["accepted", "a cancelled 0/1 would_not_fill"],
    ),
    "a fok that the book can fill whole is filled": (
        [place("a", "buy", "6", "102", "fok")],
        ["accepted", "a buy 5 @ 101 taker", "a buy 1 @ 102 taker", "a filled 6/6"],
    ),
    "a fok that the book cannot fill whole takes nothing": (
        [place("a", "buy", "6", "101", "fok"), place("b", "buy", "5", "101", "fok")],
        ["accepted", "a cancelled 0/6 would_not_fill", "accepted", "b buy 5 @ 101 taker", "b filled 5/5"],
    ),
    # nothing is taken twice
    "what one order took of a level another does not take again": (
        [place("a", "buy", "4", "101", "ioc"), place("b", "buy", "4", "101", "ioc")],
        [
            "accepted",
            "a buy 4 @ 101 taker",
            "a filled 4/4",
            "accepted",
            "b buy 1 @ 101 taker",
            "b cancelled 1/4 would_not_fill",
        ],
    ),
    "a snapshot that shows the same level again does not refill it": (
        [place("a", "buy", "5", "101", "ioc"), book(), place("b", "buy", "1", "101", "ioc")],
        ["accepted", "a buy 5 @ 101 taker", "a filled 5/5", "accepted", "b cancelled 0/1 would_not_fill"],
    ),
    "what is added to a level can be taken": (
        [place("a", "buy", "5", "101", "ioc"), change(asks=[(101.0, 7.0)]), place("b", "buy", "4", "101", "ioc")],
        [
            "accepted",
            "a buy 5 @ 101 taker",
            "a filled 5/5",
            "accepted",
            "b buy 2 @ 101 taker",
            "b cancelled 2/4 would_not_fill",
        ],
    ),
    "a level that was gone and comes back can be taken": (
        [
            place("a", "buy", "5", "101", "ioc"),
            change(asks=[(101.0, 0.0)]),
            change(asks=[(101.0, 5.0)]),
            place("b", "buy", "4", "101", "ioc"),
        ],
        ["accepted", "a buy 5 @ 101 taker", "a filled 5/5", "accepted", "b buy 4 @ 101 taker", "b filled 4/4"],
    ),
    # post-only
    "a post-only order that does not cross rests": (
        [place("a", "buy", "1", "100", "post_only")],
        ["accepted", "a open 0/1"],
    ),
    "a post-only order that would cross is accepted and then rejected": (
        [place("a", "buy", "1", "101", "post_only")],
        ["accepted", "a rejected 0/1 post_only"],
    ),
    "a post-only order that an amendment makes cross is cancelled": (
        [place("a", "sell", "1", "101", "post_only"), amend("a", "100", "1")],
        ["accepted", "a open 0/1", "accepted", "a cancelled 0/1 post_only"],
    ),
    # own orders never meet
    "a new order stops before an own one, and what remains is cancelled": (
        [place("a", "sell", "1", "102"), place("b", "buy", "8", "103")],
        ["accepted", "a open 0/1", "accepted", "b buy 5 @ 101 taker", "b cancelled 5/8 stp"],
    ),
    "a new order that only an own one could fill is cancelled": (
        [book(asks=[(105.0, 5.0)]), place("a", "sell", "1", "102"), place("b", "buy", "1", "103")],
        ["accepted", "a open 0/1", "accepted", "b cancelled 0/1 stp"],
    ),
    "a new order that fills before it reaches the own one is filled": (
        [place("a", "sell", "1", "102"), place("b", "buy", "5", "103")],
        ["accepted", "a open 0/1", "accepted", "b buy 5 @ 101 taker", "b filled 5/5"],
    ),
    # amend and cancel
    "an amendment that crosses takes": (
        [place("a", "buy", "2", "99"), amend("a", "101", "2")],
        ["accepted", "a open 0/2", "accepted", "a buy 2 @ 101 taker", "a filled 2/2"],
    ),
    "an amendment below what is filled is refused": (
        [place("a", "buy", "7", "101"), amend("a", "101", "5")],
        ["accepted", "a buy 5 @ 101 taker", "a partially_filled 5/7", "rejected rule size"],
    ),
    "an order that is gone can be neither amended nor cancelled": (
        [place("a", "buy", "1", "100"), cancel("a"), cancel("a"), amend("a", "99", "1")],
        [
            "accepted",
            "a open 0/1",
            "accepted",
            "a cancelled 0/1",
            "rejected gone no_such_order",
            "rejected gone no_such_order",
        ],
    ),
    "cancel-all ends every order, and a cancelled order fills no more": (
        [place("a", "buy", "1", "100"), place("b", "sell", "1", "101"), cancel_all(""), trade("sell", 50.0, 99.0)],
        ["accepted", "a open 0/1", "accepted", "b open 0/1", "accepted", "a cancelled 0/1", "b cancelled 0/1"],
    ),
    "cancel-all of another market ends nothing": (
        [place("a", "buy", "1", "100"), cancel_all("ETHUSDT"), cancel("a")],
        ["accepted", "a open 0/1", "accepted", "accepted", "a cancelled 0/1"],
    ),
    # refusals
    "a client id is used once": (
        [place("a", "buy", "1", "100"), place("a", "buy", "1", "100")],
        ["accepted", "a open 0/1", "rejected duplicate duplicate_client_id"],
    ),
    "a price off the tick is refused": ([place("a", "buy", "1", "99.5")], ["rejected rule off_grid"]),
    "a size off the lot is refused": ([place("a", "buy", "1.05", "99")], ["rejected rule off_grid"]),
    "a limit below the minimum notional is refused": (
        [define(instrument(min_notional="20")), place("a", "buy", "0.1", "99")],
        ["rejected rule off_grid"],
    ),
    "a market order below the minimum notional is refused": (
        [define(instrument(min_notional="20")), place("a", "buy", "0.1")],
        ["rejected rule min_notional"],
    ),
    "an order that the balance does not cover is refused": (
        [place("a", "buy", "1000", "100"), place("b", "buy", "1000.1", "100")],
        ["rejected funds insufficient_balance", "rejected funds insufficient_balance"],
    ),
    "resting orders bind margin until they are gone": (
        [
            place("a", "buy", "900", "100"),
            place("b", "buy", "900", "99"),
            cancel("a"),
            place("c", "buy", "900", "99"),
        ],
        [
            "accepted",
            "a open 0/900",
            "rejected funds insufficient_balance",
            "accepted",
            "a cancelled 0/900",
            "accepted",
            "c open 0/900",
        ],
    ),
    "an unknown market is refused": (
        [place("a", "buy", "1", "100", symbol="NOPE")],
        ["rejected market_state no_instrument"],
    ),
    "a halted market is refused": (
        [define(instrument(status="halted")), place("a", "buy", "1", "100")],
        ["rejected market_state halted"],
    ),
    "a post-only market takes post-only orders": (
        [
            define(instrument(status="post_only")),
            place("a", "buy", "1", "100"),
            place("b", "buy", "1", "100", "post_only"),
        ],
        ["rejected market_state post_only_market", "accepted", "b open 0/1"],
    ),
    "options are refused, for nobody here knows their margin": (
        [define(instrument(kind="option")), place("a", "buy", "1", "100")],
        ["rejected rule no_options"],
    ),
    # reduce-only
    "reduce-only without a position is refused": (
        [place("a", "sell", "1", "100", reduce_only=True)],
        ["rejected reduce_only reduce_only"],
    ),
    "reduce-only on the position's own side is refused": (
        [place("a", "buy", "2", "101"), place("b", "buy", "1", "101", reduce_only=True)],
        ["accepted", "a buy 2 @ 101 taker", "a filled 2/2", "rejected reduce_only reduce_only"],
    ),
    "reduce-only shrinks to the position": (
        [place("a", "buy", "2", "101"), place("b", "sell", "9", "100", "ioc", reduce_only=True)],
        [
            "accepted",
            "a buy 2 @ 101 taker",
            "a filled 2/2",
            "accepted",
            "b sell 2 @ 100 taker",
            "b filled 2/2",
        ],
    ),
    "resting reduce-only orders shrink and end with the position": (
        [
            place("a", "buy", "4", "101"),
            place("b", "sell", "4", "103", reduce_only=True),
            place("c", "sell", "3", "100"),
            place("d", "sell", "1", "100"),
        ],
        [
            "accepted",
            "a buy 4 @ 101 taker",
            "a filled 4/4",
            "accepted",
            "b open 0/4",
            "accepted",
            "c sell 3 @ 100 taker",
            "c filled 3/3",
            "b open 0/1",
            "accepted",
            "d sell 1 @ 100 taker",
            "d filled 1/1",
            "b cancelled 0/1 reduce_only",
        ],
    ),
    "two reduce-only orders that one trade reaches never turn the position": (
        [
            place("a", "buy", "2", "101"),
            place("b", "sell", "2", "103", reduce_only=True),
            place("c", "sell", "2", "102", reduce_only=True),
            trade("buy", 100.0, 104.0),
        ],
        [
            "accepted",
            "a buy 2 @ 101 taker",
            "a filled 2/2",
            "accepted",
            "b open 0/2",
            "accepted",
            "c open 0/2",
            "c sell 2 @ 102 maker",
            "c filled 2/2",
            "b cancelled 0/2 reduce_only",
        ],
    ),
    # gaps
    "a gap in the book stops fills and refuses new orders until the next snapshot": (
        [
            place("a", "buy", "1", "100"),
            feed("gap"),
            trade("sell", 50.0, 99.0),
            place("b", "buy", "1", "99"),
            change(bids=[(100.0, 4.0)]),
            trade("sell", 50.0, 99.0),
            book(),
            trade("sell", 50.0, 99.0),
        ],
        ["accepted", "a open 0/1", "rejected market_state no_book", "a buy 1 @ 100 maker", "a filled 1/1"],
    ),
    "a stale book of the whole connection stops fills too, and what rests can be cancelled": (
        [place("a", "buy", "1", "100"), feed("stale", symbol=""), trade("sell", 50.0, 99.0), cancel("a")],
        ["accepted", "a open 0/1", "accepted", "a cancelled 0/1"],
    ),
    "a gap in another channel stops nothing": (
        [place("a", "buy", "1", "100"), feed("gap", "ticker"), trade("sell", 50.0, 99.0)],
        ["accepted", "a open 0/1", "a buy 1 @ 100 maker", "a filled 1/1"],
    ),
}


@pytest.mark.parametrize(("acts", "heard"), STORIES.values(), ids=STORIES)
def test_orders(acts: list[Act], heard: list[str]) -> None:
    assert words(Stage().play(*acts)) == heard


def test_gaps_and_what_they_cost_are_counted() -> None:
    stage = Stage()
    stage.play(
        place("a", "buy", "1", "100"), feed("gap"), feed("gap"), trade("sell", 1.0, 100.0), trade("sell", 1.0, 101.0)
    )
    assert (stage.venue.statistics.gaps, stage.venue.statistics.trades_in_gaps) == (1, 1)


def test_statistics_add_up() -> None:
    stage = Stage()
    stage.play(
        place("a", "buy", "2", "101"),
        place("b", "buy", "1", "100"),
        trade("sell", 3.0, 99.0),
        place("c", "buy", "1", "101", "post_only"),
        place("d", "buy", "0.01", "101"),
        place("e", "buy", "1", "98"),
        amend("e", "98", "2"),
        cancel_all(),
    )
    told = stage.venue.statistics
    assert (told.placed, told.amended, told.cancelled, told.refused, told.ended_unfilled) == (4, 1, 1, 1, 1)
    assert (told.maker_fills, told.taker_fills) == (1, 1)
    assert (told.maker_size, told.taker_size, told.turnover) == (Decimal(1), Decimal(2), Decimal(302))
    assert told.fees == -(Decimal(202) * 5 + Decimal(100) * 2) / 10_000


def test_leverage_multiplies_what_the_balance_covers() -> None:
    levered = msgspec.structs.replace(INSTANT, leverage=Decimal(10))
    assert words(Stage(levered).play(place("a", "buy", "9000", "100"))) == ["accepted", "a open 0/9000"]


def test_an_unrealized_loss_binds_margin() -> None:
    stage = Stage()
    stage.play(place("a", "buy", "5", "101"), book(bids=[(10.0, 5.0)], asks=[(11.0, 5.0)]))
    # 100,000 less 505 of margin less 452.5 of loss: 99,042 after the fee, of which each order takes 0.05 % for its own
    assert words(stage.play(place("b", "buy", "9890", "10"))) == ["accepted", "b open 0/9890"]
    assert words(stage.play(cancel_all(), place("c", "buy", "9902", "10"))) == [
        "accepted",
        "b cancelled 0/9890",
        "rejected funds insufficient_balance",
    ]


def test_an_order_that_lessens_the_exposure_needs_no_funds() -> None:
    poor = msgspec.structs.replace(INSTANT, balance=Decimal(506))
    stage = Stage(poor)
    assert words(stage.play(place("a", "buy", "5", "101"), place("b", "sell", "5", "100"))) == [
        "accepted",
        "a buy 5 @ 101 taker",
        "a filled 5/5",
        "accepted",
        "b sell 5 @ 100 taker",
        "b filled 5/5",
    ]


def test_spot_spends_the_quote_and_owns_the_base() -> None:
    stage = Stage(defined=instrument(kind="spot"))
    told = stage.play(
        place("a", "sell", "1", "100"),
        place("b", "buy", "2", "101"),
        place("c", "sell", "2", "105"),
        place("d", "sell", "0.1", "105"),
        place("e", "buy", "0.1", "101", reduce_only=True),
    )
    assert words(told) == [
        "rejected funds insufficient_balance",
        "accepted",
        "b buy 2 @ 101 taker",
        "b filled 2/2",
        "accepted",
        "c open 0/2",
        "rejected funds insufficient_balance",
        "rejected reduce_only reduce_only",
    ]
    balances = {event.asset: event.total for event in stage.venue.opening(0) if isinstance(event, BalanceUpdate)}
    assert balances == {"BTC": Decimal(2), "USDT": Decimal(100_000) - 202 - Decimal("0.101")}


def test_an_inverse_contract_settles_in_its_base() -> None:
    """100 contracts of 1 USD bought at 101 and sold at 100 lose 100 * (1/100 - 1/101) BTC, and each fee is of the BTC value."""
    inverse = msgspec.structs.replace(instrument(lot="1"), settle="BTC", inverse=True)
    stage = Stage(msgspec.structs.replace(INSTANT, asset="BTC", balance=Decimal(2)), inverse)
    told = stage.play(
        book(bids=[(100.0, 500.0)], asks=[(101.0, 500.0)]),
        place("a", "buy", "100", "101"),
        place("b", "sell", "100", "100"),
        place("c", "buy", "300", "101"),
    )
    assert words(told)[-1] == "rejected funds insufficient_balance"
    total = [event.total for event in told if isinstance(event, BalanceUpdate)][-1]
    bought, sold = Decimal(100) / 101, Decimal(1)
    assert abs(total - (2 + bought - sold - (bought + sold) * 5 / 10_000)) < Decimal("1e-17")
