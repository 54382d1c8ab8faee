"""A session as Parquet, the only module that needs pyarrow: levels are lists of [price, size], money is text."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import BinaryIO, Final

import pyarrow as pa  # type: ignore[import-untyped]
from pyarrow import parquet as pq

from app.export import Columns, Kind, Write, value_of, word_of
from state.errors import WrongUse
from state.record import Record

GROUP_ROWS: Final = 16_384  # rows kept in memory until they are written as one row group

_TYPES: Final[Mapping[Kind, pa.DataType]] = {
    "int": pa.int64(),
    "float": pa.float64(),
    "bool": pa.bool_(),
    "text": pa.string(),
    "levels": pa.list_(pa.list_(pa.float64())),
}


@contextmanager
def write_parquet(out: BinaryIO, columns: Columns, about: Mapping[str, str]) -> Iterator[Write]:
    """`about` stands in the file's own metadata."""
    schema = pa.schema([(name, _TYPES[kind]) for name, kind in columns.items()], metadata=dict(about))
    held: list[Record] = []
    with pq.ParquetWriter(out, schema, compression="zstd") as file:

        def flush() -> None:
            arrays = [_array(held, name, kind) for name, kind in columns.items()]
            file.write_batch(pa.record_batch(arrays, schema=schema))
            held.clear()

        def write(records: Sequence[Record]) -> None:
            held.extend(records)
            if len(held) >= GROUP_ROWS:
                flush()

        yield write
        if held:
            flush()


def _array(records: Sequence[Record], name: str, kind: Kind) -> pa.Array:
    values = [value_of(record, name) for record in records]
    if kind == "text":
        values = [None if value is None else word_of(value) for value in values]
    try:
        return pa.array(values, _TYPES[kind])
    except (OverflowError, pa.ArrowInvalid) as error:
        raise WrongUse(f"{name} holds a number that Parquet's 64 bits do not: export as csv or jsonl") from error
