"""What an author writes, by our pages and by `tapeline new-strategy`, as a project of its own.

`python -m tests.streams.authored`, a part of `make check`, holds it to `mypy --strict` outside of this repository, where the
author's own mypy runs.
"""

import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from app.scaffold import files_of

ROOT = Path(__file__).resolve().parents[2]
# What the blocks of docs/strategies.md take for granted.
HEADER = """from collections.abc import Callable
from decimal import Decimal

import msgspec
import reactivex
from reactivex import Observable, abc

from state.events import Decision, PlaceOrder
from state.ledger import Position
from state.words import Side
from streams import operators as op
from streams.feeds import Feeds
from streams.operators import Nbbo, Operator
from streams.quoting import Quote, ladder, to_intents
from streams.risk import RiskLimits, risk_gate

VENUE, SYMBOL = "venue", "BTC"
VENUES = (VENUE, "other")
LIMITS = RiskLimits(max_open_orders=6)


"""


def blocks(page: str) -> list[str]:
    """The blocks of Python of a page of docs, in their order."""
    return re.findall(r"```python\n(.*?)```", (ROOT / "docs" / page).read_text(), re.DOTALL)


def block_of(page: str, function: str) -> str:
    """The block that defines a function, with what it takes for granted."""
    (found,) = [block for block in blocks(page) if f"def {function}(" in block]
    return HEADER + found


def project() -> dict[str, str]:
    """File names and their text."""
    files = files_of("mine") | {"ten_lines.py": (ROOT / "examples" / "ten_lines.py").read_text()}
    files |= {f"strategy_{number}.py": HEADER + block for number, block in enumerate(blocks("strategies.md")[1:])}
    return files | {f"tested_{number}.py": block for number, block in enumerate(blocks("testing.md"))}


def main() -> int:
    with TemporaryDirectory() as folder:
        for name, text in project().items():
            (Path(folder) / name).write_text(text)
        names = sorted(name for name in project() if name.endswith(".py"))
        # A body of three dots stands for one that is left out.
        words = [sys.executable, "-m", "mypy", "--strict", "--disable-error-code", "empty-body", *names]
        return subprocess.run(words, cwd=folder, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
