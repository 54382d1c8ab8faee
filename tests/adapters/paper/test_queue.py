"""Where a resting order stands, step by step, and what fills it."""

import pytest

from tests.adapters.paper.stage import (
    Act,
    Stage,
    amend,
    backfilled,
    book,
    change,
    late_trade,
    place,
    trade,
    words,
)

BUY = place("a", "buy", "2", "100")  # joins behind the 5 that are shown
RESTS = ["accepted", "a open 0/2"]

STORIES: dict[str, tuple[list[Act], list[str]]] = {
    "a trade that what stood before us swallows fills nothing": ([BUY, trade("sell", 5.0, 100.0)], RESTS),
    "a trade larger than what stood before us fills the rest": (
        [BUY, trade("sell", 6.0, 100.0)],
        [*RESTS, "a buy 1 @ 100 maker", "a partially_filled 1/2"],
    ),
    "trades bring us forward one after the other": (
        [BUY, trade("sell", 3.0, 100.0), trade("sell", 3.0, 100.0), trade("sell", 9.0, 100.0)],
        [*RESTS, "a buy 1 @ 100 maker", "a partially_filled 1/2", "a buy 1 @ 100 maker", "a filled 2/2"],
    ),
    "trades of the other side do not": ([BUY, trade("buy", 50.0, 101.0), trade("sell", 5.0, 100.0)], RESTS),
    "who cancels stood behind us, unless the level holds less than stood before us": (
        [BUY, change(bids=[(100.0, 9.0)]), change(bids=[(100.0, 6.0)]), trade("sell", 5.0, 100.0)],
        RESTS,
    ),
    "a level that holds less than stood before us is all that stands before us": (
        [BUY, change(bids=[(100.0, 1.0)]), trade("sell", 2.0, 100.0)],
        [*RESTS, "a buy 1 @ 100 maker", "a partially_filled 1/2"],
    ),
    "who joins later stands behind us": (
        [BUY, change(bids=[(100.0, 50.0)]), trade("sell", 7.0, 100.0)],
        [*RESTS, "a buy 2 @ 100 maker", "a filled 2/2"],
    ),
    "a trade and then the book that shows it count once": (
        [BUY, trade("sell", 4.0, 100.0), change(bids=[(100.0, 1.0)]), trade("sell", 1.0, 100.0)],
        RESTS,
    ),
    "a book that shows a trade and then the trade count once": (
        [BUY, change(bids=[(100.0, 1.0)]), late_trade("sell", 4.0, 100.0), trade("sell", 1.0, 100.0)],
        RESTS,
    ),
    "a trade younger than the book is not in it": (
        [BUY, change(bids=[(100.0, 1.0)]), trade("sell", 4.0, 100.0)],
        [*RESTS, "a buy 2 @ 100 maker", "a filled 2/2"],
    ),
    "an order at a price of its own stands first": (
        [place("a", "sell", "2", "101"), place("b", "sell", "2", "104"), trade("buy", 1.0, 104.0)],
        ["accepted", "a open 0/2", "accepted", "b open 0/2", "a sell 1 @ 101 maker", "a partially_filled 1/2"],
    ),
    "a trade through our price fills us at our price, up to its size": (
        [BUY, trade("sell", 1.5, 99.0), trade("sell", 9.0, 98.0)],
        [*RESTS, "a buy 1.5 @ 100 maker", "a partially_filled 1.5/2", "a buy 0.5 @ 100 maker", "a filled 2/2"],
    ),
    "two own orders share one trade: the better price first, then the queue": (
        [
            place("b", "buy", "2", "99"),
            place("a", "buy", "2", "100"),
            trade("sell", 8.0, 99.0),
        ],
        [
            "accepted",
            "b open 0/2",
            "accepted",
            "a open 0/2",
            "a buy 2 @ 100 maker",
            "b buy 1 @ 99 maker",
            "a filled 2/2",
            "b partially_filled 1/2",
        ],
    ),
    "two own orders at one price fill one after the other, with what joined between them": (
        [
            place("a", "buy", "1", "100"),
            change(bids=[(100.0, 8.0)]),
            place("b", "buy", "1", "100"),
            trade("sell", 6.0, 100.0),
            trade("sell", 3.0, 100.0),
            trade("sell", 1.0, 100.0),
        ],
        [
            "accepted",
            "a open 0/1",
            "accepted",
            "b open 0/1",
            "a buy 1 @ 100 maker",
            "a filled 1/1",
            "b buy 1 @ 100 maker",
            "b filled 1/1",
        ],
    ),
    "an amended price stands at the back of its level": (
        [place("a", "buy", "1", "99"), amend("a", "100", "1"), trade("sell", 5.0, 100.0), trade("sell", 1.0, 100.0)],
        ["accepted", "a open 0/1", "accepted", "a open 0/1", "a buy 1 @ 100 maker", "a filled 1/1"],
    ),
    "a smaller size keeps its place": (
        [BUY, trade("sell", 4.0, 100.0), amend("a", "100", "1"), trade("sell", 2.0, 100.0)],
        [*RESTS, "accepted", "a open 0/1", "a buy 1 @ 100 maker", "a filled 1/1"],
    ),
    "a larger size goes to the back": (
        [BUY, trade("sell", 4.0, 100.0), amend("a", "100", "3"), trade("sell", 2.0, 100.0)],
        [*RESTS, "accepted", "a open 0/3"],
    ),
    "an opposite level shown at our price fills us as far as it goes, and not twice": (
        [
            BUY,
            change(bids=[(100.0, 0.0)], asks=[(100.0, 1.5)]),
            change(asks=[(100.0, 1.5)]),
            change(asks=[(100.0, 1.6)]),
        ],
        [
            *RESTS,
            "a buy 1.5 @ 100 maker",
            "a partially_filled 1.5/2",
            "a buy 0.1 @ 100 maker",
            "a partially_filled 1.6/2",
        ],
    ),
    "a crossed book fills nothing": ([BUY, change(asks=[(99.0, 5.0)])], RESTS),
    "block, RPI, ADL and insurance trades fill nothing": (
        [BUY, *(trade("sell", 50.0, 99.0, kind=kind) for kind in ("block", "rpi", "adl", "insurance"))],
        RESTS,
    ),
    "a liquidation goes through the book and fills": (
        [BUY, trade("sell", 50.0, 99.0, kind="liquidation")],
        [*RESTS, "a buy 2 @ 100 maker", "a filled 2/2"],
    ),
    "a trade fetched after the fact fills nothing": ([BUY, backfilled("sell", 50.0, 99.0)], RESTS),
}


