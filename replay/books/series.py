"""One number that the venue reports (a position, a balance) against the same number folded, report by report.

Theory
======

Reports and what they report travel apart: a position may be told before the fill that made it, or after the next one. A
single report that equals the folded number after *some* movement proves little: of equal trades, one report fits the
movement of another. What proves that both sides agree is that they meet: the newest report equals the number with
everything folded in. Until they meet, reports wait. When they do, the waiting ones that fit some movement, in order,
were under way, and the others were a moment's mismatch (`transient`).

When they have not met for `SETTLE_NS`, or at the session's end, the oldest waiting report is judged: of all shifts that
make it fit some movement, that one is the residual under which the two sides meet and with which most waiting reports agree;
no shift at all if they agree as they are. From there on the folded number is shifted by the residual, so that each is told
once and the next one is its own.

A venue may round what it books. A report within `tolerance` for each movement fits too; the difference shifts the folded
number and is summed as `rounding`, so that it is told and does not grow unseen.
"""

from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice

from state.ledger import EXACT

SETTLE_NS = 5_000_000_000
POINTS_KEPT = 500  # movements since both sides met; a venue that never reports costs no more
WAITING_KEPT = 64
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Movement:
    """What a record did to the number; `fee` and `pnl` are the parts of a fill's effect on a balance.

    `cost` is what the fill left in the position of what was paid or taken for it: the balance moves by it at some venues only.
    """

    seq: int
    recv: int
    kind: str  # fill, funding, transfer, opening
    amount: Decimal
    name: str = ""
    symbol: str = ""
    fee: Decimal = ZERO
    pnl: Decimal = ZERO
    cost: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Report:
    """The venue's word; `said` is the reason that it gave, if any, and `change` the amount."""

    seq: int
    recv: int
    value: Decimal
    said: str = ""
    change: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Residual:
    """Reported less folded; what moved since the last report that fitted, `since`, stands in `moves`."""

    report: Report
    amount: Decimal
    since: int
    moves: tuple[Movement, ...]
    agreeing: int  # waiting reports, this one included, that the same shift makes fit


@dataclass(frozen=True, slots=True)
class _Point:
    value: Decimal
    movement: Movement | None


