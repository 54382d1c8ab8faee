"""The names that make a decision depend on more than its feeds, and what to use instead. A table for `streams/lint.py`."""

from collections.abc import Mapping
from typing import Final

CLOCK: Final = "feeds.now_ns or scheduler.now_ns"
CHANCE: Final = "feeds.random"
FEED: Final = "a feed: what comes from outside must be in the log"
TIMER: Final = "the session's scheduler, which subscribing passes down"
PARAMETER: Final = "a parameter of the strategy"
RETURNED: Final = "what the strategy returns: combine, with_latest or merge it there"

# Dotted name, or a prefix of it that ends in ".*", to (what it does, what to use).
FORBIDDEN: Final[Mapping[str, tuple[str, str]]] = {
    **{
        f"time.{name}": ("reads the wall clock", CLOCK)
        for name in (
            "time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time",
            "process_time_ns", "thread_time", "thread_time_ns", "clock_gettime", "clock_gettime_ns",
        )
    },
    **{f"time.{name}": ("reads the machine's clock or time zone", CLOCK) for name in (
        "localtime", "gmtime", "ctime", "asctime", "strftime", "mktime",
    )},
    "time.sleep": ("sleeps", TIMER),
    "datetime.datetime.now": ("reads the wall clock", CLOCK),
    "datetime.datetime.utcnow": ("reads the wall clock", CLOCK),
    "datetime.datetime.today": ("reads the wall clock", CLOCK),
    "datetime.date.today": ("reads the wall clock", CLOCK),
    "reactivex.operators.timestamp": ("falls back to the wall clock", CLOCK),
    "random.*": ("is not seeded by the session", CHANCE),
    "numpy.random.*": ("is not seeded by the session", CHANCE),
    "secrets.*": ("is random", CHANCE),
    "uuid.uuid1": ("is random", "an id computed from session and seq"),
    "uuid.uuid4": ("is random", "an id computed from session and seq"),
    "os.urandom": ("is random", CHANCE),
    "os.getrandom": ("is random", CHANCE),
    "open": ("reads or writes a file", FEED),
    **{f"{name}.open": ("reads or writes a file", FEED) for name in ("gzip", "bz2", "lzma", "codecs", "zstandard")},
    "zipfile.*": ("reads or writes a file", FEED),
    "input": ("asks the terminal", FEED),
    "io.open": ("reads or writes a file", FEED),
    "io.FileIO": ("reads or writes a file", FEED),
    "sys.stdin": ("asks the terminal", FEED),
    **{f"os.{name}": ("touches the file system", FEED) for name in (
        "open", "read", "write", "listdir", "scandir", "walk", "stat", "remove", "unlink", "rename", "mkdir", "makedirs",
        "getcwd", "path.exists", "path.isfile", "path.getmtime", "path.getsize",
    )},
    **{f"os.{name}": ("asks the machine", PARAMETER) for name in (
        "environ", "getenv", "getpid", "cpu_count", "uname", "getlogin",
    )},
    **{f"os.{name}": ("starts a process", FEED) for name in ("system", "popen", "fork", "execv", "spawnv")},
    "platform.*": ("asks the machine", PARAMETER),
    "getpass.*": ("asks the machine", PARAMETER),
    "socket.*": ("opens the network", FEED),
    "ssl.*": ("opens the network", FEED),
    "select.*": ("waits for the network", FEED),
    "requests.*": ("opens the network", FEED),
    "httpx.*": ("opens the network", FEED),
    "aiohttp.*": ("opens the network", FEED),
    "websockets.*": ("opens the network", FEED),
    "urllib.request.*": ("opens the network", FEED),
    "http.client.*": ("opens the network", FEED),
    "sqlite3.*": ("opens a database", FEED),
    "sqlalchemy.*": ("opens a database", FEED),
    "psycopg.*": ("opens a database", FEED),
    **{f"{name}.*": ("reads a file", FEED) for name in (
        "pyarrow.parquet", "pyarrow.csv", "pyarrow.feather", "pyarrow.dataset", "pyarrow.ipc", "h5py", "joblib", "zarr",
        "importlib.resources",
    )},
    **{f"pandas.{name}": ("reads a file", FEED) for name in (
        "read_csv", "read_table", "read_fwf", "read_parquet", "read_feather", "read_orc", "read_json", "read_pickle", "read_hdf",
        "read_sql", "read_sql_query", "read_sql_table", "read_excel", "HDFStore",
    )},
    **{f"polars.{verb}_{name}": ("reads a file", FEED) for verb in ("read", "scan") for name in (
        "csv", "parquet", "ipc", "ndjson", "json", "delta", "database",
    )},
    **{f"numpy.{name}": ("reads a file", FEED) for name in ("load", "loadtxt", "genfromtxt", "fromfile", "memmap")},
    "replay.*": ("reads a session back, its future too", FEED),
    "state.log.*": ("reads a session back, its future too", FEED),
    "subprocess.*": ("starts a process", FEED),
    "shutil.*": ("touches the file system", FEED),
    "tempfile.*": ("touches the file system", FEED),
    "glob.*": ("touches the file system", FEED),
    "multiprocessing.*": ("runs beside the pipeline", "one strategy function"),
    "concurrent.futures.*": ("runs beside the pipeline", "one strategy function"),
    "asyncio.*": ("runs on the machine's time", TIMER),
    "sched.*": ("runs on the machine's time", TIMER),
    "threading.Thread": ("runs beside the pipeline", "one strategy function"),
    "threading.Timer": ("is a thread timer", TIMER),
    **{f"reactivex.scheduler.{name}": ("is a thread timer", TIMER) for name in (
        "TimeoutScheduler", "NewThreadScheduler", "ThreadPoolScheduler", "EventLoopScheduler", "ImmediateScheduler",
        "CurrentThreadScheduler", "TrampolineScheduler", "eventloop.*",
    )},
}  # fmt: skip

# Seeded generators are fine: these are called with what they start from.
SEEDED: Final = frozenset({
    "random.Random", "numpy.random.default_rng", "numpy.random.Generator", "numpy.random.RandomState",
    "numpy.random.SeedSequence", "numpy.random.PCG64",
})  # fmt: skip

# Methods that do it whatever they are called on.
METHODS: Final[Mapping[str, tuple[str, str]]] = dict.fromkeys(
    ("read_text", "write_text", "read_bytes", "write_bytes", "iterdir", "rglob"),
    ("reads or writes a file", FEED),
)

# Without a time zone these take the machine's; the number is the position of the zone.
ZONED: Final[Mapping[str, int]] = {"datetime.datetime.fromtimestamp": 1, "datetime.date.fromtimestamp": -1}

# What gives the same whatever the order of what it is given.
ORDERLESS: Final = frozenset({"set", "frozenset", "sorted", "len", "any", "all", "min", "max", "bool"})
# What keeps the order of what it is given.
ORDERED: Final = frozenset({
    "list", "tuple", "iter", "enumerate", "zip", "map", "filter", "sum", "next", "dict.fromkeys", "deque",
    "collections.deque", "collections.Counter", "itertools.chain", "itertools.islice", "math.fsum", "functools.reduce",
    "reactivex.from_iterable", "reactivex.of", "numpy.fromiter", "print", "str", "repr",
})  # fmt: skip
SET_METHODS: Final = frozenset({"union", "intersection", "difference", "symmetric_difference", "copy"})
