"""`tapeline debug`: a session at one of its records: books, orders, positions, and what every operator had said."""

from typing import Annotated, Final

import msgspec
import typer

from app.collector import Collector
from app.facts import MarketFact
from app.logs import opened_session
from app.moments import DebugFact, kind_of, moment_fact, seq_of
from app.options import JsonOption, LogOption, SessionArgument
from app.output import moment, print_json, print_lines, print_table, printable
from app.progress import counting
from replay.moments import Moments
from replay.travel import index
from state.errors import WrongUse
from state.log import Log, SessionRow

_LEVELS: Final = 5


def debug(
    context: typer.Context,
    session: SessionArgument,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="SEQ|TIME|ORDER", help="A record, a time (UTC), an order; else the last record."),
    ] = None,
    step: Annotated[int, typer.Option("--step", metavar="N", help="So many records on from there; -N goes back.")] = 0,
    following: Annotated[
        str | None, typer.Option("--next", metavar="fill|intent|block", help="The next of these after that.")
    ] = None,
    before: Annotated[
        str | None, typer.Option("--previous", metavar="fill|intent|block", help="The last of these before that.")
    ] = None,
    values: Annotated[
        bool, typer.Option("--values/--no-values", help="Run the strategies again, to know what operators had said.")
    ] = True,
    view: Annotated[bool, typer.Option("--view", help="Look around in the terminal, from there.")] = False,
    indexed: Annotated[
        bool, typer.Option("--index", help="First run the strategies once, so that any moment is quick from then on.")
    ] = False,
    log: LogOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what was known at a record, a time or an order, and move on from there."""
    if following is not None and before is not None:
        raise WrongUse("--next and --previous are two directions: say one")
    with opened_session(context, session, log) as (opened, row):
        if indexed:
            _index(opened, row)
        moments = Moments(opened, row)
        seq = moments.step(row.last_seq if at is None else seq_of(moments, row, at), step)
        if following is not None:
            seq = moments.next(seq, kind_of("--next", following))
        if before is not None:
            seq = moments.previous(seq, kind_of("--previous", before))
        if view:
            _view(opened, row, seq)
            return
        fact = moment_fact(opened, row, seq, values=values)
    if as_json:
        print_json(fact)
    else:
        _print(fact)


def _index(log: Log, row: SessionRow) -> None:
    with counting("running the strategies once", row.last_seq) as count, Collector():
        index(log, row, progress=count)


def _view(log: Log, row: SessionRow, seq: int) -> None:
    try:
        from app.view import MomentView  # textual takes 0.2 s to load
    except ModuleNotFoundError as error:
        raise WrongUse(
            "a view in the terminal needs textual, which is not installed: pip install 'tapeline[view]'"
        ) from error
    MomentView(log, row, seq).run()


# --- for people ---

_ORDERS: Final = ("venue", "symbol", "client_id", "side", "price", "size", "filled", "status", "strategy")
_POSITIONS: Final = ("venue", "symbol", "position", "average", "realized", "funding", "fills")
_OPERATORS: Final = ("strategy", "operator", "where", "values", "seq", "last value")


class _Brief(msgspec.Struct):
    seq: int
    recv: int
    type: str
    venue: str = ""
    symbol: str = ""


def _print(fact: DebugFact) -> None:
    state = fact.state
    print_lines([f"session {fact.session} at record {fact.seq}, {moment(state.now)}".encode(), bytes(fact.record)])
    brief = [msgspec.json.decode(each, type=_Brief) for each in fact.around]
    rows = [(">" if it.seq == fact.seq else "", it.seq, moment(it.recv), it.type, it.venue, it.symbol) for it in brief]
    print_table(("", "seq", "received", "type", "venue", "symbol"), rows, right=("seq",))
    for market in state.markets:
        _print_ladder(market)
    orders = [order for account in state.accounts for order in account.orders]
    if orders:
        print_table(_ORDERS, [[getattr(order, name) for name in _ORDERS] for order in orders], right=_ORDERS[4:7])
    held = [(account.venue, position) for account in state.accounts for position in account.positions]
    if held:
        lines = [(v, p.symbol, p.size, p.avg_price, p.realized_pnl, p.funding, p.fills) for v, p in held]
        print_table(_POSITIONS, lines, right=_POSITIONS[2:])
    if fact.operators:
        said = [(it.strategy, it.operator, it.where, it.count, it.seq or None, it.value) for it in fact.operators]
        print_table(_OPERATORS, said, right=("values", "seq"))
    if fact.note:
        print_lines([f"note: {printable(fact.note)}".encode()])


def _print_ladder(market: MarketFact) -> None:
    book = market.book
    print_lines([f"{market.venue} {market.symbol}: book {book.status}".encode()])
    asks = [(None, None, price, size) for price, size in reversed(book.asks[:_LEVELS])]
    bids = [(size, price, None, None) for price, size in book.bids[:_LEVELS]]
    if asks or bids:
        print_table(
            ("bid_size", "bid", "ask", "ask_size"), [*asks, *bids], right=("bid_size", "bid", "ask", "ask_size")
        )
