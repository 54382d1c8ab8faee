"""One market of a session as a small SVG: the touch, our best quotes and fills above, the position below."""

from collections.abc import Callable, Iterator, Sequence
from html import escape

from app.output import printable
from replay.pnl import Course, Point

WIDTH, PRICES, POSITION, LEFT, RIGHT, GAP = 760, 240, 70, 84, 12, 26  # pixels
_TOP = 24
_LINES = (
    ("bid", "#9ecae1", 1.0),
    ("ask", "#fdae6b", 1.0),
    ("own_bid", "#08519c", 1.4),
    ("own_ask", "#a63603", 1.4),
)
_LEGEND = (
    ("touch", "#9ecae1"),
    ("our bid", "#08519c"),
    ("our ask", "#a63603"),
    ("bought", "#2ca02c"),
    ("sold", "#d62728"),
)

Place = Callable[[float], float]  # a value to a pixel


def picture(course: Course, title: str) -> str:
    """The whole SVG. Lines are steps: what was known last holds until the next word."""
    points, fills = course.points, course.fills
    prices = [price for point in points for price in _prices(point)] + [fill[2] for fill in fills]
    times = [point.at for point in points] + [fill[0] for fill in fills]
    if not prices:
        return _svg([f"<text x='{LEFT}' y='60'>no book was ever known</text>"], title)
    x = _scale(min(times), max(times), LEFT, WIDTH - RIGHT)
    y = _scale(min(prices), max(prices), _TOP + PRICES, _TOP)
    base = _TOP + PRICES + GAP
    held = [point.position for point in points]
    p = _scale(min(0.0, *held), max(0.0, *held), base + POSITION, base)
    body = [
        *(_path(points, field, colour, width, x, y) for field, colour, width in _LINES),
        *(_mark(fill[1], x(fill[0]), y(fill[2])) for fill in fills),
        f"<path d='M{LEFT} {p(0.0):.1f}H{WIDTH - RIGHT}' stroke='#bbb' stroke-width='.7'/>",
        _path(points, "position", "#444", 1.4, x, p),
        *_labels(min(prices), max(prices), y),
        *_labels(min(0.0, *held), max(0.0, *held), p),
        f"<text x='{WIDTH - RIGHT}' y='{base + POSITION + 16}' text-anchor='end'>{(max(times) - min(times)) / 1e9:.0f} s, "
        f"{len(fills)} fills; below: the position</text>",
    ]
    return _svg([*body, *_legend()], title)


def _svg(body: Sequence[str], title: str) -> str:
    height = _TOP + PRICES + GAP + POSITION + 24
    return "\n".join(
        [
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height}' font-family='sans-serif' font-size='11'>",
            f"<title>{escape(printable(title))}</title>",
            f"<rect width='{WIDTH}' height='{height}' fill='#fff'/>",
            *body,
            "</svg>",
            "",
        ]
    )


def _prices(point: Point) -> Iterator[float]:
    for price in (point.bid, point.ask, point.own_bid, point.own_ask):
        if price is not None:
            yield price


def _scale(low: float, high: float, at_low: float, at_high: float) -> Place:
    span = high - low or 1.0
    return lambda value: at_low + (value - low) / span * (at_high - at_low)


def _path(points: Sequence[Point], field: str, colour: str, width: float, x: Place, y: Place) -> str:
    """Steps, with a hole where nothing is known."""
    words: list[str] = []
    before: float | None = None
    for point in points:
        value: float | None = getattr(point, field)
        at = x(point.at)
        if value is not None and before is None:
            words.append(f"M{at:.1f} {y(value):.1f}")
        elif value is None and before is not None:
            words.append(f"H{at:.1f}")
        elif value is not None and value != before:
            words.append(f"H{at:.1f}V{y(value):.1f}")
        before = value
    if before is not None and points:
        words.append(f"H{x(points[-1].at):.1f}")
    return f"<path d='{''.join(words)}' fill='none' stroke='{colour}' stroke-width='{width}'/>"


def _mark(side: str, x: float, y: float) -> str:
    """A triangle that points up where we bought."""
    tip, colour = (5, "#2ca02c") if side == "buy" else (-5, "#d62728")
    return f"<path class='fill' d='M{x:.1f} {y - tip:.1f}l4 {1.6 * tip:.1f}h-8z' fill='{colour}'/>"


def _labels(low: float, high: float, y: Place) -> list[str]:
    return [
        f"<text x='{LEFT - 6}' y='{y(value) + 4:.1f}' text-anchor='end'>{value:.8g}</text>"
        for value in dict.fromkeys((low, high))
    ]


def _legend() -> list[str]:
    return [
        f"<text x='{LEFT + 80 * number}' y='14' fill='{colour}'>{name}</text>"
        for number, (name, colour) in enumerate(_LEGEND)
    ]
