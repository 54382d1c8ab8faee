"""`tapeline replay`: a session run again."""

from collections.abc import Iterable, Iterator, Sequence
from time import monotonic, sleep
from typing import Annotated, TypeAlias

import msgspec
import typer

from adapters import order_ids
from app.collector import Collector
from app.defaults import markets_of, parse_settings, simulated_strategies
from app.linting import remark_impure
from app.logs import is_sealed, opened_session
from app.options import JsonOption, LogKeyOption, LogOption, SessionArgument
from app.output import moment, print_json, print_lines, remark
from app.progress import counting
from app.redecoding import decode_again
from app.report import print_summary
from app.session_ids import new_session_id
from app.summary import Summary, summarize
from replay.latencies import NOTHING_RECORDED, recorded_latencies
from replay.others import Others
from replay.simulate import Simulation
from replay.verify import Difference, Verdict
from replay.verify import verify as verify_session
from state.errors import ConfigurationError, WrongUse
from state.events import Candle
from state.log import Log, SessionRow
from state.manifest import Manifest, installed
from state.market import Market
from state.record import Record, to_json
from state.shared import SharedState
from streams.rehearsal import CHANNELS, rehearse
from streams.strategies.recorded import entry, strategies_of
from streams.strategy import Strategy

CLEAN, FINDINGS = 0, 1


def replay(
    context: typer.Context,
    session: SessionArgument,
    verify: Annotated[bool, typer.Option("--verify", help="Prove that the same decisions are made again.")] = False,
    simulate: Annotated[
        str | None, typer.Option("--simulate", metavar="STRATEGY", help="Run a strategy on the session's market.")
    ] = None,
    decode: Annotated[
        bool, typer.Option("--decode", help="Decode its raw frames again and compare the events.")
    ] = False,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A parameter of the strategy, or paper.KEY.")
    ] = None,
    speed: Annotated[
        float | None, typer.Option("--speed", metavar="X", min=0.0, help="Times real time; full speed if left out.")
    ] = None,
    log_key: LogKeyOption = None,
    log: LogOption = None,
    as_json: JsonOption = False,
) -> int:
    """Verify a session, simulate a strategy on it, decode its frames again, or play it back."""
    if verify + decode + (simulate is not None) > 1:
        raise WrongUse("--verify, --simulate and --decode are different questions: ask one")
    if decode and speed is not None:
        raise WrongUse("--decode has no speed but full")
    if settings and simulate is None:
        raise WrongUse("--set needs --simulate")
    if not (verify or decode) and simulate is None and speed is None:
        raise WrongUse("say what to do with it: --verify, --simulate STRATEGY, --decode or --speed X")
    if simulate is not None and is_sealed(session):
        raise WrongUse(f"a simulation is recorded beside its session: tapeline unseal {session} first")
    with opened_session(context, session, log, log_key) as (opened, row):
        if verify:
            return _verify(opened, row, speed, as_json=as_json)
        if simulate is not None:
            return _simulate(opened, row, simulate, settings or [], speed, as_json=as_json)
        if decode:
            with counting("decoding", row.last_seq) as count:
                return decode_again(opened, row.id, count, as_json=as_json)
        print_lines(_shown(record, as_json=as_json) for record in paced(opened.records(row.id), speed))
    return CLEAN


# --- verify ---


class DifferenceFact(msgspec.Struct, frozen=True):
    """The first record that differs; each side as its JSON."""

    seq: int
    recorded: msgspec.Raw | None
    concluded: msgspec.Raw | None
    cause: msgspec.Raw | None


class VerifyFact(msgspec.Struct, frozen=True):
    """What `replay --verify --json` prints."""

    session: str
    same: bool
    records: int
    inputs: int
    decisions: int
    beyond: int
    digest: str
    recorded_digest: str
    difference: DifferenceFact | None


def _verify(log: Log, row: SessionRow, speed: float | None, *, as_json: bool) -> int:
    strategies = strategies_of(Manifest.parse(row.manifest))
    with counting("verifying", row.last_seq) as count, Collector():
        verdict = verify_session(
            log, row.id, strategies, order_ids(row.id), progress=count, pace=lambda records: paced(records, speed)
        )
    if as_json:
        print_json(_verify_fact(verdict))
    else:
        print_lines(_verdict_lines(verdict))
    return CLEAN if verdict.same else FINDINGS


def _verify_fact(verdict: Verdict) -> VerifyFact:
    found = verdict.difference
    return VerifyFact(
        session=verdict.session,
        same=verdict.same,
        records=verdict.records,
        inputs=verdict.inputs,
        decisions=verdict.decisions,
        beyond=verdict.beyond,
        digest=verdict.digest,
        recorded_digest=verdict.recorded_digest,
        difference=None
        if found is None
        else DifferenceFact(found.seq, _raw(found.recorded), _raw(found.concluded), _raw(found.cause)),
    )


def _raw(record: Record | None) -> msgspec.Raw | None:
    return None if record is None else msgspec.Raw(to_json(record))


def _verdict_lines(verdict: Verdict) -> Iterator[bytes]:
    counted = f"{verdict.records} records, {verdict.inputs} inputs, {verdict.decisions} decisions"
    if verdict.same:
        yield f"session {verdict.session}: the same to the bit: {counted}".encode()
        yield f"digest {verdict.digest}".encode()
        if verdict.beyond:
            yield f"{verdict.beyond} decisions follow from the last inputs that the crashed session did not log".encode()
        return
    yield f"session {verdict.session}: NOT the same: {counted} were".encode()
    if verdict.difference is None:
        yield f"every record is equal, but the digest is {verdict.digest}, recorded {verdict.recorded_digest}".encode()
    else:
        yield from _difference_lines(verdict.difference)


