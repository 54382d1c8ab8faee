"""`tapeline lookahead`: a strategy's decisions may not depend on what had not happened yet."""

from typing import Annotated

import msgspec
import typer

from app.collector import Collector
from app.defaults import markets_of, parse_settings, simulated_strategies
from app.linting import impurities
from app.logs import opened_session
from app.options import JsonOption, LogOption, SessionArgument
from app.output import print_json, print_lines
from app.progress import progress
from replay.lookahead import Lookahead, Verdict
from replay.others import Others
from state.errors import ConfigurationError, WrongUse
from state.manifest import Manifest
from state.record import Record, to_json
from streams.strategies.recorded import entry, strategies_of

CLEAN, FINDINGS = 0, 1


class FindingFact(msgspec.Struct, frozen=True):
    """The first decision that knew too much."""

    at: int
    how: str
    whole: msgspec.Raw | None
    other: msgspec.Raw | None
    operator: str
    where: str


class LookaheadFact(msgspec.Struct, frozen=True):
    """What `lookahead --json` prints."""

    session: str
    strategy: str
    seed: int
    samples: int
    decisions: int
    differing: int
    finding: FindingFact | None
    unseen: list[str]  # lines of the strategy by which it learns what is in no log, and which nothing here can cut off


def lookahead(
    context: typer.Context,
    strategy: Annotated[
        str, typer.Argument(metavar="STRATEGY", help="A name, or module:function.", show_default=False)
    ],
    session: SessionArgument,
    samples: Annotated[int, typer.Option("--samples", metavar="N", min=1, help="Places in the log.")] = 200,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Same seed, same places.")] = 1,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A parameter of the strategy, or paper.KEY.")
    ] = None,
    log: LogOption = None,
    as_json: JsonOption = False,
) -> int:
    """Cut or disturb the log after random records; what was decided before them must stay the same."""
    params, paper = parse_settings(settings or [])
    if paper.latency == "recorded":
        raise ConfigurationError("lookahead takes no recorded latencies: they are of the whole session")
    with opened_session(context, session, log) as (opened, row):
        chosen = simulated_strategies(row, strategy, params, lambda: markets_of(opened, row))
        manifest = msgspec.structs.replace(
            Manifest.parse(row.manifest),
            strategies=[entry(name, strategy, fields) for name, fields in chosen],
            risk=msgspec.Raw(b"null"),
        )
        market = list(Others(opened, row).market(opened.records(row.id)))
        examination = Lookahead(market, lambda: strategies_of(manifest), paper, seed)
        with progress(f"examining {strategy}", samples) as done, Collector():
            verdict = examination.examine(samples, done)
    if not verdict.decisions:
        raise WrongUse(f"{strategy} decides nothing in session {row.id}: there is nothing to examine")
    unseen = [str(it) for it in impurities(strategy)]
    if as_json:
        print_json(_fact(row.id, strategy, seed, verdict, unseen))
    else:
        print_lines(line.encode() for line in _lines(row.id, strategy, verdict, unseen))
    return FINDINGS if unseen or verdict.finding is not None else CLEAN


def _fact(session: str, strategy: str, seed: int, verdict: Verdict, unseen: list[str]) -> LookaheadFact:
    found = verdict.finding
    return LookaheadFact(
        session,
        strategy,
        seed,
        verdict.samples,
        verdict.decisions,
        verdict.differing,
        None
        if found is None
        else FindingFact(found.at, found.how, _raw(found.whole), _raw(found.other), found.operator, found.where),
        unseen,
    )


def _lines(session: str, strategy: str, verdict: Verdict, unseen: list[str]) -> list[str]:
    examined = f"{verdict.decisions} decisions of {strategy} in session {session}"
    found, places = verdict.finding, f"{verdict.samples} places"
    beyond = ["what it learns by these lines is in no log, and was not cut off:", *(f"  {it}" for it in unseen)]
    if found is None:
        said = (
            f"no look-ahead in what the log tells: {examined}, {places}"
            if unseen
            else f"no look-ahead: {examined}, {places}"
        )
        return [said, *(beyond if unseen else ())]
    told = (
        [
            f"NOT THE SAME TWICE: {examined}; run again on the same log it decides otherwise, so that look-ahead cannot be told",
            "it hangs on what is in no log: a clock, chance, or what a run before left in a module",
        ]
        if found.how == "again"
        else [
            f"LOOK-AHEAD: {examined}, {places}, {verdict.differing} of them differ",
            f"first with the log {found.how} after record {found.at}",
        ]
    )
    culprit = f"{found.operator} {found.where}" if found.operator else "not in a pipe: no operator can be named"
    return [
        *told,
        f"whole log: {to_json(found.whole).decode() if found.whole else 'nothing'}",
        f"{found.how}: {to_json(found.other).decode() if found.other else 'nothing'}",
        f"operator: {culprit}",
        *(beyond if unseen else ()),
    ]


def _raw(record: Record | None) -> msgspec.Raw | None:
    return None if record is None else msgspec.Raw(to_json(record))
