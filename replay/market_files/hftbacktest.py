"""hftbacktest's event arrays, npz and npy: https://hftbacktest.readthedocs.io/en/latest/data.html

Rows that its local side sees become events, received at `local_ts`; rows for its exchange side alone are the same ones
again. Rows of single orders (L3) become events, followed by the level changes that they make.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from importlib import import_module
from itertools import groupby
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Final

from replay.market_files.source import Burst, Channels, Grid, Said, Told
from state.book import Book
from state.errors import WrongUse
from state.events import AnyEvent, BookDelta, BookOrder, BookSnapshot, Level, Ticker, Trade
from state.words import BookOrderAction, Side

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# hftbacktest/types.py
LOCAL: Final = 1 << 30
BUY: Final = 1 << 29
SELL: Final = 1 << 28
DEPTH, TRADE, CLEAR, SNAPSHOT, BBO = 1, 2, 3, 4, 5
ADD, CANCEL, MODIFY, FILL = 10, 11, 12, 13
_KIND: Final = 0xFF
_FIELDS: Final = ("ev", "exch_ts", "local_ts", "px", "qty", "order_id")
_ROWS_AT_ONCE: Final = 100_000
GRID_ROWS: Final = 20_000

Row = tuple[int, int, int, float, float, int]  # as _FIELDS


class HftbacktestArray:
    """One file, read whole: 64 bytes an event."""

    def __init__(self, path: Path, said: Said, on_bytes: Callable[[int], None]) -> None:
        """Raises `WrongUse` without numpy, for a file that is no such array, or where no symbol was said."""
        if not said.symbol:
            raise WrongUse(f"{path}: an event array does not name its market: say --symbol")
        self._path, self._said = path, said
        self._rows = _load(path)
        on_bytes(path.stat().st_size)
        self._check()
        self._channels = Channels(said.venue)
        self._book = Book(said.venue, said.symbol)
        self._orders: dict[int, tuple[Side, float, float]] = {}
        kinds = self._rows["ev"] & _KIND
        self.told: Told = "nothing" if ((kinds == TRADE) | (kinds == BBO)).all() else "book"
        self.kind = "an event array"

    def stand_beside(self, books: Collection[str]) -> None:
        """Best prices are tickers here always."""

    def close(self) -> None:
        """Nothing is held open."""

    def grids(self) -> dict[str, Grid]:
        """From the digits of the first rows."""
        grid = Grid()
        for row in self._chunk(0, GRID_ROWS):
            if row[0] & _KIND in (DEPTH, TRADE, SNAPSHOT, ADD) and row[3] > 0:
                grid.see(row[3], row[4])
        return {self._said.symbol: grid}

    def bursts(self) -> Iterator[Burst]:
        """Rows received at the same moment together. Raises `WrongUse` where they are not sorted by `local_ts`."""
        before = 0
        for recv, rows in groupby(self._local(), key=lambda row: row[2]):
            if recv < before:
                raise WrongUse(
                    f"{self._path}: a row received at {recv} stands after one of {before}: the array is not sorted by "
                    "local_ts; hftbacktest.data.correct_event_order does that"
                )
            before = recv
            events: list[AnyEvent] = []
            for (kind, ts), of_kind in groupby(rows, key=lambda row: (_FAMILY[row[0] & _KIND], row[1])):
                events += self._read(kind, ts, list(of_kind))
            if events:
                yield recv, events

    def _read(self, kind: str, ts: int, rows: Sequence[Row]) -> list[AnyEvent]:
        venue, symbol, channels = self._said.venue, self._said.symbol, self._channels
        match kind:
            case "trade":
                trades = [
                    Trade(venue, symbol, ts, "", price, size, _side(ev))
                    for ev, _, _, price, size, _ in rows
                    if ev & (BUY | SELL)
                ]
                return [*channels.ok(symbol, "trades"), *trades]
            case "snapshot":
                return self._snapshot(ts, rows)
            case "depth":
                return self._depth(ts, _levels(rows))
            case "orders":
                told = [_order(venue, symbol, ts, row) for row in rows]
                return [*told, *self._depth(ts, self._ordered(rows))]
            case _:
                return [*channels.ok(symbol, "ticker"), *(_quoted(venue, symbol, ts, row) for row in rows)]

    def _depth(self, ts: int, levels: tuple[list[Level], list[Level]]) -> list[AnyEvent]:
        delta = BookDelta(self._said.venue, self._said.symbol, ts, *levels)
        first = not self._channels.knows(self._said.symbol, "book")
        self._book.update(delta)
        if first:  # hftbacktest starts from an empty book
            return [*self._channels.ok(self._said.symbol, "book"), self._whole(ts)]
        return [delta]

    def _snapshot(self, ts: int, rows: Sequence[Row]) -> list[AnyEvent]:
        """Clears what it says is cleared, then sets its levels; a whole book is told, what lay outside of it included."""
        symbol, events = self._said.symbol, list[AnyEvent]()
        if self._channels.is_ok(symbol, "book"):
            events += self._channels.gap(symbol, "the recorder connected anew")
        for ev, _, _, price, _, _ in rows:
            if ev & _KIND == CLEAR:
                self._clear(ev, price)
        bids, asks = _levels([row for row in rows if row[0] & _KIND == SNAPSHOT])
        self._book.update(BookDelta(self._said.venue, symbol, ts, bids, asks))
        return [*events, *self._channels.ok(symbol, "book"), self._whole(ts)]

    def _clear(self, ev: int, price: float) -> None:
        """One side up to a price, a side whole where none is said, or everything."""
        both = not ev & (BUY | SELL)
        bids = [(p, 0.0) for p, _ in self._book.bids() if both or (ev & BUY and (not price or p >= price))]
        asks = [(p, 0.0) for p, _ in self._book.asks() if both or (ev & SELL and (not price or p <= price))]
        self._book.update(BookDelta(self._said.venue, self._said.symbol, None, bids, asks))
        gone = {("buy", p) for p, _ in bids} | {("sell", p) for p, _ in asks}
        self._orders = {number: it for number, it in self._orders.items() if it[:2] not in gone}

    def _whole(self, ts: int) -> BookSnapshot:
        return BookSnapshot(self._said.venue, self._said.symbol, ts, list(self._book.bids()), list(self._book.asks()))

    def _ordered(self, rows: Sequence[Row]) -> tuple[list[Level], list[Level]]:
        """What orders that come, change, go and fill make of their levels."""
        changes: dict[tuple[Side, float], float] = {}

        def move(side: Side, price: float, by: float) -> None:
            size = changes.get((side, price), self._book.size_at(side, price)) + by
            changes[side, price] = max(0.0, round(size, 12))

        for ev, _, _, price, size, order_id in rows:
            kind = ev & _KIND
            if kind == ADD:
                self._orders[order_id] = _side(ev), price, size
                move(_side(ev), price, size)
                continue
            known = self._orders.get(order_id)
            if known is None:
                continue  # it came before the recording began
            side, at, left = known
            move(side, at, -min(size, left) if kind == FILL else -left)
            if kind == MODIFY:
                self._orders[order_id] = side, price, size
                move(side, price, size)
            elif kind == FILL and size < left:
                self._orders[order_id] = side, at, round(left - size, 12)
            else:
                del self._orders[order_id]
        bids = [(price, size) for (side, price), size in changes.items() if side == "buy"]
        return bids, [(price, size) for (side, price), size in changes.items() if side == "sell"]

    def _local(self) -> Iterator[Row]:
        for start in range(0, len(self._rows), _ROWS_AT_ONCE):
            yield from (row for row in self._chunk(start, _ROWS_AT_ONCE) if row[0] & LOCAL)

    def _chunk(self, start: int, count: int) -> Iterator[Row]:
        rows = self._rows[start : start + count]
        yield from zip(*(rows[name].tolist() for name in _FIELDS), strict=True)

    def _check(self) -> None:
        names = self._rows.dtype.names or ()
        missing = [name for name in _FIELDS if name not in names]
        if missing:
            raise WrongUse(f"{self._path}: is no event array of hftbacktest 2: it has no {', '.join(missing)}")
        if not len(self._rows):
            raise WrongUse(f"{self._path}: nothing is in it")
        rows = self._rows
        kinds = rows["ev"] & _KIND
        unknown = ((rows["ev"] & LOCAL) > 0) & ~_among(kinds, _FAMILY)
        if unknown.any():
            raise WrongUse(f"{self._path}: a row of kind {kinds[int(unknown.argmax())]}, which is not known here")
        for name, fits in (
            ("exch_ts", rows["exch_ts"] > 0),
            ("local_ts", rows["local_ts"] > 0),
            ("px", (rows["px"] < inf) & ((rows["px"] > 0) | ((rows["px"] == 0) & ~_among(kinds, _PRICED)))),
            ("qty", (rows["qty"] >= 0) & (rows["qty"] < inf)),
        ):
            if not fits.all():
                row = int(fits.argmin())
                raise WrongUse(f"{self._path}: row {row}: {name} cannot be {rows[name][row]}")
        if not next(self._local(), None):
            raise WrongUse(f"{self._path}: no row is marked as seen by the local side")


_FAMILY: Final = {
    DEPTH: "depth", TRADE: "trade", CLEAR: "snapshot", SNAPSHOT: "snapshot", BBO: "bbo",
    ADD: "orders", CANCEL: "orders", MODIFY: "orders", FILL: "orders",
}  # fmt: skip


_PRICED: Final = (DEPTH, TRADE, SNAPSHOT, ADD, MODIFY)  # other rows may leave the price at zero
_ACTIONS: Final[dict[int, BookOrderAction]] = {ADD: "add", CANCEL: "cancel", MODIFY: "change", FILL: "fill"}


def _load(path: Path) -> "NDArray[np.void]":
    try:
        numpy = import_module("numpy")
    except ModuleNotFoundError as error:
        raise WrongUse(f"{path}: reading it needs numpy: pip install 'tapeline[hftbacktest]'") from error
    try:
        with path.open("rb") as raw:
            loaded = numpy.load(raw, allow_pickle=False)
            rows: NDArray[np.void] = loaded if isinstance(loaded, numpy.ndarray) else loaded["data"]
    except KeyError as error:
        raise WrongUse(f"{path}: has no array named data, as hftbacktest writes it") from error
    except Exception as error:
        raise WrongUse(f"{path}: cannot be read as npz: {error}") from error
    return rows


def _among(kinds: "NDArray[np.signedinteger]", meant: Collection[int]) -> "NDArray[np.bool_]":
    found: NDArray[np.bool_] = sum((kinds == kind for kind in meant), kinds < 0)
    return found


def _side(ev: int) -> Side:
    return "buy" if ev & BUY else "sell"


def _levels(rows: Sequence[Row]) -> tuple[list[Level], list[Level]]:
    bids = [(price, size) for ev, _, _, price, size, _ in rows if ev & BUY]
    return bids, [(price, size) for ev, _, _, price, size, _ in rows if ev & SELL]


def _order(venue: str, symbol: str, ts: int, row: Row) -> BookOrder:
    ev, _, _, price, size, order_id = row
    return BookOrder(venue, symbol, ts, _ACTIONS[ev & _KIND], str(order_id), _side(ev), price, size)


def _quoted(venue: str, symbol: str, ts: int, row: Row) -> Ticker:
    ev, _, _, price, size, _ = row
    if ev & BUY:
        return Ticker(venue, symbol, ts, bid=price, bid_size=size)
    return Ticker(venue, symbol, ts, ask=price, ask_size=size)
