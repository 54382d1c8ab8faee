"""A summary, and strategies side by side, as a person reads them."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from app.output import Cell, print_lines, print_table
from app.summary import PositionLine, Summary
from replay.compare import StrategyLine
from state.shared import SharedState

_POSITIONS = ("venue", "symbol", "position", "average", "realized", "unrealized", "fees", "funding", "fills")
_COMPARED = (
    "session", "source", "strategy", "orders", "amends", "cancels", "blocked", "rejected", "fills", "maker", "turnover",
    "fees", "position", "pnl",
)  # fmt: skip


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
    if summary.late:
        yield f"late {summary.late} times: market frames came faster than they were folded"


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


def print_comparison(lines: Sequence[StrategyLine]) -> None:
    """The lines as a table."""
    print_table(_COMPARED, [_strategy(line) for line in lines], right=_COMPARED[3:])


def _strategy(line: StrategyLine) -> list[Cell]:
    counts: list[Cell] = [line.orders, line.amends, line.cancels, line.blocked, line.rejected, line.fills, line.maker]
    amounts = [_amounts(each) for each in (line.turnover, line.fees)]
    positions = ", ".join(f"{size:f} {market}" for market, size in line.positions.items())
    return [line.session, line.source, line.strategy, *counts, *amounts, positions, _amounts(line.pnl)]


def _amounts(by_asset: Mapping[str, Decimal] | None) -> str:
    if by_asset is None:
        return "no price"
    return ", ".join(f"{rounded(amount):f} {asset}" for asset, amount in sorted(by_asset.items()))


def rounded(amount: Decimal) -> Decimal:
    """For the eye only: eight places; the JSON has them all."""
    return round(amount, 8).normalize() + 0
