"""One Parquet file of an archive, written and read a batch of rows at a time, encrypted where there is a data key.

Encryption is Parquet's own (AES-256-GCM over columns and footer), each file under a key of its own and bound to session and
name, so that neither rows nor files can be exchanged. https://github.com/apache/parquet-format/blob/master/Encryption.md
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa  # type: ignore[import-untyped]
from pyarrow import parquet as pq

from replay.archive.layout import Row, batch_of
from state.errors import LogCorrupt, WrongUse
from state.log.data_keys import part_key

if TYPE_CHECKING:
    from pyarrow.parquet.encryption import (  # type: ignore[import-untyped]
        FileDecryptionProperties,
        FileEncryptionProperties,
    )

GROUP_ROWS = 16_384
GROUP_BYTES = 32 << 20  # of bodies: frames may be large
ROWS_AT_ONCE = 1024

DataKey = tuple[str, bytes]  # whose, and the key


def write_part(path: Path, schema: pa.Schema, rows: Iterable[Row], key: DataKey | None) -> int:
    """Writes one file, makes it durable, and returns how many rows it has."""
    written = 0
    properties = None if key is None else _encryption(path.name, key)
    with path.open("xb") as out:
        with pq.ParquetWriter(out, schema, compression="zstd", encryption_properties=properties) as file:
            held: list[Row] = []
            held_bytes = 0
            for row in rows:
                held.append(row)
                held_bytes += sum(len(value) for value in row if isinstance(value, bytes))
                if len(held) == GROUP_ROWS or held_bytes >= GROUP_BYTES:
                    file.write_batch(batch_of(held, schema))
                    written += len(held)
                    held.clear()
                    held_bytes = 0
            if held:
                file.write_batch(batch_of(held, schema))
        out.flush()
        os.fsync(out.fileno())
    return written + len(held)


def read_part(path: Path, schema: pa.Schema, key: DataKey | None) -> Iterator[list[Row]]:
    """The rows of one file, some at a time; raises `LogCorrupt` where it is not one that `write_part` wrote under this key."""
    properties = None if key is None else _decryption(path.name, key)
    try:
        _check_magic(path, b"PAR1" if key is None else b"PARE")
        with pq.ParquetFile(path, decryption_properties=properties) as file:
            if not file.schema_arrow.equals(schema):
                raise LogCorrupt(f"{path} has other columns than an archive has")
            for batch in file.iter_batches(ROWS_AT_ONCE):
                batch.validate(full=True)
                yield list(zip(*[column.to_pylist() for column in batch.columns], strict=True))
    except FileNotFoundError as error:
        raise LogCorrupt(f"the archive has no {path.name}") from error
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        raise LogCorrupt(f"{path} is damaged: {' '.join(str(error).split())}") from error


def _check_magic(path: Path, magic: bytes) -> None:
    """The first four bytes, which Parquet's readers do not look at."""
    with path.open("rb") as file:
        if file.read(4) != magic:
            raise LogCorrupt(
                f"{path} does not begin as {'an encrypted' if magic == b'PARE' else 'a'} Parquet file does"
            )


def _encryption(name: str, key: DataKey) -> "FileEncryptionProperties":
    try:
        from pyarrow.parquet.encryption import create_encryption_properties
    except ImportError as error:
        raise WrongUse("this pyarrow cannot encrypt Parquet: a newer one, such as 26, can") from error
    about = _about(name, key)
    return create_encryption_properties(part_key(key[1], name), aad_prefix=about, store_aad_prefix=False)


def _decryption(name: str, key: DataKey) -> "FileDecryptionProperties":
    try:
        from pyarrow.parquet.encryption import create_decryption_properties
    except ImportError as error:
        raise WrongUse("this pyarrow cannot decrypt Parquet: a newer one, such as 26, can") from error
    return create_decryption_properties(part_key(key[1], name), aad_prefix=_about(name, key))


def _about(name: str, key: DataKey) -> bytes:
    return f"tapeline archive 1\n{key[0]}\n{name}".encode()
