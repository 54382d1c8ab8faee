"""What commands print: tables for people, tab-separated text for pipes, JSON for programs. Facts go to stdout, remarks to stderr.

JSON comes from msgspec everywhere: market numbers are numbers with the shortest text that is equal to the venue's, money is
a string, times are int ns.
"""

import os
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, TypeAlias

import msgspec
import typer

Cell: TypeAlias = str | int | float | bool | Decimal | None

_NAMES: Final = ("id", "session", "parent", "client_id")

_json: Final = msgspec.json.Encoder().encode


def print_json(fact: object) -> None:
    """One fact, or a list of them, on one line."""
    print_lines((_json(fact),))


def print_lines(lines: Iterable[bytes], *, live: bool = False) -> None:
    """Each line as it is; out at once where somebody watches, or where lines are `live`: made as time goes by."""
    out = sys.stdout.buffer
    at_once = live or sys.stdout.isatty()
    try:
        for line in lines:
            out.write(line + b"\n")
            if at_once:
                out.flush()
        out.flush()
    except BrokenPipeError:
        leave_pipe()


def leave_pipe() -> None:
    """Whoever read has seen enough (`| head`): ends without a word, which is no error."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    raise typer.Exit(0)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Cell]], *, right: Sequence[str] = ()) -> None:
    """A table on a terminal, tab-separated lines with a heading elsewhere; `right` names the columns of numbers."""
    if not sys.stdout.isatty():
        print_lines("\t".join(line).encode() for line in (columns, *([_text(cell) for cell in row] for row in rows)))
        return
    from rich.console import Console  # loaded only where somebody sees it
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        # A name that is broken over two lines cannot be copied into the next command.
        whole = column in _NAMES
        table.add_column(column, justify="right" if column in right else "left", overflow="fold", no_wrap=whole)
    for row in rows:
        table.add_row(*(Text(_text(cell)) for cell in row))
    Console().print(table)


def remark(text: str) -> None:
    """A word to the person, which no program reads."""
    print(text, file=sys.stderr)  # noqa: T201 - stderr is for people


def moment(time_ns: int | None) -> str:
    """UTC to the microsecond; what else is known of a time of receipt is in the JSON."""
    if not time_ns:
        return ""
    return datetime.fromtimestamp(time_ns // 1_000_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S") + (
        f".{time_ns % 1_000_000_000 // 1_000:06d}"
    )


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, Decimal):
        return f"{cell:f}"
    return repr(cell) if isinstance(cell, float) else printable(str(cell))


def printable(text: str) -> str:
    """What a venue sends is untrusted: no control character of it reaches a terminal or breaks a line."""
    return text if text.isprintable() else text.encode("unicode_escape").decode()


def figure(number: float) -> str:
    """Four digits of a measurement, and never an exponent for a large one."""
    return f"{number:.4g}" if abs(number) < 10_000 else f"{number:.0f}"


def shown_price(price: float) -> str:
    """All the digits of an observed price, without the `.0` of a whole one."""
    return f"{price:.15g}"
