"""`tapeline compare`: what strategies of several sessions did and earned, side by side."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated

import typer

from app.logs import opened_log
from app.options import JsonOption, LogOption
from app.output import Cell, print_json, print_table
from app.report import rounded
from replay.compare import StrategyLine, shadows_of
from replay.compare import compare as compare_session

_COLUMNS = (
    "session", "source", "strategy", "orders", "amends", "cancels", "blocked", "rejected", "fills", "maker", "turnover",
    "fees", "position", "pnl",
)  # fmt: skip


def compare(
    context: typer.Context,
    sessions: Annotated[
        list[str],
        typer.Argument(metavar="SESSION…", help="One, with its shadows, or several.", show_default=False),
    ],
    log: LogOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what each strategy did and earned: a session beside those in its shadow, or several sessions side by side."""
    with opened_log(context, log) as opened:
        chosen = [opened.find(session).id for session in sessions]
        if len(chosen) == 1:
            chosen += shadows_of(opened, chosen[0])
        lines = [line for session in chosen for line in compare_session(opened, session)]
    if as_json:
        print_json(lines)
    else:
        print_comparison(lines)


def print_comparison(lines: Sequence[StrategyLine]) -> None:
    """The lines as a table."""
    print_table(_COLUMNS, [_row(line) for line in lines], right=_COLUMNS[3:])


def _row(line: StrategyLine) -> list[Cell]:
    counts: list[Cell] = [line.orders, line.amends, line.cancels, line.blocked, line.rejected, line.fills, line.maker]
    amounts = [_amounts(each) for each in (line.turnover, line.fees)]
    positions = ", ".join(f"{size:f} {market}" for market, size in line.positions.items())
    return [line.session, line.source, line.strategy, *counts, *amounts, positions, _amounts(line.pnl)]


def _amounts(by_asset: Mapping[str, Decimal] | None) -> str:
    if by_asset is None:
        return "no price"
    return ", ".join(f"{rounded(amount):f} {asset}" for asset, amount in sorted(by_asset.items()))
