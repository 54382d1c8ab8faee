"""How a large order is worked: how much should be done by now, and at what price the next part goes. No state of their own."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple, Protocol

from state.book import Book
from state.errors import WrongUse
from state.events import PlaceOrder
from state.instruments import Instrument, exact
from state.words import TimeInForce

_ZERO = Decimal(0)


@dataclass(slots=True)
class Job:
    """One order that is being worked; sizes in base units, `value` is the sum of price times size of what is done."""

    parent: PlaceOrder
    started_ns: int
    number: int = 0  # among those taken, from 1
    done: Decimal = _ZERO
    value: Decimal = _ZERO
    volume: Decimal = _ZERO  # that the market traded since
    fair: float | None = None  # as the caller last said it
    child: str = ""  # label of the part that is out
    client_id: str = ""  # its client id, once it is known
    child_done: Decimal = _ZERO
    child_value: Decimal = _ZERO
    parts: int = 0
    rests_until: int = 0
    is_given_up: bool = False  # whatever is done: its time is over, or all was cancelled

    @property
    def total(self) -> Decimal:
        """Done, with what the part that is out has filled."""
        return self.done + self.child_done

    @property
    def left(self) -> Decimal:
        return self.parent.size - self.total


class Part(NamedTuple):
    """Terms of the next order."""

    price: Decimal
    size: Decimal
    tif: TimeInForce


class Tactic(Protocol):
    """How a job is worked."""

    def wanted(self, job: Job, now_ns: int) -> Decimal:
        """How much of the job should be done by now, base units."""
        ...

    def part(self, job: Job, size: Decimal, book: Book, instrument: Instrument) -> Part | None:
        """The next order for `size`, or None while there is none to be sent."""
        ...

    def next_ns(self, job: Job, now_ns: int) -> int | None:
        """When more will be wanted, by time alone."""
        ...


@dataclass(frozen=True, slots=True)
class Twap:
    """Equal parts at equal times, by IOC up to `slippage_bps` through the touch; what a part missed comes with the next."""

    duration_s: float
    parts: int
    slippage_bps: float = 5.0

    def __post_init__(self) -> None:
        if not self.duration_s > 0 or self.parts < 1 or self.slippage_bps < 0:
            raise WrongUse("a twap needs a duration above zero, at least one part, and no negative slippage")

    def wanted(self, job: Job, now_ns: int) -> Decimal:
        return job.parent.size * min(self.parts, self._part_at(job, now_ns)) / self.parts

    def part(self, job: Job, size: Decimal, book: Book, instrument: Instrument) -> Part | None:
        return crossing(job, size, book, instrument, self.slippage_bps)

    def next_ns(self, job: Job, now_ns: int) -> int | None:
        part = self._part_at(job, now_ns)
        return job.started_ns + part * self._step_ns if part < self.parts else None

    @property
    def _step_ns(self) -> int:
        return round(self.duration_s * 1e9) // self.parts

    def _part_at(self, job: Job, now_ns: int) -> int:
        return (now_ns - job.started_ns) // self._step_ns + 1


@dataclass(frozen=True, slots=True)
class Pov:
    """A share of what the market trades (our own trades are part of it), by IOC up to `slippage_bps` through the touch."""

    share: Decimal
    slippage_bps: float = 5.0

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1 or self.slippage_bps < 0:
            raise WrongUse(f"share must be in (0, 1], is {self.share}, and slippage_bps not negative")

    def wanted(self, job: Job, now_ns: int) -> Decimal:
        return min(job.parent.size, self.share * job.volume)

    def part(self, job: Job, size: Decimal, book: Book, instrument: Instrument) -> Part | None:
        return crossing(job, size, book, instrument, self.slippage_bps)

    def next_ns(self, job: Job, now_ns: int) -> int | None:
        return None


@dataclass(frozen=True, slots=True)
class Iceberg:
    """`display` (base units) at the order's own price, the next as soon as one is filled."""

    display: Decimal

    def __post_init__(self) -> None:
        if not self.display > 0:
            raise WrongUse(f"display must be above zero, is {self.display}")

    def wanted(self, job: Job, now_ns: int) -> Decimal:
        return job.parent.size

    def part(self, job: Job, size: Decimal, book: Book, instrument: Instrument) -> Part | None:
        price = job.parent.price
        if price is None:
            raise WrongUse("an iceberg stands at its order's own price: a market order has none")
        return Part(price, min(size, self.display), job.parent.tif)

    def next_ns(self, job: Job, now_ns: int) -> int | None:
        return None


@dataclass(frozen=True, slots=True)
class Sniper:
    """Takes what the touch shows, by IOC, once it is better than the fair price by `edge_bps`."""

    edge_bps: float

    def wanted(self, job: Job, now_ns: int) -> Decimal:
        return job.parent.size

    def part(self, job: Job, size: Decimal, book: Book, instrument: Instrument) -> Part | None:
        if job.fair is None:
            return None
        is_buy = job.parent.side == "buy"
        touch, shown = (book.ask, book.ask_size) if is_buy else (book.bid, book.bid_size)
        edge = (job.fair - touch if is_buy else touch - job.fair) / job.fair * 10_000
        if edge < self.edge_bps:
            return None
        part = crossing(job, min(size, exact(shown)), book, instrument, 0.0)
        worse = part is not None and (part.price < exact(touch) if is_buy else part.price > exact(touch))
        return None if worse else part  # the job's own limit is not reached

    def next_ns(self, job: Job, now_ns: int) -> int | None:
        return None


def crossing(job: Job, size: Decimal, book: Book, instrument: Instrument, slippage_bps: float) -> Part:
    """IOC through the touch, no further than the job's own limit."""
    parent = job.parent
    if parent.side == "buy":
        reach = exact(book.ask * (1 + slippage_bps / 10_000))
        price = reach if parent.price is None else min(reach, parent.price)
    else:
        reach = exact(book.bid * (1 - slippage_bps / 10_000))
        price = reach if parent.price is None else max(reach, parent.price)
    return Part(instrument.price(parent.side, price), size, "ioc")


@dataclass(frozen=True, slots=True)
class Worked:
    """What has become of a job; `is_over` when it is done, or when what is left is less than the venue takes."""

    label: str
    size: Decimal
    done: Decimal
    value: Decimal
    is_over: bool
    parts: int = field(default=0)

    @property
    def avg_price(self) -> Decimal | None:
        return self.value / self.done if self.done else None
