"""What each strategy of some sessions did and earned, side by side: a live one and its shadow, two simulations, two days.

Counted from the journal. PnL is by the strategy's own fills: realized, unrealized at the session's last mid, and fees; funding is
the account's and is in none of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from replay.executions import Executions
from replay.journaled import journaled
from replay.rebuild import rebuild
from state.events import (
    Accepted,
    AmendOrder,
    AnyEvent,
    Blocked,
    CancelAll,
    CancelOrder,
    Fill,
    OrderUpdate,
    PlaceOrder,
    Rejected,
)
from state.ledger import Ledger
from state.log import Log
from state.manifest import Manifest
from state.shared import SharedState

SHADOW = "shadow"
_TOLD: tuple[type[AnyEvent], ...] = (
    PlaceOrder, AmendOrder, CancelOrder, CancelAll, Blocked, Rejected, Accepted, OrderUpdate, Fill,
)  # fmt: skip
_ZERO = Decimal(0)


class StrategyLine(msgspec.Struct, frozen=True):
    """One strategy of one session; amounts by asset, fees negative where paid, `maker` the share of its fills' count.

    What was turned over is in the quotes of its markets, PnL in what they settle in.
    """

    session: str
    source: str
    strategy: str
    orders: int
    amends: int
    cancels: int
    blocked: int
    rejected: int
    fills: int
    maker: float | None
    turnover: dict[str, Decimal]
    fees: dict[str, Decimal]
    positions: dict[str, Decimal]
    pnl: dict[str, Decimal] | None  # None where an open position has no price


@dataclass
class _Counted:
    orders: int = 0
    amends: int = 0
    cancels: int = 0
    blocked: int = 0
    rejected: int = 0
    fills: int = 0
    made: int = 0
    said: int = 0  # fills of which it is known who made them
    ledgers: dict[str, Ledger] = field(default_factory=dict)


def shadows_of(log: Log, session: str) -> list[str]:
    """The sessions that ran in the shadow of one, oldest first."""
    return [row.id for row in log.sessions() if row.parent == session and Manifest.parse(row.manifest).source == SHADOW]


def compare(log: Log, session: str) -> list[StrategyLine]:
    """The strategies of one session in the order of its manifest, then others that traded in it (`operator`)."""
    row = log.find(session)
    manifest = Manifest.parse(row.manifest)
    shared = rebuild(log, row.id)
    counted = {known.name: _Counted() for known in manifest.strategies}
    for strategy, event in _owned(log, row.id):
        _count(counted.setdefault(strategy, _Counted()), event, shared)
    return [_line(row.id, manifest.source, name, each, shared) for name, each in counted.items()]


def _owned(log: Log, session: str) -> Iterator[tuple[str, AnyEvent]]:
    """Events that are some strategy's, with its name; each fill once."""
    strategies: dict[tuple[str, str], str] = {}  # by venue and client id
    executions = Executions()
    for record in journaled(log, session, _TOLD):
        event = executions.heard(record.event)
        if isinstance(event, PlaceOrder):
            strategies[event.venue, event.client_id] = event.strategy
        if isinstance(event, Fill | Rejected):
            owner = strategies.get((event.venue, event.client_id or ""))
            if owner is not None:
                yield owner, event
        elif isinstance(event, PlaceOrder | AmendOrder | CancelOrder | CancelAll | Blocked) and event.strategy:
            yield event.strategy, event


def _count(counted: _Counted, event: AnyEvent, shared: SharedState) -> None:
    if isinstance(event, PlaceOrder):
        counted.orders += 1
    elif isinstance(event, AmendOrder):
        counted.amends += 1
    elif isinstance(event, CancelOrder | CancelAll):
        counted.cancels += 1
    elif isinstance(event, Blocked):
        counted.blocked += 1
    elif isinstance(event, Rejected):
        counted.rejected += 1
    elif isinstance(event, Fill):
        counted.fills += 1
        counted.said += event.maker is not None
        counted.made += event.maker is True
        ledger = counted.ledgers.setdefault(event.venue, Ledger(event.venue))
        ledger.filled(event, shared.market(event.venue, event.symbol).instrument)


def _line(session: str, source: str, name: str, counted: _Counted, shared: SharedState) -> StrategyLine:
    positions, turnover, fees, pnl = {}, dict[str, Decimal](), dict[str, Decimal](), dict[str, Decimal]()
    is_priced = True
    for ledger in counted.ledgers.values():
        for symbol, position in sorted(ledger.positions.items()):
            market = shared.market(position.venue, symbol)
            rules = market.instrument
            asset, quote = (rules.settle, rules.quote) if rules is not None else ("?", "?")
            positions[f"{position.venue} {symbol}"] = position.size
            turnover[quote] = turnover.get(quote, _ZERO) + position.turnover
            for paid, amount in position.fees.items():
                fees[paid] = fees.get(paid, _ZERO) + amount
                if rules is None or rules.kind != "spot" or paid != rules.base:  # else it is size that never came
                    pnl[paid] = pnl.get(paid, _ZERO) + amount
            pnl[asset] = pnl.get(asset, _ZERO) + position.realized_pnl
            if position.size:
                is_priced = is_priced and all(market.book.levels())
                pnl[asset] += position.unrealized(market.book.mid) if is_priced else _ZERO
    return StrategyLine(
        session, source, name, counted.orders, counted.amends, counted.cancels, counted.blocked, counted.rejected,
        counted.fills, round(counted.made / counted.said, 4) if counted.said else None, turnover, fees, positions,
        pnl if is_priced else None,
    )  # fmt: skip
