"""A session as one page of HTML that stands alone: the script that draws is in it, and nothing is fetched."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from importlib import import_module
from typing import Any, Final

from app.output import moment, printable
from app.report import rounded
from replay.pnl import Account, Course
from replay.quality.report import MetricLine, Quality
from state.errors import WrongUse
from state.log import SessionRow

HORIZONS: Final = ("1s", "5s", "30s", "60s")
_STYLE: Final = (
    "body{font:15px system-ui,sans-serif;margin:2em auto;max-width:72em;padding:0 1em;color:#222}"
    "table{border-collapse:collapse;margin:.5em 0 1.5em}th,td{padding:.25em .8em;text-align:right;"
    "border-bottom:1px solid #ddd}th:first-child,td:first-child{text-align:left}h2{margin-top:2em}.note{color:#666}"
)


def page(row: SessionRow, account: Account, quality: Quality) -> str:
    """The whole page; raises `WrongUse` where plotly is not installed."""
    body = [
        f"<h1>Session {escape(row.id)}</h1>",
        f"<p class='note'>{escape(row.status)}, {moment(row.opened)} to {moment(row.closed)} UTC, {row.last_seq} records, "
        f"digest {escape(row.head)}</p>",
        "<h2>PnL</h2>",
        _profits(account),
        "<h2>Markouts</h2>",
        "<p class='note'>Mid so long after a fill against its price, from our side, in bps: negative is adverse.</p>",
        _metrics([line for line in quality.metrics if line.metric in {f"markout {it}" for it in HORIZONS}], "no fills"),
        "<h2>Latency</h2>",
        _metrics([line for line in quality.metrics if line.unit == "ms"], "nothing was sent"),
        "<h2>Refusals</h2>",
        _refusals(account),
        *_charts(account),
    ]
    head = f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{escape(row.id)}</title>"
    return f"{head}<style>{_STYLE}</style></head><body>{''.join(body)}</body></html>"


def _profits(account: Account) -> str:
    names = ("spread", "inventory", "fees", "rebates", "funding", "total")
    rows = [
        (f"{venue} {symbol}", *(f"{rounded(getattr(it, name)):f}" for name in names), it.asset)
        for (venue, symbol), it in sorted(account.profits.items())
    ]
    unseen = sum(it.unseen for it in account.profits.values())
    note = f"<p class='note'>{unseen} fills had no book to be held against.</p>" if unseen else ""
    return _table(("market", *names, "in"), rows, "nothing was traded") + note


def _metrics(lines: Sequence[MetricLine], nothing: str) -> str:
    rows = []
    for it in lines:
        known = it.numbers
        numbers = (known.mean, known.p50, known.p90, known.p99, known.maximum)
        rows.append((it.name, it.unit, str(known.count), *(f"{number:.4g}" for number in numbers)))
    return _table(("number", "unit", "count", "mean", "p50", "p90", "p99", "max"), rows, nothing)


def _refusals(account: Account) -> str:
    rows = [(f"{venue} {code}", text, str(count)) for (venue, code, text), count in sorted(account.refusals.items())]
    return _table(("code", "words", "times"), rows, "nothing was refused")


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], nothing: str) -> str:
    lines = ["".join(f"<td>{escape(printable(cell))}</td>" for cell in row) for row in rows]
    if not lines:
        return f"<p>{nothing}</p>"
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


# --- plots ---


def _charts(account: Account) -> list[str]:
    try:
        graphs = import_module("plotly.graph_objects")
    except ModuleNotFoundError as error:
        raise WrongUse("a report needs plotly, which is not installed: pip install plotly") from error
    found: list[str] = []
    for (venue, symbol), course in sorted(account.courses.items()):
        for title, traces in (("quotes and fills", _quotes(course)), ("inventory", _inventory(course))):
            figure = graphs.Figure(data=traces)
            figure.update_layout(height=420, margin={"t": 20}, legend={"orientation": "h"}, template="plotly_white")
            drawn = figure.to_html(full_html=False, include_plotlyjs="inline" if not found else False)
            found.append(f"<h2>{escape(printable(f'{venue} {symbol}'))}: {title}</h2>{drawn}")
    return found


def _quotes(course: Course) -> list[dict[str, Any]]:
    times = [_time(point.at) for point in course.points]
    lines = [
        _line(name, times, [getattr(point, field) for point in course.points], colour, width)
        for name, field, colour, width in (
            ("bid", "bid", "#9ecae1", 1),
            ("ask", "ask", "#fdae6b", 1),
            ("own bid", "own_bid", "#08519c", 2),
            ("own ask", "own_ask", "#a63603", 2),
        )
    ]
    for side, mark in (("buy", "triangle-up"), ("sell", "triangle-down")):
        fills = [fill for fill in course.fills if fill[1] == side]
        lines.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": f"{side} fills",
                "x": [_time(fill[0]) for fill in fills],
                "y": [fill[2] for fill in fills],
                "text": [f"{fill[3]:g} {_role(fill[4])}" for fill in fills],
                "marker": {"symbol": mark, "size": 11, "color": "#2ca02c" if side == "buy" else "#d62728"},
            }
        )
    return lines


def _role(maker: bool | None) -> str:
    return "" if maker is None else "maker" if maker else "taker"


def _inventory(course: Course) -> list[dict[str, Any]]:
    times = [_time(point.at) for point in course.points]
    return [_line("position", times, [point.position for point in course.points], "#444", 2)]


def _line(name: str, times: list[datetime], values: list[float | None], colour: str, width: int) -> dict[str, Any]:
    line = {"shape": "hv", "color": colour, "width": width}
    return {"type": "scatter", "mode": "lines", "name": name, "x": times, "y": values, "line": line}


def _time(at: int) -> datetime:
    return datetime.fromtimestamp(at / 1e9, UTC).replace(tzinfo=None)
