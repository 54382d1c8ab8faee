"""How far the simulation is from what happened, order by order and in sum."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from statistics import median
from typing import Literal, TypeAlias

import msgspec

from replay.calibration.lives import Life
from replay.calibration.recorded import Recorded
from replay.calibration.rerun import Rerun

Verdict: TypeAlias = Literal["matched", "early", "late", "missed", "phantom", "unfilled"]

HORIZON_NS = 60_000_000_000  # how long after its placing an order is looked at
_ZERO = Decimal(0)


class OrderScore(msgspec.Struct, frozen=True):
    """One order. Times are ms from its placing to its first fill as we heard of it; errors are simulated less recorded.

    `ahead_error` is others' size: what the simulation still saw before the order when it was really filled, or, negative,
    what was still to trade at its price when the simulation had filled it. `apart_s` is the area between the two curves of
    what was filled, as a share of its size.
    """

    client_id: str
    venue: str
    symbol: str
    verdict: Verdict
    placed: int
    size: Decimal
    filled: Decimal
    simulated_filled: Decimal
    fill_ms: float | None
    simulated_fill_ms: float | None
    time_error_ms: float | None
    ahead_error: Decimal | None
    apart_s: float


class Score(msgspec.Struct, frozen=True):
    """All orders of a part of the session.

    `precision` is the share of simulated fills that happened, `recall` the share of recorded fills that were simulated.
    Errors are medians, `*_spread_*` medians of their size; residuals are simulated less recorded, over the whole session.
    """

    orders: int
    matched: int
    early: int
    late: int
    missed: int
    phantom: int
    unfilled: int
    precision: float | None
    recall: float | None
    apart_s: float
    time_error_ms: float | None
    time_spread_ms: float | None
    ahead_error: Decimal | None
    ahead_spread: Decimal | None
    latency_error_ms: float | None
    latency_spread_ms: float | None
    fee_residual: dict[str, Decimal]
    funding_residual: dict[str, Decimal]


def judge(
    recorded: Recorded, run: Rerun, tolerance_ms: float, first: int = 0, last: int | None = None
) -> list[OrderScore]:
    """The orders placed in (first, last]."""
    scores = []
    for client_id, life in recorded.lives.orders.items():
        if first < life.placed and (last is None or life.placed <= last):
            simulated = run.lives.orders.get(client_id)
            if simulated is not None:
                scores.append(_order(recorded, run, life, simulated, tolerance_ms))
    return scores


def sum_up(
    recorded: Recorded, run: Rerun, orders: Sequence[OrderScore], first: int = 0, last: int | None = None
) -> Score:
    """The sums over orders, and the latency of every intent answered in (first, last] in both."""
    count = {verdict: sum(order.verdict == verdict for order in orders) for verdict in _VERDICTS}
    common = count["matched"] + count["early"] + count["late"]
    times = [order.time_error_ms for order in orders if order.time_error_ms is not None]
    ahead = [order.ahead_error for order in orders if order.ahead_error is not None]
    latencies = [
        (simulated - heard) / 1e6
        for seq, heard in recorded.lives.answered.items()
        if (simulated := run.lives.answered.get(seq)) is not None and first < heard and (last is None or heard <= last)
    ]
    return Score(
        orders=len(orders),
        matched=count["matched"],
        early=count["early"],
        late=count["late"],
        missed=count["missed"],
        phantom=count["phantom"],
        unfilled=count["unfilled"],
        precision=_share(common, common + count["phantom"]),
        recall=_share(common, common + count["missed"]),
        apart_s=round(sum(order.apart_s for order in orders) / max(1, len(orders)), 6),
        time_error_ms=_middle(times),
        time_spread_ms=_middle(map(abs, times)),
        ahead_error=median(ahead) if ahead else None,
        ahead_spread=median(map(abs, ahead)) if ahead else None,
        latency_error_ms=_middle(latencies),
        latency_spread_ms=_middle(map(abs, latencies)),
        fee_residual=_residual(recorded.lives.fees, run.lives.fees),
        funding_residual=_residual(recorded.lives.funding, run.lives.funding),
    )


def apart(
    recorded: Sequence[tuple[int, Decimal]], simulated: Sequence[tuple[int, Decimal]], size: Decimal, end: int
) -> float:
    """Seconds times share of the size by which two curves of what was filled lie apart until `end`."""
    moves = sorted([(at, filled) for at, filled in recorded] + [(at, -filled) for at, filled in simulated])
    area, difference, before = 0.0, _ZERO, 0
    for at, moved in moves:
        if at >= end:
            break
        area += float(abs(difference)) * (at - before)
        difference, before = difference + moved, at
    area += float(abs(difference)) * (end - before)
    return area / 1e9 / float(size)


_VERDICTS: tuple[Verdict, ...] = ("matched", "early", "late", "missed", "phantom", "unfilled")


def _order(recorded: Recorded, run: Rerun, life: Life, simulated: Life, tolerance_ms: float) -> OrderScore:
    ours, theirs = simulated.first_fill, life.first_fill
    error_ms = None if ours is None or theirs is None else (ours - theirs) / 1e6
    return OrderScore(
        client_id=life.client_id,
        venue=life.venue,
        symbol=life.symbol,
        verdict=_verdict(theirs, ours, error_ms, tolerance_ms),
        placed=life.placed,
        size=life.size,
        filled=life.filled,
        simulated_filled=simulated.filled,
        fill_ms=None if theirs is None else (theirs - life.placed) / 1e6,
        simulated_fill_ms=None if ours is None else (ours - life.placed) / 1e6,
        time_error_ms=error_ms,
        ahead_error=_ahead(recorded, run, life, ours, theirs),
        apart_s=round(apart(life.fills, simulated.fills, life.size, life.placed + HORIZON_NS), 9),
    )


def _verdict(theirs: int | None, ours: int | None, error_ms: float | None, tolerance_ms: float) -> Verdict:
    if error_ms is None:
        return "unfilled" if theirs is ours else "missed" if ours is None else "phantom"
    if abs(error_ms) <= tolerance_ms:
        return "matched"
    return "early" if error_ms < 0 else "late"


def _ahead(recorded: Recorded, run: Rerun, life: Life, ours: int | None, theirs: int | None) -> Decimal | None:
    if theirs is None or not life.made:
        return None
    if ours is not None and ours < theirs:
        return -recorded.traded(life, ours, theirs)
    return run.ahead.get(life.client_id)


def _residual(recorded: dict[str, Decimal], simulated: dict[str, Decimal]) -> dict[str, Decimal]:
    assets = sorted({*recorded, *simulated})
    return {asset: simulated.get(asset, _ZERO) - recorded.get(asset, _ZERO) for asset in assets}


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _middle(numbers: Iterable[float]) -> float | None:
    known = list(numbers)
    return round(median(known), 6) if known else None