@dataclass(slots=True)
class Series:
    """The folded number and the reports that wait to fit it."""

    value: Decimal = ZERO
    shift: Decimal = ZERO  # residuals so far
    tolerance: Decimal = ZERO
    rounding: Decimal = ZERO
    reports: int = 0
    fitted: int = 0
    transient: list[Report] = field(default_factory=list)
    residuals: list[Residual] = field(default_factory=list)
    last: Report | None = None
    _since: int = 0
    _points: deque[_Point] = field(default_factory=lambda: deque([_Point(ZERO, None)]))
    _waiting: deque[Report] = field(default_factory=deque)

    def begin(self, value: Decimal) -> None:
        """Where folding starts."""
        self.value = value
        self._points = deque([_Point(value, None)])

    def move(self, movement: Movement) -> None:
        """Folds a movement."""
        self.settle(movement.recv)
        self.value = EXACT.add(self.value, movement.amount)
        self._points.append(_Point(self.value, movement))
        if len(self._points) > POINTS_KEPT:
            self._points.popleft()
        if self._waiting:
            self._meet()

    def report(self, report: Report) -> None:
        """Takes the venue's word."""
        self.settle(report.recv)
        self.reports += 1
        self.last = report
        self._waiting.append(report)
        if not self._meet() and len(self._waiting) > WAITING_KEPT:
            self._judge()

    def settle(self, now: int) -> None:
        """What has waited too long is judged."""
        while self._waiting and now - self._waiting[0].recv > SETTLE_NS:
            self._judge()

    def close(self) -> None:
        """Nothing more comes."""
        while self._waiting:
            self._judge()

    @property
    def residual(self) -> Decimal:
        """What the venue said last above what is folded and what was told as residuals."""
        if self.last is None:
            return ZERO
        return EXACT.subtract(self.last.value, EXACT.add(self.value, self.shift))

    def _meet(self) -> bool:
        """True where the newest report equals the number with everything folded in: all that waited is settled."""
        newest = self._waiting[-1]
        off = EXACT.subtract(newest.value, EXACT.add(self.value, self.shift))
        if abs(off) > self.tolerance * len(self._points):
            return False
        places = self._places(list(self._waiting), self.shift)
        if sum(place is None for place in places[:-1]) > 1 and self._is_by_chance():
            return False
        if off:
            self.shift = EXACT.add(self.shift, off)
            self.rounding = EXACT.add(self.rounding, off)
        self.fitted += 1 + sum(place is not None for place in places[:-1])
        self.transient += [
            report for report, place in zip(list(self._waiting)[:-1], places, strict=False) if place is None
        ]
        self._waiting.clear()
        self._points = deque([self._points[-1]])
        self._since = newest.seq
        return True

    def _is_by_chance(self) -> bool:
        """True where the two sides only seem to meet: one shift explains every waiting report."""
        shift, _, agreeing = self._best_shift(self._waiting[0])
        return bool(shift) and agreeing == len(self._waiting)

    def _judge(self) -> None:
        """Settles the oldest waiting report, and those after it that agree with what is found."""
        report = self._waiting[0]
        shift, place, agreeing = self._best_shift(report)
        if shift:
            moves = self._moves_around(report, place)
            self.residuals.append(Residual(report, shift, self._since, tuple(moves), agreeing))
            self.shift = EXACT.add(self.shift, shift)
        self._since = report.seq
        waiting, at = list(self._waiting), place
        for spot in self._places(waiting, self.shift):
            if spot is None:
                break
            at = max(at, spot)
            self.fitted += 0 if shift and self._waiting[0] is report else 1
            self._since = self._waiting.popleft().seq
        if self._waiting and self._waiting[0] is report:
            self._waiting.popleft()
        for _ in range(at):
            self._points.popleft()
        if self._waiting:
            self._meet()

    def _moves_around(self, report: Report, place: int) -> list[Movement]:
        """What moved up to the point that was fitted or up to the report, whichever is later, and the next two."""
        moves = [point.movement for point in islice(self._points, 1, None) if point.movement is not None]
        known = sum(move.seq < report.seq for move in moves)
        return moves[: max(place, known) + 2]

    def _best_shift(self, report: Report) -> tuple[Decimal, int, int]:
        """Shift, the place of the point that it starts from, and how many of the waiting reports agree with it."""
        waiting = list(self._waiting)
        best: tuple[bool, int, bool, bool, int, Decimal] | None = None
        for place, point in enumerate(self._points):
            shift = EXACT.subtract(report.value, EXACT.add(point.value, self.shift))
            shift = ZERO if abs(shift) <= self.tolerance * (place + 1) else shift
            places = self._places(waiting, EXACT.add(self.shift, shift), place)
            agreeing = sum(spot is not None for spot in places)
            meets = self._is_up_to_date(waiting[-1], places[-1])
            known = point.movement is None or point.movement.seq <= report.seq
            offered = (meets, agreeing, not shift, known, place, shift)
            if best is None or offered[:5] > best[:5]:
                best = offered
        assert best is not None
        return best[5], best[4], best[1]

    def _is_up_to_date(self, report: Report, place: int | None) -> bool:
        """True where the report fits a point that holds every movement that was known before it."""
        if place is None:
            return False
        later = islice(self._points, place + 1, None)
        return all(point.movement is not None and point.movement.seq > report.seq for point in later)

    def _places(self, reports: list[Report], shift: Decimal, first: int = 0) -> list[int | None]:
        """For each report the point that it fits, in order, the newest known before it if there are several; None for none."""
        points = list(self._points)
        found: list[int | None] = []
        at = first
        for report in reports:
            due = EXACT.subtract(report.value, shift)
            fits = [
                spot for spot in range(at, len(points))
                if abs(EXACT.subtract(points[spot].value, due)) <= self.tolerance * (spot + 1)
            ]  # fmt: skip
            place = fits[0] if fits else None
            if report is reports[-1] and fits:
                place = fits[-1]
            found.append(place)
            at = place if place is not None else at
        return found
