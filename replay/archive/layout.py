"""The columns of an archived session's files.

`records.parquet` has a row a record: its canonical bytes, over which digest and Merkle trees go, and beside them columns to ask
by; prices and sizes are text, in which neither money nor market data loses a digit. `journal.parquet`, `frames.parquet` and
`checkpoints.parquet` have the columns of the log's tables of the same name, `session.parquet` one row with what `sessions` has.
"""

from collections.abc import Sequence
from typing import Final

import pyarrow as pa  # type: ignore[import-untyped]

from state.record import Record

_INT, _TEXT, _BYTES, _BOOL = pa.int64(), pa.string(), pa.binary(), pa.bool_()
_INT64_MAX = (1 << 63) - 1

SESSION_SCHEMA: Final = pa.schema([
    ("format", _TEXT), ("session", _TEXT), ("status", _TEXT), ("opened", _INT), ("closed", _INT), ("parent", _TEXT),
    ("manifest", _TEXT), ("last_seq", _INT), ("head", _TEXT),
])  # fmt: skip
CHECKPOINTS_SCHEMA: Final = pa.schema([
    ("session", _TEXT), ("number", _INT), ("seq", _INT), ("root", _TEXT), ("digest", _TEXT), ("frames", _INT),
    ("frames_root", _TEXT), ("facts", _TEXT), ("status", _TEXT), ("closed", _INT), ("previous", _TEXT), ("key", _TEXT),
    ("signature", _TEXT),
])  # fmt: skip
RECORDS_SCHEMA: Final = pa.schema([
    ("seq", _INT), ("recv", _INT), ("cause", _INT), ("type", _TEXT), ("venue", _TEXT), ("symbol", _TEXT),
    ("ts", _INT), ("client_id", _TEXT), ("order_id", _TEXT), ("side", _TEXT), ("price", _TEXT), ("size", _TEXT),
    pa.field("mark", pa.uint16(), nullable=False), pa.field("record", _BYTES, nullable=False),
])  # fmt: skip
JOURNAL_SCHEMA: Final = pa.schema([
    ("seq", _INT), ("recv", _INT), ("cause", _INT), ("type", _TEXT), ("venue", _TEXT), ("symbol", _TEXT),
    ("client_id", _TEXT), ("order_id", _TEXT), ("strategy", _TEXT), ("frame", _INT), ("payload", _TEXT),
])  # fmt: skip
FRAMES_SCHEMA: Final = pa.schema([
    ("id", _INT), ("first_seq", _INT), ("last_seq", _INT), ("recv", _INT), ("venue", _TEXT), ("channel", _TEXT),
    ("direction", _TEXT), ("url", _TEXT), ("private", _BOOL), ("body", _BYTES), ("mark", _INT),
])  # fmt: skip

Row = tuple[object, ...]


def record_row(record: Record, mark: int, raw: bytes) -> Row:
    """The row of a record."""
    event = record.event
    return (
        record.seq,
        record.recv,
        record.cause,
        type(event).__name__,
        event.venue,
        event.symbol,
        _int64(getattr(event, "ts", None)),
        _word(getattr(event, "client_id", None)),
        _word(getattr(event, "order_id", None)),
        _word(getattr(event, "side", None)),
        _word(getattr(event, "price", None)),
        _word(getattr(event, "size", None)),
        mark,
        raw,
    )


def batch_of(rows: Sequence[Row], schema: pa.Schema) -> pa.RecordBatch:
    """Rows as Parquet takes them."""
    columns = zip(*rows, strict=True)
    arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    return pa.record_batch(arrays, schema=schema)


def _word(value: object) -> str | None:
    return None if value is None else str(value)


def _int64(value: object) -> int | None:
    """A venue's own time may be anything; the record has it as it was."""
    return value if isinstance(value, int) and -_INT64_MAX <= value <= _INT64_MAX else None
