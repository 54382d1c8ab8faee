"""How the indexer spells numbers and times."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

_PLACES = Decimal("1E-20")


def plain(number: Decimal) -> str:
    """Without exponent and without trailing zeros, twenty places at most."""
    if not number:
        return "0"
    exponent = number.as_tuple().exponent
    rounded = number.quantize(_PLACES) if isinstance(exponent, int) and exponent < -20 else number
    return format(rounded.normalize(), "f")


def iso(ts_ms: int) -> str:
    """ISO 8601 in UTC with milliseconds."""
    at = datetime.fromtimestamp(ts_ms // 1000, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{ts_ms % 1000:03d}Z"


def iso_ms(text: str) -> int:
    """Milliseconds out of ISO 8601; raises ValueError."""
    at = datetime.fromisoformat(text)
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
