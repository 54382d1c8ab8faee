"""What a session came to: counted from its log and from the state at its end, never from what a run remembers of itself."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

import msgspec

from state.log import JournalRow, Log
from state.shared import SharedState

_OUTCOMES = ("Accepted", "Rejected", "Unknown")
_INTENTS = ("PlaceOrder", "AmendOrder", "CancelOrder", "CancelAll")


class PositionLine(msgspec.Struct, frozen=True):
    """One market at the end; PnL in the settling asset, fees and funding negative where paid."""

    venue: str
    symbol: str
    size: Decimal
    avg_price: Decimal | None
    realized_pnl: Decimal
    unrealized_pnl: Decimal | None
    fees: dict[str, Decimal]
    funding: Decimal
    turnover: Decimal
    fills: int


class Percentiles(msgspec.Struct, frozen=True):
    """Milliseconds from an intent's decision to the venue's answer, as both were received."""

    count: int
    p50_ms: float
    p99_ms: float
    max_ms: float


class Summary(msgspec.Struct, frozen=True):
    """One session in a screenful; `late` is how often market frames waited for longer than they may."""

    session: str
    status: str
    log: str
    duration_s: float
    events: int
    events_per_s: float
    counts: dict[str, int]
    orders: int
    amends: int
    cancels: int
    blocked: int
    rejected: int
    unknown: int
    fills: int
    late: int
    answers: Percentiles | None
    positions: list[PositionLine]


class _Status(msgspec.Struct):
    channel: str
    status: str


def summarize(log: Log, session: str, shared: SharedState) -> Summary:
    """`shared` is the state at the session's end."""
    row = log.find(session)
    counts: Counter[str] = Counter()
    decided: dict[int, int] = {}
    waits: list[int] = []
    late = 0
    for line in log.journal(row.id):
        counts[line.type] += 1
        if line.type == "FeedStatus":
            status = msgspec.json.decode(line.payload, type=_Status)
            late += (status.channel, status.status) == ("load", "stale")
        _answer(line, decided, waits)
    duration_s = max(0, (row.closed or shared.now) - row.opened) / 1e9
    return Summary(
        session=row.id,
        status=row.status,
        log=log.name,
        duration_s=round(duration_s, 3),
        events=row.last_seq,
        events_per_s=round(row.last_seq / duration_s, 1) if duration_s else 0.0,
        counts=dict(sorted(counts.items())) | {"market": row.last_seq - counts.total()},
        orders=counts["PlaceOrder"],
        amends=counts["AmendOrder"],
        cancels=counts["CancelOrder"] + counts["CancelAll"],
        blocked=counts["Blocked"],
        rejected=counts["Rejected"],
        unknown=counts["Unknown"],
        fills=counts["Fill"],
        late=late,
        answers=_percentiles(waits),
        positions=_positions(shared),
    )


def _answer(line: JournalRow, decided: dict[int, int], waits: list[int]) -> None:
    if line.type in _INTENTS:
        decided[line.seq] = line.recv
    elif line.type in _OUTCOMES and line.cause in decided:
        waits.append(line.recv - decided.pop(line.cause))


def _percentiles(waits: Sequence[int]) -> Percentiles | None:
    if not waits:
        return None
    ordered = sorted(waits)

    def at(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))] / 1e6, 3)

    return Percentiles(len(ordered), at(0.5), at(0.99), at(1.0))


def _positions(shared: SharedState) -> list[PositionLine]:
    lines = []
    for venue, account in sorted(shared.accounts.items()):
        for symbol, position in sorted(account.ledger.positions.items()):
            book = shared.market(venue, symbol).book
            lines.append(
                PositionLine(
                    venue=venue,
                    symbol=symbol,
                    size=position.size,
                    avg_price=position.avg_price,
                    realized_pnl=position.realized_pnl,
                    unrealized_pnl=position.unrealized(book.mid) if book.is_ok else None,
                    fees=dict(position.fees),
                    funding=position.funding,
                    turnover=position.turnover,
                    fills=position.fills,
                )
            )
    return lines
