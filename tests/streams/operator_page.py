"""docs/operators.md, made from the operators themselves: `python -m tests.streams.operator_page` writes it."""

import inspect
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import get_args, get_origin, get_type_hints

from streams import operators as op

PAGE = Path(__file__).resolve().parents[2] / "docs" / "operators.md"

NOT_OPERATORS = frozenset(
    {"Losses", "Operator", "Alarm", "Kept", "keep", "lift", "map", "filter"}
    | {"Nbbo", "Basis", "Crossing", "DepthChange", "LeadLag"}
)
GROUPS: Mapping[str, tuple[str, ...]] = {
    "Prices": (
        "mid", "microprice", "weighted_mid", "depth_mid", "vamp", "impact_price", "spread", "nbbo", "basis", "premium",
    ),
    "Books": (
        "imbalance", "imbalance_bps", "depth_imbalance", "depth_changes", "order_flow_imbalance", "crossing", "trusted",
    ),
    "Trades": (
        "signed_volume", "trade_imbalance", "trade_imbalance_n", "intensity", "vwap", "large_trades", "kyle_lambda",
    ),
    "Candles": ("candles", "bars"),
    "Volatility": (
        "ewma_volatility", "realized_volatility", "parkinson", "garman_klass", "bollinger_width", "time_scaled",
    ),
    "Averages and ranks": (
        "ema", "ema_n", "wma", "wma_n", "hma", "hma_n", "zscore", "percentile", "momentum", "ring", "clamp", "utilisation",
    ),
    "Time and rate": ("throttle", "debounce", "sample", "conflate", "buffer", "hold", "stale_after", "silent", "each"),
    "Several streams": ("combine", "combine_every", "with_latest", "when", "switch_regime", "lead_lag"),
}  # fmt: skip

SPELLED = {
    "combine": "A, B, … → tuple[A, B, …]",
    "combine_every": "A, B, … → tuple[A, B, …]",
    "with_latest": "T, with A, … → tuple[T, A, …]",
}

_NAME = r"[A-Z][\w-]+(?: de [A-Z]\w+)?"
_CITED = re.compile(
    rf'(?:{_NAME}, )+"[^"]+" \(\d{{4}}\)|(?:{_NAME}, )*{_NAME} \(\d{{4}}\)|SEC Regulation NMS, rule [\w()]+ \(\d{{4}}\)'
    r"|https://[^\s,)]+[\w/]"
)

COLUMNS = "| operator | in → out | what it says, in which unit | source |\n|---|---|---|---|"

HEAD = """# Operators

All of `streams.operators`, made from their docstrings by `python -m tests.streams.operator_page`; a test keeps this page equal to
the code. Times are virtual, `_n` counts values where the name without it goes by time, and Σ over a window costs the same however
much is in it. Each docstring has a marble drawing and says when nothing is said. State, and what it takes to be restartable:
[design.md](design.md#what-strategies-hold).
"""


def page() -> str:
    """Raises `KeyError` for an operator without a group, or a group with one that does not exist."""
    missing = set(op.__all__) - NOT_OPERATORS - {name for names in GROUPS.values() for name in names}
    if missing:
        raise KeyError(f"no group for {', '.join(sorted(missing))}")
    parts = [HEAD]
    for title, names in GROUPS.items():
        rows = [_row(name) for name in names]
        parts.append("\n".join((f"## {title}\n", COLUMNS, *rows, "")))
    return "\n".join(parts)


def _row(name: str) -> str:
    function = getattr(op, name)
    text = inspect.getdoc(function) or ""
    first = " ".join(text.split("\n\n")[0].split())
    types = SPELLED.get(name) or _types(function)
    cells = (f"`{_call(name, function)}`", f"`{types}`", first, source_of(text) or "—")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _call(name: str, function: Callable[..., object]) -> str:
    said = []
    for parameter in inspect.signature(function).parameters.values():
        mark = "*" if parameter.kind is parameter.VAR_POSITIONAL else ""
        default = "" if parameter.default is parameter.empty else f"={parameter.default!r}"
        said.append(f"{mark}{parameter.name}{default}")
    return f"{name}({', '.join(said)})"


def _types(function: Callable[..., object]) -> str:
    """`Book → float` of an operator, `Book, … → Nbbo` of what makes one stream of several."""
    hints = get_type_hints(function, localns=_numpy())
    returned = hints.pop("return")
    if isinstance(get_origin(returned), type) and get_origin(returned).__name__ == "Observable":
        given = [_of(hint) for hint in hints.values() if _is_stream(hint)]
        variadic = any(p.kind is p.VAR_POSITIONAL for p in inspect.signature(function).parameters.values())
        return f"{', '.join(given)}{', …' if variadic else ''} → {_of(returned)}"
    (taken,), made = get_args(returned)
    return f"{_of(taken)} → {_of(made)}"


def _numpy() -> dict[str, object]:
    import numpy as np
    from numpy.typing import NDArray

    return {"np": np, "NDArray": NDArray}


def _is_stream(hint: object) -> bool:
    return "Observable" in str(hint)


def _of(stream: object) -> str:
    """What an `Observable` carries; of a mapping of streams, what each carries."""
    (carried, *_) = get_args(stream)[-1:] or (stream,)
    if _is_stream(carried):
        return _of(carried)
    text = "ndarray" if "ndarray" in str(carried) else inspect.formatannotation(carried)
    return re.sub(r"[~]|\b(\w+\.)+(?=\w)", "", text)


def source_of(text: str) -> str:
    """Who wrote of it: the sentences of a docstring with a title and a year, or an address."""
    prose = " ".join(line for line in inspect.cleandoc(text).split("\n")[1:] if not line.startswith("    "))
    found = [match[0] for match in _CITED.finditer(" ".join(prose.split()))]
    return "; ".join(dict.fromkeys(found))


if __name__ == "__main__":
    PAGE.write_text(page())
