"""Files spread over processes that are forked once all is collected: to collect takes each that does it ten seconds of CPU.

`pytest --forks N`. A process takes one file after the other, and those that belong together as one.
"""

import atexit
import os
import signal
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe, wait
from traceback import format_exc
from typing import Final, NoReturn

import pytest

TOGETHER: Final = {
    f"tests/{folder}/{file}.py": what
    for what, folder, files in (
        ("hftbacktest", "adapters/paper", ("test_against_hftbacktest", "test_fifo", "test_latency")),
        ("hftbacktest", "replay/market_files", ("test_market_files", "test_as_others_read")),
        (
            "ccxt", "adapters",
            (
                "loopback/test_ccxt", "loopback/binance/test_ccxt", "loopback/dydx/test_ccxt", "loopback/okx/test_ccxt",
                "loopback/hyperliquid/test_ccxt", "hyperliquid/test_ccxt", "okx/test_codes", "okx/test_official",
                "binance/test_requests", "loopback/binance/test_sdk",
            ),
        ),
        (
            "the lab's session", "replay/lab",
            ("test_sweep", "test_debug", "test_fork", "test_incident", "test_lookahead", "test_report", "test_view"),
        ),
        ("the guide's venue", "adapters/conformance", ("test_third_party", "test_guide", "test_scorecard")),
    )
    for file in files
}  # fmt: skip

_NUMBER: Final = struct.Struct("<I")


def pieces(items: Sequence[pytest.Item]) -> list[list[pytest.Item]]:
    """What one process runs without another taking part, in the order of their first tests."""
    found: dict[str, list[pytest.Item]] = {}
    for item in items:
        file = item.nodeid.partition("::")[0]
        found.setdefault(TOGETHER.get(file, file), []).append(item)
    return list(found.values())


@dataclass
class Fork:
    """One of the processes, as the first of them sees it."""

    number: int
    pid: int
    told: Connection
    at: tuple[str, tuple[str, int | None, str]] | None = None  # the test that it runs


class Spread:
    """Runs what was collected in so many processes, and reports what they tell."""

    def __init__(self, processes: int) -> None:
        self._processes = processes

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        if session.testsfailed or session.config.option.collectonly:
            return None
        terminal = session.config.pluginmanager.get_plugin("terminalreporter")
        if terminal is not None:
            terminal.showfspath = False  # files are run beside each other
        parts = pieces(session.items)
        queue, numbers = os.pipe()
        os.write(numbers, b"".join(map(_NUMBER.pack, range(len(parts)))))
        os.close(numbers)
        forks = {fork.told: fork for fork in (_fork(session, parts, queue, n) for n in range(self._processes))}
        try:
            while forks:
                for told in wait(list(forks)):
                    assert isinstance(told, Connection)
                    fork = forks[told]
                    if not _hear(session, fork):
                        del forks[told]
                        if _has_died(session, fork):
                            again = _fork(session, parts, queue, fork.number + self._processes)
                            forks[again.told] = again
                if session.shouldfail:
                    raise session.Failed(session.shouldfail)
                if session.shouldstop:
                    raise session.Interrupted(session.shouldstop)
        finally:
            for fork in forks.values():
                os.kill(fork.pid, signal.SIGTERM)
                os.waitpid(fork.pid, 0)
            os.close(queue)
        return True


def _hear(session: pytest.Session, fork: Fork) -> bool:
    """False once it has no more to tell."""
    hook = session.config.hook
    try:
        at, reports = fork.told.recv()
    except EOFError:
        return False
    fork.at = at if reports is None else None
    if reports is not None:
        for data in reports:
            hook.pytest_runtest_logreport(report=hook.pytest_report_from_serializable(config=session.config, data=data))
        hook.pytest_runtest_logfinish(nodeid=at[0], location=at[1])
    return True


def _has_died(session: pytest.Session, fork: Fork) -> bool:
    """Whether it ended before its time: then what it ran has failed."""
    code = os.waitstatus_to_exitcode(os.waitpid(fork.pid, 0)[1])
    fork.told.close()
    if code == 0 and fork.at is None:
        return False
    name, location = fork.at or ("between two tests", ("", None, ""))
    told = f"the process that ran it ended with {code}; what was left of its file was not run"
    session.config.hook.pytest_runtest_logreport(report=pytest.TestReport(name, location, {}, "failed", told, "call"))
    return True


def _fork(session: pytest.Session, parts: list[list[pytest.Item]], queue: int, number: int) -> Fork:
    sys.stdout.flush()
    sys.stderr.flush()
    ours, theirs = Pipe(duplex=False)
    pid = os.fork()
    if pid == 0:
        ours.close()
        _run(session, parts, queue, number, theirs)
    theirs.close()
    return Fork(number, pid, ours)


def _run(
    session: pytest.Session, parts: list[list[pytest.Item]], queue: int, number: int, told: Connection
) -> NoReturn:
    """One of the processes: it takes piece after piece until there is none left."""
    code = 1
    try:
        reports = _become(session.config, number).reports
        while len(taken := os.read(queue, _NUMBER.size)) == _NUMBER.size:
            part = parts[_NUMBER.unpack(taken)[0]]
            for item, following in zip(part, [*part[1:], None], strict=True):
                at = item.nodeid, item.location
                told.send((at, None))
                session.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                told.send((at, reports))
                reports.clear()
        atexit._run_exitfuncs()
        code = 0
    finally:
        if code:
            os.write(2, format_exc().encode())
        os._exit(code)


class _Kept:
    """The reports of the test that is run."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.reports: list[object] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.reports.append(self._config.hook.pytest_report_to_serializable(config=self._config, report=report))


def _become(config: pytest.Config, number: int) -> _Kept:
    """With output, folders and reports of its own."""
    capture = config.pluginmanager.get_plugin("capturemanager")
    capture.stop_global_capturing()
    capture.start_global_capturing()
    capture.suspend_global_capture()
    config.pluginmanager.unregister(name="terminalreporter")
    folders = config._tmp_path_factory  # type: ignore[attr-defined]  # as pytest-xdist does
    folders._basetemp = folders.getbasetemp() / f"fork-{number}"
    folders._basetemp.mkdir(mode=0o700)
    kept = _Kept(config)
    config.pluginmanager.register(kept)
    return kept
