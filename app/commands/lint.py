"""`tapeline lint`: what in a strategy's source would make a replay decide otherwise."""

from pathlib import Path
from typing import Annotated

import typer

from app.linting import lint_file
from app.options import JsonOption, UnreadLogOption
from app.output import print_json, print_lines, remark

CLEAN, FINDINGS = 0, 1


def lint(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Python files.", show_default=False)],
    log: UnreadLogOption = None,
    as_json: JsonOption = False,
) -> int:
    """Refuse wall clock, randomness, I/O, iteration over sets and windows that look ahead, by file and line."""
    findings = [finding for path in files for finding in lint_file(path)]
    if as_json:
        print_json(findings)
    else:
        print_lines(str(finding).encode() for finding in findings)
        remark(f"{len(findings)} findings in {len(files)} {'file' if len(files) == 1 else 'files'}")
    return FINDINGS if findings else CLEAN
