"""Measurements of all rounds: medians, paired ratios, tables. A ratio is only taken within one round."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median

import msgspec


class Measurement(msgspec.Struct, frozen=True):
    """What one process told of one thing in one round."""

    work: str
    name: str
    n: int
    seconds: float
    figures: dict[str, float]
    round: int = 0


class Spread(msgspec.Struct, frozen=True):
    """Median and range."""

    middle: float
    least: float
    most: float

    @classmethod
    def of(cls, numbers: Iterable[float]) -> "Spread":
        """Raises `ValueError` on no numbers."""
        known = sorted(numbers)
        if not known:
            raise ValueError("nothing was measured")
        return cls(median(known), known[0], known[-1])

    def __str__(self) -> str:
        return f"{_figure(self.middle)} [{_figure(self.least)} to {_figure(self.most)}]"


class Results:
    """All measurements of one run."""

    def __init__(self, measurements: Sequence[Measurement]) -> None:
        self.measurements = measurements

    @classmethod
    def read(cls, path: Path) -> "Results":
        return cls([_decode(line) for line in path.read_bytes().splitlines() if line])

    def names(self, work: str) -> list[str]:
        """In the order in which they were first told."""
        return list(dict.fromkeys(each.name for each in self.measurements if each.work == work))

    def figure(self, work: str, name: str, figure: str) -> dict[int, float]:
        """By round; the median where a round told it more than once."""
        told: dict[int, list[float]] = {}
        for each in self.measurements:
            if each.work == work and each.name == name and figure in each.figures:
                told.setdefault(each.round, []).append(each.figures[figure])
        return {number: median(values) for number, values in told.items()}

    def ratio(self, work: str, over: tuple[str, str], under: tuple[str, str]) -> Spread | None:
        """`over` / `under`, each a (name, figure), round by round; None where no round has both."""
        tops, bottoms = self.figure(work, *over), self.figure(work, *under)
        both = [tops[number] / bottoms[number] for number in tops if bottoms.get(number)]
        return Spread.of(both) if both else None


def table(results: Results, work: str) -> str:
    """All figures of one work, as Markdown."""
    names = results.names(work)
    figures = list(dict.fromkeys(f for m in results.measurements if m.work == work for f in m.figures))
    rows = [f"| {work} | {' | '.join(figures)} |", f"|---|{'---|' * len(figures)}"]
    for name in names:
        cells = []
        for figure in figures:
            values = results.figure(work, name, figure).values()
            cells.append(str(Spread.of(values)) if values else "")
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(rows)


def encode(measurement: Measurement) -> bytes:
    return _encode(measurement)


def parse(line: bytes, number: int) -> Measurement:
    """A line that a measuring process told; raises `msgspec.DecodeError`."""
    return msgspec.structs.replace(_decode(line), round=number)


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Measurement).decode


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
