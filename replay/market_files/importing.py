"""Such files become one session, through the same pipeline as a live one; several are merged by their times of receipt."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from heapq import merge
from pathlib import Path

from adapters import order_ids
from replay.imports import Imported
from replay.market_files.hftbacktest import HftbacktestArray
from replay.market_files.source import Burst, Grid, MarketFile, Said, defined, in_base_units
from replay.market_files.tardis import TardisCsv, is_tardis
from replay.recording_lines import lines
from replay.snapshots import Snapshots
from state.errors import WrongUse
from state.events import AnyEvent, FeedStatus, SessionClosed, SessionOpened
from state.log import Log, SessionWriter
from state.manifest import Manifest
from streams.pipeline import Pipeline

_ZIP, _NPY = b"PK\x03\x04", b"\x93NUMPY"
_Opening = Callable[[Path, Said, Callable[[int], None]], MarketFile]


def format_of(path: Path) -> _Opening | None:
    """What opens this file, None for one that is of neither kind; raises `WrongUse` where there is no such file."""
    try:
        with path.open("rb") as raw:
            if raw.read(6).startswith((_ZIP, _NPY)):
                return HftbacktestArray
            raw.seek(0)
            first = next(lines(str(path), raw, lambda taken: None), b"")
    except OSError as error:
        raise WrongUse(f"cannot read {path}: {error.strerror}") from error
    return TardisCsv if is_tardis(first.strip()) else None


def import_market_files(
    log: Log,
    session: str,
    manifest: Manifest,
    said: Said,
    files: Sequence[Path],
    progress: Callable[[float, float], None] | None = None,
) -> Imported:
    """Raises `WrongUse` for a file that cannot be read, before the session is opened where that shows in its first rows."""
    twice = next((path for n, path in enumerate(files) if path.resolve() in {it.resolve() for it in files[:n]}), None)
    if twice is not None:
        raise WrongUse(f"{twice}: was given twice")
    total, taken = float(sum(path.stat().st_size for path in files)), 0

    def advance(size: int) -> None:
        nonlocal taken
        taken += size
        if progress is not None:
            progress(taken, total)

    with ExitStack() as stack:
        opened: list[MarketFile] = []
        for path in files:
            opening = format_of(path)
            if opening is None:
                raise WrongUse(
                    f"{path}: is neither tardis CSV nor an event array of hftbacktest, as the other files are"
                )
            known = opening(path, said, advance)
            stack.callback(known.close)
            opened.append(known)
        rules = _rules(said, opened)
        bursts: Iterator[Burst] = merge(*(known.bursts() for known in opened), key=lambda burst: burst[0])
        if said.units != 1:
            bursts = ((recv, [in_base_units(event, said.units) for event in events]) for recv, events in bursts)
        first = next(bursts, None)
        if first is None:
            raise WrongUse(f"{', '.join(map(str, files))}: no market events")
        writer = log.begin(session, manifest.to_json(), first[0])
        run = None
        try:
            run = _Run(writer, session, manifest.seed, first[0], rules)
            run.take(first)
            run.take_all(bursts)
            run.close()
        except BaseException:
            writer.close(first[0] if run is None else run.now, "crashed")
            raise
        writer.close(run.now)
    return Imported(session, 0, run.seq, run.gaps, 0)


class _Run:
    def __init__(self, writer: SessionWriter, session: str, seed: int, recv: int, rules: Sequence[AnyEvent]) -> None:
        self.gaps = 0
        self._pipeline = Pipeline(writer, order_ids(session))
        self._snapshots = Snapshots(writer, self._pipeline)
        self._pipeline.feed(recv, [SessionOpened(session, seed)])
        self._pipeline.feed(recv, rules)

    @property
    def seq(self) -> int:
        return self._pipeline.seq

    @property
    def now(self) -> int:
        return self._pipeline.timeline.now_ns

    def take_all(self, bursts: Iterator[Burst]) -> None:
        for burst in bursts:
            self.take(burst)

    def take(self, burst: Burst) -> None:
        recv, events = burst
        self.gaps += sum(isinstance(event, FeedStatus) and event.status == "gap" for event in events)
        self._pipeline.feed(recv, events)
        if self._pipeline.seq >= self._snapshots.due:
            self._snapshots.take(())

    def close(self) -> None:
        self._pipeline.feed(self.now, [SessionClosed("end of the recording")])


def _rules(said: Said, files: Sequence[MarketFile]) -> list[AnyEvent]:
    grids: dict[str, Grid] = {}
    books: dict[str, MarketFile] = {}
    for known in files:
        for symbol, grid in known.grids().items():
            grids.setdefault(symbol, Grid()).merge(grid)
            if known.told == "book":
                other = books.setdefault(symbol, known)
                if other.kind != known.kind:
                    raise WrongUse(
                        f"the book of {symbol} is told twice, by {other.kind} and by {known.kind}: give one of them"
                    )
    for known in files:
        known.stand_beside(books)
    return [defined(said, symbol, grid) for symbol, grid in sorted(grids.items())]
