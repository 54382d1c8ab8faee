"""A log changed behind its back, as a disk or an intruder would."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa


@contextmanager
def behind_its_back(url: str) -> Iterator[sa.Connection]:
    """One transaction on the database of a log."""
    engine = sa.create_engine(url)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()
