"""`tapeline sweep`: sets of parameters over sessions, each row to be had again by the command that stands with it."""

import inspect
import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
import typer

from adapters.paper import PaperSettings
from app.defaults import markets_of, parse_settings, simulated_strategies
from app.files import whole_file
from app.linting import remark_impure
from app.logs import opened_log
from app.options import JsonOption, LogOption, log_url, told
from app.output import Cell, print_json, print_lines, print_table
from app.parameter_space import parameter_space
from app.progress import progress
from app.report import rounded
from app.sweeping import Words, grid_sets, random_sets, run_all
from replay.sweep import Fold, Job, Outcome, parts, walk_forward
from state.errors import WrongUse
from state.log import Log, SessionRow
from state.manifest import Manifest, installed
from state.market import Market
from streams.strategies.registry import build, find

CLEAN, FINDINGS = 0, 1


class Row(msgspec.Struct, frozen=True):
    """One run and what it came to; `command` gives the same row again, to the digest."""

    set: int
    params: dict[str, str]
    session: str
    first: int
    last: int
    seed: int
    outcome: Outcome
    command: str


class SweepFact(msgspec.Struct, frozen=True):
    """What `sweep --json` prints."""

    strategy: str
    seed: int
    drawn: list[str]  # by --random: the parameters and their values or ranges, in the words of --grid
    kept: list[str]  # parameters that were not drawn, where nobody said which to draw
    refused: int  # sets that the strategy refused, and that were drawn anew
    rows: list[Row]
    folds: list[Fold]


