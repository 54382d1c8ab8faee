"""The book channels: the chained one of 400 levels, which says what changed, and the short ones, which say all."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from adapters.loopback.market import Market
from adapters.loopback.okx import render, rows
from adapters.loopback.okx.feeds import Feed, Said
from adapters.loopback.okx.listings import Instrument
from adapters.loopback.okx.seqids import SeqIds
from adapters.loopback.orders import Side

UPDATE, SNAPSHOT = "update", "snapshot"
QUIET_MS = 60_000
"""After so long without a change the number it has is said again, by the chained ones with nothing else."""

Levels = dict[Decimal, tuple[Decimal, int]]


class ChainedFeed(Feed):
    """`books`, `books50-l2-tbt`, `books-l2-tbt`: a snapshot, then updates that each name the one before."""

    def __init__(
        self, instrument: Instrument, market: Market, seqs: SeqIds, depth: int, interval_ms: int, checksums: bool
    ) -> None:
        self.interval_ms = interval_ms
        self._instrument, self._market, self._seqs = instrument, market, seqs
        self._depth, self._checksums = depth, checksums
        self._said_ms = self._seq = 0
        self._asks: Levels = {}
        self._bids: Levels = {}
        self._read()

    def first(self, now_ms: int) -> Iterable[Said]:
        row = self._row(self._rows(self._asks), self._rows(self._bids), -1, now_ms)
        return (Said([row], SNAPSHOT),)

    def due(self, now_ms: int) -> Iterable[Said]:
        before = self._seq
        if self._seqs.now(self._market) == before:
            return self._quiet(now_ms)
        old_asks, old_bids = self._asks, self._bids
        self._read()
        asks, bids = self._changes(old_asks, self._asks), self._changes(old_bids, self._bids)
        if not asks and not bids and self._seq > before:
            self._seq = before  # what changed lies deeper than is told
            return self._quiet(now_ms)
        self._said_ms = now_ms
        return (Said([self._row(asks, bids, before, now_ms)], UPDATE),)

    def _quiet(self, now_ms: int) -> Iterable[Said]:
        if now_ms - self._said_ms < QUIET_MS:
            return ()
        self._said_ms = now_ms
        return (Said([self._row([], [], self._seq, now_ms)], UPDATE),)

    def _read(self) -> None:
        engine = self._market.engine
        self._asks = {p: (size, count) for p, size, count in engine.ranks(Side.SELL, self._depth)}
        self._bids = {p: (size, count) for p, size, count in engine.ranks(Side.BUY, self._depth)}
        self._seq = self._seqs.now(self._market)

    def _row(self, asks: list[rows.Level], bids: list[rows.Level], before: int, now_ms: int) -> rows.ChainedBook:
        checksum = render.checksum(self._rows(self._asks), self._rows(self._bids)) if self._checksums else 0
        return rows.ChainedBook(asks, bids, str(now_ms), self._seq, before, checksum)

    def _rows(self, levels: Levels) -> list[rows.Level]:
        return render.levels(self._instrument, ((price, *rank) for price, rank in levels.items()))

    def _changes(self, old: Levels, new: Levels) -> list[rows.Level]:
        """Levels set or changed, and levels gone with size 0, best first."""
        changed = {price: rank for price, rank in new.items() if old.get(price) != rank}
        gone = {price: (Decimal(0), 0) for price in old if price not in new}
        merged = changed | gone
        return self._rows({price: merged[price] for price in sorted(merged, reverse=new is self._bids)})


class TopFeed(Feed):
    """`bbo-tbt` and `books5`: the best levels whole, each time that they have changed, and after a minute without."""

    def __init__(
        self, instrument: Instrument, market: Market, seqs: SeqIds, depth: int, interval_ms: int, is_named: bool
    ) -> None:
        self.interval_ms = interval_ms
        self._instrument, self._market, self._seqs = instrument, market, seqs
        self._depth, self._is_named = depth, is_named
        self._seq = self._looked = self._seqs.now(market)
        self._levels, self._said_ms = self._read(), 0

    def first(self, now_ms: int) -> Iterable[Said]:
        asks, bids = self._levels
        row: rows.Book = rows.Book(asks, bids, str(now_ms), self._seq)
        if self._is_named:
            row = rows.NamedBook(asks, bids, row.ts, self._seq, self._instrument.inst_id)
        return (Said([row]),)

    def due(self, now_ms: int) -> Iterable[Said]:
        seq, before = self._seqs.now(self._market), self._levels
        if seq != self._looked:
            self._looked, self._levels = seq, self._read()
        if before == self._levels and now_ms - self._said_ms < QUIET_MS:
            return ()
        if before != self._levels:
            self._seq = seq
        self._said_ms = now_ms
        return self.first(now_ms)

    def _read(self) -> tuple[list[rows.Level], list[rows.Level]]:
        return render.sides(self._instrument, self._market, self._depth)
