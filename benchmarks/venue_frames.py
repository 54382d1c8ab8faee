"""The input of the decode benchmarks: book and trade frames of one market of each venue, from a real capture.

Written under `.scratch/bench` by our side, read by all; only the standard library is needed to read. Binance's trades are
rewritten as aggregated ones, which is the form that every program knows; OKX's checksums as 0, which is what it sends today.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import SCRATCH, WrongAnswer

TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Capture:
    """`files` of the recordings in order; `symbol` is the market that is taken."""

    venue: str
    symbol: str
    files: tuple[str, ...]
    by_rest: bool = False  # whether the whole book comes by REST


CAPTURES: dict[str, Capture] = {
    each.venue: each
    for each in (
        Capture("bybit", "BTCUSDT", ("bybit/cryptofeed/BYBIT.v5.2026-08-09.jsonl.zst",)),
        Capture("binance", "BTCUSDT", ("binance/hftbacktest/usdm_btcusdt_20240808.gz",), by_rest=True),
        Capture("okx.spot", "BTC-USDT", ("okx/cryptofeed/OKX.v5.books.2022-05-13.jsonl.zst",)),
        Capture("hyperliquid", "BTC", ("hyperliquid/hftbacktest/btcusd_20250126.gz",)),
        Capture(
            "dydx",
            "ETH-USD",
            ("dydx/v4-abacus/v4_orderbook_ETH-USD_load_test_2.jsonl", "dydx/v4-abacus/v4_trades.jsonl"),
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Frames:
    """Frames in order; `snapshot` is the book that REST told before them, empty where the stream tells it itself; the touch and
    the number of trades that they come to.
    """

    frames: list[bytes]
    snapshot: str
    bid: float
    ask: float
    trades: int

    def check(self, bid: float, ask: float, trades: int) -> None:
        """Raises `WrongAnswer` where a program did not come to the same."""
        if abs(bid - self.bid) > TOLERANCE or abs(ask - self.ask) > TOLERANCE:
            raise WrongAnswer(f"touch {bid}/{ask}, expected {self.bid}/{self.ask}")
        if trades < self.trades:
            raise WrongAnswer(f"{trades} trades, expected {self.trades}")


def read(venue: str) -> Frames:
    told = json.loads((SCRATCH / f"venue.{venue}.json").read_text())
    told["frames"] = [frame.encode() for frame in told["frames"]]
    return Frames(**told)


def write(venue: str, frames: Frames, folder: Path = SCRATCH) -> None:
    told = {name: getattr(frames, name) for name in ("snapshot", "bid", "ask", "trades")}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"venue.{venue}.json").write_text(
        json.dumps({"frames": [frame.decode() for frame in frames.frames], **told})
    )
