"""`tapeline import`: recorded frames, or others' market data, into a session."""

from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

import typer

from adapters import venue as find_venue
from app.collector import Collector
from app.options import JsonOption, LogOption, VenueArgument, log_url, told
from app.output import print_json, print_lines
from app.progress import progress
from app.session_ids import new_session_id
from replay.imports import Imported, import_recordings
from replay.market_files.importing import format_of, import_market_files
from replay.market_files.source import Said
from state.errors import WrongUse
from state.log import Log
from state.log.data_keys import LogKey
from state.manifest import Manifest, installed
from state.words import InstrumentKind

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
    _require_files(files)
    if format_of(files[0]) is not None:
        name, said = venue, _said(venue, symbol, tick, lot, kind, contract_size, inverse)
    else:
        name, said = _venue_of_frames(venue, files[0]), None
    _require_fitting(
        of_frames=said is None, market=bool(symbol or tick or lot or contract_size or inverse), by_time=by_time
    )
    tapeline, python, packages = installed()
    manifest = Manifest(seed=1, venues=[name], source="import", tapeline=tapeline, python=python, packages=packages)
    with Log.open(url, key=LogKey.said(None)) as opened, progress(f"importing {name}") as done, Collector():
        if said is not None:
            imported = import_market_files(opened, new_session_id(), manifest, said, files, done)
        else:
            imported = import_recordings(
                opened,
                new_session_id(),
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


def _require_files(files: Sequence[Path]) -> None:
    for path in files:
        if path.is_fifo():
            raise WrongUse(f"{path} is a pipe, and an import reads its files more than once: write it to one first")


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
