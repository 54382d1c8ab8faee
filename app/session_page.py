"""A session as one page of HTML that stands alone: the script that draws is in it, and nothing is fetched."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from importlib import import_module
from typing import Any, Final, TypeAlias

from app.output import figure, moment, printable
from app.report import rounded
from replay.pnl import Account, Course
from replay.quality.report import MetricLine, Quality
from state.errors import WrongUse
from state.log import SessionRow

HORIZONS: Final = ("1s", "5s", "30s", "60s")
PARTS: Final = ("spread", "inventory", "fees", "rebates", "funding")
STAGES: Final = (
    "frame to intent", "intent to wire", "wire to answer", "intent to answer", "answer to fill", "intent to fill",
)  # fmt: skip
_STYLE: Final = (
    "body{font:15px system-ui,sans-serif;margin:2em auto;max-width:72em;padding:0 1em;color:#222}"
    "table{border-collapse:collapse;margin:.5em 0 1.5em}th,td{padding:.25em .8em;text-align:right;"
    "border-bottom:1px solid #ddd}th:first-child,td:first-child{text-align:left}h2{margin-top:2em}.note{color:#666}"
)


def page(row: SessionRow, account: Account, quality: Quality, assumed: Sequence[str] = ()) -> str:
    """The whole page, with what the fills of a simulation rest on; raises `WrongUse` where plotly is not installed."""
    draw = _Drawing()
    body = [
        f"<h1>Session {escape(row.id)}</h1>",
        f"<p class='note'>{escape(row.status)}, {moment(row.opened)} to {moment(row.closed)} UTC, {row.last_seq} records, "
        f"digest {escape(row.head)}</p>",
        "<h2>PnL</h2>",
        _profits(account),
        *draw.bars(_parts(account), "earned"),
        "<h2>Markouts</h2>",
        "<p class='note'>Mid so long after a fill against its price, from our side, in bps: negative is adverse. "
        "A horizon that the session's end cuts off is not counted.</p>",
        _metrics(_of(quality, [f"markout {it}" for it in HORIZONS]), "no fills"),
        *draw.bars(_markouts(quality), "bps, mean"),
        "<h2>Latency</h2>",
        "<p class='note'>From the market's frame to the intent, to the wire, to the venue's answer, to the first fill.</p>",
        _metrics(_of(quality, STAGES), "nothing was sent"),
        *draw.bars(_waits(quality), "ms", scale="log"),
        "<h2>Refusals</h2>",
        _refusals(account),
        *draw.courses(account),
        *_assumed(assumed),
    ]
    head = f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{escape(row.id)}</title>"
    return f"{head}<style>{_STYLE}</style></head><body>{''.join(body)}</body></html>"


def _profits(account: Account) -> str:
    names = (*PARTS, "total")
    rows = [
        (f"{venue} {symbol}", *(f"{rounded(getattr(it, name)):f}" for name in names), it.asset)
        for (venue, symbol), it in sorted(account.profits.items())
    ]
    notes = "".join(f"<p class='note'>{escape(printable(note))}</p>" for note in _not_in_the_sums(account))
    return _table(("market", *names, "in"), rows, "nothing was traded") + notes


def _not_in_the_sums(account: Account) -> Iterator[str]:
    unseen = sum(it.unseen for it in account.profits.values())
    if unseen:
        yield f"{unseen} fills had no book to be held against."
    for (venue, symbol), gap in sorted(account.gaps.items()):
        if gap.count:
            where = " ".join(filter(None, (venue, symbol)))
            lasted = f"{gap.count} times, {gap.lasted / 1e9:.1f} s in all"
            yield f"{where}: the book could not be trusted {lasted}; on paper nothing fills then."
    for (venue, symbol), it in sorted(account.profits.items()):
        if it.unpriced:
            yield f"{venue} {symbol}: {it.unpriced:f} is still held and no book says what it is worth: it counts at its cost."
        for asset, amount in sorted(it.elsewhere.items()):
            yield f"{venue} {symbol}: fees of {rounded(amount):f} {asset} are in no sum: nobody says what {asset} is worth."


def _metrics(lines: Sequence[MetricLine], nothing: str) -> str:
    rows = []
    for it in lines:
        known = it.numbers
        numbers = (known.mean, known.p50, known.p90, known.p99, known.maximum)
        rows.append((it.name, it.unit, str(known.count), *map(figure, numbers)))
    return _table(("number", "unit", "count", "mean", "p50", "p90", "p99", "max"), rows, nothing)


def _refusals(account: Account) -> str:
    rows = [(f"{venue} {code}", text, str(count)) for (venue, code, text), count in sorted(account.refusals.items())]
    rows += [(f"risk, {venue}", rule, str(count)) for (venue, rule), count in sorted(account.blocked.items())]
    return _table(("code", "words", "times"), rows, "nothing was refused, and risk blocked nothing")


def _assumed(sentences: Sequence[str]) -> list[str]:
    if not sentences:
        return []
    lines = "".join(f"<li>{escape(printable(sentence))}</li>" for sentence in sentences)
    return [
        "<h2>What these fills assume</h2><p class='note'>This session's orders met a paper venue.</p>",
        f"<ul>{lines}</ul>",
    ]


def _of(quality: Quality, metrics: Sequence[str]) -> list[MetricLine]:
    """Those numbers, in that order."""
    return [line for metric in metrics for line in quality.metrics if line.metric == metric]


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], nothing: str) -> str:
    lines = ["".join(f"<td>{escape(printable(cell))}</td>" for cell in row) for row in rows]
    if not lines:
        return f"<p>{nothing}</p>"
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


# --- plots ---


Bars: TypeAlias = dict[str, dict[str, float]]  # group -> where -> height


class _Drawing:
    """Plots of one page: the script that draws them all comes with the first."""

    def __init__(self) -> None:
        try:
            self._graphs = import_module("plotly.graph_objects")
        except ModuleNotFoundError as error:
            raise WrongUse("a report needs plotly, which is not installed: pip install plotly") from error
        self._has_script = False

    def _plot(self, traces: Sequence[dict[str, Any]], **layout: object) -> str:
        figure = self._graphs.Figure(data=traces)
        figure.update_layout(margin={"t": 20}, legend={"orientation": "h"}, template="plotly_white", **layout)
        drawn: str = figure.to_html(full_html=False, include_plotlyjs=False if self._has_script else "inline")
        self._has_script = True
        return drawn

    def bars(self, bars: Bars, unit: str, scale: str = "linear") -> list[str]:
        """Groups beside each other; nothing where there are none."""
        if not bars:
            return []
        traces = [
            {"type": "bar", "name": printable(name), "x": list(heights), "y": list(heights.values())}
            for name, heights in bars.items()
        ]
        return [self._plot(traces, height=300, barmode="group", yaxis={"title": unit, "type": scale})]

    def courses(self, account: Account) -> list[str]:
        found = []
        for (venue, symbol), course in sorted(account.courses.items()):
            if not course.is_ours:
                continue
            for title, traces in (("quotes and fills", _quotes(course)), ("inventory", _inventory(course))):
                found.append(
                    f"<h2>{escape(printable(f'{venue} {symbol}'))}: {title}</h2>{self._plot(traces, height=420)}"
                )
        return found


def _parts(account: Account) -> Bars:
    return {
        f"{venue} {symbol}, {it.asset}": {part: float(getattr(it, part)) for part in (*PARTS, "total")}
        for (venue, symbol), it in sorted(account.profits.items())
    }


def _markouts(quality: Quality) -> Bars:
    found: Bars = {}
    for horizon in HORIZONS:
        for line in _of(quality, [f"markout {horizon}"]):
            found.setdefault(f"{line.venue} {line.symbol} {line.group}", {})[horizon] = line.numbers.mean
    return found


def _waits(quality: Quality) -> Bars:
    found: Bars = {}
    for line in _of(quality, STAGES):
        for name, height in (("p50", line.numbers.p50), ("p99", line.numbers.p99)):
            found.setdefault(f"{line.venue} {line.group} {name}", {})[line.metric] = height
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