@pytest.mark.parametrize(("acts", "heard"), STORIES.values(), ids=STORIES)
def test_queue(acts: list[Act], heard: list[str]) -> None:
    assert words(Stage().play(*acts)) == heard


def full_book(best: int, levels: int = 50) -> Act:
    """Bids on every price from `best` down, as many as the depth of the feed."""
    return book(bids=[(float(best - level), 1.0) for level in range(levels)], asks=[(201.0, 5.0)])


DEEP = place("a", "buy", "1", "140")

DEEP_STORIES: dict[str, tuple[list[Act], list[str]]] = {
    "nobody knows what stands before an order deeper than the book shows": (
        [full_book(200), DEEP, trade("sell", 500.0, 140.0)],
        [],
    ),
    "once its level is shown, that is what stands before it": (
        [full_book(200), DEEP, full_book(180), trade("sell", 1.5, 140.0)],
        ["a buy 0.5 @ 140 maker", "a partially_filled 0.5/1"],
    ),
    "a level that leaves the depth of the feed has not gone": (
        [full_book(180), DEEP, full_book(200), trade("sell", 1.0, 140.0)],
        [],
    ),
    "an empty price within the shown book is empty": (
        [full_book(200), DEEP, book(bids=[(150.0, 1.0), (130.0, 1.0)], asks=[(201.0, 5.0)]), trade("sell", 1.0, 140.0)],
        ["a buy 1 @ 140 maker", "a filled 1/1"],
    ),
}


@pytest.mark.parametrize(("acts", "heard"), DEEP_STORIES.values(), ids=DEEP_STORIES)
def test_orders_deeper_than_the_book_shows(acts: list[Act], heard: list[str]) -> None:
    assert words(Stage().play(*acts))[2:] == heard
