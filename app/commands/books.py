"""`tapeline books` and `trades`: what a session owns and owes against what the venues say, and its executions as CSV."""

import csv
import sys
from collections.abc import Iterable, Sequence
from decimal import Decimal
from enum import StrEnum
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, BinaryIO

import msgspec
import typer

from app.files import whole_file
from app.logs import opened_log
from app.options import JsonOption, LogOption, SessionArgument
from app.output import Cell, leave_pipe, print_json, print_lines, print_table, remark
from app.progress import progress
from replay.books.close import close_books
from replay.books.executed import Cell as Written
from replay.books.facts import AssetLine, ClosedBooks, MarketLine
from replay.books.trades import COLUMNS, executions, rows

CLEAN, FINDINGS = 0, 1


class MethodName(StrEnum):
    """How closed size finds what it costs."""

    AVERAGE = "average"
    FIFO = "fifo"
    LIFO = "lifo"


class LayoutName(StrEnum):
    """Whose columns to write."""

    GENERIC = "generic"
    FREQTRADE = "freqtrade"
    HUMMINGBOT = "hummingbot"
    BYBIT = "bybit"
    BINANCE = "binance"
    HYPERLIQUID = "hyperliquid"
    DYDX = "dydx"


def books(
    context: typer.Context,
    session: SessionArgument,
    method: Annotated[
        MethodName, typer.Option("--method", help="How closed size finds its cost.")
    ] = MethodName.AVERAGE,
    log: LogOption = None,
    as_json: JsonOption = False,
) -> int:
    """Close the books of a session: fold it anew and set it against every position and balance that was reported."""
    with opened_log(context, log) as opened:
        row = opened.find(session)
        with progress("closing the books", row.last_seq) as done:
            closed = close_books(opened, row.id, method.value, lambda seq: done(seq))
    if as_json:
        print_json(closed)
    else:
        _print(closed)
    return CLEAN if closed.clean else FINDINGS


def trades(
    context: typer.Context,
    session: SessionArgument,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="PATH", help="Where to; else standard output.")
    ] = None,
    layout: Annotated[LayoutName, typer.Option("--layout", help="Whose columns to write.")] = LayoutName.GENERIC,
    method: Annotated[MethodName, typer.Option("--method", help="How closed size finds its cost.")] = MethodName.FIFO,
    log: LogOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a session's executions and funding as CSV, for accountants, tax tools and other programs."""
    write = _write_json if as_json else _write_csv
    with opened_log(context, log) as opened:
        row = opened.find(session)
        lines = (line for executed in executions(opened, row.id, method.value) for line in rows(executed, layout.value))
        try:
            if output is None:
                written = write(COLUMNS[layout.value], lines, sys.stdout.buffer)
                sys.stdout.buffer.flush()
            else:
                with whole_file(output) as out:
                    written = write(COLUMNS[layout.value], lines, out)
        except BrokenPipeError:
            leave_pipe()
    if output is not None:
        remark(f"{written} rows of session {row.id} are in {output}")


def _write_csv(columns: Sequence[str], lines: Iterable[Sequence[Written]], out: BinaryIO) -> int:
    text = TextIOWrapper(out, "utf-8", newline="")
    table = csv.writer(text, lineterminator="\n")
    written = 0
    try:
        table.writerow(columns)
        for line in lines:
            table.writerow(line)
            written += 1
        text.flush()
    finally:
        text.detach()  # else standard output is closed with it
    return written


def _write_json(columns: Sequence[str], lines: Iterable[Sequence[Written]], out: BinaryIO) -> int:
    """One array, as it comes: a session of years is not held."""
    written = 0
    out.write(b"[")
    for line in lines:
        out.write((b"," if written else b"") + msgspec.json.encode(dict(zip(columns, line, strict=True))))
        written += 1
    out.write(b"]\n")
    return written


def _print(closed: ClosedBooks) -> None:
    print_lines([f"session {closed.session}, {closed.method} cost".encode()])
    columns = (
        "venue", "symbol", "opening", "bought", "sold", "size", "average", "realized", "unrealized", "fees", "rebates",
        "funding", "reports", "reported", "residual",
    )  # fmt: skip
    print_table(columns, [_tidied(_market(line)) for line in closed.markets], right=columns[2:])
    columns = (
        "venue", "asset", "opening", "realized", "traded", "fees", "rebates", "funding", "transfers", "closing", "residuals",
        "rounding", "reports", "reported", "residual",
    )  # fmt: skip
    print_table(columns, [_tidied(_asset(line)) for line in closed.assets], right=columns[2:])
    flagged = sum(not finding.explained for finding in closed.findings)
    print_lines([f"{flagged} findings, {closed.transient} reports that a later one put right".encode()])
    if closed.findings:
        shown = [
            (it.seq, it.venue, it.what, it.fault, it.amount, it.text, " ".join(map(str, it.seqs)))
            for it in closed.findings
        ]
        heading = ("seq", "venue", "of", "fault", "residual", "what", "records")
        print_table(heading, shown, right=("seq", "residual"))


def _market(line: MarketLine) -> tuple[Cell, ...]:
    return (
        line.venue, line.symbol, line.opening, line.bought, line.sold, line.size, line.avg_price, line.realized_pnl,
        line.unrealized_pnl, _sums(line.fees), _sums(line.rebates), _sums(line.funding), f"{line.fitted}/{line.reports}",
        line.reported, line.residual,
    )  # fmt: skip


def _asset(line: AssetLine) -> tuple[Cell, ...]:
    return (
        line.venue, line.asset, line.opening, line.realized_pnl, line.traded, line.fees, line.rebates, line.funding,
        line.transfers, line.closing, line.residuals, line.rounding, f"{line.fitted}/{line.reports}", line.reported,
        line.residual,
    )  # fmt: skip


def _tidied(cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
    """Without the zeros that exact arithmetic leaves at the end; `--json` has every digit."""
    return tuple(_plain(cell) if isinstance(cell, Decimal) else cell for cell in cells)


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _sums(amounts: dict[str, Decimal]) -> str:
    return " ".join(f"{_plain(amount)} {asset}" for asset, amount in sorted(amounts.items()))
