"""`tapeline calibrate`: whether the simulator tells the truth about a live session, and with which parameters it does."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated

import msgspec
import typer

from adapters.paper import PaperSettings
from app.collector import Collector
from app.defaults import parse_settings
from app.logs import opened_session
from app.options import JsonOption, LogOption, SessionArgument
from app.output import Cell, print_json, print_lines, print_table
from app.progress import progress
from replay.assumed import assumed
from replay.calibration.calibrate import Calibration, calibrate
from replay.calibration.fit import EVALUATIONS
from replay.calibration.recorded import read
from replay.calibration.score import OrderScore, Score
from state.errors import WrongUse
from state.manifest import Manifest

CLEAN = 0


class CalibrateFact(msgspec.Struct, frozen=True):
    """What `calibrate --json` prints; `before` and `after` are of the held-out part, `orders` of all with the fitted settings."""

    session: str
    split: int
    before: Score
    after: Score
    fitted_on: Score
    settings: PaperSettings
    fitted: list[str]
    queues: dict[str, float]
    orders: list[OrderScore]


def calibrate_session(
    context: typer.Context,
    session: SessionArgument,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="paper.KEY=VALUE", help="What the paper venue assumes at first."),
    ] = None,
    share: Annotated[float, typer.Option("--fit-on", metavar="SHARE", help="The share of the orders to fit on.")] = 0.5,
    tolerance_ms: Annotated[
        float, typer.Option("--tolerance-ms", metavar="MS", min=0.0, help="How far apart two fills may be and match.")
    ] = 250.0,
    orders: Annotated[bool, typer.Option("--orders", help="List every order with its verdict.")] = False,
    log: LogOption = None,
    as_json: JsonOption = False,
) -> int:
    """Run a session's own intents through the paper venue, score it order by order, and fit it."""
    params, paper = parse_settings(settings or [])
    if params:
        raise WrongUse(f"only paper.KEY can be set here, not {', '.join(sorted(params))}: the strategy is not run")
    with opened_session(context, session, log) as (opened, row), Collector():
        in_book = not assumed(Manifest.parse(row.manifest))
        with progress("reading", row.last_seq) as done:
            seen = 0

            def read_one(count: int) -> None:
                nonlocal seen
                seen += count
                if not seen % 1000:
                    done(seen)

            recorded = read(opened.records(row.id), read_one, in_book=in_book)
        with progress("fitting", EVALUATIONS) as done:
            tried = 0

            def tried_one(count: int) -> None:
                nonlocal tried
                tried += count
                done(tried)

            found = calibrate(recorded, paper, share=share, tolerance_ms=tolerance_ms, progress=tried_one)
        session = row.id
    fitted = list(_words(found.settings, paper))
    if as_json:
        scores = found.before, found.after, found.fitted_on
        print_json(CalibrateFact(session, found.split, *scores, found.settings, fitted, found.queues, found.orders))
        return CLEAN
    _print(session, found, fitted)
    if orders:
        _print_orders(found.orders)
    return CLEAN


def _words(settings: PaperSettings, before: PaperSettings) -> Iterator[str]:
    """What the fit changed, as `--set` takes it."""
    for name in settings.__struct_fields__:
        value = getattr(settings, name)
        if value != getattr(before, name) and value is not None:
            yield f"paper.{name}={_text(value)}"


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.10g}"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


_COLUMNS = ("held-out part", "before", "after")


def _print(session: str, found: Calibration, fitted: list[str]) -> None:
    print_lines(
        [
            f"session {session}: {found.fitted_on.orders} orders to fit on, {found.after.orders} held out".encode(),
            b"",
        ]
    )
    print_table(_COLUMNS, list(_rows(found.before, found.after)), right=_COLUMNS[1:])
    queues = ", ".join(
        f"{name} {apart_s:g}" for name, apart_s in sorted(found.queues.items(), key=lambda known: known[1])
    )
    print_lines(
        [
            b"",
            f"queue models by how far apart their fills are (mean s of an order's size): {queues}".encode(),
            b"fitted: "
            + (" ".join(f"--set {word}" for word in fitted).encode() or b"nothing: the settings were right"),
        ]
    )


def _rows(before: Score, after: Score) -> Iterator[tuple[Cell, ...]]:
    for name in Score.__struct_fields__:
        old, new = getattr(before, name), getattr(after, name)
        if isinstance(old, dict):
            for asset in sorted({*old, *new}):
                yield f"{name} {asset}", old.get(asset), new.get(asset)
        else:
            yield name, old, new


_ORDER_COLUMNS = (
    "client_id", "symbol", "verdict", "size", "filled", "simulated", "fill_ms", "simulated_ms", "ahead_error", "apart_s",
)  # fmt: skip


def _print_orders(orders: list[OrderScore]) -> None:
    rows: list[tuple[Cell, ...]] = [
        (
            order.client_id,
            order.symbol,
            order.verdict,
            order.size,
            order.filled,
            order.simulated_filled,
            order.fill_ms,
            order.simulated_fill_ms,
            order.ahead_error,
            order.apart_s,
        )
        for order in orders
    ]
    print_lines([b""])
    print_table(_ORDER_COLUMNS, rows, right=_ORDER_COLUMNS[3:])
