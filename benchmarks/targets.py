"""What is to be reached: ratios within one run, each between two measurements of the same rounds."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.results import Results, Spread

TAPELINE = "tapeline"


@dataclass(frozen=True, slots=True)
class Target:
    """`over` / `under`, each a (name, figure), must be at least `bound`, or at most where `ceiling` is set."""

    work: str
    text: str
    over: tuple[str, str]
    under: tuple[str, str]
    bound: float
    stretch: float | None = None
    ceiling: bool = False

    def is_met(self, ratio: float) -> bool:
        return ratio <= self.bound if self.ceiling else ratio >= self.bound


def faster(
    work: str,
    text: str,
    theirs: str,
    bound: float,
    stretch: float | None = None,
    *,
    ours: str = TAPELINE,
    figure: str = "us",
) -> Target:
    """Their time over ours."""
    return Target(work, text, (theirs, figure), (ours, figure), bound, stretch)


LOGGED, BARE = "tapeline, every event durable", "tapeline, without the log"
SQLITE, POSTGRES = "tapeline blocks, SQLite", "tapeline blocks, PostgreSQL"
JOURNAL = "tapeline journal by COPY, PostgreSQL"
RECORDER, STACK, RECORDER_PG = (
    "eventsourcing recorder",
    "eventsourcing full stack",
    "eventsourcing recorder, PostgreSQL",
)
REBUILD, VERIFY = "tapeline rebuild", "tapeline verify, `plain` on two symbols"
CATALOG = "nautilus catalog replay"
QUOTES, CHANGES = "tapeline, quotes", "tapeline, deltas"
SWEEP = "tapeline, sweep on 2 processes"
MILLION = "tapeline, a million frames with the log"

TARGETS: Sequence[Target] = (
    faster("P1", "frame to touch, against ccxt.pro", "ccxt.pro", 4.5, 5.3),
    faster("P1", "against cryptofeed", "cryptofeed", 3.0),
    faster("P1", "against nautilus' engine", "nautilus", 4.0),
    faster(
        "P2",
        "all durable, two strategies, against nautilus with its writer",
        "nautilus with its writer",
        25,
        30,
        ours=LOGGED,
    ),
    faster("P2", "against ccxt.pro, which stores nothing", "ccxt.pro", 2.8, 3.4, ours=LOGGED),
    Target("P2", "time with the log / without", (LOGGED, "us"), (BARE, "us"), 4 / 3, ceiling=True),
    faster("P3", "from a localhost WebSocket, against ccxt.pro", "ccxt.pro, socket", 4.0, 5.0, ours="tapeline, socket"),
    faster("P3", "against cryptofeed", "cryptofeed, socket", 2.5, ours="tapeline, socket"),
    faster(
        "P4",
        "frame to signed order, p50, against ccxt.pro",
        "ccxt.pro, order",
        4.0,
        6.0,
        figure="p50_us",
        ours="tapeline, order",
    ),
    faster("P4", "p99, against ccxt.pro", "ccxt.pro, order", 4.0, 6.0, figure="p99_us", ours="tapeline, order"),
    faster("P4", "p50, against nautilus", "nautilus, order", 9.0, 13.0, figure="p50_us", ours="tapeline, order"),
    faster("P4", "p99, against nautilus", "nautilus, order", 9.0, 13.0, figure="p99_us", ours="tapeline, order"),
    Target(
        "P4",
        "durable before, in bare sqlite3 commits, p50",
        ("tapeline, order, durable before", "p50_us"),
        ("bare sqlite3 commit", "p50_us"),
        1.25,
        1.1,
        ceiling=True,
    ),
    Target(
        "P4",
        "the same, p99",
        ("tapeline, order, durable before", "p99_us"),
        ("bare sqlite3 commit", "p99_us"),
        1.5,
        1.1,
        ceiling=True,
    ),
    faster("P5", "SQLite, 1,000 events a commit, against eventsourcing's recorder", RECORDER, 5.0, ours=SQLITE),
    faster("P5", "against its full stack", STACK, 25.0, ours=SQLITE),
    Target(
        "P5", "bytes an event, in theirs", (SQLITE, "bytes_an_event"), (RECORDER, "bytes_an_event"), 0.25, ceiling=True
    ),
    faster("P5", "read back", RECORDER, 5.0, ours=SQLITE, figure="read_us"),
    faster("P5", "PostgreSQL blocks, against eventsourcing's recorder", RECORDER_PG, 13.0, ours=POSTGRES),
    faster("P5", "PostgreSQL journal by COPY", RECORDER_PG, 5.0, ours=JOURNAL),
    faster("P6", "rebuild, against nautilus' catalog replay", CATALOG, 4.0, 6.0, ours=REBUILD),
    faster("P6", "verify, digest recomputed", CATALOG, 3.0, 4.0, ours=VERIFY),
    faster(
        "P7",
        "simulate quotes, against nautilus' backtest engine",
        "nautilus BacktestEngine, quotes",
        4.0,
        6.0,
        ours=QUOTES,
    ),
    faster("P7", "level changes, against nautilus", "nautilus BacktestEngine, deltas", 2.0, 3.0, ours=CHANGES),
    faster("P7", "quotes, against hftbacktest from Python", "hftbacktest from Python, quotes", 1.3, ours=QUOTES),
    faster("P7", "level changes, against hftbacktest", "hftbacktest from Python, deltas", 2.5, ours=CHANGES),
    Target("P7", "sweep, a core's worth of a second process", (SWEEP, "efficiency"), (SWEEP, "one"), 0.9),
    Target("P8", "p99.9 of a frame, in ccxt.pro's", (TAPELINE, "p999_us"), ("ccxt.pro", "p999_us"), 0.25, ceiling=True),
    Target(
        "P8", "longest pause in a million frames, ms", (MILLION, "longest_ms"), (MILLION, "one"), 10.0, ceiling=True
    ),
    Target("P8", "memory over a million frames, MB grown", (MILLION, "grown_mb"), (MILLION, "one"), 30.0, ceiling=True),
    Target(
        "P8",
        "start, in ccxt.pro's wall time",
        ("tapeline, start", "wall_s"),
        ("ccxt.pro, start", "wall_s"),
        0.55,
        ceiling=True,
    ),
    Target(
        "P8",
        "memory at start, in ccxt.pro's",
        ("tapeline, start", "peak_mb"),
        ("ccxt.pro, start", "peak_mb"),
        0.5,
        ceiling=True,
    ),
    Target("P9", "an event with 200 symbols / with 1", ("200 symbols", "us"), ("1 symbol", "us"), 1.3, ceiling=True),
    Target("P9", "an event at depth 1,000 / at 1", ("depth 1000", "us"), ("depth 1", "us"), 1.3, ceiling=True),
    Target(
        "P9",
        "an event with 20 strategies elsewhere / none",
        ("20 strategies elsewhere", "us"),
        ("no strategy", "us"),
        1.05,
        ceiling=True,
    ),
    faster("P9", "publish one event, against reactivex's Subject", "reactivex Subject", 3.0, ours="own source"),
    faster("P9", "through five operators", "reactivex Subject, five operators", 1.4, ours="own source, five operators"),
    *(
        Target("L", f"{name}, p99, ms", (name, "p99_ms"), (name, "one"), 100.0, ceiling=True)
        for name in ("debug, a seq", "debug, a time", "debug, an order", "debug, next fill")
    ),
)

# Where a measurement of one work is held against one of another, it is found there.
MEASURED_IN = {("P2", "ccxt.pro"): "P1", ("P8", "tapeline"): "P1", ("P8", "ccxt.pro"): "P1"}


def verdicts(results: Results) -> str:
    """The targets as a Markdown table: ratio, and met, not met or not measured."""
    rows = ["| | target | ratio, paired: median [range] | bound (stretch) | |", "|---|---|---|---|---|"]
    works = {each.work for each in results.measurements}
    for target in TARGETS:
        if target.work not in works:
            continue
        over = _found(results, target.work, target.over)
        under = _found(results, target.work, target.under)
        ratios = [over[number] / under[number] for number in over if under.get(number)]
        sign = "≤" if target.ceiling else "≥"
        bound = f"{sign} {target.bound:.3g}" + (f" ({target.stretch:g})" if target.stretch else "")
        if not ratios:
            rows.append(f"| {target.work} | {target.text} | | {bound} | not measured |")
            continue
        met = "met" if target.is_met(median(ratios)) else "**not met**"
        rows.append(f"| {target.work} | {target.text} | {Spread.of(ratios)} | {bound} | {met} |")
    return "\n".join(rows)


def _found(results: Results, work: str, what: tuple[str, str]) -> dict[int, float]:
    name, figure = what
    return results.figure(MEASURED_IN.get((work, name), work), name, figure)
