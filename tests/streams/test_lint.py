"""The lint catches what would make a replay decide otherwise, and nothing else."""

from pathlib import Path

import pytest

from streams.lint import lint_source

ROOT = Path(__file__).resolve().parents[2]

# Why these may touch the world: nothing in them decides.
ALLOWED = {
    "state/clock.py": "the one place that reads the wall clock, for the time of receipt",
    "state/manifest.py": "written down when a session opens, never read by what decides",
    "state/log/": "the way out: a writer thread, files and databases; what is read back is the log itself",
    "streams/guard.py": "names what it forbids",
    "streams/closures.py": "knows cells and objects by identity while it looks at a closure once; nothing is decided by it",
    "streams/wiring.py": "knows observables by identity while it walks them once; the order is that of the wiring",
    "streams/trace.py": "knows streams that it has heard by identity; it listens to replays and decides nothing",
}

# Each has exactly one impure line, marked; the name says what is wrong with it.
IMPURE = {
    "the wall clock": "import time\nnow = time.time()  # !",
    "the wall clock in nanoseconds": "from time import time_ns\nnow = time_ns()  # !",
    "the monotonic clock under another name": "import time as t\nstarted = t.monotonic()  # !",
    "the clock as a value": "import time\nclock = time.perf_counter  # !",
    "now": "from datetime import datetime\nat = datetime.now()  # !",
    "now with a zone": "import datetime\nat = datetime.datetime.now(datetime.UTC)  # !",
    "utcnow under another name": "from datetime import datetime as dt\nat = dt.utcnow()  # !",
    "today": "from datetime import date\nday = date.today()  # !",
    "local time": "import time\nhour = time.localtime().tm_hour  # !",
    "a time stamp in the machine's zone": "from datetime import datetime\nat = datetime.fromtimestamp(5)  # !",
    "a conversion to the machine's zone": "def f(at):\n    return at.astimezone()  # !",
    "sleep": "import time\ntime.sleep(1)  # !",
    "a subscription on the side": "def f(feeds, note):\n    feeds.signal('x').subscribe(note)  # !",
    "one by name": "def f(feeds, note):\n    feeds.signal('x').subscribe(on_next=note)  # !",
    "asyncio's time": "import asyncio\nasync def f():\n    await asyncio.sleep(1)  # !",
    "the shared generator": "import random\nside = random.choice(['buy', 'sell'])  # !",
    "a function of the shared generator": "from random import gauss\nnoise = gauss(0, 1)  # !",
    "a generator without a seed": "import random\nchance = random.Random()  # !",
    "the machine's own randomness": "import random\nchance = random.SystemRandom(3)  # !",
    "numpy's global generator": "import numpy as np\nnoise = np.random.normal()  # !",
    "numpy's generator without a seed": "import numpy as np\nchance = np.random.default_rng()  # !",
    "a random uuid": "import uuid\nname = str(uuid.uuid4())  # !",
    "secrets": "import secrets\ntoken = secrets.token_hex()  # !",
    "urandom": "import os\nnoise = os.urandom(8)  # !",
    "open": "def f():\n    return open('limits.txt').read()  # !",
    "a file through pathlib": "from pathlib import Path\nlimit = Path('limits.txt').read_text()  # !",
    "a packed file": "import gzip\nlimit = gzip.open('limits.gz').read()  # !",
    "a table through pandas": "import pandas as pd\nfuture = pd.read_parquet('day.parquet')  # !",
    "a table through polars": "import polars as pl\nfuture = pl.scan_csv('day.csv')  # !",
    "a table through pyarrow": "import pyarrow.parquet as pq\nfuture = pq.read_table('day.parquet')  # !",
    "an array through numpy": "import numpy as np\nfuture = np.load('day.npy')  # !",
    "a session through ours": "import replay\nfuture = replay.read('last').trades()  # !",
    "the log itself": "from state.log import Log\nlog = Log.reading  # !",
    "a list at the top of the module": "SEEN = []\ndef f(x):\n    SEEN.append(x)  # !\n    return len(SEEN)",
    "an element of it": "LAST = [0]\ndef f(x):\n    LAST[0] = x  # !",
    "an element of an element, counted up": "from collections import Counter\nBY = {}\ndef f(x):\n    BY['a']['n'] += 1  # !",
    "a global": "count = 0\ndef f(x):\n    global count  # !\n    count += 1",
    "an attribute of an object at the top": "class State:\n    n = 0\nHERE = State()\ndef f(x):\n    HERE.n += 1  # !",
    "an attribute of the function itself": "def f(x):\n    f.n = x  # !",
    "an attribute of a class": "def g():\n    class Here:\n        n = 0\n    def f(x):\n        Here.n += 1  # !\n    return f",
    "a dict from within a lambda": "CACHE = dict()\nf = lambda x: CACHE.setdefault(x, x)  # !",
    "a deletion": "from collections import deque\nLAST = deque()\ndef f(x):\n    del LAST[0]  # !",
    "requests": "import requests\nprice = requests.get('http://x').json()  # !",
    "urllib": "from urllib.request import urlopen\nbody = urlopen('http://x')  # !",
    "a socket": "import socket\ns = socket.create_connection(('x', 1))  # !",
    "a subprocess": "import subprocess\nsubprocess.run(['date'])  # !",
    "the shell": "import os\nos.system('date')  # !",
    "a database": "import sqlite3\nc = sqlite3.connect('x.db')  # !",
    "the environment": "import os\nsize = float(os.environ['SIZE'])  # !",
    "getenv": "from os import getenv\nsize = getenv('SIZE')  # !",
    "the terminal": "answer = input()  # !",
    "a thread": "from threading import Thread\nThread(target=print).start()  # !",
    "a thread timer": "import threading\nthreading.Timer(1, print)  # !",
    "RxPY's thread timer": (
        "from reactivex.scheduler import TimeoutScheduler\nfrom reactivex import operators as ops\n"
        "step = ops.debounce(1, TimeoutScheduler.singleton())  # !"
    ),
    "RxPY's timestamp": "from reactivex import operators as ops\nstep = ops.timestamp()  # !",
    "a loop over a set": "for symbol in {'BTC', 'ETH'}:  # !\n    print(symbol)",
    "a loop over a call of set": "def f(xs):\n    for x in set(xs):  # !\n        print(x)",
    "a loop over a name that holds a set": "venues = {'a', 'b'}\ndef f():\n    for v in venues:  # !\n        print(v)",
    "a list of a set": "def f(xs: set[str]):\n    return list(xs)  # !",
    "a join of a set comprehension": "def f(xs):\n    return ','.join({x.name for x in xs})  # !",
    "a comprehension over a difference": "def f(a, b):\n    return [x for x in set(a) - set(b)]  # !",
    "a dict in the order of a set": "def f(xs: frozenset[str]):\n    return {x: 0 for x in xs}  # !",
    "a sum of floats of a set": "def f(xs: set[float]):\n    return sum(xs)  # !",
    "a set held by an object": (
        "class A:\n    def __init__(self):\n        self.open = set()\n"
        "    def f(self):\n        for x in self.open:  # !\n            print(x)"
    ),
    "an unpacked set": "def f(xs: set[int]):\n    return [*xs]  # !",
    "whatever a set pops": "def f(xs: set[int]):\n    return xs.pop()  # !",
    "the keys that two dicts share": "def f(a, b):\n    for x in a.keys() & b.keys():  # !\n        print(x)",
    "ties of a set broken by chance": "def f(xs: set[str]):\n    return max(xs, key=len)  # !",
    "what a function of sets gives": (
        "def names() -> set[str]:\n    return {'a'}\ndef f():\n    return tuple(names())  # !"
    ),
    "an order by id": "def f(xs):\n    return sorted(xs, key=id)  # !",
    "a bucket by hash": "def f(name):\n    return hash(name) % 4  # !",
    "the process id": "import os\nseed = os.getpid()  # !",
    "a centred window": "def f(prices):\n    return prices.rolling(20, center=True).mean()  # !",
    "tomorrow's price": "def f(prices):\n    return prices.shift(-1) / prices  # !",
    "a shift by a negative number of periods": "def f(prices, n):\n    return prices.pct_change(periods=-n)  # !",
    "a roll towards the past": "import numpy as np\ndef f(x):\n    return np.roll(x, -1)  # !",
    "a gap filled from what came later": "def f(prices):\n    return prices.bfill()  # !",
    "a gap filled by a word": "def f(prices):\n    return prices.fillna(method='bfill')  # !",
    "a straight line to the next price": "def f(prices):\n    return prices.interpolate()  # !",
    "a join to the next trade": (
        "import pandas as pd\ndef f(a, b):\n    return pd.merge_asof(a, b, on='ts', direction='forward')  # !"
    ),
    "a filter run both ways": "from scipy.signal import filtfilt\ndef f(b, a, x):\n    return filtfilt(b, a, x)  # !",
    "a Savitzky-Golay smoother": "from scipy import signal\ndef f(x):\n    return signal.savgol_filter(x, 5, 2)  # !",
    "a Gaussian around each price": "from scipy import ndimage\ndef f(x):\n    return ndimage.gaussian_filter1d(x, 3)  # !",
    "a centred convolution": "import numpy as np\ndef f(x, k):\n    return np.convolve(x, k, mode='same')  # !",
    "a convolution over the end": "import numpy as np\ndef f(x, k):\n    return np.convolve(x, k)  # !",
    "central differences": "import numpy as np\ndef f(x):\n    return np.gradient(x)  # !",
    "the machine's name": "import platform\nname = platform.node()  # !",
}

