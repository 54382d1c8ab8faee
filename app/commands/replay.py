"""`tapeline import` and `replay`: recorded frames into a session, and a session run again."""

from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from time import monotonic, sleep
from typing import Annotated

import msgspec
import typer

from adapters import order_ids
from adapters import venue as find_venue
from app.collector import Collector
from app.defaults import markets_of, parse_settings, simulated_strategies
from app.linting import remark_impure
from app.logs import is_sealed, opened_session
from app.options import JsonOption, LogKeyOption, LogOption, SessionArgument, VenueArgument, log_url, told
from app.output import moment, print_json, print_lines, remark
from app.progress import counting, progress
from app.redecoding import decode_again
from app.report import print_summary
from app.running import new_session_id
from app.summary import Summary, summarize
from replay.imports import Imported, import_recordings
from replay.latencies import NOTHING_RECORDED, recorded_latencies
from replay.market_files.importing import format_of, import_market_files
from replay.market_files.source import Said
from replay.others import Others
from replay.simulate import Simulation
from replay.verify import Difference, Verdict
from replay.verify import verify as verify_session
from state.clock import WallClock
from state.errors import ConfigurationError, WrongUse
from state.log import Log, SessionRow
from state.log.data_keys import LogKey
from state.manifest import Manifest, installed
from state.market import Market
from state.record import Record, to_json
from state.shared import SharedState
from state.words import InstrumentKind
from streams.strategies.recorded import entry, strategies_of

CLEAN, FINDINGS = 0, 1


def import_frames(
    context: typer.Context,
    venue: VenueArgument,
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE…", help="Recorded raw frames, tardis CSV or hftbacktest npz.", show_default=False),
    ],
    frames: Annotated[bool, typer.Option(help="Keep the raw frames too, so that decoding can be checked.")] = True,
    symbol: Annotated[str, typer.Option("--symbol", metavar="S", help="CSV, npz: the market's name.")] = "",
    tick: Annotated[
        str, typer.Option("--tick", metavar="STEP", help="CSV, npz: the price step, else its digits'.")
    ] = "",
    lot: Annotated[str, typer.Option("--lot", metavar="STEP", help="CSV, npz: the size step, else its digits'.")] = "",
    kind: Annotated[
        str, typer.Option("--kind", metavar="KIND", help="CSV, npz: perpetual, future or spot.")
    ] = "perpetual",
    contract_size: Annotated[
        str,
        typer.Option("--contract-size", metavar="SIZE", help="CSV, npz: sizes are contracts of so many base units."),
    ] = "",
    inverse: Annotated[
        bool, typer.Option("--inverse", help="CSV, npz: contracts are worth --contract-size in the quote.")
    ] = False,
    by_time: Annotated[
        bool, typer.Option("--by-time", help="Raw frames: merge the connections of a recording by time of receipt.")
    ] = False,
    log: LogOption = None,
    as_json: JsonOption = False,
) -> int:
    """Turn recorded raw frames, or others' market data, into a session, through the same pipeline as a live one."""
    url = log_url(context, log)
    for path in files:
        if path.is_fifo():
            raise WrongUse(f"{path} is a pipe, and an import reads its files more than once: write it to one first")
    if format_of(files[0]) is not None:
        name, said = venue, _said(venue, symbol, tick, lot, kind, contract_size, inverse)
    else:
        name, said = _venue_of_frames(venue, files[0]), None
    _require_fitting(
        of_frames=said is None, market=bool(symbol or tick or lot or contract_size or inverse), by_time=by_time
    )
    tapeline, python, packages = installed()
    manifest = Manifest(seed=1, venues=[name], source="import", tapeline=tapeline, python=python, packages=packages)
    session = new_session_id(WallClock())
    with Log.open(url, key=LogKey.said(None)) as opened, progress(f"importing {name}") as done, Collector():
        if said is not None:
            imported = import_market_files(opened, session, manifest, said, files, done)
        else:
            imported = import_recordings(
                opened,
                session,
                manifest,
                find_venue(venue),
                files,
                keep_frames=frames,
                by_time=by_time,
                progress=done,
            )
        if as_json:
            print_json(imported)
        else:
            print_lines(_imported_lines(imported, url, of_frames=said is None))
    return FINDINGS if imported.gaps or imported.misfits else CLEAN


