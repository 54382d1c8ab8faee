"""A plain book replayer that shares nothing with what is measured: where the check points come from."""

import json


class Replayer:
    """Reads Bybit frames with `json` into dicts of the venue's own text; best prices by `max` and `min`."""

    def __init__(self) -> None:
        self.books: dict[str, tuple[dict[str, str], dict[str, str]]] = {}
        self.book_frames = 0
        self.level_changes = 0

    def take(self, frame: bytes) -> str | None:
        """The symbol of a book frame, None for any other; raises `ValueError` on a delta before its snapshot."""
        message = json.loads(frame)
        if not message["topic"].startswith("orderbook"):
            return None
        said = message["data"]
        symbol: str = said["s"]
        if message["type"] == "snapshot":
            self.books[symbol] = ({}, {})
        elif symbol not in self.books:
            raise ValueError(f"{symbol}: a delta before its snapshot")
        for side, rows in zip(self.books[symbol], (said["b"], said["a"]), strict=True):
            for price, size in rows:
                self.level_changes += 1
                if float(size):
                    side[price] = size
                else:
                    side.pop(price, None)
        self.book_frames += 1
        return symbol

    def touch(self, symbol: str) -> tuple[float, float]:
        bids, asks = self.books[symbol]
        return max(map(float, bids)), min(map(float, asks))
