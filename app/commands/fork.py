"""`tapeline fork`: a session's history up to a record, another course after it, and the two side by side."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Annotated

import msgspec
import typer

from adapters import order_ids
from adapters.paper import PaperSettings
from app.collector import Collector
from app.defaults import parse_settings
from app.logs import opened_session
from app.options import JsonOption, LogOption, SessionArgument
from app.output import Cell, moment, print_json, print_lines, print_table
from app.progress import progress
from app.report import rounded
from replay.assumed import assumed
from replay.calibration.rerun import LEAST_LEVERAGE
from replay.fork import FirstDifference, Fork, Forked
from replay.latencies import NOTHING_RECORDED, recorded_latencies
from replay.others import Others
from replay.rebuild import rebuild
from state.errors import ConfigurationError, WrongUse
from state.events import INTENT, Blocked, Fill, FundingPayment, Rejected
from state.log import Log, SessionRow
from state.manifest import Manifest, StrategyEntry
from state.record import Record, to_json
from state.shared import SharedState
from streams.strategies.recorded import entry, strategies_of

CLEAN = 0
_COMPARED = (*INTENT, Blocked, Fill, FundingPayment, Rejected)


class Inventory(msgspec.Struct, frozen=True):
    """One market at the end; `pnl` is realized, unrealized, fees in `asset` and funding together."""

    venue: str
    symbol: str
    size: Decimal
    pnl: Decimal
    fees: dict[str, Decimal]
    funding: Decimal


class Course(msgspec.Struct, frozen=True):
    """What happened after the fork, counted by event, and what was held at the end."""

    counts: dict[str, int]
    bought: dict[str, Decimal]
    sold: dict[str, Decimal]
    inventory: list[Inventory]
    intents: list[msgspec.Raw]
    fills: list[msgspec.Raw]


class DifferenceFact(msgspec.Struct, frozen=True):
    """The first decision or fill that is not the same."""

    at: int
    what: str
    original: msgspec.Raw | None
    fork: msgspec.Raw | None


class ForkFact(msgspec.Struct, frozen=True):
    """What `fork --json` prints."""

    session: str
    at: int
    changed: dict[str, msgspec.Raw]
    difference: DifferenceFact | None
    original: Course
    fork: Course
    assumptions: list[str]


def fork(
    context: typer.Context,
    session: SessionArgument,
    at: Annotated[int, typer.Option("--at", metavar="SEQ", help="The last record of history.", show_default=False)],
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="STRATEGY.KEY=VALUE", help="A parameter of a strategy, or paper.KEY."),
    ] = None,
    log: LogOption = None,
    as_json: JsonOption = False,
) -> int:
    """Run a session's history up to a record and something else from there, and show both side by side."""
    with opened_session(context, session, log) as (opened, row):
        if not 1 <= at <= row.last_seq:
            raise WrongUse(f"session {row.id} has records 1 to {row.last_seq}; there is no seq {at}")
        manifest = Manifest.parse(row.manifest)
        changed, ended = _changed(manifest, settings or []), rebuild(opened, row.id)
        forked = _run(opened, row, manifest, changed, _papers(manifest, settings or [], ended), at)
        original = _course(opened.records(row.id, at + 1), ended)
    now = _course(forked.records, forked.shared)
    fact = ForkFact(
        row.id,
        at,
        {known.name: known.params for known in changed},
        _difference(forked.difference),
        original,
        now,
        list(forked.assumptions),
    )
    if as_json:
        print_json(fact)
    else:
        _print(fact)
    return CLEAN


def _run(
    log: Log,
    row: SessionRow,
    manifest: Manifest,
    changed: Sequence[StrategyEntry],
    papers: dict[str, PaperSettings],
    at: int,
) -> Forked:
    by_record = any(paper.latency == "recorded" for paper in papers.values())
    recorded = recorded_latencies(log, row.id) if by_record else NOTHING_RECORDED
    if by_record and not recorded:
        raise ConfigurationError(f"paper.latency=recorded: session {row.id} has no intents that were answered")
    other = strategies_of(msgspec.structs.replace(manifest, strategies=list(changed)))
    ids, ours, others = order_ids(row.id), strategies_of(manifest), Others(log, row)
    run = Fork(row.id, ids, ours, other, papers[""], at, by_venue=papers, recorded=recorded, others=others)
    done = 0
    with progress("forking", row.last_seq) as shown, Collector():

        def count(records: int) -> None:
            nonlocal done
            done += records
            shown(done)

        forked = run.run(log.records(row.id), count)
    forked.assumptions = (*forked.assumptions, *others.words())
    return forked


def _papers(manifest: Manifest, words: Sequence[str], ended: SharedState) -> dict[str, PaperSettings]:
    """The paper venues as the session had them, where it traded at such, with what is said; the empty name is any other.

    In place of a real venue stands one that refuses nothing for want of margin, unless a leverage is said: what the account was
    allowed there, it did.
    """
    said = [word for word in words if word.startswith("paper.")]
    given = msgspec.to_builtins(parse_settings(said)[1])
    named = {name: given[name] for name in (word.partition("=")[0].removeprefix("paper.") for word in said)}
    reported = [
        it.reported.leverage for of in ended.accounts.values() for it in of.ledger.positions.values() if it.reported
    ]
    ample = max([LEAST_LEVERAGE, *(it for it in reported if it is not None)])
    known = {"": PaperSettings(leverage=ample)} | assumed(manifest)
    return {
        venue: msgspec.convert(msgspec.to_builtins(settings) | named, PaperSettings, strict=False)
        for venue, settings in known.items()
    }


