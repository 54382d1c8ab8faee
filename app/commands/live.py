"""`tapeline run`, `record` and `demo`: sessions on live venues, and on one that is made up."""

import re
from collections.abc import Sequence
from pathlib import Path
from traceback import print_exception
from typing import Annotated, TypeVar, get_args

import msgspec
import typer

from adapters import venue as find_venue
from adapters.base.settings import Environment, MarketChannel
from app.config import RunConfig, VenueConfig, read_config
from app.demo import LoopbackVenue, ProofFact, demo_config, prove
from app.options import JsonOption, LogOption, log_url, told
from app.output import print_json, print_lines, remark
from app.progress import progress
from app.report import print_comparison, print_summary
from app.running import Plan, in_event_loop, plan, unwatched
from app.running import run as run_plan
from app.session import LiveSession
from app.summary import Summary, summarize
from app.watch import watched
from replay.compare import StrategyLine, compare
from replay.proof.checkpoints import checkpoint
from state.errors import SessionBroken, WrongUse
from state.log import Log
from state.log.data_keys import LogKey
from state.shared import SharedState

CLEAN, FINDINGS, COULD_NOT_RUN = 0, 1, 2


class EndFact(msgspec.Struct, frozen=True):
    """What `run`, `record` and `demo` print with `--json`."""

    summary: Summary
    failure: str | None
    clean_stop: bool
    proofs: list[ProofFact] = []
    strategies: list[StrategyLine] = []
    shadow_failures: dict[str, str] = {}


def run(
    context: typer.Context,
    config: Annotated[Path, typer.Argument(metavar="CONFIG.toml", help="What to run.", show_default=False)],
    for_: Annotated[str | None, typer.Option("--for", metavar="TIME", help="Stop after 20s, 5m or 8h.")] = None,
    log: LogOption = None,
    as_json: JsonOption = False,
) -> int:
    """Run a live session from a configuration file until Ctrl-C; cancels (and flattens, if told to) at its end."""
    read = read_config(config)
    planned = plan(read)
    key = LogKey.said(Path(read.log_key) if read.log_key else None)
    return _live(planned, log or read.log or log_url(context, None), _seconds(for_), key, as_json=as_json)


def record(
    context: typer.Context,
    venue: Annotated[
        str, typer.Option("--venue", metavar="V", help="A venue of `tapeline venues`.", show_default=False)
    ],
    symbols: Annotated[
        list[str], typer.Option("--symbol", metavar="S", help="A market; may be given often.", show_default=False)
    ],
    channels: Annotated[
        list[str] | None,
        typer.Option("--channel", help="book, trades, ticker, candles, liquidations; the first three."),
    ] = None,
    depth: Annotated[int, typer.Option("--depth", help="Levels a side of the book.")] = 50,
    frames: Annotated[bool, typer.Option(help="Keep the raw frames too.")] = False,
    environment: Annotated[str, typer.Option("--environment", help="mainnet, testnet or demo.")] = "mainnet",
    public_url: Annotated[str, typer.Option("--public-url", help="Another WebSocket address.")] = "",
    rest_url: Annotated[str, typer.Option("--rest-url", help="Another REST address.")] = "",
    for_: Annotated[str | None, typer.Option("--for", metavar="TIME", help="Stop after 20s, 5m or 8h.")] = None,
    log: LogOption = None,
    as_json: JsonOption = False,
) -> int:
    """Record public streams without trading until Ctrl-C."""
    find_venue(venue)
    config = VenueConfig(
        venue,
        symbols,
        environment=_word(environment, _ENVIRONMENTS, "--environment"),
        channels=tuple(_word(word, _CHANNELS, "--channel") for word in channels or ("book", "trades", "ticker")),
        book_depth=depth,
        trade=False,
        rest_url=rest_url,
        public_url=public_url,
        market_frames=frames,
    )
    planned = plan(RunConfig([config], stop="leave"), "record")
    return _live(planned, log_url(context, log), _seconds(for_), LogKey.said(None), as_json=as_json)


