"""How a sweep is spread: which sets of parameters, over which workers, and what is done already."""

import os
from collections.abc import Callable, Container, Generator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import closing
from importlib import import_module
from itertools import product
from multiprocessing import get_context, parent_process
from pathlib import Path
from random import Random
from threading import Thread

import msgspec

from app.collector import Collector
from replay.sweep import Job, Outcome, run_job
from state.errors import ConfigurationError, TapelineError, WrongUse

Words = tuple[tuple[str, str], ...]  # parameter and value, as a person wrote them

_RETRIES = 10  # of a run whose worker was lost
_REFUSALS = 50  # sets drawn for nothing for each that is wanted, before the ranges are told to be wrong


def grid_sets(axes: Sequence[str]) -> list[Words]:
    """Every combination of `k=a,b,c`; raises `ConfigurationError` for what names no parameter or is a range."""
    parsed = _axes(axes)
    if not parsed:
        raise ConfigurationError("a sweep needs --grid PARAMETER=a,b,c, or --random N")
    for name, values in parsed.items():
        if len(values) == 1 and ".." in values[0]:
            raise ConfigurationError(f"--grid {name}={values[0]}: a range is for --random; a grid takes {name}=a,b,c")
    return [tuple(zip(parsed, values, strict=True)) for values in product(*parsed.values())]


def random_sets(
    axes: Sequence[str],
    count: int,
    seed: int,
    *,
    whole: Container[str] = (),
    check: Callable[[Words], None] = lambda words: None,
) -> tuple[list[Words], int]:
    """`count` sets by chance, of values from `k=a,b,c` and numbers from `k=lo..hi`, and how many were refused and drawn anew.

    Numbers of parameters in `whole` are whole. `check` raises `ConfigurationError` for a set that is none; where hardly any is
    one, so does this.
    """
    parsed, rng = _axes(axes), Random(seed)  # noqa: S311 (seeded on purpose)
    sets: list[Words] = []
    refused = 0
    while len(sets) < count:
        words = tuple((name, _drawn(name, values, rng, whole=name in whole)) for name, values in parsed.items())
        try:
            check(words)
        except ConfigurationError:
            refused += 1
            if refused >= _REFUSALS * count:
                raise
        else:
            sets.append(words)
    return sets, refused


def run_all(
    jobs: Sequence[Job],
    *,
    workers: int,
    scheduler: str | None,
    done_before: Path | None,
    progress: Callable[[int], None],
) -> list[Outcome]:
    """Outcomes in the order of the jobs, whoever finished first; what `done_before` holds is not run again."""
    known = _read(done_before)
    found = {number: known[job.key()] for number, job in enumerate(jobs) if job.key() in known}
    waiting = [(number, job) for number, job in enumerate(jobs) if number not in found]
    progress(len(found))
    spread = _on_dask(waiting, scheduler) if scheduler else _here(waiting, workers)
    with closing(spread):
        for number, outcome in spread:
            found[number] = outcome
            _write(done_before, jobs[number], outcome)
            progress(len(found))
    return [found[number] for number in range(len(jobs))]


def _here(waiting: Sequence[tuple[int, Job]], workers: int) -> Generator[tuple[int, Outcome], None, None]:
    if workers == 1 or len(waiting) < 2:
        for number, job in waiting:
            yield number, _uncollected(job)
        return
    pool = ProcessPoolExecutor(
        min(workers, len(waiting)), mp_context=get_context("spawn"), initializer=_end_with_the_sweep
    )
    try:
        futures = {pool.submit(_uncollected, job): number for number, job in waiting}
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _end_with_the_sweep() -> None:
    """A worker waits for work for ever where the sweep was killed: nobody tells it that there will be none."""

    def watch() -> None:
        parent = parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    Thread(target=watch, name="sweep-watch", daemon=True).start()


def _uncollected(job: Job) -> Outcome:
    with Collector():  # 6 % of a run; a Dask worker's collector is not ours to stop
        return run_job(job)


def _on_dask(waiting: Sequence[tuple[int, Job]], scheduler: str) -> Generator[tuple[int, Outcome], None, None]:
    """Each worker must reach the log by the same URL; a run whose worker is lost is run again elsewhere."""
    try:
        distributed = import_module("distributed")
    except ModuleNotFoundError as error:
        raise WrongUse("--scheduler needs Dask, which is not installed: pip install distributed") from error
    try:
        client = distributed.Client(scheduler, timeout=10, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise WrongUse(f"no Dask scheduler at {scheduler}: {error}") from error
    with client:
        futures = {client.submit(_tried, job, pure=False, retries=_RETRIES): number for number, job in waiting}
        for future in distributed.as_completed(list(futures), loop=client.loop):
            try:
                outcome = future.result()
            except distributed.KilledWorker as error:
                raise WrongUse(f"a run ended its Dask worker again and again: {error}") from error
            if isinstance(outcome, TapelineError):
                raise outcome
            yield futures[future], outcome


def _tried(job: Job) -> Outcome | TapelineError:
    """What is wrong with a job is wrong at every worker: raised there, it would be run again as often as one that was lost."""
    try:
        return run_job(job)
    except TapelineError as error:
        return error


# --- what is done already ---


class _Done(msgspec.Struct, frozen=True):
    key: str
    outcome: Outcome


def _read(path: Path | None) -> Mapping[str, Outcome]:
    if path is None or not path.is_file():
        return {}
    found = {}
    body = path.read_bytes()
    if body and not body.endswith(b"\n"):
        with path.open("ab") as file:
            file.write(b"\n")  # so that the next line is one
    for line in body.splitlines():
        try:
            done = msgspec.json.decode(line, type=_Done)
        except msgspec.DecodeError:
            continue  # the line that was being written when a sweep was ended
        found[done.key] = done.outcome
    return found


def _write(path: Path | None, job: Job, outcome: Outcome) -> None:
    if path is not None:
        with path.open("ab") as file:
            file.write(msgspec.json.encode(_Done(job.key(), outcome)) + b"\n")


# --- words ---


def _axes(words: Sequence[str]) -> dict[str, list[str]]:
    axes: dict[str, list[str]] = {}
    for word in words:
        name, equals, values = word.partition("=")
        if not (name and equals and values and all(values.split(","))):
            raise ConfigurationError(f"--grid takes PARAMETER=a,b,c; {word!r} names no parameter with values")
        if name in axes:
            raise ConfigurationError(f"--grid names {name} twice")
        axes[name] = values.split(",")
    return axes


def _drawn(name: str, values: Sequence[str], rng: Random, *, whole: bool) -> str:
    low, dots, high = values[0].partition("..")
    if len(values) > 1 or not dots:
        return rng.choice(values)
    try:
        if whole:
            return str(rng.randint(int(low), int(high)))
        return f"{rng.uniform(float(low), float(high)):.6g}"
    except ValueError as error:
        kind = "whole numbers, the lower first" if whole else "numbers"
        raise ConfigurationError(f"--grid {name}={values[0]}: a range is of two {kind}") from error
