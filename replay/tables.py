"""A session as Arrow tables, one call a kind of event: `replay.read("last").trades()`; needs pyarrow (`tapeline[parquet]`).

Columns are those of the Parquet export and of the same types: observed numbers are floats, money is text in which no digit is
lost, times are int ns UTC, levels are lists of [price, size].
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final

import msgspec

from replay.tape import is_tape, log_of_tape
from state.errors import WrongUse
from state.events import (
    BY_NAME,
    AnyEvent,
    BalanceUpdate,
    BookDelta,
    BookSnapshot,
    Candle,
    FeedStatus,
    Fill,
    FundingPayment,
    Liquidation,
    OrderUpdate,
    PlaceOrder,
    PositionUpdate,
    Ticker,
    Trade,
)
from state.log import Log
from state.log.data_keys import LogKey
from state.record import Record

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa  # type: ignore[import-untyped]

LOG_VARIABLE: Final = "TAPELINE_LOG"
LOG_DEFAULT: Final = "sqlite:///tapeline.db"
BATCH_ROWS: Final = 65_536

_PLACE: Final = {"seq": "int64", "recv": "int64", "cause": "int64", "venue": "string", "symbol": "string"}
_TYPES: Final[Mapping[type[msgspec.inspect.Type], str]] = {
    msgspec.inspect.IntType: "int64",
    msgspec.inspect.FloatType: "float64",
    msgspec.inspect.BoolType: "bool_",
    msgspec.inspect.StrType: "string",
    msgspec.inspect.LiteralType: "string",
    msgspec.inspect.DecimalType: "string",
    msgspec.inspect.ListType: "levels",
}


class Session:
    """One recorded session; every method reads the log anew and returns a `pyarrow.Table` in order of seq."""

    def __init__(self, session: str, log: str, *, symbol: str = "") -> None:
        self._session = session
        self._log = log
        self._symbol = symbol
        with self._opened() as (_, found):
            self.id: str = found

    def only(self, symbol: str) -> "Session":
        """The same session, of which only one market is read."""
        return Session(self._session, self._log, symbol=symbol)

    def trades(self) -> "pa.Table":
        """Public trades."""
        return self.table(Trade)

    def book_deltas(self) -> "pa.Table":
        """Changes of books."""
        return self.table(BookDelta)

    def book_snapshots(self) -> "pa.Table":
        """Whole books, as venues send them at the beginning and after a gap."""
        return self.table(BookSnapshot)

    def tickers(self) -> "pa.Table":
        """Tickers; what a message left out is null."""
        return self.table(Ticker)

    def candles(self) -> "pa.Table":
        """Candles, those that still change too."""
        return self.table(Candle)

    def liquidations(self) -> "pa.Table":
        """Forced orders of others."""
        return self.table(Liquidation)

    def placed(self) -> "pa.Table":
        """The orders that strategies wished for."""
        return self.table(PlaceOrder)

    def orders(self) -> "pa.Table":
        """Each word of the venues on an order of ours."""
        return self.table(OrderUpdate)

    def fills(self) -> "pa.Table":
        """Executions of ours, as often as they were told."""
        return self.table(Fill)

    def positions(self) -> "pa.Table":
        """Positions as the venues report them."""
        return self.table(PositionUpdate)

    def balances(self) -> "pa.Table":
        """Balances as the venues report them."""
        return self.table(BalanceUpdate)

    def funding(self) -> "pa.Table":
        """Funding payments."""
        return self.table(FundingPayment)

    def feed_statuses(self) -> "pa.Table":
        """When a channel was worth what, gaps among it."""
        return self.table(FeedStatus)

    def table(self, event: type[AnyEvent] | str) -> "pa.Table":
        """Any kind of event, by its class or its name."""
        arrow = _needed("pyarrow", "parquet")
        kind = _kind(event)
        schema = _schema(kind)
        with self._opened() as (log, session):
            mine = (record for record in log.records(session) if self._takes(record, kind))
            batches = [arrow.RecordBatch.from_pydict(_columns(some, schema), schema) for some in _batches(mine)]
        return arrow.Table.from_batches(batches, schema)

    def polars(self, event: type[AnyEvent] | str) -> "pl.DataFrame":
        """The same as a Polars data frame; needs `tapeline[polars]`."""
        frames = _needed("polars", "polars")
        made: pl.DataFrame = frames.from_arrow(self.table(event))
        return made

    def _takes(self, record: Record, kind: type[AnyEvent]) -> bool:
        return type(record.event) is kind and self._symbol in ("", record.event.symbol)

    @contextmanager
    def _opened(self) -> Iterator[tuple[Log, str]]:
        if is_tape(self._session):
            with log_of_tape(Path(self._session), LogKey.said(None)) as log:
                yield log, log.sessions()[0].id
            return
        with Log.open(self._log, create=False, key=LogKey.said(None)) as log:
            yield log, log.find(self._session).id


def read(session: str = "last", log: str | None = None) -> Session:
    """A session by its id, a unique beginning of one, `last`, or a tape's path; `log` is a URL, else $TAPELINE_LOG.

    What is encrypted is opened by the key in the file that $TAPELINE_LOG_KEY names.
    Raises `WrongUse` where there is no such session, `LogError` where there is no such log.
    """
    return Session(session, log or os.environ.get(LOG_VARIABLE, "") or LOG_DEFAULT)


def _kind(event: type[AnyEvent] | str) -> type[AnyEvent]:
    if not isinstance(event, str):
        return event
    if event not in BY_NAME:
        raise WrongUse(f"no event is called {event!r}; there are {', '.join(BY_NAME)}")
    return BY_NAME[event]


@cache
def _schema(kind: type[AnyEvent]) -> "pa.Schema":
    """The place of a record, then the event's own fields."""
    arrow = _needed("pyarrow", "parquet")
    shape = msgspec.inspect.type_info(kind)
    assert isinstance(shape, msgspec.inspect.StructType)
    words = dict(_PLACE)
    for field in shape.fields:
        said = field.type.types if isinstance(field.type, msgspec.inspect.UnionType) else (field.type,)
        word = next(_TYPES[type(each)] for each in said if not isinstance(each, msgspec.inspect.NoneType))
        words.setdefault(field.name, word)
    levels = arrow.list_(arrow.list_(arrow.float64()))
    return arrow.schema(
        [(name, levels if word == "levels" else getattr(arrow, word)()) for name, word in words.items()]
    )


def _columns(records: Sequence[Record], schema: "pa.Schema") -> dict[str, list[object]]:
    return {
        name: [
            _plain(getattr(record if name in ("seq", "recv", "cause") else record.event, name)) for record in records
        ]
        for name in schema.names
    }


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Decimal) else value


def _batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    held: list[Record] = []
    for record in records:
        held.append(record)
        if len(held) >= BATCH_ROWS:
            yield held
            held = []
    if held:
        yield held


def _needed(module: str, extra: str) -> ModuleType:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise WrongUse(f"this needs {module}, which is not installed: pip install 'tapeline[{extra}]'") from error
