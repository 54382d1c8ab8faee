"""`tapeline state`: what was known after a record."""

from typing import Annotated

import typer

from app.facts import StateFact, state_fact
from app.logs import opened_log
from app.options import JsonOption, LogOption, SessionArgument
from app.output import moment, print_json, print_lines, print_table
from app.progress import progress
from replay.rebuild import rebuild

_MARKETS = ("venue", "symbol", "book", "bid", "bid_size", "ask", "ask_size", "update_id")
_ORDERS = ("venue", "symbol", "client_id", "side", "price", "size", "filled", "status", "strategy")
_POSITIONS = ("venue", "symbol", "size", "avg_price", "realized_pnl", "funding", "fills")
_BALANCES = ("venue", "asset", "total", "available")


def state(
    context: typer.Context,
    session: SessionArgument,
    at: Annotated[int | None, typer.Option("--at", metavar="SEQ", min=0, help="The record; else the last one.")] = None,
    log: LogOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show markets, orders, positions and balances as they were known after a record."""
    with opened_log(context, log) as opened:
        found = opened.find(session)
        folded = 0
        with progress("rebuilding", at or found.last_seq) as done:

            def count(records: int) -> None:
                nonlocal folded
                folded += records
                done(folded)

            shared = rebuild(opened, found.id, at, progress=count)
    fact = state_fact(shared)
    if as_json:
        print_json(fact)
    else:
        _print(fact)


def _print(fact: StateFact) -> None:
    halted = f", halted: {fact.halted}" if fact.halted is not None else ""
    print_lines([f"session {fact.session}, after record {fact.seq}, {moment(fact.now)}{halted}".encode()])
    print_lines(f"strategy {name} is {word.state}: {word.reason}".encode() for name, word in fact.risk.items())
    print_lines(
        f"strategy {name} goes on with {field} = {bytes(value).decode()}".encode()
        for name, params in fact.parameters.items()
        for field, value in params.items()
    )
    books = [(market, market.book) for market in fact.markets]
    print_table(
        _MARKETS,
        [(m.venue, m.symbol, b.status, b.bid, b.bid_size, b.ask, b.ask_size, b.update_id) for m, b in books],
        right=_MARKETS[3:],
    )
    orders = [order for account in fact.accounts for order in account.orders]
    if orders:
        rows = [
            (o.venue, o.symbol, o.client_id, o.side, o.price, o.size, o.filled, o.status, o.strategy) for o in orders
        ]
        print_table(_ORDERS, rows, right=("price", "size", "filled"))
    positions = [(account.venue, position) for account in fact.accounts for position in account.positions]
    if positions:
        held = [(v, p.symbol, p.size, p.avg_price, p.realized_pnl, p.funding, p.fills) for v, p in positions]
        print_table(_POSITIONS, held, right=_POSITIONS[2:])
    balances = [(a.venue, b.asset, b.total, b.available) for a in fact.accounts for b in a.balances]
    if balances:
        print_table(_BALANCES, balances, right=_BALANCES[2:])
