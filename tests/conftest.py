"""In which order the files run, and where tests find what is not in the repository: third parties' recordings and PostgreSQL."""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4
from zlib import crc32

import psycopg
import pytest
from hypothesis import settings

from state.log import Log
from state.log.schema import metadata
from tests.command import FORKING
from tests.depth import IS_DEEP
from tests.garbage import Frozen
from tests.spread import Spread

# How long an example takes is the machine's affair.
settings.register_profile("sample", max_examples=15, derandomize=True, deadline=None)
settings.register_profile("deep", max_examples=1_000, deadline=None)
settings.load_profile("deep" if IS_DEEP else "sample")

# Whole files go to one worker after another: these first, so that none is left over at the end, and then those that wait for
# a session among those that compute, by no other order than that it is always the same.
LONGEST = (
    "replay/lab/test_sweep.py", "app/test_foreign_orders.py", "adapters/paper/test_against_hftbacktest.py",
    "replay/test_live_equals_replay.py",
    "replay/calibration/test_calibrate.py", "app/test_live_commands.py", "app/test_main_job.py", "app/test_overload.py",
    "app/test_bad_input.py", "app/test_control.py", "streams/strategies/test_shipped.py", "app/test_archive_commands.py",
    "replay/proof/test_mutations.py", "chaos/test_matrix.py", "benchmarks/test_smoke.py",
    "adapters/conformance/test_third_party.py", "app/test_secrets.py", "adapters/conformance/test_finds.py",
    "app/test_audit_damaged.py", "state/log/test_tamper.py", "replay/test_archive.py", "app/test_traders_live.py",
    "app/test_new_venue.py", "streams/test_checkpoint.py", "adapters/paper/test_properties.py",
    "app/test_kill.py",
    "streams/operators/test_references.py", "adapters/loopback/test_ccxt.py",
)  # fmt: skip

RECORDINGS = Path(__file__).resolve().parents[1].parent / "shared" / "data"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--forks", type=int, default=0, help="run the files in so many processes, forked once all is collected"
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("forks"):
        config.pluginmanager.register(Spread(config.getoption("forks")), "spread")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    first = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: (first.get(item.path, len(LONGEST)), crc32(item.nodeid.partition("::")[0].encode())))


_FROZEN = Frozen()
gc.disable()  # what is collected stays: to look for garbage in it again and again as it grows is a fifth of collecting it


def pytest_collection_finish(session: pytest.Session) -> None:
    if session.config.getoption("forks") and not session.config.option.collectonly:
        FORKING.begin()  # one for all of the processes
    gc.enable()
    gc.set_threshold(20_000)  # new containers, for 700: what tests make goes with its last reference
    _FROZEN.renew()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    _FROZEN.renew()


def pytest_sessionfinish() -> None:
    gc.unfreeze()  # pytest's last look at what was never closed is to see it


def _absent(reason: str) -> None:
    """Skips on a developer's machine; in CI nothing may be skipped."""
    if os.environ.get("CI"):
        pytest.fail(f"not allowed to skip in CI: {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of real recordings by third parties."""
    if not RECORDINGS.is_dir():
        _absent(f"no recordings at {RECORDINGS}")
    return RECORDINGS


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """The URL of a database that tests may make schemas in."""
    url = os.environ.get("TAPELINE_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/test")
    try:
        psycopg.connect(url, connect_timeout=3).close()
    except psycopg.OperationalError as error:
        _absent(f"no PostgreSQL server: {error}")
    return url


@contextmanager
def empty_schema(postgres_server: str) -> Iterator[str]:
    """The URL of an empty schema of its own, which is gone afterwards."""
    schema = f"tapeline_{uuid4().hex}"
    with psycopg.connect(postgres_server, autocommit=True) as server:
        server.execute(f"CREATE SCHEMA {schema}")
        joint = "&" if "?" in postgres_server else "?"
        yield f"{postgres_server}{joint}options={quote(f'-csearch_path={schema}', safe='')}"
        server.execute(f"DROP SCHEMA {schema} CASCADE")


@pytest.fixture(scope="module")
def kept_log(postgres_server: str) -> Iterator[tuple[str, psycopg.Connection]]:
    """A log without sessions, and a way into it."""
    with empty_schema(postgres_server) as url:
        Log.open(url).close()
        with psycopg.connect(url, autocommit=True) as server:
            server.execute("SET lock_timeout = '20s'")
            yield url, server


@pytest.fixture
def postgres_log_url(kept_log: tuple[str, psycopg.Connection]) -> Iterator[str]:
    """A log for one test that changes no table: it is emptied, since to make the tables anew takes a tenth of a second of CPU."""
    url, server = kept_log
    yield url
    server.execute("; ".join(f"DELETE FROM {name}" for name in metadata.tables if name != "meta"))


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """An empty schema for one test."""
    with empty_schema(postgres_server) as url:
        yield url


@pytest.fixture(scope="module")
def module_postgres_url(postgres_server: str) -> Iterator[str]:
    """An empty schema for the tests of one file."""
    with empty_schema(postgres_server) as url:
        yield url
