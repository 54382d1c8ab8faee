"""Samples and counts as a report: percentiles by venue and group, and the rates."""

from collections import Counter
from collections.abc import Callable

import msgspec

from replay.quality.histogram import Histogram, Percentiles
from replay.quality.samples import Sample, samples
from state.events import AmendOrder, Blocked, CancelAll, CancelOrder, Fill, PlaceOrder, Rejected, Unknown
from state.log import Log
from state.record import Record

_BY_SYMBOL = ("markout", "slippage", "top of book", "quoting")


class MetricLine(msgspec.Struct, frozen=True):
    """One metric of one venue (and market, where it is one of a market's) and group, in `unit`."""

    name: str  # what `--records` takes
    metric: str
    venue: str
    symbol: str
    group: str
    unit: str
    numbers: Percentiles
    total: float


class Rates(msgspec.Struct, frozen=True):
    """Counts of one market and what they say; a rate without anything to count is None."""

    venue: str
    symbol: str
    placed: int
    amended: int
    cancelled: int
    fills: int
    refused: int
    blocked: int
    unknown: int
    order_to_trade: float | None  # placed, amended and cancelled for each fill
    refusal_rate: float | None  # refused of all that was sent
    amend_rate: float | None  # amended for each placed
    top_of_book: dict[str, float]  # share of the time quoted that stood at the best price, by side


class Quality(msgspec.Struct, frozen=True):
    """What `tapeline quality` prints."""

    session: str
    metrics: list[MetricLine]
    rates: list[Rates]


def measure(log: Log, session: str, progress: Callable[[int], None] | None = None) -> Quality:
    """Reads the whole session once; memory stays flat."""
    found: dict[tuple[str, str, str, str], Histogram] = {}
    counts: dict[tuple[str, str], Counter[type]] = {}
    row = log.find(session)
    seen: dict[tuple[str, str, str, str], None] = {}
    for record, said in samples(log, row.id):
        _count(counts, record, seen)
        for sample in said:
            key = (sample.metric, sample.venue, _symbol(sample), sample.group)
            histogram = found.get(key)
            if histogram is None:
                histogram = found[key] = Histogram()
            histogram.add(sample.value)
        if progress is not None:
            progress(record.seq)
    lines = [
        MetricLine(name_of(*key), *key, unit_of(key[0]), histogram.percentiles(), histogram.total)
        for key, histogram in sorted(found.items(), key=_key_of)
    ]
    rates = [_rates(venue, symbol, counts[venue, symbol], found) for venue, symbol in sorted(counts)]
    return Quality(row.id, lines, rates)


def name_of(metric: str, venue: str, symbol: str, group: str) -> str:
    """How a number is called where its records are asked for: metric/venue/group, metric/venue/symbol/group."""
    return "/".join(word.replace(" ", "-") for word in (metric, venue, symbol, group) if word)


def number_of(sample: Sample) -> str:
    """The name of the number that a sample is part of."""
    return name_of(sample.metric, sample.venue, _symbol(sample), sample.group)


def is_of(sample: Sample, name: str) -> bool:
    """True for a sample that is part of the number called `name`, or of any number below it."""
    whole = number_of(sample)
    return whole == name or whole.startswith(f"{name}/")


def unit_of(metric: str) -> str:
    if metric.startswith(("markout", "slippage")):
        return "bps"
    return "s" if metric in ("top of book", "quoting") else "ms"


def _symbol(sample: Sample) -> str:
    return sample.symbol if sample.metric.startswith(_BY_SYMBOL) else ""


def _key_of(item: tuple[tuple[str, str, str, str], Histogram]) -> tuple[str, str, str, str]:
    return item[0]


_COUNTED = (PlaceOrder, AmendOrder, CancelOrder, CancelAll, Rejected, Unknown, Blocked)
_FILLS_KEPT = 100_000


def _count(
    counts: dict[tuple[str, str], Counter[type]], record: Record, seen: dict[tuple[str, str, str, str], None]
) -> None:
    event = record.event
    if isinstance(event, Fill):
        key = (event.venue, event.symbol, event.side, event.fill_id)
        if key in seen:
            return
        seen[key] = None
        if len(seen) > _FILLS_KEPT:
            del seen[next(iter(seen))]
    elif not isinstance(event, _COUNTED):
        return
    counts.setdefault((event.venue, event.symbol), Counter())[type(event)] += 1


def _rates(venue: str, symbol: str, count: Counter[type], found: dict[tuple[str, str, str, str], Histogram]) -> Rates:
    cancelled = count[CancelOrder] + count[CancelAll]
    sent = count[PlaceOrder] + count[AmendOrder] + cancelled
    top = {}
    for side in ("buy", "sell"):
        quoted = found.get(("quoting", venue, symbol, side))
        at_top = found.get(("top of book", venue, symbol, side))
        if quoted is not None and quoted.total:
            top[side] = 0.0 if at_top is None else at_top.total / quoted.total
    return Rates(
        venue, symbol, count[PlaceOrder], count[AmendOrder], cancelled, count[Fill], count[Rejected], count[Blocked],
        count[Unknown], _share(sent, count[Fill]), _share(count[Rejected], sent),
        _share(count[AmendOrder], count[PlaceOrder]), top,
    )  # fmt: skip


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
