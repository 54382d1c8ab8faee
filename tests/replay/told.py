"""A session told line by line: records with their seq, time, cause and frame, whose truth a test knows beforehand."""

from decimal import Decimal

from state.events import AnyEvent, FeedStatus, Fill, InstrumentDefined, SessionClosed, SessionOpened
from state.log import Log
from state.manifest import Manifest
from state.record import Frame, Record
from state.words import InstrumentKind, Side

OPENED = 1_786_310_817_000_000_000
MS = 1_000_000
D = Decimal


class Told:
    """Collects records and writes them into a log."""

    def __init__(self, session: str = "20260809-told", *, step_ns: int = MS) -> None:
        self.session = session
        self.now = OPENED
        self.step_ns = step_ns
        self.records: list[Record] = []
        self.frames: list[tuple[Frame, int]] = []  # with the seq of the record read from it, or 0
        self.say(SessionOpened(session, 7))

    def say(self, event: AnyEvent, *, cause: int = 0, after_ns: int | None = None, frame: Frame | None = None) -> int:
        """One record, a step later than the last; returns its seq."""
        self.now += self.step_ns if after_ns is None else after_ns
        self.records.append(Record(len(self.records) + 1, self.now, cause, event))
        if frame is not None:
            self.frames.append((frame, len(self.records)))
        return len(self.records)

    def keep(self, frame: Frame) -> None:
        """A frame that yields no record: what was sent."""
        self.frames.append((frame, 0))

    def ready(self, venue: str = "bybit") -> int:
        """The account is reconciled."""
        return self.say(FeedStatus(venue, "", "account", "ok", "reconciled"))

    def write(self, log: Log, manifest: str | None = None, *, block_size: int = 4096) -> str:
        """Ends the session and writes it; returns its id."""
        self.say(SessionClosed("the end"))
        text = manifest if manifest is not None else Manifest(seed=7).to_json()
        writer = log.begin(self.session, text, OPENED, block_size=block_size)
        frames = list(self.frames)
        for record in self.records:
            while frames and frames[0][1] == 0 and frames[0][0].recv <= record.recv:
                writer.keep(frames.pop(0)[0])
            frame = frames.pop(0)[0] if frames and frames[0][1] == record.seq else None
            writer.append(record, frame)
        writer.close(self.now, "closed")
        return self.session


def instrument(
    symbol: str = "BTCUSDT",
    venue: str = "bybit",
    *,
    base: str = "BTC",
    quote: str = "USDT",
    settle: str = "USDT",
    kind: InstrumentKind = "perpetual",
    inverse: bool = False,
    contract_size: str = "1",
) -> InstrumentDefined:
    return InstrumentDefined(
        venue, symbol, OPENED, base, quote, settle, kind, D("0.1"), D("0.001"), D("0.001"), D(5),
        contract_size=D(contract_size), inverse=inverse,
    )  # fmt: skip


def fill(
    fill_id: str,
    side: Side,
    price: str,
    size: str,
    fee: str = "0",
    *,
    symbol: str = "BTCUSDT",
    venue: str = "bybit",
    asset: str = "USDT",
    client_id: str | None = "c1",
    order_id: str | None = "o1",
    maker: bool = True,
) -> Fill:
    return Fill(venue, symbol, OPENED, fill_id, order_id, client_id, side, D(price), D(size), D(fee), asset, maker)
