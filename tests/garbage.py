"""What pytest has collected is kept from the garbage collector: each session begins with a full collection, and looked at it all.

A session that finds something frozen leaves all frozen at its end (`app.collector`); what is left is collected now and then.
"""

import gc
from typing import Final

SWEEP_EVERY: Final = 40  # times that it is frozen again: then what was left is collected too


class Frozen:
    """Freezes anew where a full collection has run since."""

    def __init__(self) -> None:
        self._collections = -1
        self._times = 0

    def renew(self) -> None:
        if gc.get_stats()[2]["collections"] == self._collections:
            return
        self._times += 1
        if self._times % SWEEP_EVERY == 1:
            gc.unfreeze()
            gc.collect()
        gc.freeze()
        self._collections = gc.get_stats()[2]["collections"]
