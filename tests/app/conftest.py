"""A log with one short session in it, and the command line run in this process."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from app.cli import run
from state.events import (
    Accepted,
    AnyEvent,
    BookDelta,
    BookSnapshot,
    CancelOrder,
    FeedStatus,
    Fill,
    OrderUpdate,
    PlaceOrder,
    SessionClosed,
    SessionOpened,
    Ticker,
    Trade,
)
from state.log import Log
from state.record import Record

OPENED = 1_786_310_817_601_629_000
SESSION = "20260809-abcdef"
D = Decimal

EVENTS: list[AnyEvent] = [
    SessionOpened(SESSION, 7),
    FeedStatus("bybit", "BTCUSDT", "book", "ok"),
    BookSnapshot("bybit", "BTCUSDT", OPENED, [(65114.2, 6.054), (65114.1, 0.1)], [(65114.3, 10.486)], 15076952, 200),
    BookDelta("bybit", "BTCUSDT", OPENED + 1, [(65114.2, 6.124)], [], 15076953, 15076952),
    Trade("bybit", "BTCUSDT", OPENED + 2, "t-1", 65114.3, 1e-05, "buy"),
    Ticker("bybit", "ETHUSDT", OPENED + 3, last=1922.01),
    PlaceOrder("bybit", "BTCUSDT", "buy", D("0.002"), D("65000.10"), client_id="c1", strategy="plain", label="b0"),
    PlaceOrder("bybit", "ETHUSDT", "sell", D("0.50"), D("1930.00"), client_id="c2", strategy="plain"),
    Accepted("bybit", "BTCUSDT", OPENED + 4, "place", "c1", "o1"),
    OrderUpdate("bybit", "BTCUSDT", OPENED + 5, "c1", "o1", "open", size=D("0.002"), price=D("65000.10"), filled=D(0)),
    OrderUpdate("bybit", "ETHUSDT", OPENED + 5, "c2", "o2", "open", size=D("0.50"), price=D("1930.00"), filled=D(0)),
    Fill(
        "bybit", "BTCUSDT", OPENED + 6, "f1", "o1", "c1", "buy", D("65000.10"), D("0.001"), D("-0.0130"), "USDT", True
    ),
    CancelOrder("bybit", "ETHUSDT", "c2", "plain"),
    OrderUpdate("bybit", "ETHUSDT", OPENED + 7, "c2", "o2", "cancelled", filled=D(0)),
    SessionClosed("at a person's word"),
]


def write_session(log: Log, session: str, events: list[AnyEvent]) -> None:
    writer = log.begin(session, '{"seed":7}', OPENED)
    for seq, event in enumerate(events, start=1):
        writer.append(Record(seq, OPENED + seq * 1_000, 0, event))
    writer.close(OPENED + 1_000_000, "closed")


@dataclass(frozen=True)
class Ran:
    """What a command line did."""

    code: int
    out: str
    err: str

    def objects(self) -> list[dict[str, object]]:
        """Each line of output as JSON."""
        return [msgspec.json.decode(line, type=dict[str, object]) for line in self.out.splitlines()]

    def array(self) -> list[dict[str, object]]:
        """The output as one JSON array."""
        assert len(self.out.splitlines()) == 1
        return msgspec.json.decode(self.out, type=list[dict[str, object]])


Cli = Callable[..., Ran]


@pytest.fixture
def log_url(tmp_path: Path) -> str:
    """A log that holds one closed session."""
    url = f"sqlite:///{tmp_path}/log.db"
    with Log.open(url) as log:
        write_session(log, SESSION, EVENTS)
    return url


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Cli:
    """Runs words as `tapeline` would, in an empty folder, without any of our environment variables."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("TAPELINE_") and name.endswith(("_LOG", "_KEY", "_SECRET", "_PASSPHRASE")):
            monkeypatch.delenv(name)

    def call(*words: str) -> Ran:
        code = run(words)
        out, err = capfd.readouterr()
        return Ran(code, out, err)

    return call


@pytest.fixture
def recorded_events() -> list[AnyEvent]:
    """What stands in the session of `log_url`, in order."""
    return list(EVENTS)