PURE = {
    "a list of the function's own": "def make():\n    seen = []\n    def f(x):\n        seen.append(x)\n    return f",
    "a list that hides the one at the top": "SEEN = []\ndef f(x):\n    SEEN = [1]\n    SEEN.append(x)\n    return SEEN",
    "an argument that hides it": "SEEN = []\ndef f(SEEN):\n    SEEN.append(1)\n    SEEN[0] = 2",
    "a table at the top that is filled there": "BY = {}\nBY['a'] = 1\nBY.update(b=2)\ndef f(x):\n    return BY[x]",
    "an object's own attribute": "class A:\n    def f(self, x):\n        self.n = x",
    "an operation that is called add": "from decimal import Context\nEXACT = Context()\ndef f(x):\n    return EXACT.add(x, x)",
    "an operator's own subscription": "def f(xs, o, s):\n    return xs.subscribe(o, scheduler=s)",
    "what is passed on to one": "def f(xs, *a, **k):\n    return xs.subscribe(*a, **k)",
    "another's subscribe": "def f(one):\n    one.subscribe()",
    "the session's time": "def f(feeds):\n    return feeds.now_ns",
    "a scheduler's time": "def f(scheduler):\n    return scheduler.now",
    "a method called time": "def f(event):\n    return event.time()",
    "an argument called time": "def f(time):\n    return time.time()",
    "a time span": "from datetime import timedelta\nday = timedelta(days=1)",
    "a time stamp with its zone": "from datetime import UTC, datetime\nat = datetime.fromtimestamp(5, UTC)",
    "a time stamp with its zone by name": "from datetime import UTC, datetime\nat = datetime.fromtimestamp(5, tz=UTC)",
    "a parsed date": "from datetime import datetime\nat = datetime.fromisoformat('2026-01-01T00:00:00+00:00')",
    "a fixed date": "from datetime import date\nday = date(2026, 1, 1)",
    "the session's generator": "def f(feeds):\n    return feeds.random.gauss(0, 1)",
    "a seeded generator": "import random\nchance = random.Random(7)",
    "numpy's seeded generator": "import numpy as np\nchance = np.random.default_rng(7)",
    "an argument called random": "def f(random):\n    return random.random()",
    "an id of a name": "import uuid\nname = uuid.uuid5(uuid.NAMESPACE_DNS, 'x')",
    "a method called open": "def f(door):\n    return door.open()",
    "a function of one's own called open": "def open(x):\n    return x\ny = open(3)",
    "an open price": "def f(candle):\n    open = candle.open\n    return open",
    "an argument called input": "def f(input):\n    return input + 1",
    "an argument called id": "def f(id):\n    return id",
    "a field called id": "def f(order):\n    return order.id",
    "print": "def f(x):\n    print(x)",
    "logging": "import logging\nlogging.getLogger('x').info('y')",
    "a path that is not opened": "from pathlib import Path\nname = Path('a/b').name",
    "joined words": "def f(xs: list[str]):\n    return ','.join(xs)",
    "a test of membership": "def f(x):\n    return x in {'a', 'b'}",
    "a sorted set": "def f(xs: set[str]):\n    for x in sorted(xs):\n        print(x)",
    "the size of a set": "def f(xs: set[str]):\n    return len(xs)",
    "the least of a set": "def f(xs: set[int]):\n    return min(xs)",
    "any of a set": "def f(xs: set[int]):\n    return any(x > 3 for x in xs)",
    "a set of a set": "def f(xs: set[int]):\n    return {x + 1 for x in xs}",
    "sets compared and joined": "def f(a: set[int], b: set[int]):\n    a |= b\n    return a <= b",
    "a sorted union": "def f(a: set[int], b: set[int]):\n    return sorted(a | b)",
    "a set made a list in order, under one name": "def f(xs):\n    xs = set(xs)\n    xs = sorted(xs)\n    return [x for x in xs]",
    "a name that is a set elsewhere": "def f(xs: set[int]):\n    return len(xs)\ndef g(xs: list[int]):\n    return list(xs)",
    "a loop over a dict": "def f(d: dict[str, int]):\n    return [x for x in d]",
    "the keys of a dict": "def f(d):\n    for x in d.keys():\n        print(x)",
    "a dict for a set": "def f(xs):\n    return list(dict.fromkeys(xs))",
    "the last of a list": "def f(xs: list[int]):\n    return xs.pop()",
    "a difference of numbers": "def f(a, b):\n    return [x for x in range(a - b)]",
    "an order by name": "def f(xs):\n    return sorted(xs, key=lambda x: x.name)",
    "the thread's number": "from threading import get_ident\nme = get_ident()",
    "RxPY's time operators without a scheduler": "from reactivex import operators as ops\nstep = ops.debounce(0.5)",
    "a window that ends now": "def f(prices):\n    return prices.rolling(20).mean()",
    "yesterday's price": "def f(prices):\n    return prices.shift(1) / prices",
    "a gap filled from before": "def f(prices):\n    return prices.ffill()",
    "a convolution within": "import numpy as np\ndef f(x, k):\n    return np.convolve(x, k, 'valid')[-1]",
    "a join to the trade before": "import pandas as pd\ndef f(a, b):\n    return pd.merge_asof(a, b, direction='backward')",
    "differences to the value before": "import numpy as np\ndef f(x):\n    return np.diff(x)",
    "an import that is not used": "import time",
    "a path joined": "import os\nname = os.path.join('a', 'b')",
}  # fmt: skip


