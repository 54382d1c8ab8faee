"""`tapeline debug`: a session at one of its records: books, orders, positions, and what every operator had said."""

from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec
import typer

from adapters import order_ids
from app.collector import Collector
from app.facts import MarketFact, StateFact, state_fact
from app.logs import opened_session
from app.options import JsonOption, LogOption, SessionArgument
from app.output import moment, print_json, print_lines, print_table, printable
from app.progress import progress
from replay.moments import KINDS, Kind, Moments
from replay.rebuild import rebuild
from replay.why.traced import trace
from state.errors import ReplayDiverged, TapelineError, WrongUse
from state.log import Log, SessionRow
from state.manifest import Manifest
from state.record import to_json
from streams.strategies.recorded import strategies_of
from streams.trace import Heard

_EARLIEST_NS: Final = 10**15  # below it a number is a seq, above a time
_LEVELS: Final = 5
_AROUND: Final = 5  # records shown before and after


class OperatorFact(msgspec.Struct, frozen=True):
    """One stage of a strategy: how often it had spoken, and its last value, from record `seq`."""

    strategy: str
    operator: str
    where: str
    count: int
    seq: int
    value: str | None


class DebugFact(msgspec.Struct, frozen=True):
    """What `debug --json` prints; `note` says why operators are not known, where they are not."""

    session: str
    seq: int
    record: msgspec.Raw
    around: list[msgspec.Raw]
    state: StateFact
    operators: list[OperatorFact]
    note: str


def debug(
    context: typer.Context,
    session: SessionArgument,
    at: Annotated[
        str,
        typer.Option("--at", metavar="SEQ|TIME|ORDER", help="A record, a time (UTC), an order.", show_default=False),
    ],
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
    log: LogOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what was known at a record, a time or an order, and move on from there."""
    if following is not None and before is not None:
        raise WrongUse("--next and --previous are two directions: say one")
    with opened_session(context, session, log) as (opened, row):
        moments = Moments(opened, row)
        seq = moments.step(_found(moments, row, at), step)
        if following is not None:
            seq = moments.next(seq, _kind("--next", following))
        if before is not None:
            seq = moments.previous(seq, _kind("--previous", before))
        fact = _fact(opened, row, seq, values=values)
    if as_json:
        print_json(fact)
    else:
        _print(fact)


def _found(moments: Moments, row: SessionRow, word: str) -> int:
    if word.isascii() and word.isdigit():
        number = int(word)
        return moments.record(number).seq if number < _EARLIEST_NS else moments.at_time(number)
    time_ns = _time(row, word)
    return moments.of_order(word) if time_ns is None else moments.at_time(time_ns)


def _time(row: SessionRow, word: str) -> int | None:
    """A date and time, or a time of the session's first day, UTC unless it says otherwise; None for what is none."""
    day = datetime.fromtimestamp(row.opened // 1_000_000_000, UTC).date().isoformat()
    for text in (word, f"{day}T{word}") if ":" in word else ():
        try:
            told = datetime.fromisoformat(text)
        except ValueError:
            continue
        since = (told if told.tzinfo else told.replace(tzinfo=UTC)) - datetime.fromtimestamp(0, UTC)
        return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1_000
    return None


def _kind(option: str, word: str) -> Kind:
    for kind in KINDS:
        if kind == word:
            return kind
    raise WrongUse(f"{option} takes {', '.join(KINDS)}, not {word!r}")


def _fact(log: Log, row: SessionRow, seq: int, *, values: bool) -> DebugFact:
    near = list(log.records(row.id, max(1, seq - _AROUND), min(row.last_seq, seq + _AROUND)))
    heard, note = _operators(log, row, seq) if values else ((), "operators were not asked for")
    return DebugFact(
        session=row.id,
        seq=seq,
        record=msgspec.Raw(next(to_json(record) for record in near if record.seq == seq)),
        around=[msgspec.Raw(to_json(record)) for record in near],
        state=state_fact(rebuild(log, row.id, seq)),
        operators=[
            OperatorFact(it.strategy, it.operator, it.where, it.count, it.seq, repr(it.value) if it.count else None)
            for it in heard
        ],
        note=note,
    )


def _operators(log: Log, row: SessionRow, seq: int) -> tuple[tuple[Heard, ...], str]:
    """What the operators said last, or why that is not known."""
    done = 0

    def count(records: int) -> None:
        nonlocal done
        done += records
        shown(done)

    try:
        strategies = strategies_of(Manifest.parse(row.manifest))
        with progress("running the strategies again", seq) as shown, Collector():
            return trace(log, row.id, strategies, order_ids(row.id), until=seq, progress=count).at_end, ""
    except ReplayDiverged as error:
        return (), f"the operators' values are not known: {error}"
    except TapelineError as error:
        return (), f"the operators' values are not known, the strategies cannot be run again: {error}"


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