def demo(
    context: typer.Context,
    for_: Annotated[str, typer.Option("--for", metavar="TIME", help="How long to trade.")] = "20s",
    seed: Annotated[int, typer.Option("--seed", help="Of the made-up market.")] = 7,
    log: LogOption = None,
    as_json: JsonOption = False,
) -> int:
    """Trade `plain` on two markets of a local Bybit, then verify in another process, audit, and sum up."""
    url = log_url(context, log)
    for_s = _seconds(for_)
    with LoopbackVenue(seed) as venue:
        if not as_json:
            remark(f"a Bybit of our own listens at {venue.fact.rest_url}; trading two markets there for {for_}")
        planned = plan(demo_config(venue.fact, seed), "demo")
        summary, session, lines = _session(planned, url, for_s, LogKey.said(None), as_json=as_json)
    proofs = prove(url, summary.session) if session.failure is None else []
    code = _end(summary, session, proofs, lines, as_json=as_json)
    if not as_json:
        print_lines(proof.line.encode() for proof in proofs)
        print_lines(_next(summary.session, url, session.pipeline.shared))
    return code or (CLEAN if all(proof.clean for proof in proofs) else FINDINGS)


def _live(planned: Plan, url: str, for_s: float | None, key: LogKey | None, *, as_json: bool) -> int:
    summary, session, lines = _session(planned, url, for_s, key, as_json=as_json)
    code = _end(summary, session, [], lines, as_json=as_json)
    if not as_json:
        print_lines(_next(summary.session, url, session.pipeline.shared))
    return code


def _session(
    planned: Plan, url: str, for_s: float | None, key: LogKey | None, *, as_json: bool
) -> tuple[Summary, LiveSession, list[StrategyLine]]:
    with Log.open(url, key=key) as log:

        async def live() -> LiveSession:
            return await run_plan(planned, log, for_s=for_s, around=unwatched if as_json else watched)

        session = in_event_loop(live())
        if session.failure is None:
            with progress("checkpointing", session.pipeline.seq) as done:
                checkpoint(log, planned.session, progress=done)
        lines = [
            line
            for name in ([planned.session, *(shadow.session for shadow in session.shadows)] if session.shadows else [])
            for line in compare(log, name)
        ]
        return summarize(log, planned.session, session.pipeline.shared), session, lines


def _end(
    summary: Summary,
    session: LiveSession,
    proofs: Sequence[ProofFact],
    lines: Sequence[StrategyLine],
    *,
    as_json: bool,
) -> int:
    failed = {shadow.name: shadow.failure for shadow in session.shadows if shadow.failure is not None}
    clean_stop = all(report.clean for report in session.reports)
    failure = None if session.failure is None else str(session.failure)
    if as_json:
        print_json(EndFact(summary, failure, clean_stop, list(proofs), list(lines), failed))
    else:
        print_summary(summary, session.pipeline.shared)
        for report in session.reports:
            if not report.clean:
                print_lines([f"NOT clean at the end: {report}".encode()])
            elif report.foreign:
                print_lines([f"{report.foreign} orders that are not ours rest on".encode()])
        if lines:
            print_comparison(lines)
        print_lines(f"shadow {name} ended: {why}".encode() for name, why in failed.items())
    if failure is not None:
        remark(f"tapeline: {failure}")
        if isinstance(session.failure, SessionBroken):
            print_exception(session.failure.__cause__)  # a bug of ours is not hidden
        return COULD_NOT_RUN
    return CLEAN if clean_stop and not session.pipeline.shared.failed and not failed else FINDINGS


def _next(session: str, url: str, shared: SharedState) -> list[bytes]:
    words = [f"replay {session} --verify", f"audit {session}", f"orders {session}"]
    if shared.failed:
        words.insert(0, f"events {session} --type StrategyFailed")
    return [b"next:", *(f"  tapeline {each}{told(url)}".encode() for each in words)]


T = TypeVar("T", bound=str)

_ENVIRONMENTS: tuple[Environment, ...] = get_args(Environment)
_CHANNELS: tuple[MarketChannel, ...] = get_args(MarketChannel)


def _word(said: str, known: tuple[T, ...], option: str) -> T:
    for word in known:
        if word == said:
            return word
    raise WrongUse(f"{option} is one of {', '.join(known)}, not {said!r}")


_TIME = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)?")
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    match = _TIME.fullmatch(text.strip())
    if match is None or float(match[1]) <= 0:
        raise WrongUse(f"a time is like 20s, 5m or 8h, not {text!r}")
    return float(match[1]) * _UNIT_S[match[2] or "s"]
