"""Tardis' CSV files: https://docs.tardis.dev/downloadable-csv-files. A kind is told by its columns, never by its name.

Known are `trades`, `incremental_book_L2`, `book_snapshot_*`, `quotes` and `derivative_ticker`. Times are µs there.
`liquidations` have the columns of trades; they are told by the file's name alone, and each stands for a forced order.
`book_ticker` has the columns of `quotes`. Sizes are the venue's own: some venues count in contracts.
"""

from codecs import BOM_UTF8
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import chain, groupby, islice
from math import inf, isfinite
from pathlib import Path
from typing import Final

from replay.market_files.source import Burst, Channels, Grid, Said, Told, names_in
from replay.recording_lines import lines
from state.errors import WrongUse
from state.events import AnyEvent, BookDelta, BookSnapshot, Level, Liquidation, Ticker, Trade
from state.words import Side

GRID_ROWS: Final = 20_000  # looked at to learn tick and lot
_NEVER: Final = 2**63  # ns: no log holds a later time
_HEAD: Final = ["exchange", "symbol", "timestamp", "local_timestamp"]
_KINDS: Final = {
    ("id", "side", "price", "amount"): "trades",
    ("is_snapshot", "side", "price", "amount"): "incremental_book_L2",
    ("ask_amount", "ask_price", "bid_price", "bid_amount"): "quotes",
    (
        "funding_timestamp", "funding_rate", "predicted_funding_rate", "open_interest", "last_price", "index_price",
        "mark_price",
    ): "derivative_ticker",
}  # fmt: skip
# Exchanges of theirs whose sizes are contracts: of every market but spot, or of those that are quoted in an asset.
_IN_CONTRACTS: Final = {
    "binance-delivery": "", "bitmex": "", "gate-io-futures": "", "huobi-dm": "", "huobi-dm-linear-swap": "", "huobi-dm-swap": "",
    "kucoin-futures": "", "okex-futures": "", "okex-swap": "", "bybit": "USD", "deribit": "USD",
}  # fmt: skip
_SIDES: Final[dict[str, Side]] = {"buy": "buy", "sell": "sell"}
_UNKNOWN: Final = "unknown"  # the side where the venue did not say who took
_BOOK_SIDES: Final[dict[str, Side]] = {"bid": "buy", "ask": "sell"}

Row = tuple[int, str, int, int, list[str]]  # line, symbol, ts and recv in ns, the other columns


def is_tardis(first_line: bytes) -> bool:
    """True for the heading of such a file, which spreadsheets begin with a mark of their own."""
    return first_line.removeprefix(BOM_UTF8).split(b",")[: len(_HEAD)] == [word.encode() for word in _HEAD]


