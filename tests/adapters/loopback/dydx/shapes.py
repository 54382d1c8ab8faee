"""Two answers have the same shape where they have the same keys with the same kinds below them."""

from __future__ import annotations

import json
from pathlib import Path

import zstandard

KINDS = {str: "text", int: "number", float: "number", bool: "flag", type(None): "nothing"}


def shape(value):
    """Keys and kinds; of a list and of a map whose keys are data, the shapes that occur, each once."""
    if isinstance(value, list):
        return ("list", *sorted({str(shape(one)) for one in value}))
    if isinstance(value, dict):
        if value and all(isinstance(key, str) and ("-USD" in key or key == "USDC") for key in value):
            return ("map", *sorted({str(shape(one)) for one in value.values()}))
        return {key: shape(one) for key, one in sorted(value.items())}
    return KINDS[type(value)]


def recorded(folder: Path, name: str):
    """A frame or answer as it was captured."""
    path = folder / "dydx" / name
    text = zstandard.decompress(path.read_bytes()) if path.suffix == ".zst" else path.read_bytes()
    found = json.loads(text)
    return found["result"] if "requestId" in found else found
