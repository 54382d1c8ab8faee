"""Sessions as Parquet, to be kept when the database need not have them any more; needs pyarrow (`tapeline[parquet]`).

A session is a folder of Parquet files, laid out in `layout.py`; with a key, each is encrypted as a whole.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from replay.archive.names import SESSION
from state.errors import WrongUse

if TYPE_CHECKING:
    from replay.archive.reading import Archive
    from state.log.data_keys import LogKey


def is_archive(word: str) -> bool:
    """True for a word that names an archived session's folder rather than a session."""
    return (Path(word) / SESSION).is_file()


def open_archive(folder: Path, key: "LogKey | None" = None) -> "Archive":
    """The archive in a folder; raises `WrongUse` without pyarrow, without the key it is under, or once that is forgotten."""
    try:
        from replay.archive.reading import Archive
    except ModuleNotFoundError as error:
        raise WrongUse(
            f"an archive needs {error.name}, which is not installed: pip install 'tapeline[parquet]'"
        ) from error
    return Archive(folder, key)