class TardisCsv:
    """One file of one kind; the symbols in it may be several."""

    def __init__(self, path: Path, said: Said, on_bytes: Callable[[int], None]) -> None:
        """Raises `WrongUse` for columns that nobody here knows."""
        self._path, self._said = path, said
        self._raw = path.open("rb")
        self._lines = lines(str(path), self._raw, on_bytes)
        try:
            columns = next(self._lines, b"").decode("utf-8-sig", "replace").strip().split(",")
            self.kind, self._width = self._kind(columns), len(columns)
            self._head = list(islice(self._lines, GRID_ROWS))
        except BaseException:
            self._raw.close()
            raise
        self._channels = Channels(said.venue)
        self._beside: frozenset[str] = frozenset()
        self._only = ""  # the market of the first row, where a name was said that stands for it

    @property
    def told(self) -> Told:
        if self.kind == "quotes":
            return "touch"
        return "book" if self.kind == "incremental_book_L2" or self.kind.startswith("book_snapshot_") else "nothing"

    def stand_beside(self, books: Collection[str]) -> None:
        self._beside = frozenset(books)

    def close(self) -> None:
        self._raw.close()

    def grids(self) -> dict[str, Grid]:
        """From the digits of the first rows."""
        grids: dict[str, Grid] = {}
        pairs = {"trades": ((2, 3),), "incremental_book_L2": ((2, 3),), "quotes": ((1, 0), (2, 3))}.get(self.kind)
        if self.kind.startswith("book_snapshot"):
            pairs = ((0, 1), (2, 3))
        for number, line in enumerate(self._head, 2):
            _, symbol, _, _, rest = self._row(number, line)
            if symbol not in grids:
                self._check_units(line.partition(b",")[0].decode("utf-8", "replace"), symbol)
            grid = grids.setdefault(symbol, Grid())
            for price, size in pairs or ():
                if price < len(rest) and size < len(rest) and rest[price] and rest[size]:
                    try:
                        _price(rest[price]), _size(rest[size])
                        grid.see(rest[price], rest[size])
                    except (ArithmeticError, ValueError) as error:
                        raise self._misfit(number, line, "a price or size is no number") from error
        return grids

    def bursts(self) -> Iterator[Burst]:
        """Rows received at the same moment together. Raises `WrongUse` where the file is not sorted by local_timestamp."""
        read = _READERS[self.kind.partition("_snapshot_")[0] if "_snapshot_" in self.kind else self.kind]
        for recv, rows in groupby(self._rows(), key=lambda row: row[3]):
            events: list[AnyEvent] = []
            for symbol, of_symbol in groupby(rows, key=lambda row: row[1]):
                touch = read is _quotes and symbol in self._beside
                events += self._read(_best if touch else read, symbol, list(of_symbol))
            if events:
                yield recv, events

    def _check_units(self, exchange: str, symbol: str) -> None:
        quote = _IN_CONTRACTS.get(exchange)
        if quote is None or self._said.kind == "spot" or self._said.contract_size is not None:
            return
        if quote in ("", names_in(symbol)[1]):
            raise WrongUse(
                f"{self._path}: sizes of {symbol} at {exchange} are contracts: say --contract-size, how many base units one is; "
                "for an inverse market also --inverse, and --contract-size is what one is worth in the quote"
            )

    def _read(self, read: "_Reader", symbol: str, rows: list[Row]) -> list[AnyEvent]:
        try:
            return read(self._said.venue, symbol, rows, self._channels)
        except (ValueError, KeyError) as error:
            error = ValueError(f"{error} is no side") if isinstance(error, KeyError) else error
            raise WrongUse(f"{self._path}: line {rows[0][0]} or shortly after is not {self.kind}: {error}") from error

    def _rows(self) -> Iterator[Row]:
        before = 0
        for number, line in enumerate(chain(self._head, self._lines), 2):
            if not line.strip():
                continue
            row = self._row(number, line)
            if row[3] < before:
                raise WrongUse(
                    f"{self._path}: line {number} was received before the line above it: "
                    "the file is not sorted by local_timestamp; sort it first"
                )
            before = row[3]
            yield row

    def _row(self, number: int, line: bytes) -> Row:
        try:
            columns = line.decode().split(",")
        except UnicodeDecodeError as error:
            raise self._misfit(number, line, "it is not UTF-8") from error
        if len(columns) < self._width:
            raise self._misfit(number, line, "columns are missing")
        _, symbol, ts, recv, *rest = columns
        if self._said.symbol:
            self._only = self._only or symbol
            if symbol != self._only:
                raise self._misfit(number, line, f"--symbol names one market, and here are {self._only} and {symbol}")
        elif not symbol:
            raise self._misfit(number, line, "it names no symbol: say --symbol")
        try:
            return number, self._said.symbol or symbol, _time(ts), _time(recv), rest
        except ValueError as error:
            raise self._misfit(number, line, "timestamp and local_timestamp must be whole µs since 1970") from error

    def _kind(self, columns: list[str]) -> str:
        if columns[: len(_HEAD)] != _HEAD:
            raise WrongUse(f"{self._path}: is no tardis CSV: its first columns must be {', '.join(_HEAD)}")
        rest = tuple(columns[len(_HEAD) :])
        kind = _KINDS.get(rest, "")
        if rest[:2] == ("asks[0].price", "asks[0].amount"):
            kind = f"book_snapshot_{len(rest) // 4}"
        if not kind:
            raise WrongUse(f"{self._path}: a tardis CSV with columns that are not known here: {', '.join(rest)[:100]}")
        return "liquidations" if kind == "trades" and "liquidation" in self._path.name else kind

    def _misfit(self, number: int, line: bytes, why: str) -> WrongUse:
        return WrongUse(
            f"{self._path}: line {number} is not {self.kind}: {why}: {line[:60].decode('utf-8', 'replace')!r}"
        )


_Reader = Callable[[str, str, Sequence[Row], Channels], list[AnyEvent]]


def _trades(venue: str, symbol: str, rows: Sequence[Row], channels: Channels) -> list[AnyEvent]:
    events = channels.ok(symbol, "trades")
    for _, _, ts, _, (trade_id, side, price, amount, *_) in rows:
        if side != _UNKNOWN:
            events.append(Trade(venue, symbol, ts, trade_id, _price(price), _size(amount), _SIDES[side]))
    return events


def _liquidations(venue: str, symbol: str, rows: Sequence[Row], channels: Channels) -> list[AnyEvent]:
    events = channels.ok(symbol, "liquidations")
    for _, _, ts, _, (_, side, price, amount, *_) in rows:
        if side != _UNKNOWN:
            events.append(Liquidation(venue, symbol, ts, _SIDES[side], _price(price), _size(amount)))
    return events


def _book(venue: str, symbol: str, rows: Sequence[Row], channels: Channels) -> list[AnyEvent]:
    """Rows of one message share their times.

    A row of a snapshot behind one that was none begins the book anew: the recorder connected anew, where that is not the first.
    What follows it and is of a snapshot too is more of the same one, which some venues send in several messages.
    """
    events: list[AnyEvent] = []
    for is_snapshot, run in groupby(rows, key=lambda row: _is_true(row[4][0])):
        if is_snapshot:
            events += _whole(venue, symbol, list(run), channels)
        elif channels.is_ok(symbol, "book"):
            for ts, of_message in groupby(run, key=lambda row: row[2]):
                events.append(BookDelta(venue, symbol, ts, *_levels(of_message)))
        elif not channels.knows(symbol, "book"):
            events += channels.gap(
                symbol, "the file begins within a book: changes before its first snapshot are left out"
            )
        (channels.in_snapshot.add if is_snapshot else channels.in_snapshot.discard)(symbol)
    return events


