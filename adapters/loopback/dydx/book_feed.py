"""The book of one market as the indexer shows it: absolute sizes of levels as they change, now and then a stale one."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from itertools import islice
from random import Random

import msgspec

from adapters.loopback.dydx import rows
from adapters.loopback.dydx.texts import plain
from adapters.loopback.market import Market
from adapters.loopback.orders import Side

SNAPSHOT_LEVELS = 100
STALE_SHARE = 0.3
STALE_MS = 1_500
NEAR = 3
"""A level this near to the touch may be left standing for a while."""
WORDS = {Side.BUY: "bids", Side.SELL: "asks"}
Levels = dict[Decimal, Decimal]
Key = tuple[Side, Decimal]


class BookFeed:
    """What was published last, and what is to be published next.

    With `crosses`, deletions near the touch come late, as they do where the book is the union of what nodes say: the other side
    may have moved through the level by then, and the published book is crossed until it goes.
    """

    def __init__(self, market: Market, crosses: bool, seed: int) -> None:
        self._market, self._crosses = market, crosses
        self._random = Random(f"stale-{market.contract.symbol}-{seed}")  # noqa: S311 - reproducible, nothing secret
        self._view: dict[Side, Levels] = {Side.BUY: {}, Side.SELL: {}}
        self._stale: dict[Key, int] = {}
        self._seq = -1

    def next(self, now_ms: int, settles: bool = False) -> list[bytes]:
        """The contents that bring subscribers up to date, one for a level; with `settles` nothing stays stale."""
        engine = self._market.engine
        if engine.seq == self._seq and not self._stale:
            return []
        self._seq = engine.seq
        changes: list[tuple[Key, Decimal]] = []
        for side in Side:
            changes += self._changes(side, dict(engine.depth(side)), now_ms, settles)
        if not self._crosses:
            changes.sort(key=lambda change: change[1] != 0)  # what is gone first, so that no order of them is crossed
        return [_contents(side, price, size) for (side, price), size in changes]

    def snapshot(self) -> rows.Book:
        """The levels last published, best first, at most a hundred a side, uncrossed."""
        bids = sorted(self._view[Side.BUY].items(), reverse=True)
        asks = sorted(self._view[Side.SELL].items())
        while bids and asks and bids[0][0] >= asks[0][0]:
            side = Side.BUY if (Side.BUY, bids[0][0]) in self._stale else Side.SELL
            (bids if side is Side.BUY else asks).pop(0)
        return rows.Book(_levels(bids), _levels(asks))

    def _changes(self, side: Side, fresh: Levels, now_ms: int, settles: bool) -> list[tuple[Key, Decimal]]:
        view = self._view[side]
        changes: list[tuple[Key, Decimal]] = []
        near = _near(side, view) if self._crosses else set()
        for price in [price for price in view if price not in fresh]:
            if not self._stays(side, price, price in near, now_ms, settles):
                del view[price]
                changes.append(((side, price), Decimal(0)))
        for price, size in fresh.items():
            self._stale.pop((side, price), None)
            if view.get(price) != size:
                view[price] = size
                changes.append(((side, price), size))
        return changes

    def _stays(self, side: Side, price: Decimal, is_near: bool, now_ms: int, settles: bool) -> bool:
        """Is a level that is gone left standing a little longer?"""
        until = self._stale.get((side, price))
        if until is None and is_near and not settles and self._random.random() < STALE_SHARE:
            self._stale[side, price] = now_ms + STALE_MS
            return True
        if until is not None and now_ms < until and not settles:
            return True
        self._stale.pop((side, price), None)
        return False


def _near(side: Side, view: Levels) -> set[Decimal]:
    return set(islice(sorted(view, reverse=side is Side.BUY), NEAR))


def _levels(levels: Iterable[tuple[Decimal, Decimal]]) -> list[rows.Level]:
    return [rows.Level(plain(price), plain(size)) for price, size in islice(levels, SNAPSHOT_LEVELS)]


def _contents(side: Side, price: Decimal, size: Decimal) -> bytes:
    return msgspec.json.encode({WORDS[side]: [(plain(price), plain(size))]})