def _difference_lines(found: Difference) -> Iterator[bytes]:
    yield f"first difference at seq {found.seq}".encode()
    yield b"recorded:  " + (to_json(found.recorded) if found.recorded else b"nothing")
    yield b"concluded: " + (to_json(found.concluded) if found.concluded else b"nothing")
    if found.cause is not None:
        yield b"from:      " + to_json(found.cause)


# --- simulate ---


class SimulateFact(msgspec.Struct, frozen=True):
    """What `replay --simulate --json` prints."""

    session: str
    parent: str
    summary: Summary
    assumptions: list[str]


def _simulate(log: Log, row: SessionRow, kind: str, words: list[str], speed: float | None, *, as_json: bool) -> int:
    params, paper = parse_settings(words)
    chosen = simulated_strategies(row, kind, params, lambda: markets_of(log, row))
    remark_impure(kind)
    parent = Manifest.parse(row.manifest)
    tapeline, python, packages = installed()
    manifest = msgspec.structs.replace(
        parent,
        strategies=[entry(name, kind, fields) for name, fields in chosen],
        risk=msgspec.Raw(b"null"),
        paper=msgspec.Raw(msgspec.json.encode(paper)),
        source="simulation",
        tapeline=tapeline,
        python=python,
        packages=packages,
    )
    recorded = recorded_latencies(log, row.id) if paper.latency == "recorded" else NOTHING_RECORDED
    if paper.latency == "recorded" and not recorded:
        raise ConfigurationError(f"paper.latency=recorded: session {row.id} has no intents that were answered")
    others, strategies = Others(log, row), strategies_of(manifest)  # what is wrong is said before a session begins
    session = new_session_id()
    told: set[_Channel] = set()
    writer = log.begin(session, manifest.to_json(), row.opened, parent=row.id)
    simulation = None
    try:
        simulation = Simulation(
            writer,
            order_ids(session),
            strategies,
            paper,
            session=session,
            seed=parent.seed,
            parent=row.id,
            recorded=recorded,
        )
        with counting(f"simulating {kind}", row.last_seq) as count, Collector():
            simulated = simulation.run(_noted(paced(others.market(log.records(row.id)), speed), told), count)
    except BaseException:
        writer.close(row.opened if simulation is None else max(row.opened, simulation.now_ns), "crashed")
        raise
    writer.close(simulated.last_recv)
    for lacking in _lacking(simulated.shared, strategies, told):
        remark(f"session {row.id} has no {lacking}, which a strategy asked for")
    if simulated.shared.failed:
        remark(f"`tapeline events {session} --type StrategyFailed` says where it was raised")
    summary = summarize(log, session, simulated.shared)
    assumptions = [*simulated.assumptions, *others.words()]
    if as_json:
        print_json(SimulateFact(session, row.id, summary, assumptions))
    else:
        print_summary(summary, simulated.shared)
        print_lines([b"", b"assumed:", *(f"  - {line}".encode() for line in assumptions)])
    return FINDINGS if simulated.shared.failed else CLEAN


_Channel: TypeAlias = tuple[str, str, str, int]  # venue, symbol, channel, and the interval of candles in seconds


def _noted(records: Iterable[Record], told: set[_Channel]) -> Iterator[Record]:
    """The same records; notes the channels without which a strategy that asks for them stands still."""
    for record in records:
        event = record.event
        channel = CHANNELS.get(type(event))
        if channel is not None:
            told.add((event.venue, event.symbol, channel, event.interval_s if isinstance(event, Candle) else 0))
        yield record


def _lacking(shared: SharedState, strategies: Sequence[Strategy], told: set[_Channel]) -> Iterator[str]:
    """What was asked for, and of which nothing was heard: markets, and channels of the others."""
    silent = {
        key for key, market in shared.markets.items() if market.dump() == Market(market.venue, market.symbol).dump()
    }
    yield from (f"{venue} {symbol}" for venue, symbol in sorted(silent))
    for strategy in strategies:
        if strategy.name in shared.failed:
            continue
        asked = rehearse(strategy)
        channels: list[_Channel] = [(*each, 0) for each in asked.channels if each[2] != "candles"]
        channels += [(venue, symbol, "candles", interval_s) for venue, symbol, interval_s in asked.candles]
        for venue, symbol, channel, interval_s in channels:
            if (venue, symbol) not in silent and (venue, symbol, channel, interval_s) not in told:
                yield f"{channel} {f'of {interval_s} s ' if interval_s else ''}of {venue} {symbol}"


# --- time ---


def paced(records: Iterable[Record], speed: float | None) -> Iterator[Record]:
    """Each record when its time has come, at `speed` times real time; at once where no speed is said."""
    if not speed:
        yield from records
        return
    first, begun = 0, monotonic()
    for record in records:
        first = first or record.recv
        wait_s = (record.recv - first) / 1e9 / speed - (monotonic() - begun)
        if wait_s > 0:
            sleep(wait_s)
        yield record


def _shown(record: Record, *, as_json: bool) -> bytes:
    if as_json:
        return to_json(record)
    event = record.event
    market = f"{event.venue} {event.symbol}".strip()
    return f"{record.seq}\t{moment(record.recv)}\t{type(event).__name__}\t{market}".encode()