def sweep(
    context: typer.Context,
    strategy: Annotated[
        str, typer.Argument(metavar="STRATEGY", help="A name, or module:function.", show_default=False)
    ],
    sessions: Annotated[list[str], typer.Argument(metavar="SESSION…", help="Ids, or `last`.", show_default=False)],
    grid: Annotated[
        list[str] | None, typer.Option("--grid", metavar="KEY=A,B,C", help="Values of a parameter.")
    ] = None,
    count: Annotated[
        int | None, typer.Option("--random", metavar="N", min=1, help="Sets by chance; of --grid, KEY=LO..HI too.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Of --random: same seed, same sets.")] = 1,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="The same in every run; or paper.KEY.")
    ] = None,
    folds: Annotated[int, typer.Option("--folds", metavar="K", min=0, help="Walk-forward splits.")] = 0,
    asset: Annotated[str, typer.Option("--asset", metavar="ASSET", help="Of several, the one that is counted.")] = "",
    first: Annotated[int, typer.Option("--from", metavar="SEQ", min=1, help="First record traded on.")] = 1,
    last: Annotated[int | None, typer.Option("--to", metavar="SEQ", help="Last record traded on.")] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", metavar="N", min=1, help="Processes; else all cores.")
    ] = None,
    scheduler: Annotated[str | None, typer.Option("--scheduler", metavar="ADDRESS", help="A Dask cluster's.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="PATH", help="Parquet; what is done is kept beside it.")
    ] = None,
    log: LogOption = None,
    as_json: JsonOption = False,
) -> int:
    """Run sets of parameters over sessions, on all cores or a Dask cluster."""
    _require_sense(grid or [], settings or [], whole=not folds or (first == 1 and last is None))
    url = log_url(context, log)
    with opened_log(context, log) as opened:
        rows = _sessions(opened, sessions)
        stretches = [(row, span) for row in rows for span in _spans(row, folds, first, last)]
        said = _Said(strategy, settings or [], cache(lambda row: markets_of(opened, row)), _code_of(strategy), asset)
        sets, drawn, kept, refused = _sets(said, rows, grid or [], count, seed)
        jobs = [_job(said, url, row, span, words) for words in sets for row, span in stretches]
    remark_impure(strategy)
    journal = None if output is None else output.with_name(output.name + ".done")
    with progress(f"sweeping {strategy}", len(jobs)) as done:
        outcomes = run_all(
            jobs, workers=workers or os.cpu_count() or 1, scheduler=scheduler, done_before=journal, progress=done
        )
    _require_traded(asset, outcomes)
    wanted = [words for words in sets for _ in stretches]
    found = [
        _row(number // len(stretches), job, words, outcome, _command(job, words, settings or [], url))
        for number, (job, words, outcome) in enumerate(zip(jobs, wanted, outcomes, strict=True))
    ]
    judged = [fold for row in rows for fold in _judged(found, row.id, len(sets))] if folds else []
    if output is not None and journal is not None:
        _write(output, found)
        journal.unlink(missing_ok=True)
    _show(SweepFact(strategy, seed, drawn, kept, refused, found, judged), as_json=as_json)
    return FINDINGS if any(row.outcome.failed for row in found) else CLEAN


def _require_sense(grid: Sequence[str], settings: Sequence[str], *, whole: bool) -> None:
    if not whole:
        raise WrongUse("--folds cuts the whole session: it takes no --from and no --to")
    names = {word.partition("=")[0] for word in settings}
    for name in (word.partition("=")[0] for word in grid):
        if name in names:
            raise WrongUse(f"--grid and --set both say {name}: which of them is meant?")


def _sessions(log: Log, words: Sequence[str]) -> list[SessionRow]:
    rows = [log.find(word) for word in words]
    for number, row in enumerate(rows):
        if row.id in {it.id for it in rows[:number]}:
            raise WrongUse(f"session {row.id} is named twice")
    return rows


def _require_traded(asset: str, outcomes: Sequence[Outcome]) -> None:
    others = sorted({other for it in outcomes for other in it.elsewhere})
    if asset and others and not any(it.turnover for it in outcomes):
        raise WrongUse(f"nothing that was traded settles in {asset}: {', '.join(others)} can be counted")


class _Said(NamedTuple):
    """What is the same in every run, and the markets of a session, looked up once."""

    strategy: str
    settings: Sequence[str]
    markets: Callable[[SessionRow], list[Market]]
    code: str
    asset: str = ""

    def parsed(self, row: SessionRow, words: Words) -> tuple[list[tuple[str, dict[str, object]]], PaperSettings]:
        """Strategies and paper venue of a run; raises `ConfigurationError` for what does not fit, before anything is run."""
        params, paper = parse_settings([*self.settings, *(f"{name}={value}" for name, value in words)])
        chosen = simulated_strategies(row, self.strategy, params, lambda: self.markets(row))
        for name, fields in chosen:
            build(self.strategy, fields, name)
        return chosen, paper


def _sets(
    said: _Said, rows: Sequence[SessionRow], grid: Sequence[str], count: int | None, seed: int
) -> tuple[list[Words], list[str], list[str], int]:
    """The sets, and what the fact says of how they were drawn."""
    if count is None:
        return grid_sets(grid), [], [], 0

    def check(words: Words) -> None:
        for row in rows:
            said.parsed(row, words)

    space = parameter_space(said.strategy, {setting.partition("=")[0] for setting in said.settings})
    axes = grid or space.axes
    if not axes:
        raise WrongUse(f"strategy {said.strategy!r} has no parameter to draw: say one with --grid PARAMETER=LO..HI")
    sets, refused = random_sets(axes, count, seed, whole=space.whole, check=check)
    return sets, list(axes), [] if grid else space.kept, refused


def _row(number: int, job: Job, words: Words, outcome: Outcome, command: str) -> Row:
    return Row(number, dict(words), job.session, job.first, job.last, job.seed, outcome, command)


def _spans(row: SessionRow, folds: int, first: int, last: int | None) -> list[tuple[int, int]]:
    if folds:
        return parts(row.last_seq, folds + 1)
    end = row.last_seq if last is None else last
    if not 1 <= first <= end <= row.last_seq:
        raise WrongUse(f"session {row.id} has records 1 to {row.last_seq}; there is no stretch {first} to {end}")
    return [(first, end)]


def _job(said: _Said, url: str, row: SessionRow, span: tuple[int, int], words: Words) -> Job:
    chosen, paper = said.parsed(row, words)
    return Job(
        log=url,
        session=row.id,
        head=row.head,
        first=span[0],
        last=span[1],
        strategy=said.strategy,
        strategies=tuple((name, msgspec.json.encode(fields).decode()) for name, fields in chosen),
        paper=msgspec.json.encode(paper).decode(),
        seed=Manifest.parse(row.manifest).seed,
        code=said.code,
        asset=said.asset,
    )


def job_of(
    log: Log, url: str, row: SessionRow, span: tuple[int, int], strategy: str, settings: Sequence[str], words: Words
) -> Job:
    """One run by itself, as the command would make it."""
    return _job(_Said(strategy, settings, lambda row: markets_of(log, row), _code_of(strategy)), url, row, span, words)


def _code_of(strategy: str) -> str:
    """A digest of this version and of the file in which the strategy stands."""
    source = inspect.getsourcefile(find(strategy).function)
    body = b"" if source is None else Path(source).read_bytes()
    return blake2b(installed()[0].encode() + body, digest_size=16).hexdigest()


def _command(job: Job, words: Words, settings: Sequence[str], url: str) -> str:
    grid = [word for name, value in words for word in ("--grid", f"{name}={value}")]
    same = [word for setting in settings for word in ("--set", setting)]
    stretch = ["--from", str(job.first), "--to", str(job.last)]
    counted = ["--asset", job.asset] if job.asset else []
    return shlex.join(["tapeline", "sweep", job.strategy, job.session, *grid, *same, *counted, *stretch]) + told(url)


def _judged(rows: Sequence[Row], session: str, sets: int) -> list[Fold]:
    outcomes = [[row.outcome for row in rows if row.set == number and row.session == session] for number in range(sets)]
    assets = sorted({it.asset for row in outcomes for it in row if it.asset})
    if len(assets) > 1:
        raise WrongUse(f"--folds holds sets against each other, and theirs is PnL in {', '.join(assets)}: say --asset")
    failed = {(number, part) for number, row in enumerate(outcomes) for part, it in enumerate(row) if it.failed}
    return walk_forward(session, [[it.pnl for it in row] for row in outcomes], failed)


def _write(path: Path, rows: Sequence[Row]) -> None:
    try:
        import pyarrow as pa  # type: ignore[import-untyped]
        from pyarrow import parquet
    except ModuleNotFoundError as error:
        raise WrongUse("Parquet needs pyarrow, which is not installed: pip install 'tapeline[parquet]'") from error
    table = pa.Table.from_pylist([_flat(row) for row in rows])
    with whole_file(path) as file:
        parquet.write_table(table, file, compression="zstd")


def _flat(row: Row) -> dict[str, str | int]:
    """Money is text with all its digits, as everywhere."""
    it = row.outcome
    params = {f"param.{name}": value for name, value in row.params.items()}
    money = {name: str(getattr(it, name)) for name in _MEASURES}
    return {
        "set": row.set,
        **params,
        "session": row.session,
        "first": row.first,
        "last": row.last,
        "seed": row.seed,
        **money,
        "asset": it.asset,
        "elsewhere": _beside(it.elsewhere),
        "intents": it.intents,
        "fills": it.fills,
        "failed": it.failed,
        "digest": it.digest,
        "command": row.command,
    }


def _beside(elsewhere: Mapping[str, Decimal]) -> str:
    return ", ".join(f"{amount:f} {asset}" for asset, amount in elsewhere.items())


_MEASURES = ("pnl", "realized", "unrealized", "fees", "funding", "turnover")


def _show(fact: SweepFact, *, as_json: bool) -> None:
    if as_json:
        print_json(fact)
        return
    names = list(fact.rows[0].params)
    columns = (
        "set",
        *names,
        "session",
        "first",
        "last",
        *_MEASURES,
        "asset",
        "elsewhere",
        "intents",
        "fills",
        "failed",
        "digest",
    )
    lines: list[list[Cell]] = []
    for row in fact.rows:
        it = row.outcome
        money: list[Cell] = [rounded(getattr(it, name)) for name in _MEASURES]
        where: list[Cell] = [row.set, *row.params.values(), row.session, row.first, row.last]
        beside = _beside({other: rounded(amount) for other, amount in it.elsewhere.items()})
        lines.append([*where, *money, it.asset, beside, it.intents, it.fills, it.failed, it.digest[:12]])
    print_table(columns, lines, right=(*_MEASURES, "intents", "fills"))
    print_lines([b"", *(row.command.encode() for row in fact.rows)])
    if fact.drawn:
        print_lines(
            [b"", f"drawn with --seed {fact.seed} from:".encode(), *(f"  --grid {it}".encode() for it in fact.drawn)]
        )
    if fact.kept:
        print_lines([f"not drawn: {', '.join(fact.kept)}".encode()])
    if fact.refused:
        print_lines([f"{fact.refused} sets that {fact.strategy} refuses were drawn anew".encode()])
    if fact.folds:
        print_lines([b"", b"walk-forward: chosen on the parts before, judged on the next"])
        heads = ("session", "fold", "set", "trained", "tested", "best")
        print_table(
            heads,
            [
                [f.session, f.number, f.chosen, rounded(f.trained), rounded(f.tested), rounded(f.best)]
                for f in fact.folds
            ],
            right=heads[3:],
        )
