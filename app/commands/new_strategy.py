"""`tapeline new-strategy`: a strategy of one's own that can be tested and run at once."""

from keyword import iskeyword
from pathlib import Path
from typing import Annotated

import typer

from app.options import UnreadLogOption
from app.output import print_lines
from app.scaffold import files_of
from state.errors import WrongUse


def new_strategy(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A Python name in small letters.", show_default=False)],
    into: Annotated[Path, typer.Option("--into", metavar="FOLDER", help="Where to.")] = Path(),
    log: UnreadLogOption = None,
) -> None:
    """Write a strategy, its test and a configuration for a venue on this machine; nothing that is there is overwritten."""
    if not name.isidentifier() or iskeyword(name) or name != name.lower():
        raise WrongUse(f"a strategy is named like a function in Python, in small letters: not {name!r}")
    files = {into / file: text for file, text in files_of(name).items()}
    there = [str(path) for path in files if path.exists()]
    if there:
        raise WrongUse(f"{', '.join(there)} is there already")
    into.mkdir(parents=True, exist_ok=True)
    for path, text in files.items():
        path.write_text(text)
    print_lines(f"wrote {path}".encode() for path in files)
    lines = [] if into == Path() else [f"  cd {into}"]
    lines += [
        f"  pytest test_{name}.py",
        f"  tapeline lint {name}.py",
        "  tapeline loopback bybit --port 8765   (in a terminal of its own)",
        f"  TAPELINE_BYBIT_KEY=loopback-key TAPELINE_BYBIT_SECRET=loopback-secret tapeline run {name}.toml --for 20s",
    ]
    print_lines(line.encode() for line in ("next:", *lines))
