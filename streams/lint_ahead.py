"""Calls that look ahead on recorded data: smoothers in both directions, fills from behind, negative shifts; for the lint."""

import ast
from collections.abc import Mapping
from typing import Final

PAST: Final = "a window that ends now: op.ema, op.ring, …"

# Windows that reach into the future, where they stand on recorded data: smoothers that are centred, fills from behind.
_AHEAD: Final[Mapping[str, tuple[str, str]]] = {
    **{f"scipy.signal.{name}": ("looks ahead: it smooths in both directions", PAST) for name in (
        "filtfilt", "sosfiltfilt", "savgol_filter", "medfilt", "hilbert", "detrend", "find_peaks", "argrelextrema",
    )},
    "scipy.ndimage.*": ("looks ahead: its window is centred", PAST),
    "numpy.gradient": ("looks ahead: its differences are central", "numpy.diff"),
}  # fmt: skip
_METHODS: Final[Mapping[str, tuple[str, str]]] = {
    "bfill": ("looks ahead: it fills from what comes later", ".ffill()"),
    "backfill": ("looks ahead: it fills from what comes later", ".ffill()"),
    "interpolate": ("looks ahead: it needs the points on both sides", ".ffill()"),
}
# Methods whose first argument, or this keyword, is an offset: a negative one looks ahead.
_SHIFTING: Final[Mapping[str, str]] = {"shift": "periods", "diff": "periods", "pct_change": "periods"}
# Keywords that make a window look ahead, with the values that do.
_KEYWORDS: Final[Mapping[tuple[str, str], tuple[object, ...]]] = {
    ("rolling", "center"): (True,),
    ("ewm", "center"): (True,),
    ("fillna", "method"): ("bfill", "backfill"),
    ("reindex", "method"): ("bfill", "backfill", "nearest"),
    ("merge_asof", "direction"): ("forward", "nearest"),
    ("convolve", "mode"): ("same", "full"),
    ("correlate", "mode"): ("same", "full"),
}


def looks_ahead(node: ast.Call, dotted: str | None) -> tuple[str, str] | None:
    """What a call does and what to use instead; None for one that looks back, or of which nothing is known.

    `dotted` is the full name of what is called, where it is known.
    """
    found = _AHEAD.get(dotted or "") or _AHEAD.get(f"{(dotted or '').rpartition('.')[0]}.*")
    if found is not None:
        return f"{dotted} {found[0]}", found[1]
    method = node.func.attr if isinstance(node.func, ast.Attribute) else (dotted or "").rpartition(".")[2]
    if isinstance(node.func, ast.Attribute) and method in _METHODS:
        return f".{method}() {_METHODS[method][0]}", _METHODS[method][1]
    for keyword in node.keywords:
        value = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
        if value is not None and value in _KEYWORDS.get((method, keyword.arg or ""), ()):
            return f"{method}({keyword.arg}={value!r}) looks ahead", PAST
    if dotted == "numpy.convolve" and not _says(node, "mode", 2, "valid"):
        return "numpy.convolve looks ahead unless mode is 'valid'", PAST
    if method in _SHIFTING and isinstance(node.func, ast.Attribute) and _is_negative(node, _SHIFTING[method], 0):
        return f".{method}() by a negative offset looks ahead", PAST
    if dotted == "numpy.roll" and _is_negative(node, "shift", 1):
        return "numpy.roll by a negative offset looks ahead", PAST
    return None


def _argument(node: ast.Call, name: str, place: int) -> ast.expr | None:
    named = next((keyword.value for keyword in node.keywords if keyword.arg == name), None)
    return named if named is not None else node.args[place] if len(node.args) > place else None


def _says(node: ast.Call, name: str, place: int, word: str) -> bool:
    argument = _argument(node, name, place)
    return isinstance(argument, ast.Constant) and argument.value == word


def _is_negative(node: ast.Call, name: str, place: int) -> bool:
    argument = _argument(node, name, place)
    return isinstance(argument, ast.UnaryOp) and isinstance(argument.op, ast.USub)