def _changed(manifest: Manifest, words: Sequence[str]) -> list[StrategyEntry]:
    """The strategies with other parameters."""
    fields, _ = parse_settings([word for word in words if not word.startswith("paper.")])
    wanted: dict[str, dict[str, object]] = {}
    for key, value in fields.items():
        strategy, _, name = key.rpartition(".")
        meant = [each for each in manifest.strategies if strategy in (each.name, each.strategy)]
        if not meant:
            names = ", ".join(each.name for each in manifest.strategies) or "none"
            raise ConfigurationError(f"--set {key}: no strategy {strategy!r} in the session; it ran {names}")
        for each in meant:
            wanted.setdefault(each.name, {})[name] = value
    return [
        entry(each.name, each.strategy, msgspec.json.decode(each.params, type=dict[str, object]) | wanted[each.name])
        for each in manifest.strategies
        if each.name in wanted
    ]


def _course(records: Iterable[Record], shared: SharedState) -> Course:
    counts: dict[str, int] = {}
    sides: dict[str, dict[str, Decimal]] = {"buy": {}, "sell": {}}
    intents, fills = [], []
    for record in records:
        event = record.event
        if not isinstance(event, _COMPARED):
            continue
        counts[type(event).__name__] = counts.get(type(event).__name__, 0) + 1
        if isinstance(event, Fill):
            market = f"{event.venue} {event.symbol}"
            sides[event.side][market] = sides[event.side].get(market, Decimal(0)) + event.size
            fills.append(msgspec.Raw(to_json(record)))
        elif isinstance(event, INTENT):
            intents.append(msgspec.Raw(to_json(record)))
    return Course(dict(sorted(counts.items())), sides["buy"], sides["sell"], _inventory(shared), intents, fills)


def _inventory(shared: SharedState) -> list[Inventory]:
    found = []
    for venue, account in sorted(shared.accounts.items()):
        for symbol, position in sorted(account.ledger.positions.items()):
            market = shared.market(venue, symbol)
            pnl = position.realized_pnl + position.funding
            if market.book.levels()[0] and market.book.levels()[1]:
                pnl += position.unrealized(market.book.mid)
            if market.instrument is not None:
                pnl += position.fees.get(market.instrument.settle, Decimal(0))
            found.append(Inventory(venue, symbol, position.size, pnl, dict(position.fees), position.funding))
    return found


def _difference(found: FirstDifference | None) -> DifferenceFact | None:
    if found is None:
        return None
    original, fork_side = (None if it is None else msgspec.Raw(to_json(it)) for it in (found.original, found.fork))
    return DifferenceFact(found.at, found.what, original, fork_side)


def _print(fact: ForkFact) -> None:
    lines = [f"session {fact.session}, forked at record {fact.at}"]
    lines += [f"changed: {name} {bytes(params).decode()}" for name, params in fact.changed.items()]
    found = fact.difference
    if found is None:
        lines.append("to its end the fork is the session: the same decisions, the same fills")
    else:
        lines.append(f"first difference: a {found.what} at {moment(found.at)}")
        lines.append(f"  original: {bytes(found.original).decode() if found.original else 'nothing'}")
        lines.append(f"  fork:     {bytes(found.fork).decode() if found.fork else 'nothing'}")
    print_lines(line.encode() for line in lines)
    print_table(("measure", "original", "fork"), _rows(fact.original, fact.fork), right=("original", "fork"))
    if found is not None:
        print_lines([b"", b"assumed of fills after that:", *(f"  - {line}".encode() for line in fact.assumptions)])


def _rows(original: Course, fork_side: Course) -> list[list[Cell]]:
    none = Decimal(0)
    names = sorted(original.counts.keys() | fork_side.counts.keys())
    rows: list[list[Cell]] = [[name, original.counts.get(name, 0), fork_side.counts.get(name, 0)] for name in names]
    amounts = (
        ("bought", original.bought, fork_side.bought),
        ("sold", original.sold, fork_side.sold),
        ("position", _sizes(original), _sizes(fork_side)),
        ("PnL", _profits(original), _profits(fork_side)),
    )
    for word, ours, theirs in amounts:
        rows += [
            [f"{word} {market}", rounded(ours.get(market, none)), rounded(theirs.get(market, none))]
            for market in sorted(ours.keys() | theirs.keys())
        ]
    return rows


def _sizes(course: Course) -> dict[str, Decimal]:
    return {f"{it.venue} {it.symbol}": it.size for it in course.inventory}


def _profits(course: Course) -> dict[str, Decimal]:
    return {f"{it.venue} {it.symbol}": it.pnl for it in course.inventory}
