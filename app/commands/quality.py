"""`tapeline quality`: how well a session executed, and the records behind each number."""

from collections.abc import Iterator
from typing import Annotated

import msgspec
import typer

from app.collector import Collector
from app.logs import opened_log
from app.options import JsonOption, LogOption, SessionArgument
from app.output import Cell, figure, print_json, print_lines, print_table
from app.progress import progress
from replay.quality.report import MetricLine, Quality, Rates, is_of, measure, number_of
from replay.quality.samples import samples
from state.errors import WrongUse
from state.log import Log


class RecordsFact(msgspec.Struct, frozen=True):
    """One number and the records (and frames that left) that it was taken from."""

    name: str
    value: float
    seqs: tuple[int, ...]
    frames: tuple[int, ...]


def quality(
    context: typer.Context,
    session: SessionArgument,
    records: Annotated[
        str | None,
        typer.Option(
            "--records", metavar="NAME", help="List the records behind a number, by its name or a beginning of it."
        ),
    ] = None,
    log: LogOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure latency, refusals, time at the top of the book, markouts and slippage."""
    with opened_log(context, log) as opened:
        row = opened.find(session)
        if records is not None:
            if not _print_records(_behind(opened, row.id, records), as_json=as_json):
                raise WrongUse(
                    f"no number of session {row.id} is called {records!r}; `tapeline quality` lists their names"
                )
            return
        with progress("measuring", row.last_seq) as done, Collector():
            measured = measure(opened, row.id, lambda seq: done(seq))
    if as_json:
        print_json(measured)
    else:
        _print(measured)


def _behind(log: Log, session: str, name: str) -> Iterator[RecordsFact]:
    for _, said in samples(log, session):
        for sample in said:
            if is_of(sample, name):
                yield RecordsFact(number_of(sample), sample.value, sample.seqs, sample.frames)


def _print_records(found: Iterator[RecordsFact], *, as_json: bool) -> bool:
    """One line each as they are found; false where there is none."""
    first = next(found, None)
    if first is None:
        return False

    def lines() -> Iterator[bytes]:
        if not as_json:
            yield b"name\tvalue\tseqs\tframes"
        yield _line(first, as_json=as_json)
        for fact in found:
            yield _line(fact, as_json=as_json)

    print_lines(lines())
    return True


def _line(fact: RecordsFact, *, as_json: bool) -> bytes:
    if as_json:
        return msgspec.json.encode(fact)
    words = (fact.name, f"{fact.value:.6g}", " ".join(map(str, fact.seqs)), " ".join(map(str, fact.frames)))
    return "\t".join(words).encode()


def _print(measured: Quality) -> None:
    print_lines([f"session {measured.session}".encode()])
    columns = ("number", "unit", "count", "min", "mean", "p50", "p90", "p99", "p99.9", "max")
    print_table(columns, map(_metric, measured.metrics), right=columns[2:])
    heading = (
        "venue", "symbol", "placed", "amended", "cancelled", "fills", "refused", "blocked", "unknown", "orders/trade",
        "refusal rate", "amends/order", "top of book",
    )  # fmt: skip
    print_table(heading, map(_rates, measured.rates), right=heading[2:])


def _metric(line: MetricLine) -> tuple[Cell, ...]:
    it = line.numbers
    shown = (it.minimum, it.mean, it.p50, it.p90, it.p99, it.p99_9, it.maximum)
    return (line.name, line.unit, it.count, *map(figure, shown))


def _rates(it: Rates) -> tuple[Cell, ...]:
    rates = (it.order_to_trade, it.refusal_rate, it.amend_rate)
    top = " ".join(f"{side} {share:.1%}" for side, share in it.top_of_book.items())
    return (
        it.venue, it.symbol, it.placed, it.amended, it.cancelled, it.fills, it.refused, it.blocked, it.unknown,
        *(None if rate is None else f"{rate:.4g}" for rate in rates), top,
    )  # fmt: skip
