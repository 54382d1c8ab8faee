"""An L2 book: a dict of sizes and a sorted list of prices a side, which CPython updates as fast as a Rust book called from it.

Prices are float keys decoded from the venue's own text, so equal prices are equal keys. Asks and bids are sorted
ascending; the best bid stands last, the best ask first. The state's one writer applies events; everyone else reads.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import NamedTuple

from state.events import BookDelta, BookSnapshot, Level
from state.words import FeedState, Side


class BookStatus(NamedTuple):
    """What a book is worth, said when that changes, before the book itself is."""

    status: FeedState
    is_ok: bool


class Book:
    """One market's book as a live view: it changes in place, so keep numbers from it, not the book.

    `status` is "ok" while the book can be trusted, "gap" from a lost update until the next snapshot,
    "crossed" while bid >= ask, "connecting" before the first snapshot. `is_ok` is true while both sides are known, in
    sequence and not crossed; it is kept and not computed, since everybody asks for it at each change.
    """

    __slots__ = (
        "_ask_prices",
        "_asks",
        "_bid_prices",
        "_bids",
        "depth",
        "is_ok",
        "status",
        "symbol",
        "ts",
        "update_id",
        "venue",
    )

    def __init__(self, venue: str, symbol: str) -> None:
        self.venue = venue
        self.symbol = symbol
        self.ts: int | None = None
        self.update_id: int | None = None
        self.depth: int | None = None
        self.status: FeedState = "connecting"
        self.is_ok = False
        self._bids: dict[float, float] = {}
        self._asks: dict[float, float] = {}
        self._bid_prices: list[float] = []
        self._ask_prices: list[float] = []

    # --- written by the reducer only; each says whether the book is worth something else since ---

    def replace(self, event: BookSnapshot) -> bool:
        """The venue's whole book takes the place of whatever was known."""
        _replace(event.bids, self._bids, self._bid_prices)
        _replace(event.asks, self._asks, self._ask_prices)
        self.ts = event.ts
        self.update_id = event.update_id
        self.depth = event.depth
        bids, asks = self._bid_prices, self._ask_prices
        if self.is_ok and bids and asks and bids[-1] < asks[0]:
            return False  # most snapshots that follow another
        return self._judge()

    def update(self, event: BookDelta) -> bool:
        """Applies absolute sizes; a size of 0 removes the level, an unknown level removed is no news."""
        if event.bids:
            _apply(event.bids, self._bids, self._bid_prices)
        if event.asks:
            _apply(event.asks, self._asks, self._ask_prices)
        self.ts = event.ts
        self.update_id = event.update_id
        bids, asks = self._bid_prices, self._ask_prices
        if self.is_ok and bids and asks and bids[-1] < asks[0]:
            return False  # most updates
        return self.status != "gap" and self.status != "connecting" and self._judge()

    def update_all(self, events: Sequence[BookDelta]) -> bool:
        """As `update` with one after the other, for whom what stood between them is nothing: levels are sorted once."""
        self._bids.update(chain.from_iterable([event.bids for event in events]))
        self._asks.update(chain.from_iterable([event.asks for event in events]))
        self._bid_prices = _sorted(self._bids)
        self._ask_prices = _sorted(self._asks)
        self.ts = events[-1].ts
        self.update_id = events[-1].update_id
        return self.status != "gap" and self.status != "connecting" and self._judge()

    def distrust(self, status: FeedState) -> bool:
        """Takes the status, such as the feed's word that the book is not to be trusted until the next snapshot."""
        is_ok = status == "ok" and bool(self._bid_prices) and bool(self._ask_prices)
        if status == self.status and is_ok is self.is_ok:
            return False
        self.status, self.is_ok = status, is_ok
        return True

    def _judge(self) -> bool:
        return self.distrust("crossed" if self.is_crossed else "ok")

    # --- read by everyone ---

    @property
    def is_crossed(self) -> bool:
        """Best bid at or above best ask (a locked book counts)."""
        return bool(self._bid_prices and self._ask_prices) and self._bid_prices[-1] >= self._ask_prices[0]

    @property
    def is_locked(self) -> bool:
        """Best bid equal to best ask."""
        return bool(self._bid_prices and self._ask_prices) and self._bid_prices[-1] == self._ask_prices[0]

    @property
    def bid(self) -> float:
        """Best bid; NaN on an empty side."""
        return self._bid_prices[-1] if self._bid_prices else _NAN

    @property
    def ask(self) -> float:
        """Best ask; NaN on an empty side."""
        return self._ask_prices[0] if self._ask_prices else _NAN

    @property
    def bid_size(self) -> float:
        return self._bids[self._bid_prices[-1]] if self._bid_prices else 0.0

    @property
    def ask_size(self) -> float:
        return self._asks[self._ask_prices[0]] if self._ask_prices else 0.0

    def touch(self) -> tuple[float, float, float, float]:
        """Best bid, its size, best ask, its size: one call for what most strategies read. Raises IndexError when empty."""
        bid = self._bid_prices[-1]
        ask = self._ask_prices[0]
        return bid, self._bids[bid], ask, self._asks[ask]

    @property
    def mid(self) -> float:
        bids, asks = self._bid_prices, self._ask_prices
        return (bids[-1] + asks[0]) / 2 if bids and asks else _NAN

    @property
    def spread(self) -> float:
        return self.ask - self.bid

    @property
    def microprice(self) -> float:
        """Touch prices weighted by the opposite size (Stoikov 2018, first order); NaN when a side is empty."""
        if not self._bid_prices or not self._ask_prices:
            return _NAN
        bid, bid_size, ask, ask_size = self.touch()
        return (bid * ask_size + ask * bid_size) / (bid_size + ask_size)

    def bids(self, levels: int | None = None) -> Iterator[Level]:
        """Bid levels, best first."""
        sizes = self._bids
        return ((price, sizes[price]) for price in islice(reversed(self._bid_prices), levels))

    def asks(self, levels: int | None = None) -> Iterator[Level]:
        """Ask levels, best first."""
        sizes = self._asks
        return ((price, sizes[price]) for price in islice(self._ask_prices, levels))

    def size_at(self, side: Side, price: float) -> float:
        """Resting size at a price on the bid ("buy") or ask ("sell") side, 0 where there is none."""
        return (self._bids if side == "buy" else self._asks).get(price, 0.0)

    def edge(self, side: Side) -> float:
        """The worst price known of the bid ("buy") or ask ("sell") side; NaN on an empty side."""
        if side == "buy":
            return self._bid_prices[0] if self._bid_prices else _NAN
        return self._ask_prices[-1] if self._ask_prices else _NAN

    def reach(self, side: Side) -> float:
        """The worst price at which a level would be known: beyond the worst of a full side nobody knows."""
        prices = self._bid_prices if side == "buy" else self._ask_prices
        if self.depth is not None and len(prices) < self.depth:
            return -_INFINITY if side == "buy" else _INFINITY
        if side == "buy":
            return prices[0] if prices else _INFINITY
        return prices[-1] if prices else -_INFINITY

    def sees(self, side: Side, price: float) -> bool:
        """True where a level at this price would be known."""
        return price >= self.reach(side) if side == "buy" else price <= self.reach(side)

    def meets(self, buy: float, sell: float) -> bool:
        """True where an ask stands at or below `buy`, or a bid at or above `sell`, in a book that can be trusted."""
        if self.status != "ok":
            return False
        bids, asks = self._bid_prices, self._ask_prices
        return bool((asks and asks[0] <= buy) or (bids and bids[-1] >= sell))

    def levels(self) -> tuple[int, int]:
        """Number of bid and ask levels."""
        return len(self._bid_prices), len(self._ask_prices)

    def depth_size(self, side: Side, bps: float) -> float:
        """Size resting within `bps` of the mid on the bid ("buy") or ask ("sell") side."""
        mid = self.mid
        if side == "buy":
            worst = mid * (1 - bps / 10_000)
            first = bisect_left(self._bid_prices, worst)
            return sum(self._bids[price] for price in islice(self._bid_prices, first, None))
        worst = mid * (1 + bps / 10_000)
        last = bisect_left(self._ask_prices, worst)
        if last < len(self._ask_prices) and self._ask_prices[last] == worst:
            last += 1
        return sum(self._asks[price] for price in islice(self._ask_prices, last))

    def imbalance(self, levels: int = 1) -> float:
        """(bid size - ask size) / (bid size + ask size) over the best `levels`, in [-1, 1]; NaN on an empty book."""
        bid = sum(size for _, size in self.bids(levels))
        ask = sum(size for _, size in self.asks(levels))
        return (bid - ask) / (bid + ask) if bid + ask else _NAN

    def price_for(self, side: Side, size: float) -> float:
        """Average price of taking `size` now; NaN where the book is not deep enough."""
        left, paid = size, 0.0
        for price, resting in self.asks() if side == "buy" else self.bids():
            taken = min(left, resting)
            paid += taken * price
            left -= taken
            if left <= 0:
                return paid / size
        return _NAN