@pytest.mark.parametrize("source", IMPURE.values(), ids=IMPURE)
def test_impure_line_is_found(source: str) -> None:
    marked = [number for number, line in enumerate(source.splitlines(), 1) if line.endswith("# !")]
    found = lint_source(source, "strategy.py")
    assert [finding.line for finding in found] == marked
    assert str(found[0]).startswith(f"strategy.py:{marked[0]}: error: ")
    assert ", use " in str(found[0])


@pytest.mark.parametrize("source", PURE.values(), ids=PURE)
def test_pure_source_is_let_through(source: str) -> None:
    assert lint_source(source) == []


def test_corpus_is_large_enough() -> None:
    assert len(IMPURE) >= 30
    assert len(PURE) >= 30


@pytest.mark.parametrize("room", ["state", "streams", "examples"])
def test_what_decides_is_pure(room: str) -> None:
    sources = sorted((ROOT / room).rglob("*.py"))
    assert sources
    findings = [
        str(finding)
        for source in sources
        if not any(source.relative_to(ROOT).as_posix().startswith(allowed) for allowed in ALLOWED)
        for finding in lint_source(source.read_text(), source.relative_to(ROOT).as_posix())
    ]
    assert findings == []


def test_what_is_allowed_needs_it() -> None:
    """An exception that excuses nothing is taken off the list."""
    for allowed in ALLOWED:
        path = ROOT / allowed
        sources = path.rglob("*.py") if path.is_dir() else [path]
        assert any(lint_source(source.read_text()) for source in sources), allowed
