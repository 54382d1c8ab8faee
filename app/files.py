"""Files that commands write."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from state.errors import WrongUse


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file that is there whole or not at all; a pipe or a device, which cannot be that, is written as it is.

    Raises `WrongUse` for a folder, `OSError` with the name that was asked for.
    """
    if path.is_dir():
        raise WrongUse(f"{path} is a folder; -o takes the name of a file")
    if path.exists() and not path.is_file():
        with path.open("wb") as file:
            yield file
        return
    target = path.resolve()  # a link stays one: what it points to is written
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        opened = part.open("xb")
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    try:
        with opened as file:
            yield file
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