def _whole(venue: str, symbol: str, rows: Sequence[Row], channels: Channels) -> list[AnyEvent]:
    ts = rows[-1][2]
    bids, asks = (dict(side) for side in _levels(rows))
    if symbol in channels.in_snapshot:
        return [BookDelta(venue, symbol, ts, list(bids.items()), list(asks.items()))]
    gap = channels.gap(symbol, "the recorder connected anew") if channels.is_ok(symbol, "book") else []
    shown = (
        sorted((level for level in bids.items() if level[1]), reverse=True),
        sorted(level for level in asks.items() if level[1]),
    )
    return [*gap, *channels.ok(symbol, "book"), BookSnapshot(venue, symbol, ts, *shown)]


def _levels(rows: Iterable[Row]) -> tuple[list[Level], list[Level]]:
    bids, asks = list[Level](), list[Level]()
    for _, _, _, _, (_, side, price, amount, *_) in rows:
        (bids if _BOOK_SIDES[side] == "buy" else asks).append((_price(price), _size(amount)))
    return bids, asks


def _snapshots(venue: str, symbol: str, rows: Sequence[Row], channels: Channels) -> list[AnyEvent]:
    events = channels.ok(symbol, "book")
    for _, _, ts, _, rest in rows:
        depth = len(rest) // 4
        asks = [(_price(p), _size(s)) for p, s in zip(rest[0::4], rest[1::4], strict=True) if p and s]
        bids = [(_price(p), _size(s)) for p, s in zip(rest[2::4], rest[3::4], strict=True) if p and s]
        events.append(BookSnapshot(venue, symbol, ts, bids, asks, None, depth))
    return events


def _quotes(venue: str, symbol: str, rows: Sequence[Row], channels: Channels) -> list[AnyEvent]:
    events = channels.ok(symbol, "book")
    for _, _, ts, _, (ask_amount, ask_price, bid_price, bid_amount, *_) in rows:
        asks = [(_price(ask_price), _size(ask_amount))] if ask_price and ask_amount else []
        bids = [(_price(bid_price), _size(bid_amount))] if bid_price and bid_amount else []
        events.append(BookSnapshot(venue, symbol, ts, bids, asks, None, 1))
    return events


def _best(venue: str, symbol: str, rows: Sequence[Row], channels: Channels) -> list[AnyEvent]:
    """The touch of a market whose book another file tells; a side that is empty is not said."""
    events = channels.ok(symbol, "ticker")
    for _, _, ts, _, (ask_amount, ask_price, bid_price, bid_amount, *_) in rows:
        events.append(
            Ticker(
                venue,
                symbol,
                ts,
                bid=_number(bid_price),
                bid_size=_size(bid_amount) if bid_amount else None,
                ask=_number(ask_price),
                ask_size=_size(ask_amount) if ask_amount else None,
            )
        )
    return events


def _ticker(venue: str, symbol: str, rows: Sequence[Row], channels: Channels) -> list[AnyEvent]:
    events = channels.ok(symbol, "ticker")
    for _, _, ts, _, (funded, rate, _, interest, last, index, mark, *_) in rows:
        events.append(
            Ticker(
                venue,
                symbol,
                ts,
                last=_number(last),
                mark=_number(mark),
                index=_number(index),
                funding_rate=_number(rate),
                next_funding=int(funded) * 1000 if funded else None,
                open_interest=_number(interest),
            )
        )
    return events


def _time(text: str) -> int:
    """ns; raises `ValueError` for what is none."""
    told = int(text) * 1000
    if not 0 < told < _NEVER:
        raise ValueError(f"{text} is no time in µs")
    return told


def _is_true(word: str) -> bool:
    if word.lower() not in ("true", "false"):
        raise ValueError(f"is_snapshot {word!r} is neither true nor false")
    return word.lower() == "true"


def _price(text: str) -> float:
    price = float(text)
    if not 0 < price < inf:
        raise ValueError(f"{text!r} is no price")
    return price


def _size(text: str) -> float:
    size = float(text)
    if not 0 <= size < inf:
        raise ValueError(f"{text!r} is no size")
    return size


def _number(text: str) -> float | None:
    number = float(text) if text else None
    if number is not None and not isfinite(number):
        raise ValueError(f"{text!r} is no number")
    return number


_READERS: Final[dict[str, _Reader]] = {
    "trades": _trades,
    "liquidations": _liquidations,
    "incremental_book_L2": _book,
    "book": _snapshots,
    "quotes": _quotes,
    "derivative_ticker": _ticker,
}