_NAN = float("nan")
_INFINITY = float("inf")


def _replace(levels: list[Level], sizes: dict[float, float], prices: list[float]) -> None:
    """Another whole side, in place: a feed of best prices tells one level at a time, mostly at the price that it had."""
    if len(levels) == 1 and len(prices) == 1:
        price, size = levels[0]
        if size:
            if prices[0] != price:
                sizes.clear()
                prices[0] = price
            sizes[price] = size
            return
    sizes.clear()
    sizes.update(levels)
    prices[:] = _sorted(sizes)


def _sorted(sizes: dict[float, float]) -> list[float]:
    """The prices, once the levels that were removed are taken out."""
    if not all(sizes.values()):
        for price in [price for price, size in sizes.items() if not size]:
            del sizes[price]
    return sorted(sizes)


def _apply(changes: list[Level], sizes: dict[float, float], prices: list[float]) -> None:
    """Hashing a float is what this costs most: a level is looked up once, and which ones are new is told by the dict's order."""
    for price, size in changes:
        if size:
            sizes[price] = size
        elif sizes.pop(price, None) is not None:
            at = bisect_left(prices, price)
            if at < len(prices) and prices[at] == price:  # else it came and went within these changes
                del prices[at]
    if len(sizes) != len(prices):
        for price in islice(reversed(sizes), len(sizes) - len(prices)):
            insort(prices, price)
