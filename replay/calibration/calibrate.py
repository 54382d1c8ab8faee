"""Calibration of one session: the score before, the fit on its first part, and the gain on the part that the fit never saw."""

from collections.abc import Callable
from dataclasses import dataclass

from adapters.paper import PaperSettings
from replay.calibration.fit import fit
from replay.calibration.recorded import Recorded
from replay.calibration.rerun import rerun
from replay.calibration.score import OrderScore, Score, judge, sum_up
from state.errors import WrongUse

LEAST_ORDERS = 4  # fewer cannot be parted


@dataclass(frozen=True, slots=True)
class Calibration:
    """`split` is the time (ns) up to which orders were fitted on; `before` and `after` are scored on those placed later."""

    split: int
    before: Score
    after: Score
    fitted_on: Score
    settings: PaperSettings
    queues: dict[str, float]
    orders: list[OrderScore]  # all, with the fitted settings


def calibrate(
    recorded: Recorded,
    settings: PaperSettings,
    *,
    share: float = 0.5,
    tolerance_ms: float = 250.0,
    progress: Callable[[int], None] | None = None,
) -> Calibration:
    """Raises `WrongUse` for a share that leaves one part empty, or a session of too few orders."""
    if not 0 < share < 1:
        raise WrongUse(f"the share to fit on must be between 0 and 1, not {share:g}")
    count = len(recorded.lives.orders)
    if count < LEAST_ORDERS:
        raise WrongUse(f"a session of {count} orders cannot be fitted on one part and tried on another")
    split = recorded.split(share)
    if all(life.placed <= split for life in recorded.lives.orders.values()):
        raise WrongUse("no order was placed after the part to fit on: take a smaller share")
    before = rerun(recorded, settings)
    fitted = fit(recorded, settings, split, progress)
    after = rerun(recorded, fitted.settings)
    everything = judge(recorded, after, tolerance_ms)
    return Calibration(
        split=split,
        before=sum_up(recorded, before, judge(recorded, before, tolerance_ms, split), split),
        after=sum_up(recorded, after, [order for order in everything if order.placed > split], split),
        fitted_on=sum_up(recorded, after, [order for order in everything if order.placed <= split], 0, split),
        settings=fitted.settings,
        queues=fitted.queues,
        orders=everything,
    )
