"""What a residual comes from, by its amount and what moved since the last report that fitted: an event is named, or nothing.

Signs: a residual is reported less folded. Of a fee f (negative where paid) of which the log holds twice what the balance moved
by, the residual is -f/2; of funding a whose sign is wrong in the log, -2a; of a fill that the log has and the venue has
not, minus its effect.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Protocol, TypeAlias

from replay.books.series import Movement, Residual
from state.ledger import EXACT

Fault: TypeAlias = Literal[
    "missing fill",
    "doubled fill",
    "doubled fee",
    "fee not taken",
    "wrong fee sign",
    "wrong funding sign",
    "doubled funding",
    "funding not taken",
    "wrong multiplier",
    "explained",
    "unexplained",
]
ZERO = Decimal(0)
_RUNS_MOST = 50  # neighbouring fills that one report may be explained by
_RATIO_DIGITS = 9  # to which a ratio must be a multiplier: PnL is rounded by venues


@dataclass(frozen=True, slots=True)
class Named:
    """What a residual is, in a word and a sentence, and the records that it is about."""

    fault: Fault
    text: str
    seqs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class OrderGap:
    """An order of which the venue told more filled, or less, than its fills come to; `missing` is signed."""

    client_id: str
    venue: str
    symbol: str
    told: Decimal
    filled: Decimal
    missing: Decimal
    seq: int


def name_balance(residual: Residual, multipliers: Mapping[str, Iterable[Decimal]], tolerance: Decimal) -> Named:
    """Names a residual of a balance; `multipliers` are those that each market could have been booked with."""
    amount, report = residual.amount, residual.report

    def near(expected: Decimal) -> bool:
        return bool(expected) and abs(EXACT.subtract(amount, expected)) <= tolerance

    if report.change is not None and report.said and near(report.change):
        return Named("explained", f"the venue says {report.said} of {report.change:f}", (report.seq,))
    fills = [move for move in residual.moves if move.kind == "fill"]
    for group in (*([fill] for fill in fills), *([fills] if len(fills) > 1 else [])):
        named = _fee(group, near)
        if named is not None:
            return named
    for move in residual.moves:
        named = _funding(move, near) if move.kind == "funding" else None
        if named is not None:
            return named
    for move in fills:
        if near(move.amount.copy_negate()):
            return Named("doubled fill", f"the balance did not move by fill {move.name}", (move.seq,))
    return (
        _cost(fills, near)
        or _multiplier(amount, fills, multipliers)
        or Named("unexplained", f"nothing that moved since record {residual.since} comes to {amount:f}", (report.seq,))
    )


def _fee(fills: list[Movement], near: "_Near") -> Named | None:
    fee = sum((fill.fee for fill in fills), ZERO)
    names = ", ".join(fill.name for fill in fills[:5])
    seqs = tuple(fill.seq for fill in fills)
    if near(-fee / 2):
        return Named(
            "doubled fee", f"the log holds a fee of {fee:f} of fill {names}, twice what the balance moved by", seqs
        )
    if near(fee):
        return Named("doubled fee", f"the balance moved twice by the fee {fee:f} of fill {names}", seqs)
    if near(-fee):
        return Named("fee not taken", f"the balance did not move by the fee {fee:f} of fill {names}", seqs)
    if near(-2 * fee):
        return Named("wrong fee sign", f"the balance moved by the fee {fee:f} of fill {names} the other way", seqs)
    return None


def _funding(move: Movement, near: "_Near") -> Named | None:
    if near(-2 * move.amount):
        text = f"the balance moved by the funding {move.amount:f} of payment {move.name} the other way"
        return Named("wrong funding sign", text, (move.seq,))
    if near(move.amount):
        return Named("doubled funding", f"the balance moved twice by the funding {move.amount:f}", (move.seq,))
    if near(-move.amount):
        return Named("funding not taken", f"the balance did not move by the funding {move.amount:f}", (move.seq,))
    return None


def _cost(fills: list[Movement], near: "_Near") -> Named | None:
    """Where a balance is what is left after paying for positions (dYdX's is), it moves by whole trades, not by PnL alone."""
    for first in range(min(len(fills), _RUNS_MOST)):
        cost = ZERO
        for last in range(first, min(len(fills), first + _RUNS_MOST)):
            cost = EXACT.add(cost, fills[last].cost)
            if near(cost):
                names = ", ".join(fill.name for fill in fills[first : last + 1][:5])
                text = f"the venue books positions at cost: {cost:f} was paid or taken for what fill {names} opened or closed"
                return Named("explained", text, tuple(fill.seq for fill in fills[first : last + 1]))
    return None


def _multiplier(amount: Decimal, fills: list[Movement], multipliers: Mapping[str, Iterable[Decimal]]) -> Named | None:
    """The PnL of the fills of one market, booked with another contract size."""
    for symbol in dict.fromkeys(fill.symbol for fill in fills):
        mine = [fill for fill in fills if fill.symbol == symbol and fill.pnl]
        for group in (*([fill] for fill in mine), mine):
            pnl = sum((fill.pnl for fill in group), ZERO)
            if not pnl:
                continue
            ratio = 1 + amount / pnl
            if _is_one_of(ratio, multipliers.get(symbol, ())):
                text = f"the balance moved by {_plain(ratio)} times the PnL {pnl:f} of {symbol}"
                return Named("wrong multiplier", text, tuple(fill.seq for fill in group))
    return None


def name_position(
    residual: Residual,
    gaps: Iterable[OrderGap],
    multipliers: Iterable[Decimal],
    balance_denies: Callable[[Movement], bool],
) -> Named:
    """Names a residual of a position; `balance_denies` is true for a fill by which the balance did not move either.

    A fill that is missing and one too much on the other side look alike to a position: the balance tells them apart.
    """
    amount, report = residual.amount, residual.report
    fills = [move for move in residual.moves if move.kind == "fill"]
    gap = next((gap for gap in gaps if gap.missing == amount), None)
    if gap is not None:
        what = "missing" if abs(gap.told) > abs(gap.filled) else "too much"
        text = f"order {gap.client_id} was told filled {gap.told:f}, its fills come to {gap.filled:f}: {abs(amount):f} {what}"
        return Named("missing fill" if what == "missing" else "doubled fill", text, (gap.seq, report.seq))
    for move in fills:
        if amount == -move.amount and balance_denies(move):
            return Named("doubled fill", f"the position did not move by fill {move.name}", (move.seq,))
    traded = sum((move.amount for move in fills), ZERO)
    candidates = tuple(multipliers)
    for part, seqs in ((traded, tuple(move.seq for move in fills)), *((move.amount, (move.seq,)) for move in fills)):
        if part and _is_one_of(1 + amount / part, candidates):
            text = f"the position moved by {_plain(1 + amount / part)} times the fills' {part:f}"
            return Named("wrong multiplier", text, seqs)
    text = (
        f"the position moved by {amount:f} between records {residual.since} and {report.seq} without a fill in the log"
    )
    return Named("missing fill", text, (report.seq,))


class _Near(Protocol):
    def __call__(self, expected: Decimal) -> bool: ...


def _is_one_of(ratio: Decimal, candidates: Iterable[Decimal]) -> bool:
    return ratio != 1 and any(round(ratio / known, _RATIO_DIGITS) == 1 for known in candidates if known != 1)


def _plain(number: Decimal) -> str:
    rounded = round(number, _RATIO_DIGITS).normalize()
    return format(rounded, "f")
