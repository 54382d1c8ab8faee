"""A summary as a person reads it."""

from collections.abc import Iterator
from decimal import Decimal

from app.output import Cell, print_lines, print_table
from app.summary import PositionLine, Summary
from state.shared import SharedState

_POSITIONS = ("venue", "symbol", "position", "average", "realized", "unrealized", "fees", "funding", "fills")


def print_summary(summary: Summary, shared: SharedState) -> None:
    """Counts, latency, positions and what failed."""
    print_lines(line.encode() for line in _lines(summary))
    if summary.positions:
        print_table(_POSITIONS, [_row(line) for line in summary.positions], right=_POSITIONS[2:])
    print_lines(f"strategy {name} failed: {error}".encode() for name, error in sorted(shared.failed.items()))


def _lines(summary: Summary) -> Iterator[str]:
    yield f"session {summary.session} ({summary.status}), {summary.duration_s:g} s, in {summary.log}"
    market = summary.counts.get("market", 0)
    yield f"{summary.events} events ({summary.events_per_s:g}/s), {market} of them market data and ticks"
    yield (
        f"{summary.orders} orders placed, {summary.amends} amended, {summary.cancels} cancelled, {summary.fills} fills; "
        f"{summary.rejected} rejected, {summary.blocked} blocked, {summary.unknown} unknown"
    )
    if summary.answers is not None:
        waits = summary.answers
        yield f"decision to answer: p50 {waits.p50_ms} ms, p99 {waits.p99_ms} ms, max {waits.max_ms} ms ({waits.count})"


def _row(line: PositionLine) -> list[Cell]:
    return [
        line.venue,
        line.symbol,
        line.size,
        None if line.avg_price is None else rounded(line.avg_price),
        rounded(line.realized_pnl),
        None if line.unrealized_pnl is None else rounded(line.unrealized_pnl),
        " ".join(f"{rounded(amount):f} {asset}" for asset, amount in sorted(line.fees.items())),
        rounded(line.funding),
        line.fills,
    ]


def rounded(amount: Decimal) -> Decimal:
    """For the eye only: eight places; the JSON has them all."""
    return round(amount, 8).normalize() + 0