def _require_fitting(*, of_frames: bool, market: bool, by_time: bool) -> None:
    if of_frames and market:
        raise WrongUse(
            "--symbol, --tick, --lot, --contract-size, --inverse are for tardis CSV and npz: frames say their markets themselves"
        )
    if by_time and not of_frames:
        raise WrongUse("--by-time is for raw frames: tardis CSV and npz are merged by time as they are")


def _imported_lines(imported: Imported, url: str, *, of_frames: bool) -> Iterator[bytes]:
    counted = f"{imported.frames} frames, " if of_frames else ""
    misfits = f", {imported.misfits} frames that did not fit" if of_frames else ""
    yield f"session {imported.session}: {counted}{imported.events} events, {imported.gaps} gaps{misfits}".encode()
    if imported.late:
        yield (
            f"{imported.late} frames stand behind later ones and have their time, up to {imported.late_by_s:.3f} s after "
            "their own: --by-time merges the connections of a recording by time of receipt"
        ).encode()
    yield f"next: tapeline replay {imported.session} --verify{told(url)}".encode()


def _venue_of_frames(venue: str, path: Path) -> str:
    """Raises `WrongUse`, saying first what the file was taken for."""
    if not path.stat().st_size:
        raise WrongUse(f"{path}: nothing is in it")
    try:
        return find_venue(venue).name
    except WrongUse as error:
        raise WrongUse(
            f"{path} is neither tardis CSV nor an event array of hftbacktest, and for raw frames {error}"
        ) from error


def _said(venue: str, symbol: str, tick: str, lot: str, kind: str, contract_size: str, inverse: bool) -> Said:
    steps = []
    for name, word in (("tick", tick), ("lot", lot), ("contract-size", contract_size)):
        try:
            step = Decimal(word) if word else None
        except InvalidOperation:
            raise WrongUse(f"--{name} takes a number, not {word!r}") from None
        if step is not None and not (step.is_finite() and step > 0):
            raise WrongUse(f"--{name} must be above zero, not {word}")
        steps.append(step)
    kinds: dict[str, InstrumentKind] = {"perpetual": "perpetual", "future": "future", "spot": "spot"}
    if kind not in kinds:
        raise WrongUse(f"--kind is none of {', '.join(kinds)}: {kind!r}")
    if inverse and kind == "spot":
        raise WrongUse("--inverse is for contracts, and --kind spot has none")
    return Said(venue, symbol, steps[0], steps[1], kinds[kind], steps[2], inverse)


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
    session = new_session_id(WallClock())
    writer = log.begin(session, manifest.to_json(), row.opened, parent=row.id)
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
            simulated = simulation.run(paced(others.market(log.records(row.id)), speed), count)
    except BaseException:
        writer.close(row.opened, "crashed")
        raise
    writer.close(simulated.last_recv)
    for market in _silent(simulated.shared):
        remark(f"session {row.id} has no {market.venue} {market.symbol}, which a strategy asked for")
    summary = summarize(log, session, simulated.shared)
    assumptions = [*simulated.assumptions, *others.words()]
    if as_json:
        print_json(SimulateFact(session, row.id, summary, assumptions))
    else:
        print_summary(summary, simulated.shared)
        print_lines([b"", b"assumed:", *(f"  - {line}".encode() for line in assumptions)])
    return FINDINGS if simulated.shared.failed else CLEAN


def _silent(shared: SharedState) -> Iterator[Market]:
    """Markets that were asked for and of which nothing was heard."""
    for market in shared.markets.values():
        if market.dump() == Market(market.venue, market.symbol).dump():
            yield market


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
